import fc from "fast-check";
import { expect, it } from "vitest";
import { ElementIndex } from "../../../compiler/evaluate/lookup.ts";
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
