/** The way of an answer, in short: who undoes what. */
import type { Hop, Leg, WalkStep } from "../../walk/types.ts";
import { changeText, rowsOf, type WalkRow, type WalkTranslation } from "./rows.ts";
import type { TellingContext } from "./walk-names.ts";

/** The rows of an answer; `asked`: the rows of the request. An answer that is lost is told hop by hop. */
export function replyRows(back: Leg, asked: readonly WalkRow[], there: Leg, context: TellingContext): WalkRow[] {
  if (back.end.kind !== "delivered") return rowsOf(back, context).map((row) => ({ ...row, number: undefined }));
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
      if (i > 0 && i < back.hops.length - 1) passed.push(hop.host);
      continue;
    }
    flush();
    for (const change of changes)
      rows.push(rowOf(hop.host, hop.inInterface ?? "", undoText(change, hop, asked, there, context)));
  }
  flush();
  const { source, sourcePort } = back.end.tuple;
  const from = context.names.printNamed(source, sourcePort, context.protocol);
  return [...rows, rowOf("", "", `=> answered from ${from}, which was asked`)];
}

function rowOf(host: string, name: string, text: string): WalkRow {
  return { number: undefined, host, interface: name, text, place: undefined, why: [] };
}

function undoText(
  change: WalkTranslation,
  hop: Hop,
  asked: readonly WalkRow[],
  there: Leg,
  context: TellingContext,
): string {
  const undone = asked.find(
    ({ translation }) => translation !== undefined && isOn(hop.host, translation, there) && undoes(change, translation),
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
