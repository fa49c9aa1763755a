/** A walk as people read it: a host once, and a line for each thing that happened there. */
import { PROTOCOL_NAMES } from "../../ir/constants.ts";
import type { Walk, WalkBranch } from "../../walk/types.ts";
import { chance, isCertain, renderCondition } from "../chance.ts";
import { type BranchGroup, groupsOf } from "./groups.ts";
import { replyRows } from "./reply.ts";
import { rowsOf, type WalkRow } from "./rows.ts";
import { type TellingContext, tupleText } from "./walk-names.ts";

/** What of a walk is shown. */
export interface WalkTextOptions {
  /** Each branch in full. */
  readonly all: boolean;
}

/** `context.protocol` is the flow's. */
export function renderWalk(walk: Walk, context: TellingContext, { all }: WalkTextOptions): string {
  const { hosts } = context;
  const groups = all
    ? walk.branches.map((branch): BranchGroup => ({ probability: branch.probability, branches: [branch] }))
    : groupsOf(walk, hosts);
  const lines = [
    ...renderHead(walk, context),
    ...groups.flatMap((group) => ["", ...renderGroup(group, groups.length > 1, context)]),
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
  context: TellingContext,
): string[] {
  const [first] = branches;
  if (first === undefined) return [];
  const told = rowsOf(first.there, context);
  const head = groupHead(probability, branches, isOneOfSeveral, context);
  const back = first.back === undefined ? [] : renderReply(first, told, context);
  return [...renderCondition(first.condition), ...head, ...layOutRows(told, context), ...back];
}

/** `1 in 2: pod/shop/web-1 (below), pod/shop/web-2`. */
function groupHead(
  probability: number,
  branches: readonly WalkBranch[],
  isOneOfSeveral: boolean,
  context: TellingContext,
): string[] {
  if (!isOneOfSeveral && branches.length === 1) return [];
  const [first, ...others] = branches.map(({ there }) => endPlace(there.end, context));
  const shown = others.slice(0, MOST_SHOWN);
  const more = others.length > shown.length ? ` and ${others.length - shown.length} more` : "";
  const like = others.length === 0 ? "" : `; likewise ${shown.join(", ")}${more} (--all)`;
  return [`${isCertain(probability) ? "" : `${chance(probability)}: `}${first}${like}`];
}

const MOST_SHOWN = 10;

function endPlace(end: WalkBranch["there"]["end"], _context: TellingContext): string {
  return end.host;
}

function renderReply({ there, back }: WalkBranch, told: readonly WalkRow[], context: TellingContext): string[] {
  if (back === undefined) return [];
  const answer = back.hops[0]?.before;
  const head = answer === undefined ? "reply" : `reply ${tupleText(answer, context)}`;
  return ["", head, ...layOutRows(replyRows(back, told, there, context), context)];
}

/** In columns: the step's number, the host, the interface, what happened, and where the reason stands. */
function layOutRows(rows: readonly WalkRow[], { isVerbose }: TellingContext): string[] {
  const width = (of: (row: WalkRow) => string, most: number): number =>
    Math.min(most, Math.max(0, ...rows.map((row) => of(row).length)));
  const hosts = width(({ host }) => host, MOST_HOST);
  const names = width((row) => row.interface, 15);
  const texts = width(({ text, place }) => (place === undefined ? "" : text), MOST_TEXT);
  let shownInterface = "";
  return rows.flatMap((row) => {
    const isSame = row.host === "" && row.interface === shownInterface;
    shownInterface = row.interface;
    const number = row.number === undefined ? "" : String(row.number);
    const left =
      `${number.padEnd(2)} ${row.host.padEnd(hosts)} ${(isSame ? "" : row.interface).padEnd(names)} `.replace(
        /^ {3}$/,
        "",
      );
    const line = row.place === undefined ? row.text : `${row.text.padEnd(texts)}   ${row.place}`;
    const indent = " ".repeat(left.length + 2);
    return [`${left} ${line}`.trimEnd(), ...(isVerbose ? row.why.map((text) => `${indent}${text}`) : [])];
  });
}

const MOST_HOST = 30;
const MOST_TEXT = 72;
