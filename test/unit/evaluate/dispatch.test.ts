/** Rules that are led to by what they ask for do the same as one after the other: to all packets at once, and to single ones. They take
 *  fewer steps. Long because it is a table: rulesets, what is told of each, and how many steps it takes. */
import { describe, expect, test } from "vitest";
import { PacketSpace } from "../../../compiler/compare/packet-space.ts";
import { packetAt, type TrafficKind } from "../../../compiler/compare/traffic-kinds.ts";
import { PLAIN } from "../../../compiler/evaluate/chain.ts";
import { dispositionKey, withDestination } from "../../../compiler/evaluate/disposition.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf, type PathStep, type Result } from "../../../compiler/evaluate/packet.ts";
import type { RegionResult } from "../../../compiler/evaluate/result.ts";
import { type Address, printAddress } from "../../../compiler/net/address.ts";
import { FIELDS, type PacketField } from "../../../compiler/packets/packet-set.ts";
import type { Cut } from "../../../compiler/packets/ranges.ts";
import { PACKET } from "../../support/ir.ts";
import { mustReadNft } from "../../support/read.ts";
import { address } from "../../support/service-port.ts";

type Point = Readonly<Record<PacketField, Cut>>;

const NODE = environmentOf([address("192.0.2.1")]);

/** `rule` for each of `numbers`, with the number in the place of `#`. */
function each(numbers: readonly number[], rule: string): string {
  return numbers.map((i) => rule.replaceAll("#", String(i))).join("; ");
}

const SIX = [1, 2, 3, 4, 5, 6];

