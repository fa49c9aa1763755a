import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Comparison, compare } from "../../compiler/compare/compare.ts";
import { findDifference } from "../../compiler/compare/outcomes.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { hostOf, type Packet } from "../../compiler/evaluate/packet.ts";
import type { Program } from "../../compiler/ir/types.ts";
import type { Address } from "../../compiler/net/address.ts";
import { type ClusterInput, cluster, type Manifest } from "../support/arbitraries.ts";
import { mustCompile, printIptables, printNft, unfold } from "../support/compile.ts";
import { denseCluster } from "../support/dense.ts";
import { MUTATIONS } from "../support/mutants.ts";
import { packetsAtServices, packetsFor } from "../support/packets.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";
import { finderIn, remembered } from "../support/regions.ts";
import { EVERYTHING, runs, some } from "../support/runs.ts";
import { numbersFrom } from "../support/slots.ts";

/** What the two texts of a program say. */
function textsOf(program: Program): [Program, Program] {
  const families = (["ip", "ip6"] as const).map((family) => mustReadIptables(printIptables(program, family), family));
  const iptables = { ruleset: { tables: families.flatMap(({ ruleset }) => ruleset.tables) }, routes: [] };
  return [mustReadNft(printNft(program)), iptables];
}

/** Packets at hosts of a cluster, and at the borders of regions. */
function* probes(comparison: Comparison, others: Iterable<Packet>): Generator<Packet> {
  yield* others;
  for (const { box, packet } of comparison.regions.slice(0, 200)) {
    for (const [saddr, daddr, sport, dport] of [
      [box.saddr.to, box.daddr.to, box.sport.to, box.dport.to],
      [box.saddr.from, box.daddr.to, box.sport.from, box.dport.to],
    ] as const)
      yield {
        ...packet,
        source: saddr as Address,
        destination: daddr as Address,
        sourcePort: Number(sport),
        destinationPort: Number(dport),
      };
  }
}

describe("the same programs", () => {
  test("in lookups and in rules are proved equal", () => {
    fc.assert(
      fc.property(cluster, (world) => {
        const { program, node } = mustCompile(world);
        const { differing, open } = compare(program, unfold(program), { addresses: node.addresses });
        expect({ differing, open }).toEqual({ differing: 0, open: [] });
      }),
      { numRuns: runs(20) },
    );
  });

  test("in the two texts are proved equal", () => {
    fc.assert(
      fc.property(cluster, (world) => {
        const { program, node } = mustCompile(world);
        const [nft, iptables] = textsOf(program);
        const { differing, open, regions } = compare(nft, iptables, { addresses: node.addresses });
        expect({ differing, open, first: regions[0]?.packet }).toEqual({ differing: 0, open: [], first: undefined });
      }),
      { numRuns: runs(15) },
    );
  });
});

describe("different programs", () => {
  test("differ for the packets that are found, and for no others", () => {
    let different = 0;
    fc.assert(
      fc.property(cluster, fc.nat({ max: 40 }), (world, start) => {
        const { program: left, node } = mustCompile(world);
        const { program: right } = mustCompile({ ...world, mode: world.mode === "nftables" ? "iptables" : "nftables" });
        const comparison = compare(left, right, { addresses: node.addresses, keep: Number.POSITIVE_INFINITY });
        const isFound = finderIn(comparison, [left, right]);
        const evaluators = [new Evaluator(left), new Evaluator(right)];
        const environment = hostOf(node.addresses);
        const others = [...packetsAtServices(world, start, 17), ...packetsFor(world, start, 410)];
        const pick = numbersFrom(start);
        for (const first of probes(comparison, others)) {
          const packet = pick(2) === 0 ? first : remembered(first, comparison.space, undefined, pick);
          const [a, b] = evaluators.map((each) => each.evaluateWhole(packet, environment));
          const differ = findDifference(a ?? [], b ?? []) !== undefined;
          expect({ packet, differ }).toEqual({ packet, differ: isFound(packet) });
          if (differ) different++;
        }
      }),
      { numRuns: runs(15) },
    );
    expect(different).toBeGreaterThan(runs(100));
  });

  // That a packet is accepted in so many words is not seen of a whole ruleset: it passes as it would anyway.
  const VISIBLE = Object.keys(MUTATIONS).filter((name) => name !== "health checks not accepted");
  test.each(some(VISIBLE, 4))("that are wrong differ: %s", (name) => {
    const mutate = MUTATIONS[name] as (program: Program) => Program | undefined;
    // The same clusters each time: in one of them the mistake can be seen, if the comparison sees it.
    const found = fc.sample(cluster, { numRuns: 60, seed: 20 }).some((world) => {
      const { program, node } = mustCompile(world);
      const wrong = mutate(program);
      return wrong !== undefined && compare(program, wrong, { addresses: node.addresses }).differing > 0;
    });
    expect(found).toBe(true);
  });
});

