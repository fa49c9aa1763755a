/** Compares states: whether the rules ahead do the same to packets of both. */
import type { SharedState, Symbolic } from "./state.ts";

/** Whether the same becomes of packets of both from here on. */
export function isAlike(a: SharedState, b: SharedState): boolean {
  if (a === b) return true;
  return (
    a.source === b.source &&
    a.sourcePort === b.sourcePort &&
    a.outInterface === b.outInterface &&
    hasSameRoute(a.route, b.route) &&
    isSameSymbolic(a.routingMark, b.routingMark) &&
    isSameSymbolic(a.mark, b.mark) &&
    hasSameEnd(a.end, b.end) &&
    a.ctState === b.ctState &&
    isSameSymbolic(a.ctStatus, b.ctStatus) &&
    isSameSymbolic(a.ctMark, b.ctMark) &&
    a.priority === b.priority &&
    a.inInterface === b.inInterface &&
    isSameSet(a.overwritten, b.overwritten) &&
    a.destinationDecided === b.destinationDecided &&
    a.sourceDecided === b.sourceDecided &&
    a.translated === b.translated &&
    a.masqueraded === b.masqueraded &&
    a.newSource?.text === b.newSource?.text &&
    hasSameChoices(a.choices, b.choices) &&
    isSameList(a.takenBy, b.takenBy) &&
    a.sticky?.timeoutSeconds === b.sticky?.timeoutSeconds &&
    hasEnteredTheSame(a.entered, b.entered) &&
    a.accepted === b.accepted
  );
}

function isSameSymbolic(a: Symbolic, b: Symbolic): boolean {
  if (a === b) return true;
  if (typeof a === "number" || typeof b === "number") return false;
  return a.field === b.field && a.masked?.mask === b.masked?.mask && a.masked?.xor === b.masked?.xor;
}

function isSameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a === b || (a.size === b.size && [...a].every((text) => b.has(text)));
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((text, i) => text === b[i]));
}

function hasSameRoute(a: SharedState["route"], b: SharedState["route"]): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.kind === "none" || b.kind === "none") return a?.kind === b?.kind;
  // Routes of kind `forward` also differ by interface, which `outInterface` compares.
  return a.kind === b.kind && a.masqueradeSource === b.masqueradeSource;
}

function hasSameChoices(a: SharedState["choices"], b: SharedState["choices"]): boolean {
  return a === b || (a.length === b.length && a.every(({ text }, i) => text === b[i]?.text));
}

function hasEnteredTheSame(a: SharedState["entered"], b: SharedState["entered"]): boolean {
  return a === b || (a.length === b.length && a.every(({ text }, i) => text === b[i]?.text));
}

function hasSameEnd(a: SharedState["end"], b: SharedState["end"]): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return a.kind === "drop" ? b.kind === "drop" : b.kind === "reject" && a.with === b.with;
}
