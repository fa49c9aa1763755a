import { expect, test } from "vitest";
import { Items } from "../../../../compiler/compare/symmetry/items.ts";
import { NoSymmetry } from "../../../../compiler/compare/symmetry/tokens.ts";
import { DPORT } from "../../../../compiler/ir/build.ts";
import { OTHER_KEYS } from "../../../../compiler/ir/sets.ts";
import type { ElementKey, Program, SetDeclaration } from "../../../../compiler/ir/types.ts";
import { DADDR } from "../../../support/ir.ts";

const many = Array.from({ length: 3000 }, (_, i): ElementKey => [i % 50, 2 ** 31 + Math.floor(i / 50)]);
const wide = Array.from({ length: 3000 }, (_, i): ElementKey => [BigInt(i) << 64n, 80]);

test.each<readonly [boolean, string, readonly ElementKey[]]>([
  [true, "none", []],
  [true, "one", [[1, 2]]],
  [
    true,
    "parts in another order",
    [
      [1, 2],
      [2, 1],
    ],
  ],
  [
    false,
    "one twice",
    [
      [1, 2],
      [3, 4],
      [1, 2],
    ],
  ],
  [true, "many", many],
  [false, "many, one twice", [...many, [7, 2 ** 31 + 59]]],
  [true, "addresses of IPv6", wide],
  [false, "addresses of IPv6, one twice", [...wide, [2999n << 64n, 80]]],
  [false, "a number and a bigint that print alike", [[1], [1n]]],
  [false, "a number and a text", [[1], ["1"]]],
  [
    false,
    "texts",
    [
      ["eth0", 1],
      ["eth1", 1],
      ["eth0", 1],
    ],
  ],
  [true, "other lengths", [[1], [1, 2]]],
  [true, "intervals, and all others", [[{ from: 1, to: 2 }], [{ from: 1, to: 2 }], OTHER_KEYS, OTHER_KEYS]],
])("%s: %s", (isDistinct, _, keys) => {
  const set: SetDeclaration = {
    name: "s",
    key: [
      { type: "ipv4_addr", sample: DADDR },
      { type: "inet_service", sample: DPORT },
    ],
    interval: true,
    elements: keys.map((key) => ({ key })),
  };
  const table = { family: "ip", name: "t", chains: [], sets: [set], maps: [] } as const;
  const program: Program = { ruleset: { tables: [table] }, routes: [] };
  const open = (): Items => new Items([program, program]);
  // What is the same on both sides is one row.
  if (isDistinct) expect(open().count).toBe(keys.length);
  else expect(open).toThrow(NoSymmetry);
});
