/** Whether rules that are not about Services change what becomes of packets to Services. */
import type { Comparison, Region } from "../compare/compare.ts";
import { chancesOf, type Difference, differencesOf } from "../compare/outcomes.ts";
import { ALWAYS } from "../evaluate/condition.ts";
import { Evaluator } from "../evaluate/evaluate.ts";
import { hostOf, type Outcome } from "../evaluate/packet.ts";
import type { Address } from "../net/address.ts";
import type { NameOf } from "../services/service-names.ts";
import { designIn } from "./by-design.ts";
import type { ServiceRules } from "./service-rules.ts";

/** Traffic to Services that other rules treat. */
export interface ServiceTraffic {
  /** The comparison of the Service rules with all rules, of which only regions of traffic to Services are left, where more differs
   *  than the source that a network plugin translates by design. */
  readonly comparison: Comparison;
  /** Regions where only that differs, by plugin. */
  readonly byDesign: ReadonlyMap<string, readonly Region[]>;
}

/** What of a comparison of the rules about Services with all rules is about traffic to Services. Those are first packets of
 *  connections to a destination that the manifests name, or with which the rules about Services do something. */
export function onlyServiceTraffic(
  comparison: Comparison,
  { own, whole }: Pick<ServiceRules, "own" | "whole">,
  nameOf: NameOf,
  addresses: readonly Address[],
): ServiceTraffic {
  const evaluators = [new Evaluator(own), new Evaluator(whole)] as const;
  const environment = hostOf(addresses);
  const byDesign = new Map<string, Region[]>();
  const regions = comparison.regions.flatMap((region): Region[] => {
    const { packet, left, right } = region;
    const isNamed = nameOf(packet.protocol, packet.destination, packet.destinationPort) !== undefined;
    const isAbout = (difference: Difference): boolean => isNamed || isTreated(difference.left);
    const isCertain = left.condition === ALWAYS && right.condition === ALWAYS;
    const evaluate = (i: 0 | 1): Outcome[] => evaluators[i].evaluate(packet, environment);
    const differences: Iterable<Difference> = isCertain ? [region] : differencesOf(evaluate(0), evaluate(1));
    for (const difference of differences) {
      if (!isAbout(difference)) continue;
      const by = designIn(difference);
      if (by === undefined) return [{ ...region, ...difference }];
      for (const each of by) {
        const known = byDesign.get(each);
        if (known === undefined) byDesign.set(each, [region]);
        else known.push(region);
      }
    }
    return [];
  });
  return { comparison: { ...comparison, regions, differing: regions.length }, byDesign };
}

function isTreated(outcome: Outcome): boolean {
  return [...chancesOf(outcome).keys()].some((text) => text !== "goes on");
}
