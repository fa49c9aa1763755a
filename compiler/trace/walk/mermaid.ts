/** A walk as a mermaid sequence diagram: hosts as participants, the packet on the arrows, a note for each translation. */
import type { Hop, Leg, Walk, WalkBranch } from "../../walk/types.ts";
import { chance, isCertain } from "../chance.ts";
import { endText } from "./end-text.ts";
import { groupsOf } from "./groups.ts";
import { changeText } from "./rows.ts";
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

function hostsOf({ hops, end }: Leg): string[] {
  return [...hops.map(({ host }) => host), end.host];
}

function branchLines({ there, back }: WalkBranch, ids: ReadonlyMap<string, string>, context: TellingContext): string[] {
  return [...legLines(there, "->>", ids, context), ...(back === undefined ? [] : legLines(back, "-->>", ids, context))];
}

function legLines(
  { hops, end }: Leg,
  arrow: "->>" | "-->>",
  ids: ReadonlyMap<string, string>,
  context: TellingContext,
): string[] {
  const lines: string[] = [];
  for (const [i, hop] of hops.entries()) {
    const id = ids.get(hop.host);
    lines.push(...notesOf(hop, context).map((note) => `Note over ${id}: ${escaped(note)}`));
    const next = hops[i + 1];
    if (next !== undefined && next.host !== hop.host)
      lines.push(`${id}${arrow}${ids.get(next.host)}: ${escaped(tupleText(hop.after, context))}`);
  }
  return [...lines, `Note over ${ids.get(end.host)}: ${escaped(endText(end, context))}`];
}

function notesOf({ steps }: Hop, context: TellingContext): string[] {
  return steps.flatMap((step) => {
    if (step.kind === "translated") return [changeText(step, context)];
    return step.kind === "proxied" ? [`a proxy connects to ${step.target}`] : [];
  });
}

/** `;` and `#` mean something to mermaid. */
function escaped(text: string): string {
  return text.replaceAll(/[#;]/g, (character) => `#${character.charCodeAt(0)};`);
}
