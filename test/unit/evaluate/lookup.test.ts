import fc from "fast-check";
import { expect, it } from "vitest";
import { contentOf, ElementIndex } from "../../../compiler/evaluate/lookup.ts";
import type { SetElement } from "../../../compiler/ir/types.ts";
import { PacketSet } from "../../../compiler/packets/packet-set.ts";
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

const KEYS = fc.record({
  elements: fc.array(
    fc.record({ key: fc.tuple(arbitraryPart, arbitraryPart, arbitraryPart), value: fc.nat(1).map((n) => [n]) }),
    { maxLength: 5 },
  ),
  isForOthers: fc.boolean(),
  spread: fc.uniqueArray<0 | 1 | 2, unknown>(fc.constantFrom(0, 1, 2), { minLength: 1 }),
  key: fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9)),
});

it("each packet of a region finds what its key finds alone", () => {
  const fields = ["saddr", "daddr", "dport"] as const;
  fc.assert(
    fc.property(KEYS, ({ elements, isForOthers, spread, key }) => {
      const all = new Ranges([0, 13]);
      const of = (at: 0 | 1 | 2) => (spread.includes(at) ? all : ONE);
      const region = new PacketSet(of(1), of(2), of(0), ONE, MEMORY);
      const others = isForOthers ? [{ key: ["*"] as const, value: [7] }] : [];
      const index = new ElementIndex<{ readonly key: SetElement["key"]; readonly value: readonly number[] }>({
        elements: [...elements, ...others],
      });
      const parts = index.split(
        key.map((value, at) => (spread.some((each) => each === at) ? { field: fields[at] as "saddr" } : value)),
        region,
      );
      for (const point of [0, 3, 5, 9, 10, 12].flatMap((a) => [0, 4, 7, 11].map((b) => [a, b, (a + b) % 13]))) {
        const own = key.map((value, at) => (spread.some((each) => each === at) ? (point[at] as number) : value));
        const found = parts.filter(({ region: part }) =>
          spread.every((at) => part[fields[at] as "saddr"].has(point[at] as number)),
        );
        expect(found.map(({ element }) => element?.value)).toEqual([index.find(own)?.value]);
      }
    }),
    { numRuns: 60 },
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
