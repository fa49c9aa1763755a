/** A walk as a mermaid sequence diagram: hosts as participants, the packet on the arrows, what happens as notes, with the numbers of the text. */

import { unreachable } from "../../invariant.ts";
import type { Leg, Walk, WalkBranch } from "../../walk/types.ts";
import { chance, isCertain } from "../chance.ts";
import { endText } from "./end-text.ts";
import { groupsOf } from "./groups.ts";
import type { WalkRow } from "./rows.ts";
import { hostsOf } from "./rows.ts";
import { toldBranch } from "./told.ts";
import { type TellingContext, tupleText } from "./walk-names.ts";

/** One diagram; branches that differ are alternatives in it. */
export function renderMermaid(walk: Walk, context: TellingContext, isAll: boolean): string {
  const shown: readonly (readonly [number, WalkBranch])[] = isAll
    ? walk.branches.map((branch) => [branch.probability, branch] as const)
    : groupsOf(walk, context.hosts).flatMap(({ probability, branches: [first] }) =>
        first === undefined ? [] : [[probability, first] as const],
      );
  const hosts = new Set(shown.flatMap(([, { there, back }]) => [...hostsOf(there), ...(back ? hostsOf(back) : [])]));
  const ids = new Map([...hosts].map((host, i) => [host, `h${i}`]));
  const [only, more] = shown;
  const body =
    only !== undefined && more === undefined
      ? branchLines(only[1], ids, context)
      : shown.flatMap(([probability, branch], i) => [
          `${i === 0 ? "alt" : "else"} ${isCertain(probability) ? "always" : chance(probability)}`,
          ...branchLines(branch, ids, context).map((line) => `  ${line}`),
        ]);
  const lines = [
    ...[...ids].map(([host, id]) => `participant ${id} as ${host}`),
    ...body,
    ...(more === undefined ? [] : ["end"]),
  ];
  return `${["sequenceDiagram", ...lines.map((line) => `  ${line}`)].join("\n")}\n`;
}

function branchLines(branch: WalkBranch, ids: ReadonlyMap<string, string>, context: TellingContext): string[] {
  const { there, back } = branch;
  const { request, reply } = toldBranch(branch, context);
  return [
    ...legLines(there, request, "->>", ids, context),
    ...(back === undefined ? [] : legLines(back, reply, "-->>", ids, context)),
  ];
}

/** A line of the text that has a number stands on the arrow by which the packet leaves, if it changes nothing, else in a note. */
function legLines(
  { hops, end }: Leg,
  rows: readonly WalkRow[],
  arrow: "->>" | "-->>",
  ids: ReadonlyMap<string, string>,
  context: TellingContext,
): string[] {
  const lines: string[] = [];
  for (const [i, hop] of hops.entries()) {
    const id = ids.get(hop.host);
    const next = hops[i + 1];
    const isLeaving = next !== undefined && next.host !== hop.host;
    const own = rows.filter((row) => row.hop === hop && row.number !== undefined && row.subject.kind !== "end");
    const last = own.at(-1);
    const onArrow = isLeaving && last !== undefined && !isChanging(last) ? last : undefined;
    for (const row of own) if (row !== onArrow) lines.push(`Note over ${id}: ${numbered(row, row.text)}`);
    if (isLeaving)
      lines.push(`${id}${arrow}${ids.get(next.host)}: ${numbered(onArrow, tupleText(hop.after, context))}`);
  }
  const ending = rows.findLast(({ subject }) => subject.kind === "end");
  const text = ending?.text ?? endText(end, context);
  return [...lines, `Note over ${ids.get(end.host)}: ${numbered(ending, text)}`];
}

function numbered(row: WalkRow | undefined, text: string): string {
  return escaped(row?.number === undefined ? text : `${row.number}: ${text}`);
}

/** It says more than the packet on the arrow. */
function isChanging({ subject }: WalkRow): boolean {
  switch (subject.kind) {
    case "step":
      return subject.step.kind !== "routed" && subject.step.kind !== "bridged";
    case "port":
    case "handed-over":
      return true;
    case "carried":
    case "sent":
    case "passed":
    case "end":
      return false;
    default:
      return unreachable(subject);
  }
}

/** `;` and `#` mean something to mermaid. */
function escaped(text: string): string {
  return text.replaceAll(/[#;]/g, (character) => `#${character.charCodeAt(0)};`);
}
