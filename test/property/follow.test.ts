/** Evaluating all packets of a door at once says of each of them what evaluating it alone says. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Door, packetAt } from "../../compiler/compare/doors.ts";
import { Ground } from "../../compiler/compare/ground.ts";
import { findDifference } from "../../compiler/compare/outcomes.ts";
import { ALWAYS, both, isPossible, not } from "../../compiler/evaluate/condition.ts";
import { Evaluator, type Fate } from "../../compiler/evaluate/evaluate.ts";
import { outcomeOf } from "../../compiler/evaluate/outcome.ts";
import { environmentOf, type Outcome, type Packets, type Result } from "../../compiler/evaluate/packet.ts";
import { Unbounded } from "../../compiler/evaluate/preimage.ts";
import type { Cut } from "../../compiler/evaluate/ranges.ts";
import { FIELDS, type Field } from "../../compiler/evaluate/region.ts";
import { worldsOf } from "../../compiler/evaluate/worlds.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { type Address, FAMILIES, parseAddress } from "../../compiler/net/address.ts";
import { cluster, foreignIptables, foreignNft } from "../support/arbitraries.ts";
import { mustCompile, unfold } from "../support/compile.ts";
import { orderedFile } from "../support/hook-orders.ts";
import { rememberingNft } from "../support/memories.ts";
import { readIptablesText, readNftText } from "../support/read.ts";
import { runs } from "../support/runs.ts";
import { readFolder, type TextFile } from "../support/shared.ts";
import { numbersFrom } from "../support/slots.ts";

type Pick = (below: number) => number;
type Point = Readonly<Record<Field, Cut>>;

/** Dumps of dense firewalls have more classes of packets than a test has time for. */
const MOST_STEPS = 20_000;
/** Of those of a host with many interfaces, some. */
const MOST_DOORS = 60;

class TooMany extends Error {}

/** What happens to all of `packets`; undefined: they are not to be told apart, or there are too many classes. */
function follow(evaluator: Evaluator, packets: Packets, addresses: readonly Address[]): Fate[] | undefined {
  let steps = 0;
  const spend = (more: number): void => {
    steps += more;
    if (steps > MOST_STEPS) throw new TooMany();
  };
  try {
    return evaluator.follow(packets, { ...environmentOf(addresses), spend });
  } catch (error) {
    if (error instanceof TooMany || error instanceof Unbounded) return undefined;
    throw error;
  }
}

/** One of `packets` that has in each field the value at a border of one of the regions of `fates`, or the one before. */
function pointAmong({ region }: Packets, fates: readonly Fate[], pick: Pick): Point {
  const values = FIELDS.map((field): [Field, Cut] => {
    const { cuts } = (fates[pick(fates.length)] as Fate).region[field];
    const cut = cuts[pick(cuts.length)] as Cut;
    const before = typeof cut === "bigint" ? cut - 1n : cut - 1;
    const inDoor = [cut, before].filter((value) => region[field].has(value));
    return [field, inDoor[pick(inDoor.length)] as Cut];
  });
  return Object.fromEntries(values) as Point;
}

/** What `fates` say of one packet, in the words of `evaluate`. */
function outcomesAt(fates: readonly Fate[], at: Point): Outcome[] {
  const own = fates.filter(({ region }) => FIELDS.every((field) => region[field].has(at[field])));
  const weighed = own.map((fate) => ({ condition: fate.condition, weight: fate.probability, fate }));
  return worldsOf(weighed).map(({ condition, parts }) => {
    const together = parts.map(({ fate }) => fate);
    const total = together.reduce((sum, { probability }) => sum + probability, 0);
    const results = together.map(({ endpoint, region: _, condition: __, ...fate }): Result => {
      const result = { ...fate, probability: fate.probability / total, reasons: [], path: [] };
      if (endpoint === undefined) return result;
      const { address, port } = endpoint;
      return {
        ...result,
        endpoint: {
          address: (typeof address === "string" ? at[address] : address) as Address,
          port: Number(typeof port === "string" ? at[port] : port),
        },
      };
    });
    return outcomeOf(results, condition);
  });
}

