/** What is wrong with a host, for people and for programs. */
import { regionToData, renderRegion, type Sides } from "../compare/render.ts";
import type { Culprit } from "./culprits.ts";
import type { Finding } from "./findings.ts";
import { placesOf, suspectToData } from "./places.ts";
import type { Others } from "./service-rules.ts";
import { ruleToData } from "./services/rule-data.ts";

/** Findings, and between whom they are. */
export interface ShownFindings {
  readonly about: "service rules" | "other rules";
  readonly findings: readonly Finding[];
  readonly sides: Sides;
}

/** The first `limit` findings, with a packet for each. */
export function renderFindings(found: readonly ShownFindings[], limit: number): string[] {
  const all = found.flatMap(({ findings, sides }) => findings.map((finding) => ({ finding, sides })));
  const shown = all.slice(0, limit).map(({ finding, sides }) => renderFinding(finding, sides));
  const more = all.length - shown.length;
  return more > 0 ? [...shown, `… and ${more} more findings (--limit ${all.length} shows them)\n`] : shown;
}

function renderFinding({ subject, statement, region, regions }: Finding, sides: Sides): string {
  const others = regions > 1 ? ` (${regions} classes of packets; one of them)` : "";
  const lines = renderRegion(region, sides).map((line) => `  ${line}`);
  return [`${subject}: ${statement}${others}`, ...lines, ""].join("\n");
}

/** `{findings, findingTotal}`. */
export function findingsToData(found: readonly ShownFindings[], limit: number) {
  const all = found.flatMap(({ about, findings, sides }) => findings.map((finding) => ({ about, finding, sides })));
  return {
    findings: all
      .slice(0, limit)
      .map(({ about, finding: { subject, statement, culprit, region, regions }, sides }) => ({
        subject,
        statement,
        about,
        ...(culprit === undefined ? {} : culpritToData(culprit)),
        classes: regions,
        counterexample: regionToData(region, sides),
      })),
    findingTotal: all.length,
  };
}

/** `rules`: the rules and policies without which the packet would be treated as it should, in its order. */
function culpritToData({ suspects, way, isSmallest }: Culprit): object {
  return {
    rules: suspects.map(suspectToData),
    leadingRules: way.map(suspectToData),
    minimal: isSmallest,
  };
}

/** `table inet filter, 2 rules (lines 3-4 of host.nft)`. */
export function describeOthers({ what, rules }: Others): string {
  const places = placesOf(rules);
  return places === "" ? what : `${what} (${places})`;
}

/** `changes`: whether a packet to a Service fares otherwise by them; null where not all were compared. */
export function othersToData({ what, rules }: Others, changes: boolean | null): object {
  return { what, changesServiceTraffic: changes, rules: rules.map(ruleToData) };
}
