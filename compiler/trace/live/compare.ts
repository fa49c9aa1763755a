/** What a host's rules were predicted to do with a packet, beside what the kernel told. */

import type { Outcome, Packet, PathStep } from "../../evaluate/packet.ts";
import { printRule } from "../../formats/nft/print.ts";
import { unreachable } from "../../invariant.ts";
import type { Rule } from "../../ir/types.ts";
import type { NumberedRules } from "./host-rules.ts";
import type { TraceEvent } from "./monitor.ts";

/** A rule that applied, or a policy that dropped. */
export interface LiveStep {
  /** `FAMILY TABLE CHAIN`. */
  readonly chain: string;
  readonly rule: string;
  /** Of the rule, as the kernel numbers it; undefined: a policy. */
  readonly handle: number | undefined;
}

/** One place of the two ways; undefined: the way does not pass it. */
export interface LiveRow {
  readonly predicted: LiveStep | undefined;
  readonly observed: (LiveStep & { readonly verdict: string }) | undefined;
}

/** Where the packet goes behind the rules. */
export interface LiveDestination {
  readonly address: Packet["destination"];
  readonly port: number;
}

export interface LiveComparison {
  readonly rows: readonly LiveRow[];
  readonly predictedTo: LiveDestination | undefined;
  /** Undefined: no hook told of the packet after it was translated. */
  readonly observedTo: LiveDestination | undefined;
  readonly isAsPredicted: boolean;
}

/**
 * The prediction of `outcomes` that is most like what the kernel told in `events`, which are those of one packet, with both side by
 * side. Rules that only count or log are told by the kernel and not predicted: they are left out.
 */
export function compareLive(
  outcomes: readonly Outcome[],
  events: readonly TraceEvent[],
  handleOf: NumberedRules["handleOf"],
): LiveComparison {
  const seen = beforeLoopback(events);
  const observedTo = destinationIn(seen);
  const compared = outcomes
    .flatMap(({ results }) => results)
    .map(({ path }) => compareSteps(predictedSteps(path, handleOf), destinationOf(path), seen, observedTo))
    .sort((a, b) => differencesIn(a) - differencesIn(b));
  const [best = compareSteps([], undefined, seen, observedTo)] = compared;
  return best;
}

/** The rules of the way `path` beside those that the kernel told of in `events`, which are those of one packet. */
export function compareWay(
  path: readonly PathStep[],
  events: readonly TraceEvent[],
  handleOf: NumberedRules["handleOf"],
): readonly LiveRow[] {
  return compareSteps(predictedSteps(path, handleOf), undefined, beforeLoopback(events), undefined).rows;
}

/** A host's packet to itself comes in again by `lo`. The kernel forgets there that it is asked to tell. */
function beforeLoopback(events: readonly TraceEvent[]): readonly TraceEvent[] {
  const [first] = events.flatMap((event) => (event.kind === "packet" ? [event.packet] : []));
  const again = events.findIndex((event) => event.kind === "packet" && event.packet.inInterface !== first?.inInterface);
  return first?.inInterface === undefined && again >= 0 ? events.slice(0, again) : events;
}

function compareSteps(
  predicted: readonly LiveStep[],
  predictedTo: LiveDestination | undefined,
  events: readonly TraceEvent[],
  observedTo: LiveDestination | undefined,
): LiveComparison {
  const keys = new Set(predicted.map(keyOf));
  const rows = align(
    predicted,
    events.flatMap((event) => observedStep(event, keys)),
  );
  const isSame = rows.every((row) => row.predicted !== undefined && row.observed !== undefined);
  return { rows, predictedTo, observedTo, isAsPredicted: isSame && isSameDestination(predictedTo, observedTo) };
}

function destinationOf(path: readonly PathStep[]): LiveDestination | undefined {
  return path.flatMap((step) => (step.kind === "rule" && step.translated ? [step.translated] : [])).at(-1);
}

