import fc from "fast-check";
import { expect, it } from "vitest";
import { contentOf, ElementIndex, rangesOf } from "../../../compiler/evaluate/lookup.ts";
import { OTHER_KEYS } from "../../../compiler/ir/sets.ts";
import type { ElementKey, SetElement } from "../../../compiler/ir/types.ts";
import { type PacketField, PacketSet } from "../../../compiler/packets/packet-set.ts";
import { applySpread, type Spread } from "../../../compiler/packets/preimage.ts";
import { Ranges } from "../../../compiler/packets/ranges.ts";

const ONE = Ranges.of(0);
const MEMORY = { mark: ONE, ctstate: ONE, ctstatus: ONE, ctmark: ONE, toaddr: ONE, toport: ONE };

const arbitraryPart = fc.oneof(
  fc.nat(9),
  fc.tuple(fc.nat(9), fc.nat(3)).map(([from, more]) => ({ from, to: from + more })),
);
const arbitraryRanges = fc
  .uniqueArray(fc.nat(12), { minLength: 2, maxLength: 6 })
  .filter(({ length }) => length % 2 === 0)
  .map((cuts) => new Ranges(cuts.sort((a, b) => a - b)));

it("one element is found as among several that hold the same", () => {
  fc.assert(
    fc.property(arbitraryPart, arbitraryRanges, (part, saddr) => {
      const element = { key: [7, part] };
      const region = new PacketSet(ONE, ONE, saddr, ONE, MEMORY);
      const find = (elements: readonly (typeof element)[]) =>
        new ElementIndex({ elements })
          .split([7, { field: "saddr" }], region)
          .map((found) => ({ ...found, region: found.region.saddr.cuts }));
      expect(find([element])).toEqual(find([element, { ...element }]));
    }),
  );
});

const FIELDS = ["saddr", "daddr", "dport", "mark"] as const;
type KeyField = (typeof FIELDS)[number];
const SMALL = [0, 1, 2, 3];

/** A part of a key: a value, or a field with or without a mask. */
const partOf = (field: KeyField) =>
  fc
    .record({
      kind: fc.constantFrom("value", "field", "masked", "mark"),
      value: fc.nat(3),
      mask: fc.nat(3),
      xor: fc.nat(3),
    })
    .map(({ kind, value, mask, xor }): number | Spread => {
      if (kind === "value") return value;
      if (kind === "field") return { field };
      // Marks alone may stand in a key twice, behind any mask: each of their values is looked up.
      if (kind === "mark" || field === "mark") return { field: "mark", masked: { mask, xor } };
      const bits = (field === "dport" ? 0xffff : 0xffffffff) - ((1 << (mask % 3)) - 1);
      return { field, masked: { mask: bits, xor } };
    });

/** Few values, so that elements meet: each is in the way of others. */
const smallPart = fc.oneof(
  fc.nat(3),
  fc.tuple(fc.nat(3), fc.nat(2)).map(([from, more]) => ({ from, to: from + more })),
);

const LOOKUPS = fc.integer({ min: 1, max: 3 }).chain((length) => {
  const key = fc.array(smallPart, { minLength: length, maxLength: length });
  const odd = fc.array(smallPart, { minLength: 1, maxLength: 3 });
  const asked = fc
    .shuffledSubarray([...FIELDS], { minLength: length, maxLength: length })
    .chain((fields) => fc.tuple(...fields.map(partOf)));
  return fc.record({
    elements: fc.array(
      fc.record({
        key: fc.oneof({ arbitrary: key, weight: 7 }, odd).map((parts): ElementKey => parts),
        value: fc.nat(2).map((n) => [n]),
      }),
      { maxLength: 6 },
    ),
    others: fc.constantFrom([], [{ key: OTHER_KEYS, value: [7] }]),
    keys: fc.array(asked, { minLength: 1, maxLength: 3 }),
  });
});

