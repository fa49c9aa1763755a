/** Where rules stand in their files. */
import { lineAndColumn } from "../diagnostics.ts";
import type { Rule } from "../ir/types.ts";
import type { Culprit } from "./culprits.ts";
import type { Suspect } from "./service-rules.ts";
import { ruleToData } from "./services/rule-data.ts";

/** `lines 3-4 of host.v4 and the policy drop of chain FORWARD`. */
export function describeSuspects(suspects: readonly Suspect[]): string {
  const rules = suspects.filter((suspect): suspect is Rule => "steps" in suspect);
  const policies = suspects.flatMap((each) => ("steps" in each ? [] : [`the ${each.what}`]));
  const places = placesOf(rules);
  const unplaced = rules.length > 0 && places === "" ? ["a rule"] : [];
  return [...(places === "" ? [] : [places]), ...unplaced, ...policies].join(" and ");
}

/** The places of suspects, and whether fewer suspects would be enough. */
export function describeTogether({ suspects, isSmallest }: Culprit): string {
  const together = suspects.length > 1 ? (isSmallest ? " (only together)" : " (together)") : "";
  return `${describeSuspects(suspects)}${together}`;
}

/** The places of suspects, and of the jumps that lead to them. */
export function describeWithWay(culprit: Culprit): string {
  const { way } = culprit;
  return `${describeTogether(culprit)}${way.length > 0 ? ` (by way of ${describeSuspects(way)})` : ""}`;
}

export function suspectToData(suspect: Suspect): object {
  return "steps" in suspect ? ruleToData(suspect) : { policy: suspect.what };
}

/** `lines 3-4, 9 of host.v4`. */
export function placesOf(rules: readonly Rule[]): string {
  const byFile = new Map<string, number[]>();
  for (const { origin } of rules) {
    const span = origin?.span();
    if (span === undefined) continue;
    byFile.set(span.source.name, [...(byFile.get(span.source.name) ?? []), lineAndColumn(span).line]);
  }
  return [...byFile].map(([name, lines]) => `${printLines(lines)} of ${name}`).join(", ");
}

function printLines(lines: readonly number[]): string {
  const runs: { from: number; to: number }[] = [];
  for (const line of [...new Set(lines)].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last.to + 1 === line) last.to = line;
    else runs.push({ from: line, to: line });
  }
  const texts = runs.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`));
  return `${texts.length === 1 && !texts[0]?.includes("-") ? "line" : "lines"} ${texts.join(", ")}`;
}
