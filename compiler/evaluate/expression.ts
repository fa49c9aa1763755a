/** Values of expressions for packets. */
import { unreachable } from "../invariant.ts";
import { CT_STATUS } from "../ir/constants.ts";
import type { CtKey, Expression, FieldExpression, HeaderField, MetaKey, Value } from "../ir/types.ts";
import type { Address, Family } from "../net/address.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import { addressTypeOf, addressTypes } from "./address-type.ts";
import type { TableIndex } from "./machine.ts";
import { type Environment, isIcmp, type Packets, type Tracking } from "./packet.ts";
import { maskSpread, type Spread } from "./preimage.ts";
import { type Region, within } from "./region.ts";
import { hasConnection, heldNow, type Now, narrow, type State, valueNow } from "./state.ts";

/** A value, or the field of packets that have several values in it. */
export type Operand = Value | Spread;

/** One of the things that an expression can be, and for which packets. */
export interface Possible {
  readonly region: Region;
  /** Of each of these packets, that the expression is this. */
  readonly probability: number;
  /** A key of one or more parts; undefined: it has no value, which ends the rule. */
  readonly value: readonly Operand[] | undefined;
}

/** What `expression` can be for the packets: for each of them probabilities add up to 1. */
export function evaluateExpression(expression: Expression, state: State, table: TableIndex): Possible[] {
  const { region } = state;
  switch (expression.kind) {
    case "numgen": {
      const { modulus, offset } = expression;
      return Array.from({ length: modulus }, (_, i) => ({ region, probability: 1 / modulus, value: [offset + i] }));
    }
    case "bitwise":
      return evaluateExpression(expression.operand, state, table).map(({ value, ...rest }) => ({
        ...rest,
        value: value && [maskOperand(value[0] as Operand, expression.mask, expression.xor)],
      }));
    case "concat":
      if (expression.parts.every(isField))
        return [{ region, probability: 1, value: fieldsOf(expression.parts, state) }];
      return expression.parts.reduce<Possible[]>(
        (keys, part) => keys.flatMap((key) => append(key, part, state, table)),
        [{ region, probability: 1, value: [] }],
      );
    case "lookup":
      return evaluateExpression(expression.key, state, table).flatMap((key): Possible[] => {
        if (key.value === undefined) return [key];
        return table
          .mapElements(expression.map)
          .split(key.value, key.region)
          .map(({ element, region: part }) => ({
            region: part,
            probability: key.probability,
            value: element !== undefined && Array.isArray(element.value) ? (element.value as Value[]) : undefined,
          }));
      });
    case "constant":
      return [{ region, probability: 1, value: [expression.value] }];
    case "opaque":
      return [{ region, probability: 1, value: undefined }];
    case "fib":
      return evaluateFib(expression.of === "saddr" ? state.source : state.destination, state);
    default: {
      const value = readField(expression, state);
      return [{ region, probability: 1, value: value === undefined ? undefined : [value] }];
    }
  }
}

/** Whether packets have one value, or one field's values, for it, and no chance is in it. */
export function isField(expression: Expression): boolean {
  switch (expression.kind) {
    case "ip":
    case "ip6":
    case "transport":
    case "meta":
    case "ct":
    case "header":
      return true;
    case "bitwise":
      return isField(expression.operand);
    default:
      return false;
  }
}

function fieldsOf(parts: readonly Expression[], state: State): Operand[] | undefined {
  const key: Operand[] = [];
  for (const part of parts) {
    const operand = fieldOf(part, state);
    if (operand === undefined) return undefined;
    key.push(operand);
  }
  return key;
}

/** What a field is for all packets, masked or not; undefined: it has no value. */
export function fieldOf(expression: Expression, state: State): Operand | undefined {
  switch (expression.kind) {
    case "bitwise": {
      const operand = fieldOf(expression.operand, state);
      return operand === undefined ? undefined : maskOperand(operand, expression.mask, expression.xor);
    }
    case "ip":
    case "ip6":
    case "transport":
    case "meta":
    case "ct":
    case "header":
      return readField(expression, state);
    default:
      throw new Error(`${describe(expression)} is no field`);
  }
}

/** `key` with one more part, for each of the things that this can be. */
function append(key: Possible, part: Expression, state: State, table: TableIndex): Possible[] {
  const { value } = key;
  if (value === undefined) return [key];
  return evaluateExpression(part, narrow(state, key.region), table).map((next) => ({
    region: next.region,
    probability: key.probability * next.probability,
    value: next.value && [...value, ...next.value],
  }));
}

function evaluateFib(address: Now<Address>, state: State): Possible[] {
  const { region, original, environment } = state;
  const known = valueNow(address, region);
  if (typeof known !== "object") return [{ region, probability: 1, value: [addressTypeOf(known, state)] }];
  return addressTypes(original.family, environment.localAddresses).flatMap(({ type, addresses }): Possible[] => {
    const part = within(region, known.field, addresses);
    return part === undefined ? [] : [{ region: part, probability: 1, value: [type] }];
  });
}