it("each packet of a region finds what its key finds alone", () => {
  const all = new Ranges([0, 4]);
  const region = new PacketSet(all, all, all, ONE, { ...MEMORY, mark: all });
  fc.assert(
    fc.property(LOOKUPS, ({ elements, others, keys }) => {
      // One index for all of them: what it keeps of one key is not to be taken for another's.
      const index = new ElementIndex({ elements: [...others, ...elements] });
      for (const key of keys) {
        const parts = index.split(key, region);
        const fields = [...new Set(key.flatMap((part) => (typeof part === "object" ? [part.field] : [])))];
        for (let seed = 0; seed < 4 ** fields.length; seed++) {
          const valueAt = (field: PacketField): number => SMALL[(seed >> (2 * fields.indexOf(field))) % 4] as number;
          const own = key.map((part) => (typeof part === "object" ? applySpread(part, valueAt(part.field)) : part));
          const found = parts.filter(({ region: part }) => fields.every((field) => part[field].has(valueAt(field))));
          expect(found.map(({ element }) => element?.value)).toEqual([index.find(own)?.value]);
        }
      }
    }),
    { numRuns: 100 },
  );
});

it.each<[what: string, elements: SetElement["key"][], key: number[], found: number | undefined]>([
  ["a key", [[1, 2]], [1, 2], 0],
  ["no key", [[1, 2]], [1, 3], undefined],
  ["a key of other parts that is written alike", [[1, 12]], [11, 2], undefined],
  ["the first of two", [[1], [1]], [1], 0],
  ["a single value before an interval", [[{ from: 1, to: 3 }], [2]], [2], 1],
  ["the first of two intervals", [[{ from: 1, to: 3 }], [{ from: 2, to: 4 }]], [2], 0],
  ["an interval at its end", [[{ from: 1, to: 3 }]], [3], 0],
  ["none behind an interval", [[{ from: 1, to: 3 }]], [4], undefined],
  ["an interval in one part", [[1, { from: 1, to: 3 }]], [1, 2], 0],
  ["no interval, as the other part differs", [[1, { from: 1, to: 3 }]], [2, 2], undefined],
  ["the element for others", [OTHER_KEYS, [1]], [2], 0],
  ["a key before the element for others", [OTHER_KEYS, [1]], [1], 1],
  ["an interval before the element for others", [OTHER_KEYS, [{ from: 1, to: 3 }]], [2], 1],
  ["the element for others, of two parts", [[1, 2], OTHER_KEYS], [1, 3], 1],
])("%s is found", (_, keys, key, found) => {
  const elements = keys.map((each) => ({ key: each }));
  const element = new ElementIndex({ elements }).find(key);
  expect(element && elements.indexOf(element)).toBe(found);
});

it.each<[element: Parameters<typeof contentOf>[0], text: string]>([
  [undefined, ""],
  [{ key: [1] }, "in"],
  [{ key: [1], value: [7, 8] }, "= 7 8"],
  [{ key: [1], value: { kind: "accept" } }, "accept "],
  [{ key: [1], value: { kind: "jump", chain: "c" } }, "jump c"],
])("%j holds %s", (element, text) => {
  expect(contentOf(element)).toBe(text);
});

const SADDR: Spread = { field: "saddr" };

it.each<[what: string, key: Spread, saddr: readonly [number, number], found: (readonly [from: number, to: number])[]]>([
  ["all of them", SADDR, [2, 5], [[2, 5]]],
  ["none of them", SADDR, [12, 15], []],
  ["the first ones", SADDR, [8, 12], [[8, 10]]],
  ["by their last bits", { field: "saddr", masked: { mask: 0xffffff00, xor: 0 } }, [8, 12], [[8, 12]]],
  ["again by all bits", SADDR, [8, 12], [[8, 10]]],
])("of packets that one element is for, in one index with a mask: %s", (_, key, [from, end], found) => {
  const index = new ElementIndex({ elements: [{ key: [7, { from: 0, to: 9 }] }] });
  for (const each of [SADDR, { field: "saddr", masked: { mask: 0xffffff00, xor: 0 } } as const, key]) {
    const parts = index.split([7, each], new PacketSet(ONE, ONE, new Ranges([from, end]), ONE, MEMORY));
    if (each !== key) continue;
    expect(parts.flatMap(({ region, element }) => (element === undefined ? [] : [region.saddr.cuts]))).toEqual(found);
    expect(parts.every(({ region }) => region !== undefined)).toBe(true);
  }
});

it.each<[part: Parameters<typeof rangesOf>[0], cuts: readonly number[]]>([
  [3, [3, 4]],
  [{ from: 3, to: 5 }, [3, 6]],
  ["eth0", []],
  [{ from: "a", to: "b" }, []],
])("%j stands for %j", (part, cuts) => {
  expect(rangesOf(part).cuts).toEqual(cuts);
});