/** Whether something happens to a packet for certain, in each of the ways in which what is not known can be. */
function isWhole(fates: readonly Fate[], at: Point): boolean {
  const own = fates.filter(({ region }) => FIELDS.every((field) => region[field].has(at[field])));
  const worlds = worldsOf(own.map(({ condition, probability: weight }) => ({ condition, weight })));
  const isAny = worlds.reduce((all, { condition }) => both(all, not(condition)), ALWAYS);
  return (
    !isPossible(isAny) &&
    worlds.every(({ parts }) => Math.abs(parts.reduce((sum, { weight }) => sum + weight, 0) - 1) < 1e-9)
  );
}

/** How many packets were tried. */
function check(program: Program, addresses: readonly Address[], pick: Pick, perDoor: number): number {
  const evaluator = new Evaluator(program);
  let tried = 0;
  const ground = new Ground([program], { families: FAMILIES });
  const step = Math.ceil(ground.doors.length / MOST_DOORS);
  const some = ground.doors.filter((_, i) => i % step === 0);
  for (const { door, packets } of some.flatMap((each) =>
    ground.packetsBy(each).map((packets) => ({ door: each, packets })),
  )) {
    const fates = follow(evaluator, packets, addresses);
    if (fates === undefined) continue;
    for (let i = 0; i < perDoor; i++) {
      const at = pointAmong(packets, fates, pick);
      const alone = evaluator.evaluate(packetAt(door, at), environmentOf(addresses));
      const together = outcomesAt(fates, at);
      expect({ door, at, isWhole: isWhole(fates, at), difference: findDifference(alone, together) }).toEqual({
        door,
        at,
        isWhole: true,
        difference: undefined,
      });
      tried++;
    }
  }
  return tried;
}

const NESTED = "ip daddr . ip saddr { 10.0.0.0/25 . 10.1.0.0/16, 10.0.0.0/24 . 10.3.0.0/16 }";

/** By source, but the first way leads past the others. */
const OVERLAP = [
  "ip saddr 10.2.0.0/24 goto a",
  ...[1, 2, 3, 4, 5, 6].map((i) => `ip saddr 10.2.0.0/${15 + i} ip daddr 10.0.0.9 drop`),
];

/** By source; the last two lead where something is done for one destination only. */
const DISPATCH = [
  ...[1, 2, 3, 4, 5, 6].map((i) => `ip saddr 10.${i}.0.0/16 ip daddr 10.0.0.${i} drop`),
  ...[7, 8].map((i) => `ip saddr 10.${i}.0.0/16 goto a`),
];

const ADDRESSES = ["192.168.0.2", "2001:db8::1"].map((text) => parseAddress(text) as Address);

