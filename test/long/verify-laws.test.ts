import fc from "fast-check";
import { expect, test } from "vitest";
import { compare, type Discrepancy } from "../../compiler/compare/compare.ts";
import { findDifference } from "../../compiler/compare/outcomes.ts";
import { Evaluator } from "../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../../compiler/evaluate/packet.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import { Culprits } from "../../compiler/verify/culprits.ts";
import { isServiceTraffic, onlyServiceTraffic } from "../../compiler/verify/others.ts";
import { type ServiceRules, type Suspect, serviceRulesOf } from "../../compiler/verify/service-rules.ts";
import { frontendsIn } from "../../compiler/verify/services/frontends.ts";
import { ServiceNames } from "../../compiler/verify/services/service-names.ts";
import { foreignIptables, foreignNft } from "../support/arbitrary-rules.ts";
import { mustCompile } from "../support/compile.ts";
import { readIptablesText, readNftText } from "../support/read.ts";
import { finderIn } from "../support/regions.ts";
import { webCluster } from "../support/tables.ts";

const { program, node } = mustCompile(webCluster(["10.244.1.7", "10.244.1.8"], { type: "NodePort" }));
const { addresses } = node;
const { nameOf } = new ServiceNames(frontendsIn(program), addresses);
const environment = environmentOf(addresses);

function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(text);
  return address;
}

/** First packets to the Service, and to an address that is none's. */
const packet: fc.Arbitrary<Packet> = fc.record({
  protocol: fc.constantFrom(6, 17),
  source: fc.constantFrom("10.244.1.7", "10.244.9.9", "192.168.0.2", "203.0.113.9", "10.0.0.1").map(addressOf),
  destination: fc.constantFrom("10.96.0.1", "10.96.0.9", "192.168.0.2").map(addressOf),
  sourcePort: fc.constantFrom(1024, 40000),
  destinationPort: fc.constantFrom(80, 30080, 443),
  inInterface: fc.constantFrom(undefined, "eth0", "cni0"),
  mark: fc.constant(0),
});

/** Whether the packet of `region` fares as by the Service rules when `suspects` are taken out of the text. */
function isRightWithout(rules: ServiceRules, { packet }: Discrepancy, suspects: readonly Suspect[]): boolean {
  const gone = new Set<unknown>(suspects.map((each) => ("steps" in each ? each : each.chain)));
  const tables = rules.whole.ruleset.tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain) => ({
      ...chain,
      ...(gone.has(chain) ? { policy: "accept" as const } : {}),
      rules: chain.rules.filter((rule) => !gone.has(rule)),
    })),
  }));
  const wanted = new Evaluator(rules.own).evaluateWhole(packet, environment);
  const there = new Evaluator({ ruleset: { tables }, routes: [] }).evaluateWhole(packet, environment);
  return findDifference(wanted, there) === undefined;
}

/** Of hosts with more differing regions of traffic to the Service nothing is asked: to find out about each takes half a millisecond. */
const MOST_KEPT = 2000;
/** Regions of one host for which the culprit is looked for. */
const MOST_EXPLAINED = 4;

const others: fc.Arbitrary<Program> = fc.oneof(
  foreignIptables.map((text) => readIptablesText(text).program),
  foreignNft.map((text) => readNftText(text).program),
);

test("a packet to a Service that rules of others treat otherwise is in a region, and a rule is blamed for that", () => {
  let differing = 0;
  fc.assert(
    fc.property(others, fc.array(packet, { minLength: 30, maxLength: 60 }), (foreign, packets) => {
      const tables = [...program.ruleset.tables, ...foreign.ruleset.tables];
      const rules = serviceRulesOf({ ruleset: { tables }, routes: [] }, []);
      const comparison = compare(rules.own, rules.whole, {
        ...{
          addresses,
          families: ["IPv4"],
          keep: MOST_KEPT,
          budget: 100_000,
          only: isServiceTraffic(nameOf),
        },
      });
      fc.pre(comparison.open.length === 0 && comparison.differing <= MOST_KEPT);
      const { comparison: traffic } = onlyServiceTraffic(comparison, rules, nameOf, addresses);
      const isFound = finderIn(traffic, [rules.own, rules.whole]);
      const [own, whole] = [new Evaluator(rules.own), new Evaluator(rules.whole)];
      for (const each of packets) {
        const alone = own.evaluateWhole(each, environment);
        const isService =
          nameOf(each.protocol, each.destination, each.destinationPort) !== undefined ||
          alone.some(({ verdict }) => verdict !== "pass" && verdict !== "accept");
        if (!isService || findDifference(alone, whole.evaluateWhole(each, environment)) === undefined) continue;
        differing++;
        expect(isFound(each)).toBe(true);
      }
      const culprits = new Culprits(rules, addresses);
      for (const region of traffic.regions.slice(0, MOST_EXPLAINED)) {
        const culprit = culprits.of(region);
        expect(culprit).toBeDefined();
        // Without these rules the packet fares as it should; without fewer of them it does not.
        const suspects = culprit?.suspects ?? [];
        expect(isRightWithout(rules, region, suspects)).toBe(true);
        for (const each of suspects) {
          const fewer = suspects.filter((other) => other !== each);
          expect(isRightWithout(rules, region, fewer)).toBe(false);
          expect(culprits.effective).toContain(each);
        }
      }
    }),
    { numRuns: 40 },
  );
  expect(differing).toBeGreaterThan(5);
});
