/** The way of an answer, in short: who undoes what. */
import type { Hop, Leg, NoticeLeg, WalkBranch, WalkStep } from "../../walk/types.ts";
import { endText, noticeEndText } from "./end-text.ts";
import { changeText, type RowSubject, rowsOf, translationOf, type WalkRow, type WalkTranslation } from "./rows.ts";
import { type TellingContext, tupleText } from "./walk-names.ts";

/** The rows of an answer; `asked`: the rows of the request, whose numbers go on. An answer that is lost is told hop by hop. */
export function replyRows(
  { there, notice }: WalkBranch,
  back: Leg,
  asked: readonly WalkRow[],
  context: TellingContext,
): WalkRow[] {
  const last = asked.findLast(({ number }) => number !== undefined)?.number ?? 0;
  if (back.end.kind !== "delivered")
    return rowsOf(back, context, endText(back.end, context, notice)).map((row) => {
      const { host, number } = row;
      const change = translationOf(row);
      const undone = change?.by === "connection" ? undoing(change, host, asked, there, context) : {};
      return { ...row, number: number === undefined ? undefined : last + number, ...undone };
    });
  const rows: Omit<WalkRow, "number">[] = [];
  let passed: Hop[] = [];
  const flush = (): void => {
    const [first] = passed;
    if (first !== undefined) {
      const names = passed.map(({ host }) => host);
      rows.push(rowOf({ kind: "passed", hops: passed }, first, "", `unchanged through ${names.join(" > ")}`, ""));
    }
    passed = [];
  };
  for (const [i, hop] of back.hops.entries()) {
    const changes = hop.steps.filter((step): step is WalkTranslation => step.kind === "translated");
    const taken = hop.steps.filter((step) => step.kind === "proxied");
    if (changes.length === 0 && taken.length === 0) {
      // The head names who answers; that the client gets it is said last.
      const before = passed.at(-1)?.host ?? rows.at(-1)?.host;
      if (i > 0 && i < back.hops.length - 1 && before !== hop.host) passed.push(hop);
      const next = back.hops[i + 1];
      if (next === undefined || !isHandedOver(hop, next)) continue;
      if (passed.at(-1)?.host === hop.host) passed.pop();
      flush();
      const text = `the proxy passes the answer on: ${tupleText(next.before, context)}`;
      rows.push(rowOf({ kind: "handed-over" }, next, "", text));
      continue;
    }
    flush();
    for (const step of changes) {
      const undone = undoing(step, hop.host, asked, there, context);
      rows.push({ ...rowOf({ kind: "step", step }, hop, hop.inInterface ?? "", undone.text), ...undone });
    }
  }
  flush();
  const { source, sourcePort } = back.end.tuple;
  const from = context.names.printNamed(source, sourcePort, context.protocol);
  const end: RowSubject = { kind: "end", end: back.end };
  rows.push(rowOf(end, back.hops.at(-1), "", `answered from ${from}, which was asked`, ""));
  return rows.map((row, i) => ({ ...row, number: last + i + 1 }));
}

/** The packet ended on a host, which sends another one of its own. */
function isHandedOver(hop: Hop, next: Hop): boolean {
  return hop.outInterface === undefined && next.inInterface === undefined && hop.host === next.host;
}

/** The way of a message that does not reach its receiver. */
export function noticeRows(notice: NoticeLeg, context: TellingContext): WalkRow[] {
  return rowsOf(notice, context, noticeEndText(notice, context)).map((row) => ({ ...row, number: undefined }));
}

function rowOf(
  subject: RowSubject,
  hop: Hop | undefined,
  name: string,
  text: string,
  host = hop?.host ?? "",
): Omit<WalkRow, "number"> {
  return { subject, hop, host, interface: name, text, place: undefined, why: [] };
}

function undoing(
  change: WalkTranslation,
  host: string,
  asked: readonly WalkRow[],
  there: Leg,
  context: TellingContext,
): { readonly text: string; readonly undoes?: number } {
  const undone = asked.find((row) => {
    const translation = translationOf(row);
    return translation !== undefined && isOn(host, translation, there) && undoes(change, translation);
  });
  const text = changeText(change, context);
  if (undone?.number === undefined) return { text: `conntrack: ${text}` };
  return { text: `conntrack undoes ${undone.number}: ${text}`, undoes: undone.number };
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
