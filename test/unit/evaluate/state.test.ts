/** Packets that rules send on: which of them went there anyway, and what a field holds by then. */
import { expect, test } from "vitest";
import { alone, environmentOf } from "../../../compiler/evaluate/packet.ts";
import {
  mappedTo,
  type Now,
  nowKey,
  startState,
  symbolicKey,
  translate,
  valueNow,
  withBits,
} from "../../../compiler/evaluate/state.ts";
import type { Address } from "../../../compiler/net/address.ts";
import { having } from "../../../compiler/packets/packet-set.ts";
import { Ranges, valuesIn } from "../../../compiler/packets/ranges.ts";
import { PACKET } from "../../support/ir.ts";

const [BRANCH = expect.unreachable()] = startState(alone(PACKET), environmentOf([]), true).branches;
/** To the addresses 1 to 4, with port 80. */
const TO_FOUR = having(BRANCH.region, "daddr", new Ranges([1, 5])) ?? expect.unreachable();
const FOUR = { ...BRANCH, probability: 0.5, region: TO_FOUR };

const EVEN = mappedTo("daddr", 0xfffffffe, 0);
const FLIPPED = mappedTo("daddr", 0xffffffff, 1);
const at = (value: number): Address => value as Address;

test.each<[what: string, now: Now<Address>, next: Now<Address>, same: readonly number[] | undefined]>([
  ["one of them", "daddr", at(2), [2]],
  ["none of them", "daddr", at(9), undefined],
  ["where each goes", "daddr", "daddr", [1, 2, 3, 4]],
  ["where each is sent", "daddr", "toaddr", undefined],
  ["to one, as before", at(2), at(2), [1, 2, 3, 4]],
  ["to one, but to another before", at(3), at(2), undefined],
  ["to one, by a mask before", EVEN, at(2), [2, 3]],
  ["by a mask", "daddr", EVEN, [2, 4]],
  ["by a mask, as before", EVEN, EVEN, [1, 2, 3, 4]],
  ["by a mask that changes all", "daddr", FLIPPED, undefined],
  ["by a mask, to one before", at(2), EVEN, undefined],
  ["where each goes, by a mask before", EVEN, "daddr", undefined],
])("packets that went there anyway, sent %s", (_, now, next, same) => {
  const found = translate({ ...FOUR, destination: now }, next, "dport");
  const addresses = [found.same, ...found.others].map((each) => each && valuesIn(each.region.daddr));
  const moved = [1, 2, 3, 4].filter((each) => same?.includes(each) !== true);
  expect([addresses[0], addresses.slice(1).flat().sort()]).toEqual([same, moved]);
  for (const each of [...(found.same === undefined ? [] : [found.same]), ...found.others])
    expect([each.destination, each.destinationPort, each.probability]).toEqual([next, "dport", 0.5]);
});

test.each<[port: Now<number>, same: boolean]>([
  ["dport", true],
  [80, true],
  [81, false],
])("packets to port 80, sent to port %s, went there anyway: %s", (port, isSame) => {
  const found = translate(FOUR, "daddr", port);
  expect([found.same !== undefined, found.others.length]).toEqual([isSame, isSame ? 0 : 1]);
  expect((found.same ?? found.others[0])?.destinationPort).toBe(port);
});

test("what masks make of a field is one value where it is equal, and has a key of its own", () => {
  expect(mappedTo("daddr", 0xfffffffe, 0)).toBe(EVEN);
  const all: readonly Now<Address>[] = [
    EVEN,
    FLIPPED,
    mappedTo("daddr", 0xfffffffe, 1),
    mappedTo("saddr", 0xfffffffe, 0),
    "daddr",
    at(2),
  ];
  expect(new Set(all.map(nowKey)).size).toBe(all.length);
  expect(valueNow(EVEN, BRANCH.region)).toBe(Number(PACKET.destination) & ~1);
  expect(valueNow(EVEN, TO_FOUR)).toBe(EVEN);
  expect(valueNow("daddr", TO_FOUR)).toEqual({ field: "daddr" });
  expect(valueNow("daddr", BRANCH.region)).toBe(PACKET.destination);
});

test("what a field of bits holds has a key, and takes bits", () => {
  const held = [
    5,
    6,
    { field: "mark" },
    { field: "ctmark" },
    { field: "mark", masked: { mask: 1, xor: 0 } },
    { field: "mark", masked: { mask: 1, xor: 2 } },
  ] as const;
  expect(new Set(held.map(symbolicKey)).size).toBe(held.length);
  expect(withBits(5, 2)).toBe(7);
  expect(withBits({ field: "mark" }, 2)).toEqual({ field: "mark", masked: { mask: 0xfffffffd, xor: 2 } });
});
