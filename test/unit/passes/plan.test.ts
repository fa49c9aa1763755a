/** Which groups a plan makes of keys, derived by hand from what it promises. */
import { describe, expect, test } from "vitest";
import type { DataType, KeyPart, SetElement, Value } from "../../../compiler/ir/types.ts";
import { type Address, printAddress } from "../../../compiler/net/address.ts";
import {
  type Bound,
  comparedFirst,
  isSame,
  orderOf,
  rowOf,
  type TreeBranch,
  type TreeKey,
} from "../../../compiler/passes/lookups/plan.ts";
import { keysIn, planOf } from "../../support/tree-plans.ts";

const ADDRESS: readonly DataType[] = ["ipv4_addr"];
const PAIR: readonly DataType[] = ["ipv4_addr", "ipv4_addr"];
const PORT: readonly DataType[] = ["inet_service"];

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** The address `10.0.0.0` and so many behind it. */
const ten = (i: number): number => 0x0a000000 + i;
/** `count` keys of one address each, from `10.0.0.0 + first`. */
const points = (count: number, first = 0): number[][] => times(count, (i) => [ten(first + i)]);
const span = (first: number, last: number): KeyPart => ({ from: ten(first), to: ten(last) });

const printed = (value: Value): string =>
  typeof value === "bigint" || (typeof value === "number" && value > 0xffff)
    ? printAddress(value as Address)
    : String(value);
const printedPart = (part: KeyPart): string =>
  typeof part === "object" ? `${printed(part.from)}-${printed(part.to)}` : printed(part);

/** A branch in a few words: the key, or the interval of a group, with its part unless that is 0, how many keys it has, and its `others`. */
function inWords(branch: TreeBranch<SetElement>): string {
  if (branch.kind === "choice") return branch.choice.parts.map(printedPart).join(" . ");
  const { part, interval, others, branches } = branch;
  const bounds = [
    ...(part === 0 ? [] : [`of ${part}`]),
    ...others.map((each) => `${each.part} in ${printedPart(each.interval)}`),
  ];
  return [printedPart(interval), ...bounds, `${keysIn(branches).length} keys`].join(", ");
}

const words = (keys: readonly (readonly KeyPart[])[], types: readonly DataType[]): string[] =>
  planOf(keys, types).map(inWords);

/** The branches of the group that begins with these words. */
function below(branches: readonly TreeBranch<SetElement>[], start: string): readonly TreeBranch<SetElement>[] {
  const group = branches.find((branch) => inWords(branch).startsWith(start));
  if (group?.kind !== "group") throw new Error(`no group ${start} among ${branches.map(inWords).join("; ")}`);
  return group.branches;
}

describe("a row", () => {
  test.each<[what: string, keys: KeyPart[][], types: readonly DataType[]]>([
    ["no key", [], ADDRESS],
    ["16 addresses", points(16).reverse(), ADDRESS],
    ["100 names of interfaces", times(100, (i) => [`eth${i}`]), ["ifname"]],
    ["100 marks", times(100, (i) => [i]), ["mark"]],
    ["64 pairs of addresses", points(64).map(([a]) => [a as number, a as number]), PAIR],
    ["keys that are equal in all fields", times(20, () => [ten(1)]), ADDRESS],
    ["keys that are equal in all fields, as ports", times(20, () => [7, 8]), ["inet_proto", "inet_service"]],
    ["keys without a field", times(20, () => []), []],
    ["blocks that overlap", [[span(0, 255)], [span(0, 127)], ...points(15), [span(64, 191)]], ADDRESS],
  ])("holds %s, in their order", (_, keys, types) => {
    expect(words(keys, types)).toEqual(keys.map((key) => key.map(printedPart).join(" . ")));
  });

  test.each<[row: number, types: readonly DataType[]]>([
    [16, []],
    [16, ["ipv4_addr", "inet_proto", "inet_service"]],
    [64, PAIR],
    [64, ["ipv6_addr", "inet_service", "ipv6_addr"]],
    [64, ["ipv4_addr", "ipv4_addr", "ipv4_addr"]],
  ])("has %d keys at most, where fields are %j", (row, types) => {
    expect(rowOf(types)).toBe(row);
  });
});

