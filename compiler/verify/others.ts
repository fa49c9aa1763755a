/** Whether rules that are not about Services change what becomes of packets to Services. */
import type { Comparison, Region } from "../compare/compare.ts";
import { chancesOf, differencesOf } from "../compare/outcomes.ts";
import { Evaluator } from "../evaluate/evaluate.ts";
import { hostOf, type Outcome } from "../evaluate/packet.ts";
import type { Address } from "../net/address.ts";
import type { NameOf } from "../services/service-names.ts";
import type { ServiceRules } from "./service-rules.ts";

/** What is left of a comparison of the rules about Services with all rules: regions of traffic to Services. Those are first
 *  packets of connections to a destination that the manifests name, or with which the rules about Services do something. */
export function onlyServiceTraffic(
  comparison: Comparison,
  { own, whole }: Pick<ServiceRules, "own" | "whole">,
  nameOf: NameOf,
  addresses: readonly Address[],
): Comparison {
  const evaluators = [new Evaluator(own), new Evaluator(whole)] as const;
  const environment = hostOf(addresses);
  const regions = comparison.regions.flatMap((region): Region[] => {
    const { packet, left } = region;
    if (nameOf(packet.protocol, packet.destination, packet.destinationPort) !== undefined || isTreated(left))
      return [region];
    if (left.assumptions.length === 0) return [];
    const [a, b] = [evaluators[0].evaluate(packet, environment), evaluators[1].evaluate(packet, environment)];
    for (const difference of differencesOf(a, b)) if (isTreated(difference.left)) return [{ ...region, ...difference }];
    return [];
  });
  return { ...comparison, regions, differing: regions.length };
}

function isTreated(outcome: Outcome): boolean {
  return [...chancesOf(outcome).keys()].some((text) => text !== "goes on");
}
