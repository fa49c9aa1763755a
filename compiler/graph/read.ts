/** From an expression to what it reads of a packet, given what is known. */
import { applyMask } from "../evaluate/expression.ts";
import { unreachable } from "../invariant.ts";
import { ADDRESS_TYPE, CT_STATE } from "../ir/constants.ts";
import type { CtKey, Expression, MetaKey, Value } from "../ir/types.ts";
import type { Family } from "../net/address.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import type { Known } from "./known.ts";
import type { Read } from "./types.ts";

export type Reading =
  /** `choices`: how many numbers chance chooses from before. */
  | { readonly kind: "reads"; readonly reads: readonly Read[]; readonly choices: number }
  /** The expression has no value, which ends the rule. */
  | { readonly kind: "nothing" }
  | { readonly kind: "unsupported"; readonly reason: string };

const NOTHING: Reading = { kind: "nothing" };

export function read(expression: Expression, family: Family, known: Known): Reading {
  switch (expression.kind) {
    case "constant":
      return constant(expression.value);
    case "numgen": {
      const { modulus, offset } = expression;
      if (modulus === 1) return constant(offset);
      return { kind: "reads", reads: [{ kind: "slot", offset }], choices: modulus };
    }
    case "bitwise": {
      const operand = read(expression.operand, family, known);
      if (operand.kind !== "reads") return operand;
      const [only] = operand.reads;
      if (only?.kind !== "constant") return { kind: "unsupported", reason: "bits of an address or a port" };
      return constant(applyMask(only.value, expression.mask, expression.xor));
    }
    case "shift":
    case "combine":
      return { kind: "unsupported", reason: "bits that are shifted or combined" };
    case "concat":
      return expression.parts.reduce<Reading>(
        (before, part) => {
          if (before.kind !== "reads") return before;
          const reading = read(part, family, known);
          if (reading.kind !== "reads") return reading;
          if (before.choices > 1 && reading.choices > 1)
            return { kind: "unsupported", reason: "two random numbers in a key" };
          return {
            kind: "reads",
            reads: [...before.reads, ...reading.reads],
            choices: Math.max(before.choices, reading.choices),
          };
        },
        { kind: "reads", reads: [], choices: 1 },
      );
    case "ip":
    case "ip6":
      if ((expression.kind === "ip") !== (family === "IPv4")) return NOTHING;
      if (expression.field === "daddr") return one({ kind: "address", of: known.destination });
      return one(known.source === "own" ? { kind: "own-address", of: known.destination } : { kind: "source" });
    case "transport": {
      if (expression.field === "sport") return { kind: "unsupported", reason: "source ports" };
      const of = known.destination;
      if (expression.protocol === "th") return one({ kind: "port", of });
      return one({ kind: "port", of, protocol: PROTOCOL_NUMBERS[expression.protocol] });
    }
    case "meta":
      return readMeta(expression.key, family, known);
    case "ct":
      return readCt(expression.key, known);
    case "fib":
      if (expression.of === "daddr") return one({ kind: "address-type", of: known.destination });
      return known.source === "own" ? constant(ADDRESS_TYPE.local) : one({ kind: "source-type" });
    case "lookup":
      return { kind: "unsupported", reason: "a lookup within an expression" };
    case "header":
      if (expression.field === "ip protocol") return family === "IPv4" ? one({ kind: "protocol" }) : NOTHING;
      if (expression.field === "ip6 nexthdr") return family === "IPv6" ? one({ kind: "protocol" }) : NOTHING;
      return { kind: "unsupported", reason: expression.field };
    case "opaque":
      return { kind: "unsupported", reason: `not understood: ${expression.text}` };
    default:
      return unreachable(expression);
  }
}

function readMeta(key: MetaKey, family: Family, known: Known): Reading {
  switch (key) {
    case "l4proto":
      return one({ kind: "protocol" });
    case "nfproto":
      return constant(family === "IPv4" ? 2 : 10);
    case "iifname":
    case "iif":
      return constant(known.inInterface);
    case "mark":
      return constant(known.mark);
    case "priority":
      return known.priority === "register" ? one({ kind: "register" }) : constant(known.priority);
    case "oifname":
    case "oif":
    case "pkttype":
    case "skuid":
    case "skgid":
      return { kind: "unsupported", reason: `meta ${key}` };
    default:
      return unreachable(key);
  }
}

function readCt(key: CtKey, known: Known): Reading {
  if (key === "state") return constant(known.ctState);
  if (known.ctState !== CT_STATE.new) return NOTHING;
  switch (key) {
    case "status":
      return constant(known.ctStatus);
    case "mark":
      return constant(known.ctMark);
    case "direction":
      return constant(0);
    case "original-protocol":
      return one({ kind: "protocol" });
    case "original-saddr":
      return one({ kind: "source" });
    case "original-daddr":
      return one({ kind: "address", of: "asked" });
    case "original-proto-src":
      return { kind: "unsupported", reason: "source ports" };
    case "original-proto-dst":
      return one({ kind: "port", of: "asked", tracked: true });
    case "reply-saddr":
    case "reply-daddr":
    case "reply-proto-src":
    case "reply-proto-dst":
      return { kind: "unsupported", reason: `ct ${key}` };
    default:
      return unreachable(key);
  }
}

function one(only: Read): Reading {
  return { kind: "reads", reads: [only], choices: 1 };
}

function constant(value: Value): Reading {
  return one({ kind: "constant", value });
}
