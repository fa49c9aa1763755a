/** Values of expressions for a packet. */
import { unreachable } from "../invariant.ts";
import { ADDRESS_TYPE, CT_STATE, CT_STATUS } from "../ir/constants.ts";
import type { CtKey, Expression, FieldExpression, HeaderField, MetaKey, Value } from "../ir/types.ts";
import type { Address } from "../net/address.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import type { TableIndex } from "./machine.ts";
import type { Environment } from "./packet.ts";
import type { State } from "./state.ts";

/** One of the values that an expression can have: a key of one or more parts. */
export interface Possible {
  readonly probability: number;
  readonly value: readonly Value[];
}

/** What `expression` can be for the packet; empty when it has no value, which ends the rule. */
export function evaluateExpression(expression: Expression, state: State, table: TableIndex): Possible[] {
  switch (expression.kind) {
    case "numgen": {
      const { modulus, offset } = expression;
      return Array.from({ length: modulus }, (_, i) => ({ probability: 1 / modulus, value: [offset + i] }));
    }
    case "bitwise":
      return evaluateExpression(expression.operand, state, table).map(({ probability, value }) => ({
        probability,
        value: [applyMask(value[0] as Value, expression.mask, expression.xor)],
      }));
    case "concat":
      return expression.parts.reduce<Possible[]>(
        (keys, part) => {
          const values = evaluateExpression(part, state, table);
          return keys.flatMap((key) =>
            values.map((next) => ({
              probability: key.probability * next.probability,
              value: [...key.value, ...next.value],
            })),
          );
        },
        [{ probability: 1, value: [] }],
      );
    case "lookup":
      return evaluateExpression(expression.key, state, table).flatMap(({ probability, value }) => {
        const { elements } = table.map(expression.map);
        state.environment.watch?.asked(expression.key, value, { kind: "elements", elements }, state);
        const element = table.mapElements(expression.map).find(value);
        return element === undefined || !Array.isArray(element.value)
          ? []
          : [{ probability, value: element.value as Value[] }];
      });
    case "constant":
      return [{ probability: 1, value: [expression.value] }];
    case "opaque":
      return [];
    default: {
      const value = evaluateField(expression, state);
      return value === undefined ? [] : [{ probability: 1, value: [value] }];
    }
  }
}

/** What a bitwise expression makes of `value`. All three are of one width. */
export function applyMask(value: Value, mask: Value, xor: Value): Value {
  if (typeof value === "number" && typeof mask === "number" && typeof xor === "number")
    return ((value & mask) ^ xor) >>> 0;
  if (typeof value === "bigint" && typeof mask === "bigint" && typeof xor === "bigint") return (value & mask) ^ xor;
  throw new Error("bitwise operations need numbers of one width");
}

const WITH_PORTS: ReadonlySet<number> = new Set(Object.values(PROTOCOL_NUMBERS));

/** Whether packets of an IANA protocol number have ports. */
export function hasPorts(protocol: number): boolean {
  return WITH_PORTS.has(protocol);
}

function evaluateField(field: FieldExpression, state: State): Value | undefined {
  switch (field.kind) {
    case "ip":
      return ofType(field.field === "saddr" ? state.source : state.destination, "number");
    case "ip6":
      return ofType(field.field === "saddr" ? state.source : state.destination, "bigint");
    case "transport":
      if (state.original.ctState === "invalid") return undefined; // there are no ports to rely on
      if (field.protocol === "th" ? !hasPorts(state.protocol) : PROTOCOL_NUMBERS[field.protocol] !== state.protocol)
        return undefined;
      return field.field === "sport" ? state.sourcePort : state.destinationPort;
    case "meta":
      return evaluateMeta(field.key, state);
    case "ct":
      return evaluateCt(field.key, state);
    case "fib":
      return addressTypeOf(field.of === "saddr" ? state.source : state.destination, state);
    case "header":
      return evaluateHeader(field.field, state);
    default:
      return unreachable(field);
  }
}

/** The flags of a packet that opens a TCP connection: SYN. */
const OPENING_FLAGS = 2;

function evaluateHeader(field: HeaderField, state: State): Value | undefined {
  const isIpv4 = typeof state.source === "number";
  switch (field) {
    case "tcp flags":
      return state.protocol === PROTOCOL_NUMBERS.tcp && state.ctState !== CT_STATE.invalid ? OPENING_FLAGS : undefined;
    case "ip protocol":
      return isIpv4 ? state.protocol : undefined;
    case "ip6 nexthdr":
      return isIpv4 ? undefined : state.protocol;
    default:
      return undefined;
  }
}

/** Protocol of the header that a field is in. */
const HEADER_PROTOCOLS: Readonly<Partial<Record<HeaderField, number>>> = {
  "icmp type": 1,
  "icmp code": 1,
  "icmpv6 type": 58,
  "icmpv6 code": 58,
};

/** Whether the packet has the header of `field`, but nothing more is known of it. */
function isUnknownHeader(field: HeaderField, state: State): boolean {
  const wanted = HEADER_PROTOCOLS[field];
  if (wanted !== undefined) return state.protocol === wanted;
  const isIpv4 = typeof state.source === "number";
  switch (field) {
    case "tcp flags":
      return state.protocol === PROTOCOL_NUMBERS.tcp && state.ctState === CT_STATE.invalid;
    case "ip protocol":
    case "ip6 nexthdr":
      return false;
    case "ip dscp":
    case "ip length":
    case "ip ttl":
      return isIpv4;
    case "ip6 dscp":
    case "ip6 length":
    case "ip6 hoplimit":
      return !isIpv4;
    default:
      return true;
  }
}

