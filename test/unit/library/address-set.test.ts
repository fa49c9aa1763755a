import { describe, expect, test } from "vitest";
import { AddressSet } from "../../../compiler/library/follow/address-set.ts";
import type { Address } from "../../../compiler/net/address.ts";

const COUNT = 4096;

/** How Pods are numbered: each node has a network, whose first addresses are used; in IPv6 some networks differ in their higher half. */
const NUMBERINGS: readonly [what: string, addressOf: (i: number) => number | bigint][] = [
  ["one after the other", (i) => 0x0a80_0000 + i],
  ["in /24 of each node", (i) => 0x0a00_0000 + (i >>> 3) * 256 + (i & 7)],
  ["in /16 of each node", (i) => 0x0a00_0000 + (i >>> 6) * 65536 + (i & 63)],
  ["one after the other", (i) => 0xfd00_0010_0000_0000_0000_0000_0000_0000n + BigInt(i)],
  ["in /80 of each node", (i) => 0xfd00_0010_0000_0000_0000_0000_0000_0000n + (BigInt(i >>> 3) << 48n) + BigInt(i & 7)],
  ["in /64 of each node", (i) => 0xfd00_0010_0000_0000_0000_0000_0000_0000n + (BigInt(i >>> 3) << 64n) + BigInt(i & 7)],
  ["in /48 of each node", (i) => 0xfd00_0010_0000_0000_0000_0000_0000_0000n + (BigInt(i >>> 3) << 80n) + BigInt(i & 7)],
];

describe.each(NUMBERINGS)("addresses %s", (_, addressOf) => {
  const added = Array.from({ length: COUNT }, (__, i) => addressOf(i) as Address);
  const others = Array.from({ length: COUNT }, (__, i) => addressOf(COUNT + i) as Address);
  const set = new AddressSet();
  for (const address of added) set.add(address);

  test("are there, and no others", () => {
    expect(added.every((address) => set.has(address))).toBe(true);
    expect(others.some((address) => set.has(address))).toBe(false);
  });

  test("take few steps each", () => {
    expect(set.steps / COUNT).toBeLessThan(8);
  });
});
