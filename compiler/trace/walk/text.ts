/** A walk as people read it: a host once, and a line for each thing that happened there. */

import { PROTOCOL_NAMES } from "../../ir/constants.ts";
import type { Walk, WalkBranch } from "../../walk/types.ts";
import { chance, isCertain, renderCondition } from "../chance.ts";
import { type BranchGroup, groupsOf } from "./groups.ts";
import type { WalkRow } from "./rows.ts";
import { printRow, printRowPlace } from "./rows.ts";
import { type ToldBranch, toldBranch } from "./told.ts";
import { type TellingContext, tupleText } from "./walk-names.ts";

/** `context.protocol` is the flow's. `isAll`: each branch in full. */
export function renderWalk(walk: Walk, context: TellingContext, isAll: boolean): string {
  const { hosts } = context;
  const groups = isAll
    ? walk.branches.map((branch): BranchGroup => ({ probability: branch.probability, branches: [branch] }))
    : groupsOf(walk, hosts);
  const [longest] = groups;
  const [first] = longest?.branches ?? [];
  const above = first === undefined ? [] : toldBranch(first, context).request;
  const lines = [
    ...renderHead(walk, context),
    ...groups.flatMap((group) => [
      "",
      ...renderGroup(group, groups.length > 1, group === longest ? [] : above, context),
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

function renderHead({ flow, branches }: Walk, { names, protocol }: TellingContext): string[] {
  const [first] = branches;
  const word = PROTOCOL_NAMES.get(protocol) ?? String(protocol);
  const sent = first?.there.hops[0]?.before;
  const source = sent?.source ?? flow.source;
  const sender = source === undefined ? "" : ` ${names.print(source, flow.sourcePort)}`;
  const to = names.printNamed(flow.destination, flow.destinationPort, protocol);
  return [`${word}${sender} (${flow.from}) > ${to}`];
}

function renderGroup(
  { probability, branches }: BranchGroup,
  isOneOfSeveral: boolean,
  above: readonly WalkRow[],
  context: TellingContext,
): string[] {
  const [first] = branches;
  if (first === undefined) return [];
  const told = toldBranch(first, context);
  const { request } = told;
  return [
    ...renderCondition(first.condition),
    ...groupHead(probability, branches, isOneOfSeveral),
    ...layOutFrom(request, commonRows(request, above), context),
    ...renderReply(first, told, context),
    ...renderNotice(first, told, context),
  ];
}

/** `1 in 2: pod/shop/web-1; likewise pod/shop/web-2`. */
function groupHead(probability: number, branches: readonly WalkBranch[], isOneOfSeveral: boolean): string[] {
  if (!isOneOfSeveral && branches.length === 1) return [];
  const [first, ...others] = [...new Set(branches.map(({ there }) => placeText(there)))];
  const more = others.length > MOST_SHOWN ? ` and ${others.length - MOST_SHOWN} more` : "";
  const like = others.length === 0 ? "" : `; likewise ${others.slice(0, MOST_SHOWN).join(", ")}${more} (--all)`;
  return [`${isCertain(probability) ? "" : `${chance(probability)}: `}${first}${like}`];
}

const MOST_SHOWN = 10;

/** Where a leg ends, by which node where that is not the only way. */
function placeText({ end }: WalkBranch["there"]): string {
  return end.kind === "delivered" ? end.host : `${end.kind} on ${end.host}`;
}

/** How many rows at the beginning two walks have in common. */
function commonRows(rows: readonly WalkRow[], above: readonly WalkRow[]): number {
  const isSame = (a: WalkRow, b: WalkRow | undefined): boolean =>
    a.number === b?.number && a.host === b?.host && a.interface === b.interface && a.text === b.text;
  const differs = rows.findIndex((row, i) => !isSame(row, above[i]));
  return differs < 0 ? rows.length : differs;
}

/** Without the first `common` rows, which stand above. */
function layOutFrom(rows: readonly WalkRow[], common: number, context: TellingContext): string[] {
  const last = rows.slice(0, common).findLast(({ number }) => number !== undefined)?.number;
  if (last === undefined || last < 2) return layOutRows(rows, context);
  return [`1-${last} as above`, ...layOutRows(rows.slice(common), context)];
}

function renderReply({ back }: WalkBranch, { reply }: ToldBranch, context: TellingContext): string[] {
  if (back === undefined) return [];
  const answer = back.hops[0]?.before;
  const head = answer === undefined ? "reply" : `reply ${tupleText(answer, context)}`;
  return ["", head, ...layOutRows(reply, context)];
}

/** Where a message to the sender is lost. */
function renderNotice({ notice }: WalkBranch, told: ToldBranch, context: TellingContext): string[] {
  if (notice === undefined || told.notice.length === 0) return [];
  const sent = notice.hops[0]?.before;
  const head = sent === undefined ? notice.says : `${notice.says} ${tupleText(sent, context)}`;
  return ["", head, ...layOutRows(told.notice, context)];
}

/** In columns: the step's number, the host, the interface, what happened, and where the reason stands. */
function layOutRows(rows: readonly WalkRow[], { isVerbose }: TellingContext): string[] {
  const width = (of: (row: WalkRow) => string, most: number): number =>
    Math.min(most, Math.max(0, ...rows.map((row) => of(row).length)));
  const hosts = width(({ host }) => host, MOST_HOST);
  const names = width((row) => row.interface, 15);
  const texts = width((row) => (printRowPlace(row) === undefined ? "" : printRow(row)), MOST_TEXT);
  return rows.flatMap((row, i) => {
    const before = rows[i - 1];
    const isThere = row.host === before?.host;
    const number = row.number === undefined ? "" : String(row.number);
    const host = isThere ? "" : row.host;
    const name = isThere && row.interface === before.interface ? "" : row.interface;
    const left = `${number.padEnd(2)} ${host.padEnd(hosts)}  ${names === 0 ? "" : `${name.padEnd(names)}  `}`;
    const [text, place] = [printRow(row), printRowPlace(row)];
    const line = place === undefined ? text : `${text.padEnd(texts)}   ${place}`;
    const indent = " ".repeat(left.length + 2);
    const why = isVerbose || row.isRefusal === true ? row.why : [];
    return [`${left}${line}`.trimEnd(), ...why.map((text) => `${indent}${text}`)];
  });
}

const MOST_HOST = 30;
const MOST_TEXT = 72;
