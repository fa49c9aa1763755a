/** The way of an answer, in short: who undoes what. */
import type { Hop, Leg, NoticeLeg, WalkBranch, WalkStep } from "../../walk/types.ts";
import { endText, noticeEndText } from "./end-text.ts";
import { changeText, rowsOf, type WalkRow, type WalkTranslation } from "./rows.ts";
import { type TellingContext, tupleText } from "./walk-names.ts";

/** The rows of an answer; `asked`: the rows of the request. An answer that is lost is told hop by hop. */
export function replyRows(
  { there, notice }: WalkBranch,
  back: Leg,
  asked: readonly WalkRow[],
  context: TellingContext,
): WalkRow[] {
  if (back.end.kind !== "delivered")
    return rowsOf(back, context, endText(back.end, context, notice)).map((row) => {
      const { translation, host } = row;
      const isUndone = translation?.by === "connection";
      const text = isUndone ? undoText(translation, host, asked, there, context) : row.text;
      return { ...row, number: undefined, text };
    });
  const rows: WalkRow[] = [];
  let passed: string[] = [];
  const flush = (): void => {
    if (passed.length > 0) rows.push(rowOf("", "", `unchanged through ${passed.join(" > ")}`));
    passed = [];
  };
  for (const [i, hop] of back.hops.entries()) {
    const changes = hop.steps.filter((step): step is WalkTranslation => step.kind === "translated");
    const taken = hop.steps.filter((step) => step.kind === "proxied");
    if (changes.length === 0 && taken.length === 0) {
      // The head names who answers; that the client gets it is said last.
      const last = passed.at(-1) ?? rows.at(-1)?.host;
      if (i > 0 && i < back.hops.length - 1 && last !== hop.host) passed.push(hop.host);
      const next = back.hops[i + 1];
      if (next === undefined || !isHandedOver(hop, next)) continue;
      if (passed.at(-1) === hop.host) passed.pop();
      flush();
      rows.push(rowOf(hop.host, "", `the proxy passes the answer on: ${tupleText(next.before, context)}`));
      continue;
    }
    flush();
    for (const change of changes)
      rows.push(rowOf(hop.host, hop.inInterface ?? "", undoText(change, hop.host, asked, there, context)));
  }
  flush();
  const { source, sourcePort } = back.end.tuple;
  const from = context.names.printNamed(source, sourcePort, context.protocol);
  return [...rows, rowOf("", "", `=> answered from ${from}, which was asked`)];
}

/** The packet ended on a host, which sends another one of its own. */
function isHandedOver(hop: Hop, next: Hop): boolean {
  return hop.outInterface === undefined && next.inInterface === undefined && hop.host === next.host;
}

/** The way of a message that does not reach its receiver. */
export function noticeRows(notice: NoticeLeg, context: TellingContext): WalkRow[] {
  return rowsOf(notice, context, noticeEndText(notice, context)).map((row) => ({ ...row, number: undefined }));
}

function rowOf(host: string, name: string, text: string): WalkRow {
  return { number: undefined, host, interface: name, text, place: undefined, why: [] };
}

function undoText(
  change: WalkTranslation,
  host: string,
  asked: readonly WalkRow[],
  there: Leg,
  context: TellingContext,
): string {
  const undone = asked.find(
    ({ translation }) => translation !== undefined && isOn(host, translation, there) && undoes(change, translation),
  );
  const what = undone?.number === undefined ? "conntrack:" : `conntrack undoes ${undone.number}:`;
  return `${what} ${changeText(change, context)}`;
}

function isOn(host: string, translation: WalkStep, { hops }: Leg): boolean {
  return hops.some((hop) => hop.host === host && hop.steps.includes(translation));
}

/** Whether an answer's translation is the reverse of a request's. */
function undoes(change: WalkTranslation, { from, to }: WalkTranslation): boolean {
  const isDestination =
    change.from.destination !== change.to.destination || change.from.destinationPort !== change.to.destinationPort;
  return isDestination
    ? change.to.destination === from.source && change.from.destination === to.source
    : change.to.source === from.destination && change.from.source === to.destination;
}
