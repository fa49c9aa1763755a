/** What is known of a packet at a place in the ruleset, because of the way that led there. */
import type { Chain, Expression, FieldExpression, Rule, Step, Value } from "../ir/types.ts";
import { type Address, printAddress } from "../net/address.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";

/** Field and value, by the name that `fieldName` gives. */
export type Known = ReadonlyMap<string, Value>;

export const NOTHING_KNOWN: Known = new Map();

/** One name for each property of a packet, however an expression spells it: `tcp dport` and `th dport` are one. */
export function fieldName(field: FieldExpression): string {
  switch (field.kind) {
    case "ip":
    case "ip6":
    case "transport":
      return field.field;
    case "meta":
      return field.key;
    case "ct":
      return `ct ${field.key}`;
    case "fib":
      return `fib ${field.of}`;
    case "header":
      return field.field;
  }
}

/** The field that an expression is, if it is nothing more. */
export function asField(expression: Expression): FieldExpression | undefined {
  switch (expression.kind) {
    case "ip":
    case "ip6":
    case "transport":
    case "meta":
    case "ct":
    case "fib":
    case "header":
      return expression;
    default:
      return undefined;
  }
}

/** The protocol that reading `expression` takes for granted: `tcp dport` has no value in a UDP packet. */
export function impliedProtocol(expression: Expression): number | undefined {
  return expression.kind === "transport" && expression.protocol !== "th"
    ? PROTOCOL_NUMBERS[expression.protocol]
    : undefined;
}

export function learn(known: Known, name: string, value: Value): Known {
  return new Map(known).set(name, value);
}

/** `known` in one line, sorted: equal knowledge is equal text. */
export function knownText(known: Known): string {
  return [...known]
    .map(([name, value]) => `${name} ${printKnown(name, value)}`)
    .sort()
    .join(", ");
}

/** The value of the field `name` as text. */
export function printKnown(name: string, value: Value): string {
  return name.endsWith("addr") && typeof value !== "string" ? printAddress(value as Address) : String(value);
}

/** The fields that a chain reads, in its own rules and in all chains that it leads to: the rest of what is known makes no
 *  difference to it. */
export class ReadFields {
  private readonly chains: ReadonlyMap<string, Chain>;
  private readonly verdictsOf: (map: string) => Iterable<string>;
  private readonly known = new Map<string, ReadonlySet<string>>();

  /** `verdictsOf` gives the chains that a verdict map leads to. */
  constructor(chains: ReadonlyMap<string, Chain>, verdictsOf: (map: string) => Iterable<string>) {
    this.chains = chains;
    this.verdictsOf = verdictsOf;
  }

  of(chain: string): ReadonlySet<string> {
    const known = this.known.get(chain);
    if (known !== undefined) return known;
    const fields = new Set<string>();
    this.known.set(chain, fields);
    for (const rule of this.chains.get(chain)?.rules ?? []) for (const field of this.ofRule(rule)) fields.add(field);
    return fields;
  }

  private *ofRule(rule: Rule): Generator<string> {
    for (const step of rule.steps) {
      for (const expression of expressionsOf(step)) yield* fieldsOf(expression);
      for (const chain of this.chainsOf(step)) yield* this.of(chain);
    }
  }

  private *chainsOf(step: Step): Generator<string> {
    if (step.kind === "verdict" && "chain" in step.verdict) yield step.verdict.chain;
    if (step.kind !== "vmap") return;
    if (typeof step.map === "string") yield* this.verdictsOf(step.map);
    else for (const { value } of step.map) if ("chain" in value) yield value.chain;
  }
}

function* expressionsOf(step: Step): Generator<Expression> {
  switch (step.kind) {
    case "compare":
    case "within":
    case "name-prefix":
      yield step.left;
      break;
    case "member":
    case "vmap":
    case "remember":
      yield step.key;
      break;
    case "dnat":
    case "snat":
      // A translation names the protocol whose ports it writes.
      yield { kind: "meta", key: "l4proto" };
      if (step.to.kind === "map") yield step.to.key;
      break;
    case "set":
      yield step.value;
      break;
  }
}

function* fieldsOf(expression: Expression): Generator<string> {
  switch (expression.kind) {
    case "concat":
      for (const part of expression.parts) yield* fieldsOf(part);
      break;
    case "bitwise":
    case "shift":
      yield* fieldsOf(expression.operand);
      break;
    case "combine":
      yield* fieldsOf(expression.left);
      yield* fieldsOf(expression.right);
      break;
    case "lookup":
      yield* fieldsOf(expression.key);
      break;
    case "numgen":
    case "constant":
    case "opaque":
      break;
    default:
      yield fieldName(expression);
      if (expression.kind === "transport") yield "l4proto";
  }
}
