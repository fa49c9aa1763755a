/** The rules that mattered on one host, as a trace of one node tells them. */
import { type Disposition, KEPT, MASQUERADED } from "../../evaluate/disposition.ts";
import type { PathStep } from "../../evaluate/packet.ts";
import type { Hop, WalkEnd } from "../../walk/types.ts";
import { type ShownStep, sliceOf } from "../slice.ts";
import { type StepView, viewOf } from "../view.ts";
import { isExempting } from "../words.ts";
import type { TellingContext } from "./walk-names.ts";

/** A step that mattered, and what it is. */
export interface WalkShownStep {
  readonly shown: ShownStep;
  readonly view: StepView;
  /** The first of its words tells what the rule is about, better than its own text. */
  readonly isToldByWords: boolean;
}

/** The steps of a hop's rules that mattered; `end`: how the packet's way ended there. */
export function shownSteps(hop: Hop, context: TellingContext, end: WalkEnd | undefined): WalkShownStep[] {
  const { names } = context;
  const path = hop.steps.flatMap((step): readonly PathStep[] => (step.kind === "rules" ? step.path : []));
  if (path.length === 0) return [];
  const result = { path, disposition: dispositionOf(hop, end) };
  const options = {
    source: hop.before.source,
    inInterface: hop.inInterface,
    names: names.addresses,
    rulesWereRead: false,
  };
  return sliceOf(result, options).map((shown) => {
    const view = viewOf(shown, result, options);
    const words = affinityWords(shown.step, hop, context);
    const isToldByWords = view.kind === "missed" || view.kind === "affinity" || isExempting(shown.step, result);
    return { shown, view: words === undefined ? view : { ...view, words: [words] }, isToldByWords };
  });
}

/** What it means that rules remember a client that they give an endpoint. */
function affinityWords(step: PathStep, { before, after }: Hop, context: TellingContext): string | undefined {
  if (step.kind !== "rule" || step.effect.kind !== "remember" || step.effect.seconds === undefined) return undefined;
  const isTranslated = before.destination !== after.destination || before.destinationPort !== after.destinationPort;
  if (!isTranslated) return undefined;
  const endpoint = context.names.printNamed(after.destination, after.destinationPort, context.protocol);
  return `session affinity: this client stays with ${endpoint} until it has made no connection for ${step.effect.seconds} s`;
}

function dispositionOf({ before, after }: Hop, end: WalkEnd | undefined): Disposition {
  if (end?.kind === "dropped") return { kind: "drop", lists: [] };
  if (end?.kind === "rejected") return { kind: "reject", with: end.with, lists: [] };
  const source = before.source === after.source && before.sourcePort === after.sourcePort ? KEPT : MASQUERADED;
  const forwarded = { source, takenBy: [], lists: [] };
  if (before.destination === after.destination && before.destinationPort === after.destinationPort)
    return { kind: "pass", ...forwarded };
  const to = { address: after.destination, port: after.destinationPort };
  return { kind: "dnat", to, stickySeconds: undefined, ...forwarded };
}