test.each<[order: number[], types: DataType[]]>([
  [
    [0, 1, 2],
    ["ipv4_addr", "inet_proto", "inet_service"],
  ],
  [
    [2, 1, 0],
    ["inet_service", "inet_proto", "ipv4_addr"],
  ],
  [
    [1, 3, 2, 0],
    ["inet_service", "ipv6_addr", "inet_proto", "ipv6_addr"],
  ],
  [[1], ["mark", "inet_service", "ifname"]],
])("fields are asked in the order %j: addresses, the protocol, ports, and no others", (order, types) => {
  expect(orderOf(types)).toEqual(order);
  const [first = 0, second] = order;
  const key = (at: number, value: KeyPart): TreeKey<SetElement> => {
    const parts = types.map((_, i) => (i === at ? value : 5));
    return { element: { key: parts }, parts };
  };
  const compare = comparedFirst<SetElement>(types);
  expect(compare(key(first, 4), key(first, 6))).toBeLessThan(0);
  expect(compare(key(first, 6), key(first, 4))).toBeGreaterThan(0);
  expect(compare(key(first, { from: 5, to: 9 }), key(first, 5))).toBe(0);
  expect(compare(key(second ?? 0, 4), key(second ?? 0, 6))).toBe(0);
});

describe("addresses are split into blocks", () => {
  /** Keys in seven blocks: `count` in the first, 16 in each other but the last, which has `last`. */
  const blocks = (count: number, last: number): number[][] => [
    ...points(count),
    ...[1, 2, 4, 8].flatMap((network) => points(16, network * 0x10000)),
    ...points(last, 16 * 0x10000),
  ];
  const others = (last: number): string[] => [
    ...[1, 2, 4, 8].map((network) => `10.${network}.0.0-10.${network}.0.15, 16 keys`),
    `10.16.0.0-10.16.0.15, ${last} keys`,
  ];
  const v6 = (i: number): bigint => (0xfd00n << 112n) + BigInt(i);

  test.each<[what: string, keys: KeyPart[][], wanted: string[], type?: DataType]>([
    ["17 in a row", points(17), ["10.0.0.0-10.0.0.15, 16 keys", "10.0.0.16"]],
    ["whatever their order", points(17).reverse(), ["10.0.0.0-10.0.0.15, 16 keys", "10.0.0.16"]],
    [
      "the smallest that hold the keys",
      [...points(3, 4), ...points(14, 0x208)],
      ["10.0.0.4-10.0.0.7, 3 keys", "10.0.2.0-10.0.2.31, 14 keys"],
    ],
    [
      "of 96 keys 16 at most stay together",
      blocks(17, 15),
      ["10.0.0.0-10.0.0.15, 16 keys", "10.0.0.16", ...others(15)],
    ],
    ["a sixth of 97 keys is 17", blocks(17, 16), ["10.0.0.0-10.0.0.31, 17 keys", ...others(16)]],
    ["17 addresses of IPv6", times(17, (i) => [v6(i)]), ["fd00::-fd00::f, 16 keys", "fd00::10"], "ipv6_addr"],
    [
      "addresses of IPv6 that differ in their first bit",
      [...times(16, (i) => [BigInt(i)]), [1n << 127n]],
      ["::-::f, 16 keys", "8000::"],
      "ipv6_addr",
    ],
    [
      "addresses of IPv4 that differ in their first bit",
      [...points(16), [0xac100001]],
      ["10.0.0.0-10.0.0.15, 16 keys", "172.16.0.1"],
    ],
    [
      "one address with many keys",
      [...times(17, () => [ten(3)]), [ten(2)]],
      ["10.0.0.2", "10.0.0.3-10.0.0.3, 17 keys"],
    ],
    [
      "17 ranges: those that end below the middle, and the one that begins there",
      times(17, (i) => [span(2 * i, 2 * i + 1)]),
      ["10.0.0.0-10.0.0.31, 16 keys", "10.0.0.32-10.0.0.33"],
    ],
    [
      "a range across the middle stands alone, before both halves",
      [...points(15), [span(30, 33)], ...points(15, 48)],
      ["10.0.0.30-10.0.0.33", "10.0.0.0-10.0.0.15, 15 keys", "10.0.0.48-10.0.0.63, 15 keys"],
    ],
    [
      "a range up to the middle lies across",
      [...points(15), [span(30, 32)], ...points(15, 48)],
      ["10.0.0.30-10.0.0.32", "10.0.0.0-10.0.0.15, 15 keys", "10.0.0.48-10.0.0.63, 15 keys"],
    ],
    [
      "one across, and all others below",
      [...points(16), [span(30, 32)]],
      ["10.0.0.30-10.0.0.32", "10.0.0.0-10.0.0.15, 16 keys"],
    ],
    [
      "one across, and all others above",
      [[span(0, 32)], ...points(16, 48)],
      ["10.0.0.0-10.0.0.32", "10.0.0.48-10.0.0.63, 16 keys"],
    ],
    [
      "several across stay with the rest of their block",
      [...points(8), [span(30, 32)], [span(31, 33)], ...points(7, 40), ...points(3, 64)],
      ["10.0.0.0-10.0.0.63, 17 keys", "10.0.0.64-10.0.0.67, 3 keys"],
    ],
    [
      "one address with many keys, beside a range",
      [...times(17, () => [ten(3)]), [span(4, 5)]],
      ["10.0.0.3-10.0.0.3, 17 keys", "10.0.0.4-10.0.0.5"],
    ],
    [
      "ranges of IPv6",
      [...times(16, (i) => [v6(i)]), [{ from: v6(16), to: v6(31) }], [{ from: v6(30), to: v6(33) }]],
      ["fd00::1e-fd00::21", "fd00::-fd00::f, 16 keys", "fd00::10-fd00::1f"],
      "ipv6_addr",
    ],
  ])("%s", (_, keys, wanted, type = "ipv4_addr") => {
    expect(words(keys, [type])).toEqual(wanted);
  });

  test("ranges of IPv6 are split at the first address of the upper half", () => {
    const ranges = times(17, (i) => [{ from: v6(2 * i), to: v6(2 * i + 1) }]);
    expect(words(ranges, ["ipv6_addr"])).toEqual(["fd00::-fd00::1f, 16 keys", "fd00::20-fd00::21"]);
  });

  test("a group is split further, inside of its block", () => {
    const root = planOf(blocks(17, 16), ADDRESS);
    expect(below(root, "10.0.0.0").map(inWords)).toEqual(["10.0.0.0-10.0.0.15, 16 keys", "10.0.0.16"]);
    expect(below(root, "10.1.0.0").map(inWords)).toEqual(times(16, (i) => `10.1.0.${i}`));
  });

  test("a group is planned once", () => {
    const [group] = planOf(points(17), ADDRESS);
    if (group?.kind !== "group") throw new Error("no group");
    expect(group.branches).toBe(group.branches);
  });
});