function maskOperand(operand: Operand, mask: Value, xor: Value): Operand {
  if (typeof operand !== "object") return applyMask(operand, mask, xor);
  if (typeof mask === "string" || typeof xor === "string") throw new Error("names have no bits");
  return maskSpread(operand, mask, xor);
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

function readField(field: Exclude<FieldExpression, { kind: "fib" }>, state: State): Operand | undefined {
  switch (field.kind) {
    case "ip":
    case "ip6":
      if ((field.kind === "ip") !== (state.original.family === "IPv4")) return undefined;
      return valueNow(field.field === "saddr" ? state.source : state.destination, state.region);
    case "transport":
      if (state.original.tracking === "invalid") return undefined; // there are no ports to rely on
      if (field.protocol === "th" ? !hasPorts(state.protocol) : PROTOCOL_NUMBERS[field.protocol] !== state.protocol)
        return undefined;
      return valueNow<number>(field.field === "sport" ? "sport" : state.destinationPort, state.region);
    case "meta":
      return evaluateMeta(field.key, state);
    case "ct":
      return evaluateCt(field.key, state);
    case "header":
      return evaluateHeader(field.field, state);
    default:
      return unreachable(field);
  }
}

/** The flags of a packet that opens a TCP connection: SYN. */
const OPENING_FLAGS = 2;

function evaluateHeader(field: HeaderField, state: State): Value | undefined {
  const isIpv4 = state.original.family === "IPv4";
  switch (field) {
    case "tcp flags":
      return state.protocol === PROTOCOL_NUMBERS.tcp && state.original.tracking !== "invalid"
        ? OPENING_FLAGS
        : undefined;
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

/** TCP packets that open a connection, or are taken for it. */
const OPENING: ReadonlySet<Tracking> = new Set(["first", "untracked"]);

/** Whether the packet has the header of `field`, but nothing more is known of it. */
function isUnknownHeader(field: HeaderField, state: State): boolean {
  const wanted = HEADER_PROTOCOLS[field];
  if (wanted !== undefined) return state.protocol === wanted;
  const isIpv4 = state.original.family === "IPv4";
  switch (field) {
    case "tcp flags":
      return state.protocol === PROTOCOL_NUMBERS.tcp && !OPENING.has(state.original.tracking);
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

function evaluateMeta(key: MetaKey, state: State): Operand | undefined {
  switch (key) {
    case "l4proto":
      return state.protocol;
    case "nfproto":
      return state.original.family === "IPv4" ? 2 : 10;
    case "iifname":
    case "iif":
      return state.inInterface;
    case "mark":
      return heldNow(state.mark, state.region);
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

function evaluateCt(key: CtKey, state: State): Operand | undefined {
  const { original, region } = state;
  if (key === "state") return valueNow(state.ctState, region);
  if (!hasConnection(state)) return undefined;
  switch (key) {
    case "status":
      return heldNow(state.ctStatus, region);
    case "mark":
      return heldNow(state.ctMark, region);
    case "direction":
      return original.tracking === "reply" ? 1 : 0;
    case "original-protocol":
      return original.protocol;
    case "original-saddr":
      return valueNow<Address>("saddr", region);
    case "original-daddr":
      return valueNow<Address>("daddr", region);
    case "original-proto-src":
      return valueNow<number>("sport", region);
    case "original-proto-dst":
      return valueNow<number>("dport", region);
    default:
      return unreachable(key);
  }
}

const OF_THE_HOST: ReadonlySet<MetaKey> = new Set(["oifname", "oif", "pkttype", "skuid", "skgid"]);

/** The bits of the connection's status that are followed. A new connection that has come back by loopback is confirmed, and
 *  masquerading it has changed its source, or not. */
function knownStatus({ masqueraded, inInterface, original }: State): number {
  const { dnat, snat, expected, assured, confirmed, dying } = CT_STATUS;
  const looped = inInterface !== (original.inInterface ?? "");
  const always = dnat | expected | assured | dying | CT_STATUS["seen-reply"];
  return always | (masqueraded ? 0 : snat) | (looped && original.tracking === "first" ? 0 : confirmed);
}

/** Whether the packets have the addresses of their connection's first packet. Of an ICMP error they are others. */
function isOriginal({ tracking, protocol }: Packets): boolean {
  return tracking === "first" || (tracking === "original" && !isIcmp(protocol));
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
      if (expression.key.startsWith("original-")) return hasConnection(state) && !isOriginal(state.original);
      return state.overwritten.has(describe(expression));
    case "ip":
    case "ip6":
    case "transport":
    case "fib":
      return state.overwritten.size > 0 && state.overwritten.has(describe(expression));
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

/** The source that masquerading gives to packets to a local address: with IPv4 the node's first (inet_select_addr);
 *  undefined: that address itself, with IPv6 (RFC 6724, rule 1) and where the node has none. */
export function ownAddressOf(family: Family, { localAddresses }: Environment): Address | undefined {
  return family === "IPv6" ? undefined : [...localAddresses].find((address) => typeof address === "number");
}
