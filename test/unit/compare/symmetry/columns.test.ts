import { expect, test } from "vitest";
import { Column, PairTable, ValueTable } from "../../../../compiler/compare/symmetry/columns.ts";

test("a column holds what was pushed, and nothing else", () => {
  const column = new Column();
  const pushed = Array.from({ length: 5000 }, (_, i) => i * 7 - 3);
  for (const value of pushed) column.push(value);
  expect(column.length).toBe(pushed.length);
  expect([...column.values]).toEqual(pushed);
});

test("each pair has its own number, also those with the numbers of another in the other order", () => {
  const table = new PairTable();
  const pairs = Array.from({ length: 3600 }, (_, i) => [i % 60, Math.floor(i / 60) * 4096] as const);
  const numbersOf = (): number[] => pairs.map(([first, second]) => table.get(first, second));
  expect(new Set(numbersOf())).toEqual(new Set([-1]));
  for (const [i, [first, second]] of pairs.entries()) table.set(first, second, i);
  expect(numbersOf()).toEqual([...pairs.keys()]);
});

test("values of 32 bits, larger ones, other numbers and bigints have numbers of their own", () => {
  const table = new ValueTable();
  const small = Array.from({ length: 3000 }, (_, i) => i * 1_431_655);
  /** With the same bits in each of four words. */
  const wide = Array.from({ length: 2400 }, (_, i) => BigInt(1 + (i % 600)) << BigInt(32 * Math.floor(i / 600)));
  const odd = [2 ** 32 - 1, 2 ** 32, 2 ** 40 + 65_536, -1, 0.5, 0n, -1n, 2n ** 128n - 1n, 2n ** 128n, 2n ** 128n + 1n];
  const values = [...small, ...odd, ...wide];
  expect(values.some((value) => table.has(value))).toBe(false);
  for (const [i, value] of values.entries()) table.set(value, 7 * i);
  expect(values.map((value) => table.get(value))).toEqual(values.map((_, i) => 7 * i));
  expect(table.known).toEqual(values);
  expect(table.numbers).toEqual(values.map((_, i) => 7 * i));
  expect([1, 2n ** 90n, 2 ** 33].map((value) => table.get(value))).toEqual([-1, -1, -1]);
});