function differencesIn({ rows, predictedTo, observedTo }: LiveComparison): number {
  const different = rows.filter(({ predicted, observed }) => predicted === undefined || observed === undefined).length;
  return different * 2 + (isSameDestination(predictedTo, observedTo) ? 0 : 1);
}

function isSameDestination(predicted: LiveDestination | undefined, observed: LiveDestination | undefined): boolean {
  if (predicted === undefined || observed === undefined) return true;
  return predicted.address === observed.address && predicted.port === observed.port;
}

/** Where the last event that has the packet sends it, when that is not where it went first. */
function destinationIn(events: readonly TraceEvent[]): LiveDestination | undefined {
  const packets = events.flatMap((event) => (event.kind === "packet" ? [event.packet] : []));
  const [first] = packets;
  const last = packets.at(-1);
  if (first === undefined || last === undefined) return undefined;
  if (last.destination === first.destination && last.destinationPort === first.destinationPort) return undefined;
  return { address: last.destination, port: last.destinationPort };
}

function predictedSteps(path: readonly PathStep[], handleOf: NumberedRules["handleOf"]): LiveStep[] {
  const steps: LiveStep[] = [];
  let before: Rule | undefined;
  const isOwn = path[0]?.hook === "output";
  for (const step of path) {
    // See `beforeLoopback`.
    if (step.kind === "missed" || (isOwn && (step.hook === "prerouting" || step.hook === "input"))) continue;
    const chain = `${step.family} ${step.table} ${step.chain}`;
    if (step.kind === "policy") {
      if (step.base.policy === "drop") steps.push({ chain, rule: "policy drop", handle: undefined });
      continue;
    }
    // A rule that does several things is one place.
    if (step.rule !== before)
      steps.push({ chain, rule: printRule(step.rule, step.family), handle: handleOf(step.rule) });
    before = step.rule;
  }
  return steps;
}

function observedStep(event: TraceEvent, predicted: ReadonlySet<string>): NonNullable<LiveRow["observed"]>[] {
  const chain = `${event.family} ${event.table} ${event.chain}`;
  switch (event.kind) {
    case "rule": {
      const step = { chain, rule: event.text, handle: event.handle, verdict: event.verdict };
      return event.verdict === "continue" && !predicted.has(keyOf(step)) ? [] : [step];
    }
    case "policy":
      return event.verdict === "drop" ? [{ chain, rule: "policy drop", handle: undefined, verdict: "drop" }] : [];
    case "packet":
    case "end":
      return [];
    default:
      return unreachable(event);
  }
}

function keyOf({ chain, handle }: LiveStep): string {
  return `${chain} ${handle ?? "policy"}`;
}

/** The longest sequence of places that both have, and between them what only one has. */
function align(predicted: readonly LiveStep[], observed: readonly NonNullable<LiveRow["observed"]>[]): LiveRow[] {
  const common = Array.from({ length: predicted.length + 1 }, () => new Array<number>(observed.length + 1).fill(0));
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0;
  const isSame = (i: number, j: number): boolean => {
    const [a, b] = [predicted[i], observed[j]];
    return a !== undefined && b !== undefined && keyOf(a) === keyOf(b);
  };
  for (let i = predicted.length - 1; i >= 0; i--)
    for (let j = observed.length - 1; j >= 0; j--) {
      const row = common[i];
      if (row !== undefined) row[j] = isSame(i, j) ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  const rows: LiveRow[] = [];
  for (let i = 0, j = 0; i < predicted.length || j < observed.length; ) {
    if (isSame(i, j)) rows.push({ predicted: predicted[i++], observed: observed[j++] });
    else if (j >= observed.length || (i < predicted.length && at(i + 1, j) > at(i, j + 1)))
      rows.push({ predicted: predicted[i++], observed: undefined });
    else rows.push({ predicted: undefined, observed: observed[j++] });
  }
  return rows;
}