describe("pairs of addresses", () => {
  /** Pairs of which the first address is `10.0.0.0 + i` and the second one by `second`. */
  const pairs = (count: number, first: number, second: (i: number) => number): number[][] =>
    times(count, (i) => [ten(first + i), second(i)]);
  const far = (i: number): number => 0x0b000000 + i;

  test.each<[what: string, keys: KeyPart[][], wanted: string[]]>([
    [
      "65 are too many for a row, and 64 are not",
      pairs(65, 0, far),
      ["10.0.0.0-10.0.0.63, 1 in 11.0.0.0-11.0.0.63, 64 keys", "10.0.0.64 . 11.0.0.64"],
    ],
    [
      "of 192 keys 64 stay together",
      [...pairs(65, 0, far), ...pairs(64, 256, () => far(0)), ...pairs(63, 512, (i) => far(i % 8))],
      [
        "10.0.0.0-10.0.0.63, 1 in 11.0.0.0-11.0.0.63, 64 keys",
        "10.0.0.64 . 11.0.0.64",
        "10.0.1.0-10.0.1.63, 1 in 11.0.0.0-11.0.0.0, 64 keys",
        "10.0.2.0-10.0.2.63, 1 in 11.0.0.0-11.0.0.7, 63 keys",
      ],
    ],
    [
      "a third of 193 keys is 65",
      [...pairs(65, 0, far), ...pairs(64, 256, () => far(0)), ...pairs(64, 512, (i) => far(i % 8))],
      [
        "10.0.0.0-10.0.0.127, 1 in 11.0.0.0-11.0.0.127, 65 keys",
        "10.0.1.0-10.0.1.63, 1 in 11.0.0.0-11.0.0.0, 64 keys",
        "10.0.2.0-10.0.2.63, 1 in 11.0.0.0-11.0.0.7, 64 keys",
      ],
    ],
  ])("%s", (_, keys, wanted) => {
    expect(words(keys, PAIR)).toEqual(wanted);
  });

  test("behind the first level a sixth of the keys stay together, and others are named where they are narrower", () => {
    const root = planOf(
      [
        ...[...pairs(65, 0, far), ...pairs(64, 128, () => far(0)), ...pairs(66, 256, (i) => far(i % 65))],
        ...[...pairs(195, 0x10000, far), ...pairs(195, 0x20000, far)],
      ],
      PAIR,
    );
    expect(root.map(inWords)).toEqual([
      "10.0.0.0-10.0.1.255, 1 in 11.0.0.0-11.0.0.127, 195 keys",
      "10.1.0.0-10.1.0.255, 1 in 11.0.0.0-11.0.0.255, 195 keys",
      "10.2.0.0-10.2.0.255, 1 in 11.0.0.0-11.0.0.255, 195 keys",
    ]);
    const first = below(root, "10.0.0.0");
    expect(first.map(inWords)).toEqual([
      "10.0.0.0-10.0.0.63, 1 in 11.0.0.0-11.0.0.63, 64 keys",
      "10.0.0.64 . 11.0.0.64",
      "10.0.0.128-10.0.0.191, 1 in 11.0.0.0-11.0.0.0, 64 keys",
      "10.0.1.0-10.0.1.63, 1 in 11.0.0.0-11.0.0.63, 64 keys",
      "10.0.1.64-10.0.1.65, 2 keys",
    ]);
  });

  test("what was named further up is not named again", () => {
    const root = planOf(
      times(18, (i) => pairs(65, Math.floor(i / 6) * 0x10000 + (i % 6) * 128, () => far(0))).flat(),
      PAIR,
    );
    expect(inWords(root[0] as TreeBranch<SetElement>)).toBe("10.0.0.0-10.0.3.255, 1 in 11.0.0.0-11.0.0.0, 390 keys");
    const second = below(root, "10.0.0.0");
    expect(inWords(second[0] as TreeBranch<SetElement>)).toBe("10.0.0.0-10.0.0.127, 65 keys");
    expect(below(second, "10.0.0.0").map(inWords)).toEqual(["10.0.0.0-10.0.0.63, 64 keys", "10.0.0.64 . 11.0.0.0"]);
  });
});

