import { expect, test } from "vitest";
import { Digest } from "../../../runtime/table/digest.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

function digestOf(...members: readonly (readonly Uint8Array[])[]): string {
  const digest = new Digest();
  for (const [first = bytes(), second] of members) digest.add(first, second);
  return digest.toString();
}

test("the order of members does not matter, that of their parts does", () => {
  const [a, b] = [
    [bytes(1, 2), bytes(3)],
    [bytes(4), bytes()],
  ];
  expect(digestOf(a, b)).toBe(digestOf(b, a));
  expect(digestOf(a)).not.toBe(digestOf([...a].reverse()));
});

test("parts do not run into one another, and zeros at their end count", () => {
  const texts = [
    [bytes(1, 2), bytes(3)],
    [bytes(1), bytes(2, 3)],
    [bytes(1, 2, 3), bytes()],
    [bytes(), bytes(1, 2, 3)],
    [bytes(1, 2, 3)],
    [bytes(1, 2, 3, 0)],
    [bytes(1, 2, 3, 0, 0)],
  ].map((parts) => digestOf(parts));
  expect(new Set(texts).size).toBe(texts.length);
});

test("who takes away what was added is where they were", () => {
  const digest = new Digest();
  expect(digest.toString()).toBe("0000000000000000/0");
  for (let i = 0; i < 1000; i++) digest.add(bytes(i & 255, i >> 8), bytes(7));
  const before = digest.toString();
  digest.add(bytes(9, 9, 9));
  expect(digest.toString()).not.toBe(before);
  digest.remove(bytes(9, 9, 9));
  expect(digest.toString()).toBe(before);
});

test("each bit of a member counts", () => {
  const plain = bytes(10, 96, 0, 10, 0, 80, 0, 0);
  const texts = new Set([digestOf([plain])]);
  for (let bit = 0; bit < 64; bit++) {
    const other = plain.slice();
    other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    texts.add(digestOf([other]));
  }
  expect(texts.size).toBe(65);
});