describe("clusters with hundreds of node ports, and Services with up to 100 ports", () => {
  /** Steps for a comparison: enough for most of these clusters. */
  const budget = 200_000;

  test.runIf(EVERYTHING)("are the same in lookups, in rules and in the two texts, as far as the budget goes", () => {
    fc.assert(
      fc.property(denseCluster, (world) => {
        const { program, node } = mustCompile(world);
        for (const [left, right] of [[program, unfold(program)], textsOf(program)] as const) {
          const { boxes, differing, open } = compare(left, right, { addresses: node.addresses, budget });
          const reasons = new Set(open.map(({ reason }) => reason));
          expect({ differing, others: [...reasons].filter((each) => each !== `after ${budget} steps`) }).toEqual({
            differing: 0,
            others: [],
          });
          expect(boxes).toBeGreaterThan(0);
        }
      }),
      { numRuns: runs(8) },
    );
  });

  test.runIf(EVERYTHING)("differ where one of the ports is missing", () => {
    // The same clusters each time: the budget is enough to find it, and the port has endpoints. Without any it is refused as an unknown one.
    const found = fc.sample(denseCluster, { numRuns: 4, seed: 7 }).map((world) => {
      const { program, node } = mustCompile(world);
      const { program: lacking } = mustCompile(withoutLastPort(world));
      return compare(program, lacking, { addresses: node.addresses, budget }).differing > 0;
    });
    expect(found).toEqual(found.map(() => true));
    expect(found.length).toBeGreaterThan(0);
  });

  /** Without the last port of the first Service; without the Service where it has one port. */
  function withoutLastPort(world: ClusterInput): ClusterInput {
    const first = world.objects.find(({ kind }) => kind === "Service");
    const spec = first?.["spec"] as Manifest | undefined;
    const ports = spec?.["ports"];
    if (first === undefined || !Array.isArray(ports)) throw new Error("there is no Service");
    const lacking = { ...first, spec: { ...spec, ports: ports.slice(0, -1) } };
    const objects = world.objects.flatMap((each) => (each !== first ? [each] : ports.length === 1 ? [] : [lacking]));
    return { ...world, objects };
  }
});

test("a budget that is used up says where it ended, and what is proved", () => {
  const [world] = fc.sample(cluster, { numRuns: 1, seed: 7 });
  if (world === undefined) throw new Error("no cluster");
  const { program, node } = mustCompile(world);
  const rules = unfold(program);
  const whole = compare(program, rules, { addresses: node.addresses });
  const part = compare(program, rules, { addresses: node.addresses, budget: 1500 });
  expect(part.boxes).toBeGreaterThan(0);
  expect(part.boxes).toBeLessThan(whole.boxes);
  expect(part.open.length).toBeGreaterThan(1);
  expect(part.open.map(({ reason }) => reason)).toEqual(part.open.map(() => "after 1500 steps"));
});

/** All addresses of a host that has no others. */
const LOOPBACK = [0x7f000001 as Address];