describe("two bounds", () => {
  const bound = (part: number, first: number, last: number): Bound => ({ part, interval: { from: first, to: last } });

  test.each<[isOne: boolean, other: Bound]>([
    [true, bound(1, 8, 15)],
    [false, bound(2, 8, 15)],
    [false, bound(1, 9, 15)],
    [false, bound(1, 8, 14)],
    [false, bound(2, 9, 15)],
    [false, bound(2, 8, 14)],
  ])("are the same: %s", (isOne, other) => {
    expect(isSame(bound(1, 8, 15), other)).toBe(isOne);
  });
});

describe("values that are no addresses", () => {
  const TRANSPORT: readonly DataType[] = ["inet_proto", "inet_service"];
  const ports = (count: number, first = 1): number[][] => times(count, (i) => [first + i]);
  const range = (first: number, last: number): KeyPart[] => [{ from: first, to: last }];

  test.each<[what: string, keys: KeyPart[][], wanted: string[], types?: readonly DataType[]]>([
    ["33 ports are three equal runs", ports(33), ["1-11, 11 keys", "12-22, 11 keys", "23-33, 11 keys"]],
    ["the first runs are the longer ones", ports(35), ["1-12, 12 keys", "13-24, 12 keys", "25-35, 11 keys"]],
    ["32 ports are two runs", ports(32).reverse(), ["1-16, 16 keys", "17-32, 16 keys"]],
    ["a sixth of 120 is a run", ports(120), times(6, (i) => `${20 * i + 1}-${20 * i + 20}, 20 keys`)],
    [
      "equal ports stay together",
      [...times(12, () => [7]), ...ports(8, 8), ...ports(1, 20)],
      ["7-7, 12 keys", "8-20, 9 keys"],
    ],
    [
      "what is left behind a longer run is split evenly",
      [...times(20, () => [7]), ...ports(13, 8)],
      ["7-7, 20 keys", "8-14, 7 keys", "15-20, 6 keys"],
    ],
    [
      "a range holds what lies in it, also behind a shorter one",
      [range(1, 100), range(2, 3), ...ports(8, 4), ...ports(1, 50), range(100, 110), ...ports(8, 111)],
      ["1-110, 12 keys", "111-118, 8 keys"],
    ],
    [
      "protocols have a group each",
      [...ports(9).map(([port]) => [6, port as number]), ...ports(8).map(([port]) => [17, port as number]), [132, 1]],
      ["6-6, 9 keys", "17-17, 8 keys", "132 . 1"],
      TRANSPORT,
    ],
    [
      "a range of protocols stays whole",
      [...ports(16).map(([port]): KeyPart[] => [{ from: 6, to: 17 }, port as number]), [17, 99], [18, 99], [18, 98]],
      ["6-17, 17 keys", "18-18, 2 keys"],
      TRANSPORT,
    ],
    [
      "one protocol is not asked for: ports are",
      ports(32).map(([port]) => [6, port as number]),
      ["1-16, of 1, 16 keys", "17-32, of 1, 16 keys"],
      TRANSPORT,
    ],
    [
      "addresses come first, wherever they stand",
      [...times(16, (i) => [i, 6, ten(i)]), [1, 6, ten(16)]],
      ["10.0.0.0-10.0.0.15, of 2, 16 keys", "1 . 6 . 10.0.0.16"],
      ["inet_service", "inet_proto", "ipv4_addr"],
    ],
  ])("%s", (_, keys, wanted, types = PORT) => {
    expect(words(keys, types)).toEqual(wanted);
  });
});

