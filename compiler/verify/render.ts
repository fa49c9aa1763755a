/** What is wrong with a host, for people and for programs. */
import { regionToData, renderRegion, type Sides } from "../compare/render.ts";
import { lineAndColumn } from "../diagnostics.ts";
import { printRule } from "../formats/nft/print.ts";
import type { Rule } from "../ir/types.ts";
import type { Finding } from "./findings.ts";
import type { Others } from "./service-rules.ts";

/** Findings, and between whom they are. */
export interface Found {
  readonly about: "service rules" | "other rules";
  readonly findings: readonly Finding[];
  readonly sides: Sides;
}

/** The first `limit` findings, with a packet for each. */
export function renderFindings(found: readonly Found[], limit: number): string[] {
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

/** `{findings, findingsInAll}`. */
export function findingsToData(found: readonly Found[], limit: number) {
  const all = found.flatMap(({ about, findings, sides }) => findings.map((finding) => ({ about, finding, sides })));
  return {
    findings: all
      .slice(0, limit)
      .map(({ about, finding: { subject, statement, culprit, region, regions }, sides }) => ({
        subject,
        statement,
        about,
        ...(culprit === undefined
          ? {}
          : { culprit: "policy" in culprit ? { policy: culprit.policy } : ruleToData(culprit.rule) }),
        classes: regions,
        region: regionToData(region, sides),
      })),
    findingsInAll: all.length,
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

function ruleToData(rule: Rule): object {
  const span = rule.origin?.span();
  return {
    rule: printRule(rule, "inet"),
    ...(span === undefined ? {} : { file: span.source.name, ...lineAndColumn(span) }),
  };
}

function placesOf(rules: readonly Rule[]): string {
  const byFile = new Map<string, number[]>();
  for (const { origin } of rules) {
    const span = origin?.span();
    if (span === undefined) continue;
    byFile.set(span.source.name, [...(byFile.get(span.source.name) ?? []), lineAndColumn(span).line]);
  }
  return [...byFile].map(([name, lines]) => `${printLines(lines)} of ${name}`).join(", ");
}

/** `lines 3-4, 9`. */
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
