import fc from "fast-check";
import { expect, test } from "vitest";
import { Digest } from "../../../runtime/table/digest.ts";
import { runs } from "../../support/runs.ts";

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

// --- MurmurHash3 of 32 bits, as its author describes it, in integers without end ------------------------------------------

const low32 = (value: bigint): bigint => value & 0xffffffffn;
const turned = (value: bigint, by: bigint): bigint => low32(value << by) | (value >> (32n - by));

function murmur(seed: bigint, words: readonly bigint[]): bigint {
  let state = seed;
  for (const word of words) {
    const k = low32(turned(low32(word * 0xcc9e2d51n), 15n) * 0x1b873593n);
    state = low32(turned(state ^ k, 13n) * 5n + 0xe6546b64n);
  }
  state = low32((state ^ (state >> 16n)) * 0x85ebca6bn);
  state = low32((state ^ (state >> 13n)) * 0xc2b2ae35n);
  return state ^ (state >> 16n);
}

/** Of each part its length and its words, the last of which is filled up with zeros. */
function wordsOf(parts: readonly Uint8Array[]): bigint[] {
  return parts.flatMap((part) => {
    const padded = Buffer.concat([part, Buffer.alloc(3)]);
    const words = Array.from({ length: Math.ceil(part.length / 4) }, (_, i) => BigInt(padded.readUInt32LE(4 * i)));
    return [BigInt(part.length), ...words];
  });
}

test("a mark is 21 bits of one hash and 32 of the other, above 0; a digest is both of all members", () => {
  const part = fc.uint8Array({ maxLength: 21 });
  const member = fc
    .tuple(part, part, part, part)
    .chain((all) => fc.integer({ min: 1, max: 4 }).map((n) => all.slice(0, n)));
  fc.assert(
    fc.property(fc.array(member, { maxLength: 5 }), (members) => {
      const digest = new Digest();
      let [allHigh, allLow] = [0n, 0n];
      for (const parts of members) {
        const [high, low] = [murmur(0x3c6ef372n, wordsOf(parts)), murmur(0x9747b28cn, wordsOf(parts))];
        const [a = bytes(), b, c, d] = parts;
        expect(BigInt(digest.add(a, b, c, d))).toBe(((high >> 11n) << 32n) + low + 1n);
        [allHigh, allLow] = [allHigh ^ high, allLow ^ low];
      }
      const text = [allHigh, allLow].map((half) => half.toString(16).padStart(8, "0")).join("");
      expect(digest.toString()).toBe(`${text}/${members.length}`);
    }),
    { numRuns: runs(800) },
  );
});
