import fc from "fast-check";
import { expect, test } from "vitest";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Outcome, type Packet } from "../../compiler/evaluate/packet.ts";
import { printAddressPort } from "../../compiler/net/address.ts";
import { type ClusterInput, cluster } from "../support/arbitraries.ts";
import { mustCompile, unfold, violationsOf } from "../support/compile.ts";
import { denseCluster } from "../support/dense.ts";
import { packetsAtServices, packetsAtSomeServices, packetsFor } from "../support/packets.ts";
import { EVERYTHING, runs } from "../support/runs.ts";

/** An outcome without the rules that led to it. */
function summary(outcomes: readonly Outcome[]): unknown {
  return outcomes.map(({ verdict, rejectWith, endpoints, sticky, assumptions }) => ({
    verdict,
    rejectWith,
    endpoints: endpoints.map(
      ({ address, port, probability, masquerade }) =>
        `${printAddressPort(address, port)} ${masquerade} ${probability.toFixed(6)}`,
    ),
    sticky,
    assumptions,
  }));
}

/** Holds the rules of `world` with lookups against those without, for `packets`. */
function expectAlike(world: ClusterInput, packets: Iterable<Packet>): void {
  const { program, node } = mustCompile(world);
  const unfolded = unfold(program);
  expect(violationsOf(program)).toEqual([]);
  expect(violationsOf(unfolded)).toEqual([]);
  const [lookups, rules] = [new Evaluator(program), new Evaluator(unfolded)];
  const environment = environmentOf(node.addresses);
  for (const packet of packets) {
    expect(summary(rules.evaluateWhole(packet, environment))).toEqual(
      summary(lookups.evaluateWhole(packet, environment)),
    );
  }
}

test("rules without lookups do to every packet what the lookups do", () => {
  fc.assert(
    fc.property(cluster, fc.nat({ max: 40 }), (world, start) =>
      expectAlike(world, [...packetsAtServices(world, start, 17), ...packetsFor(world, start, 410)]),
    ),
    { numRuns: runs(60) },
  );
});

test.runIf(EVERYTHING)("also with hundreds of ports", () => {
  fc.assert(
    fc.property(denseCluster, (world) => expectAlike(world, packetsAtSomeServices(world, 200))),
    { numRuns: runs(8) },
  );
});

test("no packet meets a rule that is there for replacements only", () => {
  fc.assert(
    fc.property(cluster, fc.nat({ max: 40 }), (world, start) => {
      const { program, node } = mustCompile(world);
      const evaluator = new Evaluator(program);
      const environment = environmentOf(node.addresses);
      for (const packet of [...packetsAtServices(world, start, 17), ...packetsFor(world, start, 410)]) {
        const reasons = evaluator
          .evaluateWhole(packet, environment)
          .flatMap(({ results }) => results.flatMap((result) => result.reasons));
        expect(reasons.filter(({ rule, translated }) => rule.whileReplacing && translated !== undefined)).toEqual([]);
      }
    }),
    { numRuns: runs(60) },
  );
});
