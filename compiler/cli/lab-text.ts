/** What a lab has seen beside what was predicted, as people read it. */

import { type ComparedSighting, packetText, type WalkComparison } from "../../runtime/lab/compare-walk.ts";
import { type LabDifference, placeOfDifference } from "../../runtime/lab/difference.ts";
import { proxyText } from "../../runtime/lab/proxies.ts";
import type { LabFlow } from "../../runtime/lab/run.ts";
import type { LabAttempt } from "../../runtime/lab/session.ts";
import type { LabSighting } from "../../runtime/lab/sightings.ts";
import { unreachable } from "../invariant.ts";
import { PROTOCOL_NAMES } from "../ir/constants.ts";
import { chance, isCertain } from "../trace/chance.ts";
import { liveRowLines } from "../trace/live/text.ts";
import { endText } from "../trace/walk/end-text.ts";
import { hopLines } from "../trace/walk/rows.ts";
import type { ExpectedSighting } from "../walk/expected.ts";
import type { WalkBranch } from "../walk/types.ts";
import type { LabRunFlow, LabTelling } from "./lab-results.ts";
import { summaryOf } from "./test-results.ts";

/** One flow: what was seen of each branch, and all that is not as predicted. */
export function renderLabFlow(each: LabRunFlow): string {
  const { result, made, difference, telling } = each;
  const isCase = made === undefined || result.expected !== "as predicted";
  const title = isCase ? [`${result.flow} (${result.mode})`] : [];
  const lines = made === undefined ? [] : [...flowLines(made, telling), ...predictedLines(each)];
  const verdict = !isCase
    ? []
    : result.status === "pass"
      ? [`=> as expected: ${result.expected}`]
      : result.status === "skip"
        ? [`=> skipped: ${result.reason}`]
        : [`=> expected ${result.expected}: ${result.reason}`];
  const told = difference === undefined ? [] : [...ruleLines(difference), ...counterLines(difference)];
  return `${[...title, ...lines, ...told, ...verdict].join("\n")}\n`;
}

/** What was to happen where the first difference is. */
function predictedLines({ made, telling: { names, hosts } }: LabRunFlow): string[] {
  for (const attempt of made?.attempts ?? []) {
    const place = placeOfDifference(attempt);
    if (place === undefined) continue;
    const { leg, hop } = place;
    const context = { names, hosts, protocol: attempt.walk.flow.protocol, isVerbose: false };
    const end = hop === leg.hops.at(-1) ? leg.end : undefined;
    return ["", `predicted at ${hop.host}:`, ...hopLines(hop, context, end).map((line) => `  ${line}`)];
  }
  return [];
}

/** The rules that decided there, as the kernel told, beside those that were to. */
function ruleLines({ rules }: LabDifference): string[] {
  if (rules === undefined) return [];
  const head = `rules at ${rules.host}, predicted and seen (nftrace):`;
  const rows = liveRowLines(rules.rows).map((line) => `  ${line}`);
  switch (rules.kind) {
    case "seen":
      return rows.length === 0 ? [`no rule decided at ${rules.host}, as predicted`] : [head, ...rows];
    case "unseen":
      return [`no packet came to the rules at ${rules.host}`, ...(rows.length === 0 ? [] : [head, ...rows])];
    case "unlisted":
      return [`rules at ${rules.host} were not traced: nft lists other rules there than were loaded`];
    default:
      return unreachable(rules.kind);
  }
}

function counterLines({ host, counters }: LabDifference): string[] {
  const risen = [...counters].map(([name, by]) => `${name} +${by}`);
  return [`counted at ${host}: ${risen.length === 0 ? "nothing that tells of a loss" : risen.join(", ")}`];
}

function flowLines({ flow, request, attempts }: LabFlow, telling: LabTelling): string[] {
  const { names } = telling;
  const word = PROTOCOL_NAMES.get(flow.protocol) ?? String(flow.protocol);
  const to = names.printNamed(flow.destination, flow.destinationPort, flow.protocol);
  const proxies = new Map(attempts.flatMap((each) => [...each.proxies]));
  const asked = request === undefined ? [] : [`${request.method} http://${request.host ?? ""}${request.target}`];
  const lines = [
    ...asked,
    `${word} ${flow.from} > ${to}`,
    ...[...proxies].map(([host, program]) => proxyText(host, program)),
  ];
  let hasShown = false;
  for (const [key, same] of groupsIn(attempts)) {
    const [first] = same;
    if (first === undefined) continue;
    const { comparison } = first;
    lines.push("", headOf(same, attempts, telling, flow.protocol));
    if (comparison === undefined) continue;
    if (hasShown && !telling.isAll && key.startsWith("=")) continue;
    hasShown = true;
    lines.push(...renderComparison(comparison), ...unwatchedLines(first, telling));
  }
  return lines;
}

