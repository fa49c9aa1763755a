/** Steps of a trace as plain data, for text and JSON alike. */
import { type Assumed, lineAndColumn, type Origin } from "../diagnostics.ts";
import type { PathStep } from "../evaluate/packet.ts";
import { printRule } from "../formats/nft/print.ts";
import { printElementOf } from "../formats/nft/print-sets.ts";
import { unreachable } from "../invariant.ts";
import type { Rule } from "../ir/types.ts";
import { printAddressPort } from "../net/address.ts";
import type { ShownStep, TracedResult } from "./slice.ts";
import { type WordsContext, wordsOf } from "./words.ts";

/** A place in a file; lines and columns count from 1. */
export interface PlaceView {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** What does not stand there, but is assumed. */
  readonly assumed?: readonly Assumed[];
}

/** What a step that mattered is. */
export interface StepMembers {
  readonly kind: "policy" | "jump" | "verdict" | "nat" | "mark" | "write" | "affinity" | "missed" | "unknown";
  readonly hook: string;
  /** `FAMILY NAME`. */
  readonly table: string;
  readonly chain: string;
  /** As nft would print it, or `policy drop`. */
  readonly rule: string;
  /** The rule or policy as it stands in the file that was read. */
  readonly text?: string;
  /** The element of a set or map by which the rule applied. */
  readonly element?: string;
  /** The new destination. */
  readonly to?: string;
}

/** A step that mattered, with its place and its words. */
export interface StepView extends StepMembers {
  /** Where the rule stands, or the element where that comes from a manifest. */
  readonly place?: PlaceView;
  /** What the step did, in words. */
  readonly words: readonly string[];
}

/** How a trace is told. */
export interface ViewOptions extends Omit<WordsContext, "result" | "place"> {
  /** The rules were read from a file: their own text is shown. */
  readonly rulesWereRead: boolean;
}

/** `shown` as plain data. */
export function viewOf(shown: ShownStep, result: TracedResult, options: ViewOptions): StepView {
  const { step } = shown;
  const { hook, family, table, chain } = step;
  const origin = originOf(step);
  const own = origin && placeAt(origin);
  const place = (rule: Rule): string | undefined => rule.origin && printBeside(placeAt(rule.origin), own);
  const text = options.rulesWereRead ? textOf(step.kind === "policy" ? step.base.origin : step.rule.origin) : undefined;
  const { element, declaration, translated } = step.kind === "rule" ? step : NOTHING;
  return {
    kind: kindOf(step),
    hook,
    table: `${family} ${table}`,
    chain,
    rule: step.kind === "policy" ? `policy ${step.base.policy}` : printRule(step.rule, family),
    ...(text === undefined ? {} : { text }),
    ...(element === undefined || declaration === undefined ? {} : { element: printElementOf(element, declaration) }),
    ...(translated === undefined ? {} : { to: printAddressPort(translated.address, translated.port) }),
    ...(own === undefined ? {} : { place: own }),
    words: wordsOf(shown, { ...options, result, place }),
  };
}

const NOTHING = { element: undefined, declaration: undefined, translated: undefined };

function kindOf(step: PathStep): StepView["kind"] {
  if (step.kind !== "rule") return step.kind;
  const { effect } = step;
  switch (effect.kind) {
    case "verdict":
      return "chain" in effect.verdict ? "jump" : "verdict";
    case "reject":
      return "verdict";
    case "destination":
    case "source":
      return "nat";
    case "write":
      return effect.field.key === "mark" ? "mark" : "write";
    case "remember":
      return "affinity";
    case "taken":
      return "unknown";
    default:
      return unreachable(effect);
  }
}

function originOf(step: PathStep): Origin | undefined {
  if (step.kind === "policy") return step.base.origin;
  return (step.kind === "rule" ? step.element?.origin : undefined) ?? step.rule.origin;
}

/** The place of `origin`. */
export function placeAt(origin: Origin): PlaceView {
  const span = origin.span();
  const { assumed } = origin;
  return { file: span.source.name, ...lineAndColumn(span), ...(assumed === undefined ? {} : { assumed }) };
}

/** `file:line:column`, and what is assumed there. */
export function printPlaceView({ file, line, column, assumed = [] }: PlaceView): string {
  return `${file}:${line}:${column}${assumed.length === 0 ? "" : ` (${assumed.join(", ")} assumed)`}`;
}

/** `line 57`, or with the file where that is another one. */
function printBeside(place: PlaceView, own: PlaceView | undefined): string {
  return place.file === own?.file ? `line ${place.line}` : printPlaceView(place);
}

/** The text at `origin`, on one line. */
function textOf(origin: Origin | undefined): string | undefined {
  if (origin === undefined) return undefined;
  const { source, start, end } = origin.span();
  return source.text.slice(start, end).replace(/\s+/g, " ").trim();
}
