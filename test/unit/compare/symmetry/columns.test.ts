import { expect, test } from "vitest";
import { Column, PairTable } from "../../../../compiler/compare/symmetry/columns.ts";

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