/** Where a packet may have been that was not seen. */
function unwatchedLines({ comparison, unwatched }: LabAttempt, { hosts }: LabTelling): string[] {
  if (comparison?.isEqual === true || unwatched.length === 0) return [];
  return [
    `  not watched: ${unwatched.length} of ${hosts.size} hosts, none of which is on the predicted walk; packets there are not shown`,
  ];
}

/** A flow by itself. */
export function renderMade(made: LabFlow, telling: LabTelling): string {
  return `${flowLines(made, telling).join("\n")}\n`;
}

/** Attempts that went the same branch, as predicted or not. */
function groupsIn(attempts: readonly LabAttempt[]): ReadonlyMap<string, readonly LabAttempt[]> {
  const groups = new Map<string, LabAttempt[]>();
  for (const attempt of attempts) {
    const { walk, comparison } = attempt;
    const branch = comparison === undefined ? -1 : walk.branches.indexOf(comparison.branch);
    const key = `${comparison?.isEqual === true ? "=" : "!"} ${branch}`;
    groups.set(key, [...(groups.get(key) ?? []), attempt]);
  }
  return groups;
}

function headOf(
  same: readonly LabAttempt[],
  all: readonly LabAttempt[],
  telling: LabTelling,
  protocol: number,
): string {
  const [first] = same;
  const comparison = first?.comparison;
  if (first === undefined || comparison === undefined) return "! nothing was predicted";
  const { branch, isEqual } = comparison;
  const often = all.length === 1 ? "" : `, ${same.length} of ${all.length} attempts`;
  const likely = isCertain(branch.probability) ? "" : `${chance(branch.probability)}: `;
  return `${isEqual ? "=" : "!"} ${likely}${branchText(branch, telling, protocol)}${often}`;
}

function branchText({ there, back, notice }: WalkBranch, { names, hosts }: LabTelling, protocol: number): string {
  const context = { names, hosts, protocol, isVerbose: false };
  const reply =
    there.end.kind !== "delivered" || back === undefined
      ? ""
      : back.end.kind === "delivered"
        ? ", answered"
        : `; answer ${endText(back.end, context, notice)}`;
  return `${there.end.host}: ${endText(there.end, context, there.end.kind === "delivered" ? undefined : notice)}${reply}`;
}

function renderComparison({ rows, wrongEnd }: WalkComparison): string[] {
  const answers = rows.findIndex(({ leg }) => leg === "answer");
  const [head = "", ...body] = layOut(rows);
  return [
    head,
    ...(answers < 0 ? body : [...body.slice(0, answers), "  answer", ...body.slice(answers)]),
    ...(wrongEnd === undefined ? [] : [`! ${wrongEnd}`]),
  ];
}

/** In columns, behind a line that names them. */
function layOut(rows: readonly ComparedSighting[]): string[] {
  const cells = rows.map((row, i) => {
    const before = rows[i - 1];
    const at = placeOf(row);
    const isThere = before !== undefined && before.leg === row.leg && placeOf(before).host === at.host;
    return [
      row.isEqual ? "=" : "!",
      isThere ? "" : at.host,
      at.interface,
      at.direction,
      row.predicted === undefined ? "nothing" : packetText(row.predicted),
      row.observed === undefined ? "nothing" : packetText(row.observed.packet),
    ];
  });
  const table = [["", "", "", "", "predicted", "observed"], ...cells];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => (row[column] ?? "").length)));
  return table.map((row) => {
    const padded = row.map((text, column) => text.padEnd(widths[column] ?? 0));
    const [sign = "", host = "", name = "", direction = "", predicted = "", observed = ""] = padded;
    return `${sign} ${host}  ${name} ${direction}  ${predicted}  ${observed}`.trimEnd();
  });
}

function placeOf({
  predicted,
  observed,
}: ComparedSighting): Pick<ExpectedSighting | LabSighting, "host" | "interface" | "direction"> {
  return predicted ?? observed ?? { host: "", interface: "", direction: "in" };
}

/** How many flows went as predicted, and as expected. */
export function renderLabSummary(flows: readonly LabRunFlow[]): string {
  const { passed, failed, skipped } = summaryOf(flows.map(({ result }) => result));
  const isExpected = flows.some(({ result }) => result.expected !== "as predicted");
  return `${flows.length} ${flows.length === 1 ? "flow" : "flows"}: ${passed} as predicted${isExpected ? " and expected" : ""}, ${failed} not${skipped === 0 ? "" : `, ${skipped} skipped`}\n`;
}
