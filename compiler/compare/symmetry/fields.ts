/** Values that may be exchanged with others of their sort, and the fields of packets that hold them. */
import type { DataType, Expression, Rule, Step, Value } from "../../ir/types.ts";
import { isMatch } from "../../ir/walk.ts";

/** Addresses; ports; what `meta priority` holds, which kpc's nft rules keep the identity of a sticky endpoint in. */
export type Sort = "address" | "port" | "identity";

export const SORTS: readonly Sort[] = ["address", "port", "identity"];

export const ONE_OF: Readonly<Record<Sort, string>> = {
  address: "an address",
  port: "a port",
  identity: "an identity",
};

/** So many values of a sort may decide which parts of the programs do something to a packet: README.md counts them. */
export const HAD: Readonly<Record<Sort, number>> = { address: 8, port: 8, identity: 1 };

/** A value of a field of some sort. */
export type Named = number | bigint;

/** A field, by a text of its own. */
export interface SortedField {
  readonly sort: Sort;
  readonly name: string;
}

const address = (name: string): SortedField => ({ sort: "address", name });
const port = (name: string): SortedField => ({ sort: "port", name });

const ADDRESSES = {
  ip: { saddr: address("ip saddr"), daddr: address("ip daddr") },
  ip6: { saddr: address("ip6 saddr"), daddr: address("ip6 daddr") },
};
/** Fields of two protocols are two, although a packet has one port: a packet of one protocol has no value in the other's. */
const PORTS = {
  th: { sport: port("th sport"), dport: port("th dport") },
  tcp: { sport: port("tcp sport"), dport: port("tcp dport") },
  udp: { sport: port("udp sport"), dport: port("udp dport") },
  sctp: { sport: port("sctp sport"), dport: port("sctp dport") },
};
const OF_CONNECTIONS: ReadonlyMap<string, SortedField> = new Map(
  ["original", "reply"].flatMap((of) =>
    [
      ...["saddr", "daddr"].map((part) => address(`${of}-${part}`)),
      ...["proto-src", "proto-dst"].map((part) => port(`${of}-${part}`)),
    ].map((field) => [field.name, field] as const),
  ),
);
const PRIORITY: SortedField = { sort: "identity", name: "meta priority" };

/** The field that `expression` is; undefined: it is none whose values are of a sort. */
export function fieldOf(expression: Expression): SortedField | undefined {
  switch (expression.kind) {
    case "ip":
    case "ip6":
      return ADDRESSES[expression.kind][expression.field];
    case "transport":
      return PORTS[expression.protocol][expression.field];
    case "ct":
      return OF_CONNECTIONS.get(expression.key);
    case "meta":
      return expression.key === "priority" ? PRIORITY : undefined;
    default:
      // Values of other fields are left as they are.
      return undefined;
  }
}

/** The sort of the values that sets and maps have of a type. */
export function sortOf(type: DataType | undefined): Sort | undefined {
  if (type === "ipv4_addr" || type === "ipv6_addr") return "address";
  if (type === "inet_service") return "port";
  return type === "classid" ? "identity" : undefined;
}

export function isNamed(value: Value): value is Named {
  return typeof value !== "string";
}

/** The values of a field without which a rule does nothing. */
export interface Guard {
  readonly field: SortedField;
  readonly from: Named;
  readonly to: Named;
  /** The place of its step. */
  readonly at: number;
}

/** Whether `step` does nothing but to end its rule where it does not hold. Matches that are not understood may fill lists. */
export function isPure(step: Step): boolean {
  return isMatch(step) && step.kind !== "opaque";
}

/** What `step` asks of a field, where packets with other values fail it. */
export function guardIn(step: Step, at: number): Guard | undefined {
  if (step.kind === "compare") {
    if (step.operator !== "==" || step.orAbsent || !isNamed(step.right)) return undefined;
    const field = fieldOf(step.left);
    return field === undefined ? undefined : { field, from: step.right, to: step.right, at };
  }
  if (step.kind !== "within" || step.negated || step.orAbsent) return undefined;
  const [interval, another] = step.intervals;
  if (interval === undefined || another !== undefined) return undefined;
  const field = fieldOf(step.left);
  const { from, to } = interval;
  return field === undefined || !isNamed(from) || !isNamed(to) ? undefined : { field, from, to, at };
}

/** The first guard of `rule` by `field`, or by any, before it does anything. */
export function guardBy(rule: Rule, field: SortedField | undefined): Guard | undefined {
  const { steps } = rule;
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at] as Step;
    const guard = guardIn(step, at);
    if (guard !== undefined && (field === undefined || guard.field === field)) return guard;
    if (!isPure(step)) return undefined;
  }
  return undefined;
}
