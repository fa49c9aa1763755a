/** Short ways to write nodes of the IR. */
import type { Family } from "../net/address.ts";
import type {
  AskedMap,
  AskedSet,
  DataType,
  Expression,
  FieldExpression,
  Interval,
  Match,
  Rule,
  Statement,
  Step,
  Value,
  Verdict,
} from "./types.ts";

type MatchOf<Kind extends Match["kind"]> = Extract<Match, { kind: Kind }>;

export const L4PROTO = { kind: "meta", key: "l4proto" } as const satisfies Expression;
export const DPORT = { kind: "transport", protocol: "th", field: "dport" } as const satisfies Expression;
export const IIFNAME = { kind: "meta", key: "iifname" } as const satisfies Expression;
export const PRIORITY_FIELD = { kind: "meta", key: "priority" } as const satisfies Expression;
export const CT_STATE_FIELD = { kind: "ct", key: "state" } as const satisfies Expression;
export const CT_STATUS_FIELD = { kind: "ct", key: "status" } as const satisfies Expression;
export const ORIGINAL_DADDR = { kind: "ct", key: "original-daddr" } as const satisfies Expression;
export const ORIGINAL_DPORT = { kind: "ct", key: "original-proto-dst" } as const satisfies Expression;

/** The network header's address field of `family`. */
export function addressField(family: Family, field: "saddr" | "daddr"): FieldExpression {
  return family === "IPv4" ? { kind: "ip", field } : { kind: "ip6", field };
}

/** The data type of `family`'s addresses. */
export function addressType(family: Family): DataType {
  return family === "IPv4" ? "ipv4_addr" : "ipv6_addr";
}

export function concat(...parts: Expression[]): Expression {
  return { kind: "concat", parts };
}

export function random(modulus: number, offset = 0): Expression {
  return { kind: "numgen", mode: "random", modulus, offset };
}

/** Packets in turn: from 0 to `modulus` - 1, and again. */
export function counting(modulus: number): Expression {
  return { kind: "numgen", mode: "inc", modulus, offset: 0 };
}

export function equal(left: Expression, right: Value): MatchOf<"compare"> {
  return { kind: "compare", left, operator: "==", right };
}

/** True when one of the bits of `mask` is set in `field`: what nft means by `ct state new,related`. */
export function anyBit(field: Expression, mask: number): MatchOf<"compare"> {
  return { kind: "compare", left: { kind: "bitwise", operand: field, mask, xor: 0 }, operator: "!=", right: 0 };
}

/** True when none of the bits of `mask` is set in `field`. */
export function noBit(field: Expression, mask: number): MatchOf<"compare"> {
  return { kind: "compare", left: { kind: "bitwise", operand: field, mask, xor: 0 }, operator: "==", right: 0 };
}

export function within(left: Expression, intervals: readonly Interval[], negated = false): MatchOf<"within"> {
  return { kind: "within", left, negated, intervals };
}

export function member(key: Expression, set: AskedSet, negated = false): MatchOf<"member"> {
  return { kind: "member", key, negated, set };
}

export function vmap(key: Expression, map: AskedMap): Statement {
  return { kind: "vmap", key, map };
}

export function verdict(value: Verdict): Statement {
  return { kind: "verdict", verdict: value };
}

export function jump(chain: string): Statement {
  return verdict({ kind: "jump", chain });
}

export function goto(chain: string): Statement {
  return verdict({ kind: "goto", chain });
}

export function rule(...steps: Step[]): Rule {
  return { steps };
}

/** `rule` with a comment for the administrator. */
export function commented(comment: string, rule: Rule): Rule {
  return { ...rule, comment };
}