function ofType(address: Address, type: "number" | "bigint"): Value | undefined {
  return typeof address === type ? address : undefined;
}

function evaluateMeta(key: MetaKey, state: State): Value | undefined {
  switch (key) {
    case "l4proto":
      return state.protocol;
    case "nfproto":
      return typeof state.source === "number" ? 2 : 10;
    case "iifname":
    case "iif":
      return state.inInterface;
    case "mark":
      return state.mark;
    case "priority":
      return state.priority;
    case "oifname":
    case "oif":
    case "pkttype":
    case "skuid":
    case "skgid":
      return undefined;
    default:
      return unreachable(key);
  }
}

function evaluateCt(key: CtKey, state: State): Value | undefined {
  const { original } = state;
  if (key === "state") return state.ctState;
  if (!hasConnection(state)) return undefined;
  switch (key) {
    case "status":
      return state.ctStatus;
    case "mark":
      return state.ctMark;
    case "direction":
      return 0;
    case "original-protocol":
      return original.protocol;
    case "original-saddr":
      return original.source;
    case "original-daddr":
      return original.destination;
    case "original-proto-src":
      return original.sourcePort;
    case "original-proto-dst":
      return original.destinationPort;
    default:
      return unreachable(key);
  }
}

const OF_THE_HOST: ReadonlySet<MetaKey> = new Set(["oifname", "oif", "pkttype", "skuid", "skgid"]);

function hasConnection({ ctState }: State): boolean {
  return ctState !== CT_STATE.invalid && ctState !== CT_STATE.untracked;
}

/** The bits of the connection's status that are followed. A connection that has come back by loopback is confirmed, and
 *  masquerading it has changed its source, or not. */
function knownStatus({ masqueraded, inInterface, original }: State): number {
  const { dnat, snat, expected, assured, confirmed, dying } = CT_STATUS;
  const looped = inInterface !== (original.inInterface ?? "");
  const always = dnat | expected | assured | dying | CT_STATUS["seen-reply"];
  return always | (masqueraded ? 0 : snat) | (looped ? 0 : confirmed);
}

/** Whether `expression` depends on more of the packet or host than is known here. */
export function isUnknown(expression: Expression, state: State): boolean {
  switch (expression.kind) {
    case "opaque":
      return true;
    case "bitwise": {
      const { operand, mask } = expression;
      if (operand.kind === "ct" && operand.key === "status" && typeof mask === "number")
        return hasConnection(state) && (mask & ~knownStatus(state)) !== 0;
      return isUnknown(operand, state);
    }
    case "concat":
      return expression.parts.some((part) => isUnknown(part, state));
    case "lookup":
      return isUnknown(expression.key, state);
    case "meta":
      return OF_THE_HOST.has(expression.key) || state.overwritten.has(describe(expression));
    case "ct":
      // As a whole it has bits of the kernel's own: whether NAT was asked, whether a timeout is fixed.
      if (expression.key === "status") return hasConnection(state);
      return state.overwritten.has(describe(expression));
    case "header":
      return isUnknownHeader(expression.field, state);
    default:
      return false;
  }
}

/** `expression` as text: equal expressions are equal text. */
export function describe(expression: Expression): string {
  switch (expression.kind) {
    case "opaque":
      return expression.text;
    case "ip":
    case "ip6":
      return `${expression.kind} ${expression.field}`;
    case "transport":
      return `${expression.protocol} ${expression.field}`;
    case "meta":
    case "ct":
      return `${expression.kind} ${expression.key}`;
    case "header":
      return expression.field;
    case "fib":
      return `fib ${expression.of} type`;
    case "numgen":
      return `numgen ${expression.mode} mod ${expression.modulus} offset ${expression.offset}`;
    case "bitwise":
      return `(${describe(expression.operand)} & ${expression.mask} ^ ${expression.xor})`;
    case "concat":
      return expression.parts.map(describe).join(" . ");
    case "lookup":
      return `${describe(expression.key)} map @${expression.map}`;
    case "constant":
      return String(expression.value);
    default:
      return unreachable(expression);
  }
}

/** The type of `address` in the node's routing table. */
export function addressTypeOf(address: Address, { environment }: Pick<State, "environment">): number {
  if (environment.localAddresses.has(address)) return ADDRESS_TYPE.local;
  if (typeof address === "number") {
    const first = address >>> 24;
    if (first === 127) return ADDRESS_TYPE.local;
    if (first >= 224 && first < 240) return ADDRESS_TYPE.multicast;
    return address === 0xffffffff ? ADDRESS_TYPE.broadcast : ADDRESS_TYPE.unicast;
  }
  if (address === 1n) return ADDRESS_TYPE.local;
  return address >> 120n === 0xffn ? ADDRESS_TYPE.multicast : ADDRESS_TYPE.unicast;
}

/** The source that masquerading gives to packets to a local `destination`: with IPv6 the same address (RFC 6724, rule 1),
 *  with IPv4 the node's first (inet_select_addr). */
export function ownAddressTowards(destination: Address, { localAddresses }: Environment): Address {
  if (typeof destination === "bigint") return destination;
  return [...localAddresses].find((address) => typeof address === "number") ?? destination;
}
