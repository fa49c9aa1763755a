/** Whether rules that are not about Services change what becomes of packets to Services. */
import type { CompareOptions, Comparison, Discrepancy } from "../compare/compare.ts";
import { type Difference, differencesOf } from "../compare/outcomes.ts";
import { isUntouched } from "../evaluate/disposition.ts";
import { type Evaluation, Evaluator, knownOutcomes } from "../evaluate/evaluate.ts";
import { hostOf, type Outcome } from "../evaluate/packet.ts";
import { ALWAYS } from "../evaluate/unknown/condition.ts";
import { EXPLORE_LIMITS, type ExploreLimits } from "../evaluate/unknown/explore.ts";
import type { Address } from "../net/address.ts";
import { designIn } from "./by-design.ts";
import type { ServiceRules } from "./service-rules.ts";
import type { NameOf } from "./services/service-names.ts";

/** Traffic to Services that other rules treat. */
export interface ServiceTraffic {
  /** The comparison of the Service rules with all rules, of which only regions of traffic to Services are left, where more differs
   *  than the source that a network plugin translates by design. */
  readonly comparison: Comparison;
  /** Regions where only that differs, by plugin. */
  readonly byDesign: ReadonlyMap<string, readonly Discrepancy[]>;
  /** Regions of packets that have too many outcomes to tell whether more than that differs. */
  readonly notCompared: readonly Discrepancy[];
}

/** For `compare`, with the rules about Services on its left side: traffic to Services. Whoever leaves it out gets the same from
 *  `onlyServiceTraffic`, for more work. */
export function isServiceTraffic(nameOf: NameOf): NonNullable<CompareOptions["only"]> {
  return ({ protocol, destination, destinationPort }, left) =>
    nameOf(protocol, destination, destinationPort) !== undefined ||
    left.incomplete !== undefined ||
    left.outcomes.some(isTreated);
}

/** What of a comparison of the rules about Services with all rules is about traffic to Services. Those are first packets of
 *  connections to a destination that the manifests name, or with which the rules about Services do something. */
export function onlyServiceTraffic(
  comparison: Comparison,
  { own, whole }: Pick<ServiceRules, "own" | "whole">,
  nameOf: NameOf,
  addresses: readonly Address[],
  limits: ExploreLimits = EXPLORE_LIMITS,
): ServiceTraffic {
  const evaluators = [new Evaluator(own), new Evaluator(whole)] as const;
  const environment = hostOf(addresses);
  const byDesign = new Map<string, Discrepancy[]>();
  const notCompared: Discrepancy[] = [];
  const regions = comparison.regions.flatMap((region): Discrepancy[] => {
    const { packet, left, right } = region;
    const isNamed = nameOf(packet.protocol, packet.destination, packet.destinationPort) !== undefined;
    const isAbout = (difference: Difference): boolean => isNamed || isTreated(difference.left);
    const isCertain = left.condition === ALWAYS && right.condition === ALWAYS;
    const [first, second] = isCertain
      ? [{ outcomes: [left] }, { outcomes: [right] }]
      : (evaluators.map((each) => each.evaluate(packet, environment, limits)) as [Evaluation, Evaluation]);
    for (const difference of differencesOf(knownOutcomes(first), knownOutcomes(second))) {
      if (!isAbout(difference)) continue;
      const by = designIn(difference);
      if (by === undefined) return [{ ...region, ...difference }];
      for (const each of by) {
        const known = byDesign.get(each);
        if (known === undefined) byDesign.set(each, [region]);
        else known.push(region);
      }
    }
    if (first.incomplete !== undefined || second.incomplete !== undefined) notCompared.push(region);
    return [];
  });
  return { comparison: { ...comparison, regions, differing: regions.length }, byDesign, notCompared };
}

function isTreated({ results }: Outcome): boolean {
  return results.some(({ disposition }) => !isUntouched(disposition));
}