/** By source, then by destination: chains of six rules each. */
const TREE = SIX.map((i) => `chain t${i} { ${each(SIX, `ip saddr 10.${i}.0.# drop`)}; }`).join(" ");

/** Rules of a chain at forward; other chains. `steps`: how many all packets take: fewer than one for each rule where they are led to what
 *  they ask for. `regions`: how many parts of them there are at the end: few where ways meet again. */
const ROWS: readonly (readonly [what: string, rules: string, others: string, steps: number, regions: number])[] = [
  ["one of six", each(SIX, "ip saddr 10.#.0.0/16 drop"), "", 2, 16],
  ["five", each([1, 2, 3, 4, 5], "ip saddr 10.#.0.0/16 drop"), "", 10, 6],
  ["a rule before six", `tcp dport 80 accept; ${each(SIX, "ip saddr 10.#.0.0/16 drop")}`, "", 4, 17],
  ["a rule behind six", `${each(SIX, "ip saddr 10.#.0.0/16 accept")}; tcp dport 80 drop`, "", 4, 5],
  ["six of one value", each(SIX, "ip saddr 10.1.0.0/16 tcp dport # drop"), "", 2, 10],
  ["six that overlap", each(SIX, "ip saddr 10.0.0.0/1# tcp dport # accept; ip saddr 10.0.0.0/2# drop"), "", 2, 7],
  [
    "six by two fields, of which one tells them apart",
    each(SIX, "ip daddr 10.0.0.9 ip saddr 10.#.0.0/16 drop"),
    "",
    2,
    18,
  ],
  [
    "six by two fields, of which some ask for another",
    `${each([1, 2, 3], "ip saddr 10.#.0.0/16 tcp dport 8# drop")}; ${each([4, 5, 6], "ip daddr 10.9.0.# tcp dport 8# drop")}`,
    "",
    2,
    15,
  ],
  [
    "two runs",
    `${each(SIX, "ip saddr 10.#.0.0/16 tcp dport 80 accept")}; ${each(SIX, "ip daddr 10.#.0.0/16 drop")}`,
    "",
    5,
    23,
  ],
  ["ports of a protocol that packets may not have", each(SIX, "udp dport 8# drop"), "", 2, 2],
  ["six by where connections were sent", each(SIX, "ct original ip daddr 10.#.0.0/16 drop"), "", 2, 14],
  ["a tree", each(SIX, "ip saddr 10.#.0.0/16 goto t#"), TREE, 2, 76],
  ["a tree of jumps", each(SIX, "ip saddr 10.#.0.0/16 jump t#"), TREE, 2, 76],
  ["a tree with counters", each(SIX, "ip saddr 10.#.0.0/16 counter goto t#"), TREE, 14, 6],
  ["a tree of two fields", each(SIX, "ip saddr 10.#.0.0/16 tcp dport 80 goto t#"), TREE, 8, 6],
  ["a tree with ways that lead elsewhere", `${each(SIX, "ip saddr 10.#.0.0/24 goto t1")}`, TREE, 2, 16],
  [
    "a tree with rules at its end that ask for another field",
    each(SIX, "ip saddr 10.#.0.0/16 goto d"),
    `chain d { ${each(SIX, "ip daddr 10.9.0.# drop")}; }`,
    14,
    78,
  ],
  [
    "a tree with few rules at its ends",
    each(SIX, "ip saddr 10.#.0.0/16 goto t#"),
    SIX.map((i) => `chain t${i} { ip saddr 10.${i}.0.1 drop; ip saddr 10.${i}.0.2 tcp dport 80 drop; }`).join(" "),
    2,
    23,
  ],
  [
    "a tree with few rules at its ends that overlap",
    each(SIX, "ip saddr 10.#.0.0/16 goto t#"),
    SIX.map((i) => `chain t${i} { ip saddr 10.${i}.0.0/24 tcp dport 80 accept; ip saddr 10.${i}.0.0/25 drop; }`).join(
      " ",
    ),
    32,
    8,
  ],
  [
    "a tree with a rule for all at its ends",
    each(SIX, "ip saddr 10.#.0.0/16 goto t#"),
    SIX.map((i) => `chain t${i} { ip saddr 10.${i}.0.1 accept; tcp dport 80 drop; }`).join(" "),
    26,
    5,
  ],
  [
    "a tree with a rule for all behind six",
    each(SIX, "ip saddr 10.#.0.0/16 goto t#"),
    SIX.map((i) => `chain t${i} { ${each(SIX, `ip saddr 10.${i}.0.# accept`)}; drop; }`).join(" "),
    26,
    6,
  ],
  ["a chain that does nothing to most", "jump d; tcp dport 80 drop", "chain d { ip daddr 10.0.0.9 accept; }", 6, 4],
  [
    "a chain that does something to packets of two kinds",
    "jump d; tcp dport 80 drop",
    "chain d { ip daddr 10.0.0.9 accept; ip daddr 10.0.0.10 ip saddr 10.0.0.1 accept; }",
    10,
    7,
  ],
  [
    "a chain that does something to all",
    "jump d; tcp dport 80 drop",
    "chain d { ip daddr 10.0.0.9 accept; ip saddr 10.0.0.1 accept; }",
    8,
    5,
  ],
  [
    "a chain below a chain",
    "ip daddr 10.0.0.0/24 jump d; tcp dport 80 drop",
    "chain d { ip daddr 10.0.0.0/28 jump e; } chain e { ip daddr 10.0.0.9 accept; ip daddr 10.0.1.0/24 accept; }",
    10,
    4,
  ],
  [
    "a chain that asks nothing before another",
    "jump d; tcp dport 80 drop",
    "chain d { jump e; } chain e { ip daddr 10.0.0.9 accept; }",
    8,
    4,
  ],
  [
    "a chain that asks nothing before others, of which each asks for one field",
    "ip daddr 10.0.0.8 jump d; tcp dport 80 drop",
    "chain d { jump e; jump e; } chain e { ip daddr 10.0.0.9 accept; }",
    4,
    4,
  ],
  [
    "a chain that does nothing to some of the packets that come together",
    "ip daddr 10.0.0.8 tcp dport 80 drop; jump d; tcp dport 81 drop",
    "chain d { ip daddr 10.0.0.9 accept; ip daddr 10.0.0.9 tcp dport 82 drop; }",
    12,
    6,
  ],
  [
    "a chain that does nothing without one of two values",
    "ip daddr 10.0.0.8 jump d; tcp dport 81 drop",
    "chain d { ip daddr 10.0.0.9 tcp dport 80 accept; ip daddr 10.0.0.9 tcp dport 82 drop; }",
    4,
    4,
  ],
  [
    "a chain below a chain that asks for another field",
    "ip daddr 10.0.0.8 jump d; tcp dport 81 drop",
    "chain d { ip daddr 10.0.0.9 jump e; ip daddr 10.0.0.10 drop; } chain e { tcp dport 80 accept; }",
    4,
    4,
  ],
  [
    "a chain that asks for a field that packets do not have",
    "jump d; drop",
    "chain d { udp dport 80 accept; udp dport 81 accept; }",
    4,
    4,
  ],
  ["a chain with a rule that does nothing", "jump d; drop", "chain d { ip daddr 10.0.0.9; tcp dport 80; }", 4, 4],
  ["a chain without rules", "jump d; drop", "chain d { }", 4, 4],
  [
    "a way past other rules",
    `ip saddr 10.1.0.0/16 goto d; ${each(SIX, "ip saddr 10.#.0.0/16 drop")}`,
    "chain d { ip daddr 10.0.0.9 drop; }",
    4,
    10,
  ],
  [
    "six that mark, and are asked for it",
    `${each(SIX, "ip saddr 10.#.0.0/16 meta mark set #")}; meta mark 3 drop`,
    "",
    16,
    10,
  ],
  ["six that mark, and are not asked for it", each(SIX, "ip saddr 10.#.0.0/16 meta mark set #"), "", 2, 2],
  [
    "six bits, of which one is asked for",
    `${each(SIX, "ip saddr 10.#.0.0/16 meta mark set #")}; meta mark & 1 == 1 drop`,
    "",
    8,
    10,
  ],
  [
    "six bits that are set, of which one is asked for in another chain",
    each(SIX, "ip saddr 10.#.0.0/16 meta mark set meta mark or #"),
    "chain z { type filter hook postrouting priority 0; meta mark & 4 == 4 drop; }",
    8,
    8,
  ],
  [
    "marks of connections",
    each(SIX, "ip saddr 10.#.0.0/16 ct mark set #"),
    "chain z { type filter hook postrouting priority 0; jump y; } chain y { ct mark 2 drop; }",
    45,
    11,
  ],
  [
    "a mark that is copied",
    each(SIX, "ip saddr 10.#.0.0/16 meta mark set #"),
    "chain z { type filter hook postrouting priority 0; ct mark set meta mark; ct mark & 2 == 2 drop; }",
    45,
    15,
  ],
  [
    "a priority",
    `${each(SIX, "ip saddr 10.#.0.0/16 meta priority set #:0")}`,
    "chain z { type filter hook postrouting priority 0; meta priority 2:0 drop; }",
    16,
    6,
  ],
  [
    "marks by a map of verdicts",
    each(SIX, "ip saddr 10.#.0.0/16 meta mark set #"),
    "chain z { type filter hook postrouting priority 0; tcp dport vmap { 80 : jump y, 81 : accept }; } chain y { meta mark 2 drop; }",
    23,
    8,
  ],
  [
    "ways that meet by chance",
    "numgen random mod 2 0 jump d; tcp dport 80 drop",
    "chain d { ip daddr 10.0.0.9 accept; }",
    8,
    7,
  ],
  [
    "six that are masqueraded",
    "accept",
    `chain z { type nat hook postrouting priority 100; ${each(SIX, "ip saddr 10.#.0.0/16 masquerade")}; }`,
    4,
    16,
  ],
  [
    "six that are sent on, and asked where",
    each(SIX, "ip daddr 10.244.0.# tcp dport 80 drop"),
    `chain n { type nat hook prerouting priority -100; ${each(SIX, "ip daddr 10.96.0.# tcp dport 80 dnat to 10.244.0.#")}; }`,
    11,
    15,
  ],
  [
    "six to one endpoint",
    "ct status dnat ip daddr 10.244.0.5 tcp dport 80 jump d",
    `chain d { ip daddr 10.244.0.5 ip saddr 10.0.0.1 drop; }
     chain n { type nat hook prerouting priority -100; ${each(SIX, "ip daddr 10.96.0.# tcp dport 80 dnat to 10.244.0.5:8#")}; }`,
    11,
    9,
  ],
  [
    "twelve to one endpoint, of which each port has two",
    "ct status dnat ip daddr 10.244.0.5 tcp dport 80 jump d",
    `chain d { ip daddr 10.244.0.5 ip saddr 10.0.0.1 drop; }
     chain n { type nat hook prerouting priority -100; ${each(SIX, "ip daddr 10.96.0.# tcp dport 80 dnat to 10.244.0.5:8#")};
     ${each(SIX, "ip daddr 10.97.0.# tcp dport 80 dnat to 10.244.0.5:8#")}; }`,
    11,
    9,
  ],
  ["a tree with a mark", each(SIX, "ip saddr 10.#.0.0/16 meta mark 1 goto t#"), TREE, 14, 10],
  [
    "a chain below a chain that does nothing to those that come",
    "ip daddr 10.0.0.0/29 jump d; tcp dport 80 drop",
    "chain d { ip daddr 10.0.0.0/28 jump e; } chain e { ip daddr 10.0.0.9 accept; }",
    4,
    4,
  ],
  [
    "a chain that asks for a source that the kernel has chosen",
    "accept",
    `chain d { ip saddr 192.0.2.1 drop; } chain z { type filter hook postrouting priority 200; jump d; }
     chain n { type nat hook postrouting priority 100; ip saddr 10.0.0.0/8 masquerade; }`,
    14,
    10,
  ],
  [
    "six that ask for a source that the kernel has chosen",
    "accept",
    `chain z { type filter hook postrouting priority 200; ${each(SIX, "ip saddr 192.0.2.1 meta mark # drop")}; }
     chain n { type nat hook postrouting priority 100; ip saddr 10.0.0.0/8 masquerade; }`,
    8,
    14,
  ],
  [
    "six by ports that ask for a source that the kernel has chosen",
    "accept",
    `chain z { type filter hook postrouting priority 200; ${each(SIX, "ip saddr 192.0.2.1 tcp dport # drop")}; }
     chain n { type nat hook postrouting priority 100; ip saddr 10.0.0.0/8 masquerade; }`,
    8,
    15,
  ],
  [
    "two ways by chance that do the same",
    "numgen random mod 2 vmap { 0 : jump d, 1 : jump e }; meta mark 1 drop",
    "chain d { meta mark set 1; } chain e { meta mark set 1; }",
    8,
    4,
  ],
  [
    "two ways by chance that do it differently",
    "numgen random mod 2 vmap { 0 : jump d, 1 : jump e }; meta mark & 1 == 1 drop",
    "chain d { meta mark set 1; } chain e { meta mark set 2; meta mark set 3; }",
    10,
    4,
  ],
  [
    "two endpoints by chance",
    "ip daddr 10.244.0.5 drop",
    "chain n { type nat hook prerouting priority -100; meta l4proto tcp dnat to numgen random mod 2 map { 0 : 10.244.0.5, 1 : 10.244.0.6 }; }",
    7,
    6,
  ],
  [
    "two ways by chance, of which each accepts",
    "numgen random mod 2 vmap { 0 : jump d, 1 : jump e }; drop",
    "chain d { accept; } chain e { accept; }",
    6,
    2,
  ],
  ["two ways by chance to one rule that accepts", "numgen random mod 2 0 meta mark set 1; accept", "", 4, 2],
  ["a tree with ways that overlap", each(SIX, "ip saddr 10.#.0.0/15 goto t#"), TREE, 10, 6],
  [
    "one destination of six sources",
    each(SIX, "ip saddr 10.#.0.0/16 ip daddr 10.0.0.# drop"),
    "chain n { type nat hook prerouting priority -100; ip daddr 10.96.0.10 dnat to 10.0.0.5; }",
    6,
    32,
  ],
  [
    "six destinations of a source that the kernel has chosen",
    "accept",
    `chain z { type filter hook postrouting priority 200; ${each(SIX, "ip daddr 10.0.0.# ip saddr 192.0.2.1# drop")}; }
     chain n { type nat hook postrouting priority 100; ip saddr 10.0.0.0/8 masquerade; }`,
    20,
    54,
  ],
  [
    "a mark that six ask for, and nobody behind them",
    `tcp dport 80 meta mark set 7; ${each(SIX, "ip saddr 10.0.0.# meta mark 7 accept")}; tcp dport 81 drop`,
    "",
    9,
    8,
  ],
  [
    "four of one field among others",
    `${each([1, 2, 3], "meta mark # accept")}; ${each([1, 2, 3, 4], "ip saddr 10.0.0.# drop")}; ${each([1, 2, 3], "meta mark # drop")}`,
    "",
    20,
    8,
  ],
  [
    "priorities that nobody asks for",
    `${each(SIX, "ip saddr 10.#.0.0/16 meta priority set #:0")}; tcp dport 80 drop`,
    "",
    4,
    4,
  ],
  [
    "marks of connections that nobody asks for",
    `${each(SIX, "ip saddr 10.#.0.0/16 ct mark set #")}; meta mark 1 drop`,
    "",
    4,
    6,
  ],
  [
    "bits of marks that packets came with",
    `${each(SIX, "ip saddr 10.#.0.0/16 meta mark set meta mark xor #")}; meta mark & 4 == 4 drop`,
    "",
    8,
    10,
  ],
  [
    "bits of marks that are kept",
    `${each(SIX, "ip saddr 10.#.0.0/16 meta mark set meta mark and 0xf#")}; meta mark & 0x10 == 0x10 drop`,
    "",
    6,
    6,
  ],
];

const KINDS: readonly number[] = [6, 1];

describe.each(ROWS)("%s", (_, rules, others, steps, regions) => {
  const program = mustReadNft(`table ip t { ${others} chain c { type filter hook forward priority 0; ${rules}; } }`);
  const [dispatched, plain] = [new Evaluator(program), new Evaluator(program, PLAIN)];

  test("all packets at once, and single ones", () => {
    const space = new PacketSpace([program], { families: ["IPv4"], firstOnly: true });
    const taken: [steps: number, regions: number] = [0, 0];
    const different: unknown[] = [];
    let tried = 0;
    for (const protocol of KINDS) {
      const kind = space.trafficKinds.find((each) => each.inInterface !== undefined && each.protocol === protocol);
      for (const packets of space.packetsBy(kind as TrafficKind)) {
        const spend = (more: number): void => {
          taken[0] += more;
        };
        const together = dispatched.follow(packets, { ...NODE, spend });
        taken[1] += together.length;
        const apart = plain.follow(packets, NODE);
        const points = new Map([...together, ...apart].flatMap(cornersOf).map((at) => [keyOf(at), at]));
        for (const at of points.values()) {
          const packet = packetAt(kind as TrafficKind, at);
          const [one = [], wanted = []] = [dispatched, plain].map((by) =>
            by.evaluateWhole(packet, NODE).flatMap(({ results }) => results),
          );
          const fates = [fateOf(wanted), fateOf(one), fateAt(together, at), fateAt(apart, at)];
          const ways = [waysOf(wanted), waysOf(one)];
          if (new Set(fates).size > 1 || new Set(ways).size > 1) different.push({ packet, fates, ways });
          tried++;
        }
      }
    }
    expect(different).toEqual([]);
    expect(tried).toBeGreaterThan(5);
    expect(taken).toEqual([steps, regions]);
  });
});

describe("of ways by chance that meet, the steps of both are told", () => {
  const CHANCE = "numgen random mod 2 0 meta mark set 1";
  const forward = (rules: string): string => `chain c { type filter hook forward priority 0; ${rules}; }`;
  test.each<[what: string, chains: string, told: string[]]>([
    ["a write on one of them", forward(`${CHANCE}; accept`), ["c accept"]],
    ["a write before both", forward(`meta mark set 2; ${CHANCE}; accept`), ["c writes 2", "c accept"]],
    ["a write of what differs", forward(`${CHANCE}; ct mark set meta mark; accept`), ["c accept"]],
    [
      "a jump of one of them",
      `chain d { meta mark set 1; } ${forward("numgen random mod 2 0 jump d; accept")}`,
      ["c accept"],
    ],
    [
      "a policy",
      `chain a { type filter hook prerouting priority 0; ${CHANCE}; } ${forward("accept")}`,
      ["a policy", "c accept"],
    ],
    [
      "a policy, behind a rule that asks for what differs",
      `chain a { type filter hook prerouting priority 0; ${CHANCE}; meta mark 7 tcp dport 81 drop; } ${forward("accept")}`,
      ["a policy", "c accept"],
    ],
    [
      "a policy at one hook, and at another",
      `chain a { type filter hook prerouting priority 0; ${CHANCE}; meta mark 7 tcp dport 81 drop; } chain b { type filter hook forward priority -1; } ${forward("accept")}`,
      ["a policy", "b policy", "c accept"],
    ],
    [
      "a translation",
      `chain n { type nat hook prerouting priority -100; ${CHANCE}; dnat to 10.0.0.9; } ${forward("accept")}`,
      ["n 10.0.0.9", "c accept"],
    ],
    [
      "a translation, before a rule that asks for what differs",
      `chain n { type nat hook prerouting priority -100; ${CHANCE}; dnat to 10.0.0.9; } ${forward("meta mark 7 tcp dport 81 drop; accept")}`,
      ["n 10.0.0.9", "c accept"],
    ],
    [
      "an element",
      `chain a { type filter hook prerouting priority 0; ${CHANCE}; ip daddr vmap { 10.0.0.2 : accept, 10.0.0.3 : drop }; } ${forward("accept")}`,
      ["a accept", "c accept"],
    ],
  ])("%s", (_, chains, told) => {
    const results = new Evaluator(mustReadNft(`table ip t { ${chains} }`)).evaluateWhole(PACKET, NODE);
    expect(results.flatMap((each) => each.results.map(({ path }) => path.map(toldOf)))).toEqual([told]);
  });
});

function toldOf(step: PathStep): string {
  if (step.kind === "policy") return `${step.base.name} policy`;
  if (step.kind === "missed") return "missed";
  const { effect, chain, translated } = step;
  if (effect.kind === "write") return `${chain} writes ${effect.after}`;
  return `${chain} ${effect.kind === "verdict" ? effect.verdict.kind : translated && printAddress(translated.address)}`;
}

/** The packets of a region with the least value in each field, and with the greatest. */
function cornersOf({ region }: RegionResult): Point[] {
  const corner = (pick: (cuts: readonly Cut[]) => Cut): Point =>
    Object.fromEntries(FIELDS.map((field) => [field, pick(region[field].cuts)])) as Point;
  return [corner((cuts) => cuts[0] as Cut), corner((cuts) => Number(cuts.at(-1)) - 1)];
}

function keyOf(at: Point): string {
  return FIELDS.map((field) => at[field]).join();
}

/** The rules that decided about a packet, and the policies, with their probabilities: a jump to where nothing is done need not be told,
 *  nor what was written on one of two ways. */
function waysOf(results: readonly Result[]): string {
  return total(results.map(({ path, probability }) => [path.flatMap(nameOf).join(), probability]));
}

function nameOf(step: PathStep): string[] {
  if (step.kind === "policy") return [step.base.name];
  if (step.kind === "missed" || step.effect.kind === "write") return [];
  return step.effect.kind === "verdict" && "chain" in step.effect.verdict
    ? []
    : [`${step.chain} ${JSON.stringify(step.rule.origin)}`];
}

function fateOf(results: readonly Result[]): string {
  return total(results.map(({ disposition, probability }) => [dispositionKey(disposition), probability]));
}

/** With which probability what happens to a packet. */
function fateAt(results: readonly RegionResult[], at: Point): string {
  const own = results.filter(({ region }) => FIELDS.every((field) => region[field].has(at[field])));
  return total(
    own.map(({ disposition, probability }) => {
      const there = withDestination(disposition, ({ address, port }) => ({
        address: (typeof address === "string" ? at[address] : address) as Address,
        port: Number(typeof port === "string" ? at[port] : port),
      }));
      return [dispositionKey(there), probability];
    }),
  );
}

function total(parts: readonly (readonly [key: string, probability: number])[]): string {
  const sums = new Map<string, number>();
  for (const [key, probability] of parts) sums.set(key, (sums.get(key) ?? 0) + probability);
  return [...sums]
    .map(([key, probability]) => `${key} ${probability.toFixed(6)}`)
    .sort()
    .join(" or ");
}
