/** How far the evaluation of a rule has come, and what becomes of its steps. */
import { equal, L4PROTO } from "../../ir/build.ts";
import { impliedProtocol } from "../../ir/implied-protocol.ts";
import type { Expression, Match, Rule, SetElement, Step } from "../../ir/types.ts";
import { type KnownFields, learn, NOTHING_KNOWN } from "./known.ts";

/** A place in the table from which rules can go on. */
export interface Position {
  readonly chain: string;
  readonly index: number;
  /** What is known before the rule at `index`. */
  readonly known: KnownFields;
  /** The comment of the element that led here, where the rules say it. */
  readonly comment?: string | undefined;
}

/** The step of `rule` that comes next. */
export interface StepCursor {
  readonly rule: Rule;
  /** Index of the step. */
  readonly at: number;
  /** Tests that packets have passed in this rule, as far as their answers were not known. */
  readonly matches: readonly Match[];
  /** What is known of packets that have passed them. */
  readonly known: KnownFields;
  /** The rule's. */
  readonly place: Position;
  /** Index of the rule with which the chain begins that is made. */
  readonly start: number;
}

/** What became of the steps of a rule. */
export interface Residue {
  readonly rules: readonly Rule[];
  /** What is known behind them, for packets that go on to the next rule. */
  readonly known: KnownFields;
  /** No packet goes on to the next rule. */
  readonly ended: boolean;
}

/** What happens to packets that an element of a set or map is for. */
export type OnElement<Element extends SetElement> = (element: Element, found: StepCursor) => Residue;

// --- ways to go on ------------------------------------------------------------------------------------------------------

export function pastStep(cursor: StepCursor): StepCursor {
  return { ...cursor, at: cursor.at + 1 };
}

/** The place behind the rule, where `known` is known. */
export function pastRule({ place }: StepCursor, known = place.known): Position {
  return { ...place, index: place.index + 1, known };
}

/** As if the rule were written for `element` alone. */
export function forElement(cursor: StepCursor, element: SetElement): StepCursor {
  const { rule } = cursor;
  const comment = element.comment ?? rule.comment;
  const origin = element.origin ?? rule.origin;
  return { ...cursor, rule: { steps: rule.steps, ...carried({ comment, origin }) } };
}

// --- residues -----------------------------------------------------------------------------------------------------------

/** `rules`, behind which packets go on. */
export function going(rules: readonly Rule[], { place }: StepCursor): Residue {
  return { rules, known: place.known, ended: false };
}

/** Packets go on behind the rule, and nothing happened. */
export function next(cursor: StepCursor): Residue {
  return going([], cursor);
}

export function ended(rules: readonly Rule[]): Residue {
  return { rules, known: NOTHING_KNOWN, ended: true };
}

/** A rule with the tests of `cursor` and `step`, which no packet passes. */
export function last(step: Step, cursor: StepCursor): Residue {
  const rules = [residual(step, cursor)];
  return cursor.matches.length === 0 ? ended(rules) : going(rules, cursor);
}

/** A rule with the tests of `cursor` and `step`, and with comment and origin of the rule that it comes from. */
export function residual(step: Step, { rule, matches }: StepCursor): Rule {
  return { ...carried(rule), steps: [...matches, step] };
}

/** The same, where `step` leads to another chain. iptables tests a comment like anything else, which costs 70 ns through iptables-nft:
 *  where all packets would pay that, it is left out. */
export function leading(step: Step, cursor: StepCursor): Rule {
  const { comment: _, ...rule } = residual(step, cursor);
  return cursor.matches.length === 0 ? rule : residual(step, cursor);
}

function carried({
  comment,
  origin,
}: {
  readonly comment?: Rule["comment"] | undefined;
  readonly origin?: Rule["origin"] | undefined;
}): Omit<Rule, "steps"> {
  return { ...(comment === undefined ? {} : { comment }), ...(origin === undefined ? {} : { origin }) };
}

// --- protocols ----------------------------------------------------------------------------------------------------------

/** A field of a transport header is read only in packets of that protocol. Undefined: this packet has another one. */
export function withProtocolOf(expression: Expression, cursor: StepCursor): StepCursor | undefined {
  const { matches, known } = cursor;
  const parts = expression.kind === "concat" ? expression.parts : [expression];
  const protocol = parts.map(impliedProtocol).find((implied) => implied !== undefined);
  if (protocol === undefined || known.get("l4proto") === protocol) return cursor;
  if (known.has("l4proto")) return undefined;
  return {
    ...cursor,
    matches: [...matches, equal(L4PROTO, protocol)],
    known: learn(known, "l4proto", protocol),
  };
}

/** `cursor` with the protocol, where it is known, as a match of this rule: iptables wants it beside ports. */
export function protocolSpelled(cursor: StepCursor): StepCursor {
  const protocol = cursor.known.get("l4proto");
  const spelled = cursor.matches.some(
    (match) => match.kind === "compare" && match.left.kind === "meta" && match.left.key === "l4proto",
  );
  if (protocol === undefined || spelled) return cursor;
  return { ...cursor, matches: [...cursor.matches, equal(L4PROTO, protocol)] };
}