describe("addresses that overlap", () => {
  const wide = span(0, 255);
  const keys: KeyPart[][] = [
    [wide, 6, 1],
    [wide, 6, 2],
    ...times(20, (i) => [ten(i < 10 ? i : 190 + i), 6, 80]),
    ...times(20, (i) => [ten(i < 10 ? i : 190 + i), 6, 81]),
  ];

  test("are told apart by ports, and by addresses again where ports are equal", () => {
    const root = planOf(keys, ["ipv4_addr", "inet_proto", "inet_service"]);
    expect(root.map(inWords)).toEqual([
      "1-80, of 2, 0 in 10.0.0.0-10.0.0.255, 22 keys",
      "81-81, of 2, 0 in 10.0.0.0-10.0.0.255, 20 keys",
    ]);
    expect(below(root, "81-81").map(inWords)).toEqual([
      "10.0.0.0-10.0.0.15, 10 keys",
      "10.0.0.192-10.0.0.223, 10 keys",
    ]);
  });

  test("are told apart by ports where another address is one for all", () => {
    const pairs = times(65, (i) => [ten(1), wide, 1 + i]);
    expect(words(pairs, ["ipv4_addr", "ipv4_addr", "inet_service"])).toEqual([
      "1-33, of 2, 0 in 10.0.0.1-10.0.0.1, 1 in 10.0.0.0-10.0.0.255, 33 keys",
      "34-65, of 2, 0 in 10.0.0.1-10.0.0.1, 1 in 10.0.0.0-10.0.0.255, 32 keys",
    ]);
  });
});
