/** Culprits as causes of differences. */
import type { Discrepancy } from "../compare/compare.ts";
import type { Culprits } from "./culprits.ts";
import { treatmentOf } from "./findings.ts";
import { describeSuspects, describeTogether } from "./places.ts";
import type { Cause } from "./services/cause.ts";

/** The culprit of a region as a cause: one for all Services that it treats alike. */
export function causeByOthers(region: Discrepancy, culprits: Culprits): Cause | undefined {
  const culprit = culprits.of(region);
  if (culprit === undefined) return undefined;
  const where = describeTogether(culprit);
  const way = culprit.way.length === 0 ? "" : `by way of ${describeSuspects(culprit.way)}`;
  const chains = [...new Set(culprit.suspects.flatMap((each) => ("steps" in each ? [culprits.chainOf(each)] : [])))];
  const { effect } = treatmentOf(region.left, region.right);
  return {
    key: `${where} ${effect}`,
    where: chains.length === 0 ? where : `${chains.join(", ")}, ${where}`,
    ...{ way, effect },
    rules: culprit.suspects.map((each) => ("steps" in each ? each : each.what)),
  };
}
