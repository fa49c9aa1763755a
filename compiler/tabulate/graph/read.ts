/** From an expression to what it reads of a packet, given what is known. */

import { addressNow, evaluateExpression } from "../../evaluate/expression.ts";
import { readsProtocol } from "../../evaluate/field.ts";
import type { TableIndex } from "../../evaluate/table-index.ts";
import { isUnknown } from "../../evaluate/unknown-expression.ts";
import { choicesOf } from "../../evaluate/unknown-key.ts";
import { unreachable } from "../../invariant.ts";
import { describe } from "../../ir/describe.ts";
import { isForOthers } from "../../ir/sets.ts";
import type { Expression, SetElement, Value } from "../../ir/types.ts";
import { PROTOCOL_NUMBERS } from "../../net/protocol.ts";
import { addressTypeOf } from "../../packets/address-type.ts";
import type { Operand } from "../../packets/bits.ts";
import type { Spread } from "../../packets/preimage.ts";
import { type KnownState, stateOf } from "./known.ts";
import type { Read } from "./types.ts";

export type Reading =
  /** `choices`: how many numbers chance chooses from before. */
  | { readonly kind: "reads"; readonly reads: readonly Read[]; readonly choices: number }
  /** The key is that of no element. */
  | { readonly kind: "none" }
  /** The expression has no value. */
  | { readonly kind: "nothing" }
  | { readonly kind: "unsupported"; readonly reason: string };

const NOTHING: Reading = { kind: "nothing" };

/** What the evaluator finds `expression` to be: a value, a field of the packet, or something that no table can say. */
export function read(expression: Expression, known: KnownState, table: TableIndex): Reading {
  const { shared, branch } = known;
  switch (expression.kind) {
    case "concat":
      return expression.parts.reduce<Reading>((before, part) => append(before, read(part, known, table)), {
        kind: "reads",
        reads: [],
        choices: 1,
      });
    case "numgen": {
      const { modulus, offset } = expression;
      if (isUnknown(expression, shared)) return unsupported(describe(expression));
      if (modulus === 1) return constant(offset);
      return { kind: "reads", reads: [{ kind: "slot", offset }], choices: modulus };
    }
    case "lookup":
      return unsupported("a lookup within an expression");
    case "transport":
      if (!WITH_PORTS.has(shared.protocol) && expression.protocol === "th" && shared.original.tracking !== "invalid")
        return unsupported(`${describe(expression)} of packets of protocol ${shared.protocol}`);
      return readKnown(expression, known, table);
    case "opaque":
      return unsupported(`not understood: ${expression.text}`);
    case "fib": {
      if (isUnknown(expression, shared)) return unsupported(describe(expression));
      const address = addressNow(expression.of, shared, branch);
      if (typeof address !== "object") return constant(addressTypeOf(address, shared.environment));
      return ofField(address, { saddr: "source-type", address: "address-type" });
    }
    default:
      // The evaluator says the value of all other expressions.
      return readKnown(expression, known, table);
  }
}

/** Protocols whose ports the classifier reads. */
const WITH_PORTS: ReadonlySet<number> = new Set(Object.values(PROTOCOL_NUMBERS));

/** What `key` is, by which one of `elements` is looked up. It need not be known where all of them are for other protocols. */
export function readKey(
  key: Expression,
  elements: readonly SetElement[],
  known: KnownState,
  table: TableIndex,
): Reading {
  const reading = read(key, known, table);
  if (reading.kind !== "unsupported" || WITH_PORTS.has(known.shared.protocol)) return reading;
  if (elements.some((each) => isForOthers(each.key))) return reading;
  const { choices, absent } = choicesOf(key, elements, stateOf(known), table);
  const isNone = absent === undefined && choices.every(({ candidates }) => candidates.length === 0);
  return isNone ? { kind: "none" } : reading;
}

function readKnown(expression: Expression, known: KnownState, table: TableIndex): Reading {
  const { shared, branch } = known;
  if (isUnknown(expression, shared) || table.lists.readsFilled(expression, table.table))
    return unsupported(describe(expression));
  if (known.priorityFromMap && expression.kind === "meta" && expression.key === "priority")
    return one({ kind: "register" });
  const [only, more] = evaluateExpression(expression, shared, branch, table);
  if (only === undefined || more !== undefined || only.region !== branch.region)
    return unsupported("bits that are shifted or combined");
  if (only.value === undefined) return NOTHING;
  const value = only.value[0] as Operand;
  if (typeof value === "object") return ofField(value, { saddr: "source", address: "address" });
  return readsProtocol(expression) ? one({ kind: "protocol" }) : constant(value);
}

/** `key` with one more part. */
function append(before: Reading, part: Reading): Reading {
  // A part without a value ends the rule, whatever the others are.
  if (before.kind === "nothing" || part.kind === "nothing") return NOTHING;
  if (before.kind !== "reads") return before;
  if (part.kind !== "reads") return part;
  if (before.choices > 1 && part.choices > 1) return unsupported("two random numbers in a key");
  return {
    kind: "reads",
    reads: [...before.reads, ...part.reads],
    choices: Math.max(before.choices, part.choices),
  };
}

function ofField(
  { field, masked }: Spread,
  kinds:
    | { readonly saddr: "source"; readonly address: "address" }
    | { readonly saddr: "source-type"; readonly address: "address-type" },
): Reading {
  if (masked !== undefined) return unsupported("bits of an address or a port");
  switch (field) {
    case "saddr":
      return one({ kind: kinds.saddr });
    case "daddr":
      return one({ kind: kinds.address, of: "original" });
    case "toaddr":
      return one({ kind: kinds.address, of: "endpoint" });
    case "dport":
      return one({ kind: "port", of: "original" });
    case "toport":
      return one({ kind: "port", of: "endpoint" });
    case "sport":
      return unsupported("source ports");
    case "mark":
    case "ctstate":
    case "ctstatus":
    case "ctmark":
      throw new Error(`packets of one entry point have one ${field}`);
    default:
      return unreachable(field);
  }
}

function one(only: Read): Reading {
  return { kind: "reads", reads: [only], choices: 1 };
}

function constant(value: Value): Reading {
  return one({ kind: "constant", value });
}

function unsupported(reason: string): Reading {
  return { kind: "unsupported", reason };
}
