/** Which expressions are addresses, and where they may stand. */
import type { DataType, Expression, Rule, Step, Value } from "../../ir/types.ts";
import { isMatch } from "../../ir/walk.ts";

/** A value of an address field. */
export type AddressValue = number | bigint;

const CT_ADDRESSES: ReadonlySet<string> = new Set(["original-saddr", "original-daddr", "reply-saddr", "reply-daddr"]);

/** A name for the address of packets that `expression` is; undefined: it is something else. */
export function addressFieldOf(expression: Expression): string | undefined {
  if (expression.kind === "ip" || expression.kind === "ip6") return FIELD_NAMES[expression.kind][expression.field];
  return expression.kind === "ct" && CT_ADDRESSES.has(expression.key) ? expression.key : undefined;
}

const FIELD_NAMES = {
  ip: { saddr: "ip saddr", daddr: "ip daddr" },
  ip6: { saddr: "ip6 saddr", daddr: "ip6 daddr" },
} as const;

export function isAddressType(type: DataType | undefined): boolean {
  return type === "ipv4_addr" || type === "ipv6_addr";
}

export function isAddressValue(value: Value): value is AddressValue {
  return typeof value !== "string";
}

/** The values of an address field without which a rule does nothing. */
export interface AddressGuard {
  readonly field: string;
  readonly from: AddressValue;
  readonly to: AddressValue;
  /** The place of its step. */
  readonly at: number;
}

/** Whether `step` does nothing but to end its rule where it does not hold. Matches that are not understood may fill lists. */
export function isPure(step: Step): boolean {
  return isMatch(step) && step.kind !== "opaque";
}

/** What `step` asks of an address field, where packets with other values fail it. */
export function guardIn(step: Step, at: number): AddressGuard | undefined {
  if (step.kind === "compare") {
    if (step.operator !== "==" || step.orAbsent || !isAddressValue(step.right)) return undefined;
    const field = addressFieldOf(step.left);
    return field === undefined ? undefined : { field, from: step.right, to: step.right, at };
  }
  if (step.kind !== "within" || step.negated || step.orAbsent) return undefined;
  const [interval, another] = step.intervals;
  if (interval === undefined || another !== undefined) return undefined;
  const field = addressFieldOf(step.left);
  const { from, to } = interval;
  return field === undefined || !isAddressValue(from) || !isAddressValue(to) ? undefined : { field, from, to, at };
}

/** The first guard of `rule` by `field`, before it does anything. */
export function guardBy(rule: Rule, field: string | undefined): AddressGuard | undefined {
  for (const [at, step] of rule.steps.entries()) {
    const guard = guardIn(step, at);
    if (guard !== undefined && (field === undefined || guard.field === field)) return guard;
    if (!isPure(step)) return undefined;
  }
  return undefined;
}
