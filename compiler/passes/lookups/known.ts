/** What is known of a packet at a place in the ruleset, because of the way that led there. */
import { unreachable } from "../../invariant.ts";
import type { ChainGraph } from "../../ir/chain-graph.ts";
import type { Expression, FieldExpression, Step, Value } from "../../ir/types.ts";
import { holdsFor, type ValueTest } from "../../ir/value-test.ts";
import { allParts, asField, expressionsOf, fieldsWritten } from "../../ir/walk.ts";
import { type Address, printAddress } from "../../net/address.ts";

/** Field and value, by the name that `fieldName` gives. */
export type KnownFields = ReadonlyMap<string, Value>;

export const NOTHING_KNOWN: KnownFields = new Map();

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
    default:
      return unreachable(field);
  }
}

export function learn(known: KnownFields, name: string, value: Value): KnownFields {
  return new Map(known).set(name, value);
}

/** `known` in one line, sorted: equal knowledge is equal text. */
export function knownText(known: KnownFields): string {
  return [...known]
    .map(([name, value]) => `${name} ${printKnown(name, value)}`)
    .sort()
    .join(", ");
}

/** The value of the field `name` as text. */
export function printKnown(name: string, value: Value): string {
  return name.endsWith("addr") && typeof value !== "string" ? printAddress(value as Address) : String(value);
}

/** The answer to `match` where what is known decides it. */
export function staticTest(match: ValueTest, known: KnownFields): boolean | undefined {
  const field = asField(match.left);
  const value = field === undefined ? undefined : known.get(fieldName(field));
  return value === undefined ? undefined : holdsFor(match, value);
}

/** Fields of a chain and of all chains that it leads to. */
interface ChainFields {
  readonly read: Set<string>;
  readonly written: Set<string>;
}

/** The fields that a chain reads, in its own rules and in all chains that it leads to: the rest of what is known makes no
 *  difference to it. Without those that are written there: what was known of them may not hold behind that. */
export class ReadFields {
  private readonly chains: ChainGraph;
  private readonly known = new Map<string, ChainFields>();

  constructor(chains: ChainGraph) {
    this.chains = chains;
  }

  of(chain: string): ReadonlySet<string> {
    return this.fieldsOf(chain).read;
  }

  private fieldsOf(chain: string): ChainFields {
    const known = this.known.get(chain);
    if (known !== undefined) return known;
    const fields: ChainFields = { read: new Set(), written: new Set() };
    this.known.set(chain, fields);
    for (const { steps } of this.chains.get(chain)?.rules ?? []) for (const step of steps) this.addStep(step, fields);
    for (const field of fields.written) fields.read.delete(field);
    return fields;
  }

  private addStep(step: Step, { read, written }: ChainFields): void {
    for (const expression of expressionsOf(step)) for (const field of fieldsIn(expression)) read.add(field);
    // A translation names the protocol whose ports it writes.
    if (writesPorts(step)) read.add("l4proto");
    // The priority is known behind a rule that writes it.
    for (const field of fieldsWritten(step)) if (field.key !== "priority") written.add(fieldName(field));
    for (const chain of this.chains.namesBehind(step)) {
      const behind = this.fieldsOf(chain);
      for (const field of behind.read) read.add(field);
      for (const field of behind.written) written.add(field);
    }
  }
}

function writesPorts(step: Step): boolean {
  switch (step.kind) {
    case "dnat":
    case "snat":
      return true;
    case "masquerade":
    case "redirect":
      return step.ports !== undefined;
    default:
      // No other kind writes ports.
      return false;
  }
}

function* fieldsIn(expression: Expression): Generator<string> {
  for (const part of allParts(expression)) {
    const field = asField(part);
    if (field === undefined) continue;
    yield fieldName(field);
    if (field.kind === "transport") yield "l4proto";
  }
}