/** One rule at a hook, in a table of its own. */
function ruleset(steps: string, hook = "forward"): Program {
  return mustReadNft(`table inet t { chain c { type filter hook ${hook} priority 0; ${steps} } }`);
}

describe("regions are as few as can be", () => {
  test.each([
    ["one hole", "ip daddr 10.0.0.1 drop", "", 1],
    ["a run of neighbours", "ip daddr { 10.0.0.0, 10.0.0.1, 10.0.0.2 } drop", "", 1],
    ["what is left beside a hole", "ip daddr 10.0.0.0/24 drop", "ip daddr 10.0.0.7 drop", 2],
    [
      "rules in another order",
      "ip daddr 10.0.0.1 drop; ip saddr 10.0.0.2 drop",
      "ip saddr 10.0.0.2 drop; ip daddr 10.0.0.1 drop",
      0,
    ],
    ["an interval in two parts", "tcp dport 1-10 drop", "tcp dport 1-5 drop; tcp dport 6-10 drop", 0],
    [
      "a mask that is no prefix",
      "ip daddr & 0.0.0.3 == 0.0.0.1 ip daddr 10.0.0.0/29 drop",
      "ip daddr { 10.0.0.1, 10.0.0.5 } drop",
      0,
    ],
    ["a mask that leaves nothing of what is asked for", "ip daddr & 0.0.0.1 == 0.0.0.2 drop", "", 0],
    ["chances that add up", "numgen random mod 4 < 2 drop", "numgen random mod 2 0 drop", 0],
    ["every other packet, and one of two numbers", "numgen inc mod 2 1 drop", "numgen random mod 4 < 2 drop", 0],
    ["many numbers", "numgen inc mod 4294967295 != 7 drop", "drop", 0],
    ["chances that do not", "numgen random mod 4 < 2 drop", "numgen random mod 4 < 1 drop", 2], // beside those to loopback,
  ] as const)("%s", (_, left, right, count) => {
    const { regions, open } = compare(ruleset(left), ruleset(right), { addresses: LOOPBACK, families: ["IPv4"] });
    const first = regions.filter(
      ({ trafficKind }) =>
        trafficKind.protocol === regions[0]?.trafficKind.protocol && trafficKind.tracking === "first",
    );
    expect({ open, count: first.length }).toEqual({ open: [], count });
  });
});

describe("what both sides take for unknown", () => {
  test("makes no difference to what is the same either way", () => {
    const right = "meta skuid 7 drop; tcp option maxseg size 9 drop";
    const left = "tcp option maxseg size 9 drop; meta skuid 7 drop";
    const { differing, open } = compare(ruleset(left), ruleset(right), { addresses: LOOPBACK, families: ["IPv4"] });
    expect({ differing, open }).toEqual({ differing: 0, open: [] });
  });

  test("tells under which assumptions they differ", () => {
    // Of forwarded packets it is certain that they have no socket.
    const [left, right] = ["meta skuid 7 drop", "meta skuid 8 drop"].map((steps) => ruleset(steps, "output"));
    const { regions } = compare(left as Program, right as Program, { addresses: LOOPBACK });
    expect(regions[0]?.assumptions).toEqual(["meta skuid == 7", "not meta skuid == 8"]);
  });
});

test("destinations that are left as they are meet those that are named", () => {
  const nat = (to: string) =>
    mustReadNft(
      `table ip t { chain c { type nat hook prerouting priority -100; meta l4proto tcp ip daddr 10.0.0.1 dnat to ${to} } }`,
    );
  const { regions, differing } = compare(nat("10.0.0.9"), nat("10.0.0.9:80"), {
    addresses: LOOPBACK,
    families: ["IPv4"],
  });
  // At port 80 both say the same.
  expect(
    regions
      .filter(({ trafficKind }) => trafficKind.protocol === 6)
      .slice(0, 2)
      .map(({ box }) => box.dport),
  ).toEqual([
    { from: 0, to: 79 },
    { from: 81, to: 65535 },
  ]);
  expect(differing).toBeGreaterThan(0);
});