describe("all packets at once", () => {
  test("of clusters, in lookups", () => {
    fc.assert(
      fc.property(cluster, fc.nat(), (world, seed) => {
        const { program, node } = mustCompile(world);
        check(program, node.addresses, numbersFrom(seed), 8);
      }),
      { numRuns: runs(8) },
    );
  });

  test("of clusters, in rules", () => {
    fc.assert(
      fc.property(cluster, fc.nat(), (world, seed) => {
        const { program, node } = mustCompile(world);
        check(unfold(program), node.addresses, numbersFrom(seed), 8);
      }),
      { numRuns: runs(8) },
    );
  });

  test("of rules that others write for nft", () => {
    fc.assert(
      fc.property(foreignNft, fc.nat(), (text, seed) => {
        check(readNftText(text).program, ADDRESSES, numbersFrom(seed), 8);
      }),
      { numRuns: runs(20) },
    );
  });

  test("of chains that have their hooks and priorities in common, whose order is not known", () => {
    fc.assert(
      fc.property(orderedFile, fc.nat(), (text, seed) => {
        const listing = text.replace("add table ip one\n", "");
        check(readNftText(listing).program, ADDRESSES, numbersFrom(seed), 4);
      }),
      { numRuns: 15 },
    );
  });

  test("of rules that fill sets and ask them", () => {
    fc.assert(
      fc.property(rememberingNft, fc.nat(), (text, seed) => {
        check(readNftText(text).program, ADDRESSES, numbersFrom(seed), 8);
      }),
      { numRuns: 15 },
    );
  });

  test("of rules that others write for iptables", () => {
    fc.assert(
      fc.property(foreignIptables, fc.nat(), (text, seed) => {
        check(readIptablesText(text).program, ADDRESSES, numbersFrom(seed), 8);
      }),
      { numRuns: runs(20) },
    );
  });

  test.each([
    ["ways that meet again by chance", "numgen random mod 2 0 jump a; tcp dport 80 drop", "ip daddr 10.0.0.0/24 drop"],
    [
      "a way that leads past other rules",
      "ip saddr 10.1.0.0/16 goto a; ip daddr 10.0.0.7 drop",
      "ip daddr 10.0.0.9 accept",
    ],
    ["a way back", "jump a; ip daddr 10.0.0.7 drop", "ip saddr 10.1.0.0/16 return; ip daddr 10.0.0.9 drop"],
    [
      "two ways that ask for one field",
      "ip daddr 10.0.0.0/24 jump a; drop",
      "ip daddr 10.0.0.128/25 accept; tcp sport 1-9 accept",
    ],
    [
      "a mask",
      "ip daddr & 0.0.255.3 == 0.0.5.1 drop; ip saddr & 255.255.0.0 != 10.1.0.0 jump a",
      "ip daddr 10.0.0.7 drop",
    ],
    [
      "a key that is there twice",
      "ip daddr . tcp dport vmap { 10.0.0.7 . 80 : drop, 10.0.0.7 . 80 : accept }",
      "accept",
    ],
    ["keys that meet in one part", `${NESTED} drop`, "accept"],
    ["rules for one field that lead past each other", OVERLAP.join("; "), "ip daddr 10.0.0.5 accept"],
    ["a dispatch by one field of what asks for another", DISPATCH.join("; "), "ip daddr 10.0.0.9 accept"],
  ])("of %s", (_, rules, inside) => {
    const { program, findings } = readNftText(`table inet t {
      chain a { ${inside} }
      chain c { type filter hook forward priority 0; ${rules} }
      chain n { type nat hook prerouting priority -100; ip saddr 10.2.0.0/16 meta l4proto tcp dnat ip to 10.0.0.9:80 }
      chain p { type nat hook postrouting priority 100; ct status dnat ip daddr 10.0.0.0/24 masquerade }
    }`);
    expect(findings).toEqual([]);
    expect(check(program, ADDRESSES, numbersFrom(3), 60)).toBeGreaterThan(0);
  });

  test("of those that are sent where they went anyway: only the others are translated", () => {
    const { program } = readNftText(`table ip t {
      chain n { type nat hook prerouting priority -100; ip daddr 10.0.0.0/30 dnat to 10.0.0.2 }
      chain p { type nat hook postrouting priority 100; ct status dnat masquerade }
    }`);
    const ground = new Ground([program], { families: ["IPv4"] });
    const [door] = ground.doors.filter(({ inInterface, protocol }) => inInterface !== undefined && protocol === 6);
    const [packets] = ground.packetsBy(door as Door);
    const fates = follow(new Evaluator(program), packets as Packets, []) ?? [];
    const sent = fates.filter(({ verdict }) => verdict === "dnat");
    const at = (part: readonly Fate[]) => part.map(({ region }) => region.daddr.key).sort();
    expect(at(sent.filter(({ masquerade }) => masquerade))).toEqual(["167772160,167772162,167772163,167772164"]);
    expect(at(sent.filter(({ masquerade }) => !masquerade))).toEqual(["167772162,167772163"]);
  });

  /** They take a minute each: the largest one has a thousand doors, the other one hundreds of outcomes that hang on what is not
   *  understood, for each packet. */
  const SLOW = ["tum-netchair-2015-09.rules", "synthetic-mixed-400.nft"];
  const isQuick = ({ name }: TextFile): boolean => !SLOW.includes(name);
  const dumps = [
    ...readFolder("corpus/iptables", ".rules")
      .filter(isQuick)
      .map(({ name, text }) => ({ name, read: () => readIptablesText(text) })),
    ...readFolder("corpus/nft", ".nft")
      .filter(isQuick)
      .map(({ name, text }) => ({ name, read: () => readNftText(text) })),
  ];

  test.skipIf(dumps.length === 0).each(dumps)("of a dump of a host: $name", ({ read }) => {
    expect(check(read().program, ADDRESSES, numbersFrom(7), 3)).toBeGreaterThan(0);
  });
});
