/** Culprits as causes of differences. */
import type { Region } from "../compare/compare.ts";
import type { Cause } from "../services/cause.ts";
import type { Culprits } from "./culprits.ts";
import { howTreated } from "./findings.ts";
import { describeSuspects, describeTogether } from "./places.ts";

/** The culprit of a region as a cause: one for all Services that it treats alike. */
export function causeByOthers(region: Region, culprits: Culprits): Cause | undefined {
  const culprit = culprits.of(region);
  if (culprit === undefined) return undefined;
  const where = describeTogether(culprit);
  const way = culprit.way.length === 0 ? "" : `by way of ${describeSuspects(culprit.way)}`;
  const chains = [...new Set(culprit.suspects.flatMap((each) => ("steps" in each ? [culprits.chainOf(each)] : [])))];
  const effect = effectOf(region);
  return {
    key: `${where} ${effect}`,
    where: chains.length === 0 ? where : `${chains.join(", ")}, ${where}`,
    ...{ way, effect },
    rules: culprit.suspects.map((each) => ("steps" in each ? each : each.what)),
  };
}

/** Equal for all Services that are treated alike. */
function effectOf({ left, right }: Region): string {
  const effect = howTreated(left, right);
  if (effect.startsWith("drops part of it")) return "drops part of it";
  return effect.startsWith("makes it otherwise") ? "sends it elsewhere" : effect;
}
