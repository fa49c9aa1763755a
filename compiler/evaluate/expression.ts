/** Values of expressions for packets. */
import { unreachable } from "../invariant.ts";
import { ADDRESS_TYPE, CT_STATUS, MOST_NUMBERS, PACKET_TYPE } from "../ir/constants.ts";
import { describe } from "../ir/describe.ts";
import type { CtKey, Expression, FieldExpression, HeaderField, MetaKey, Value } from "../ir/types.ts";
import { partsOf } from "../ir/walk.ts";
import type { Address } from "../net/address.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import { addressTypeOf, addressTypes } from "../packets/address-type.ts";
import { combineBits, type Operand, shiftBits } from "../packets/bits.ts";
import { type PacketSet, within } from "../packets/packet-set.ts";
import { maskSpread, type Spread, valuesBehind } from "../packets/preimage.ts";
import type { ConnectionEntry, Tuple } from "./connection.ts";
import { isAssumedLocal } from "./locality.ts";
import { isIcmp, type Packets, type Tracking } from "./packet.ts";
import { type Branch, hasConnection, isChosen, narrow, type SharedState, symbolicNow, valueNow } from "./state.ts";
import type { TableIndex } from "./table-index.ts";

/** One of the things that an expression can be, and for which packets. */
export interface Possible {
  readonly region: PacketSet;
  /** Of each of these packets, that the expression is this. */
  readonly probability: number;
  /** A key of one or more parts; undefined: it has no value, which ends the rule. */
  readonly value: readonly Operand[] | undefined;
}

/** What `expression` can be for the packets: for each of them probabilities add up to 1. */
export function evaluateExpression(
  expression: Expression,
  shared: SharedState,
  branch: Branch,
  table: TableIndex,
): Possible[] {
  const { region } = branch;
  switch (expression.kind) {
    case "numgen": {
      const { modulus, offset } = expression;
      return Array.from({ length: modulus }, (_, i) => ({ region, probability: 1 / modulus, value: [offset + i] }));
    }
    case "bitwise":
      return evaluateExpression(expression.operand, shared, branch, table).map(({ value, ...rest }) => ({
        ...rest,
        value: value && [maskOperand(value[0] as Operand, expression.mask, expression.xor)],
      }));
    case "shift":
      return evaluateExpression(expression.operand, shared, branch, table).flatMap((each): Possible[] =>
        each.value === undefined
          ? [each]
          : shiftBits(each.value[0] as Operand, expression.by, each.region).map((made) => ({ ...each, ...made })),
      );
    case "combine":
      return evaluateExpression(expression.left, shared, branch, table).flatMap((left) =>
        left.value === undefined ? [left] : combineWith(left, expression, shared, branch, table),
      );
    case "concat":
      if (expression.parts.every(isField))
        return [{ region, probability: 1, value: fieldsOf(expression.parts, shared, branch) }];
      return expression.parts.reduce<Possible[]>(
        (keys, part) => keys.flatMap((key) => append(key, part, shared, branch, table)),
        [{ region, probability: 1, value: [] }],
      );
    case "lookup":
      return evaluateExpression(expression.key, shared, branch, table).flatMap((key): Possible[] => {
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
      return evaluateFib(expression.of, shared, branch);
    default: {
      // All other fields: `readField` takes nothing else.
      const value = readField(expression, shared, branch);
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
      // Others have several values for some packets, or none.
      return false;
  }
}

function fieldsOf(parts: readonly Expression[], shared: SharedState, branch: Branch): Operand[] | undefined {
  const key: Operand[] = [];
  for (const part of parts) {
    const operand = fieldOf(part, shared, branch);
    if (operand === undefined) return undefined;
    key.push(operand);
  }
  return key;
}

/** What a field is for all packets, masked or not; undefined: it has no value. */
export function fieldOf(expression: Expression, shared: SharedState, branch: Branch): Operand | undefined {
  switch (expression.kind) {
    case "bitwise": {
      const operand = fieldOf(expression.operand, shared, branch);
      return operand === undefined ? undefined : maskOperand(operand, expression.mask, expression.xor);
    }
    case "ip":
    case "ip6":
    case "transport":
    case "meta":
    case "ct":
    case "header":
      return readField(expression, shared, branch);
    default:
      // `isField` holds for the kinds above only.
      throw new Error(`${describe(expression)} is no field`);
  }
}

/** `left` combined with the other side of `expression`, once for each value that this side can have. */
function combineWith(
  left: Possible,
  { operator, right }: Extract<Expression, { kind: "combine" }>,
  shared: SharedState,
  branch: Branch,
  table: TableIndex,
): Possible[] {
  return evaluateExpression(right, shared, narrow(branch, left.region), table).flatMap((other): Possible[] => {
    const probability = left.probability * other.probability;
    if (other.value === undefined) return [{ ...other, probability }];
    const [a, b] = [left.value?.[0] as Operand, other.value[0] as Operand];
    return combineBits(operator, a, b, other.region).map((made) => ({ ...made, probability }));
  });
}

/** `key` with one more part, once for each value that the part can have. */
function append(key: Possible, part: Expression, shared: SharedState, branch: Branch, table: TableIndex): Possible[] {
  const { value } = key;
  if (value === undefined) return [key];
  return evaluateExpression(part, shared, narrow(branch, key.region), table).map((next) => ({
    region: next.region,
    probability: key.probability * next.probability,
    value: next.value && [...value, ...next.value],
  }));
}

/** The source or destination that packets have by now. */
export function addressNow(
  of: "saddr" | "daddr",
  { source }: SharedState,
  { destination, region }: Branch,
): Address | Spread {
  return valueNow(of === "saddr" ? source : destination, region);
}

function evaluateFib(of: "saddr" | "daddr", shared: SharedState, branch: Branch): Possible[] {
  const { original, environment } = shared;
  const { region } = branch;
  const unicast = isOwn(of, shared, branch) ? ADDRESS_TYPE.local : ADDRESS_TYPE.unicast;
  const typeOf = (type: number): number => (type === ADDRESS_TYPE.unicast ? unicast : type);
  const known = addressNow(of, shared, branch);
  if (typeof known !== "object")
    return [{ region, probability: 1, value: [typeOf(addressTypeOf(known, environment))] }];
  return addressTypes(original.family, environment.localAddresses).flatMap(({ type, addresses }): Possible[] => {
    const part = within(region, known.field, valuesBehind(known, addresses, region[known.field]));
    return part === undefined ? [] : [{ region: part, probability: 1, value: [typeOf(type)] }];
  });
}

/** Whether an address that is not known to be the node's own is so all the same: packets that came in by an interface have no
 *  source of the node's (fib_validate_source), its own packets have. */
function isOwn(of: "saddr" | "daddr", shared: SharedState, branch: Branch): boolean {
  if (of === "daddr") return isAssumedLocal(branch.destination, branch, shared);
  return shared.environment.moreAddresses === true && shared.original.inInterface === undefined;
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

function readField(
  field: Exclude<FieldExpression, { kind: "fib" }>,
  shared: SharedState,
  branch: Branch,
): Operand | undefined {
  switch (field.kind) {
    case "ip":
    case "ip6":
      if ((field.kind === "ip") !== (shared.original.family === "IPv4")) return undefined;
      return valueNow(field.field === "saddr" ? shared.source : branch.destination, branch.region);
    case "transport":
      if (shared.original.tracking === "invalid") return undefined; // there are no ports to rely on
      if (field.protocol === "th" ? !hasPorts(shared.protocol) : PROTOCOL_NUMBERS[field.protocol] !== shared.protocol)
        return undefined;
      return valueNow<number>(field.field === "sport" ? shared.sourcePort : branch.destinationPort, branch.region);
    case "meta":
      return evaluateMeta(field.key, shared, branch.region);
    case "ct":
      return evaluateCt(field.key, shared, branch);
    case "header":
      return evaluateHeader(field.field, shared);
    default:
      return unreachable(field);
  }
}

/** Whether it is the packet's protocol that a field gives. */
export function readsProtocol(expression: Expression): boolean {
  if (expression.kind === "meta") return expression.key === "l4proto";
  if (expression.kind === "ct") return expression.key === "original-protocol";
  return expression.kind === "header" && (expression.field === "ip protocol" || expression.field === "ip6 nexthdr");
}

/** The flags of a packet that opens a TCP connection: SYN. */
const OPENING_FLAGS = 2;

function evaluateHeader(field: HeaderField, { original, protocol }: SharedState): Value | undefined {
  const isIpv4 = original.family === "IPv4";
  switch (field) {
    case "tcp flags":
      return protocol === PROTOCOL_NUMBERS.tcp && original.tracking !== "invalid" ? OPENING_FLAGS : undefined;
    case "ip protocol":
      return isIpv4 ? protocol : undefined;
    case "ip6 nexthdr":
      return isIpv4 ? undefined : protocol;
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
function isUnknownHeader(field: HeaderField, { original, protocol, inInterface }: SharedState): boolean {
  const wanted = HEADER_PROTOCOLS[field];
  if (wanted !== undefined) return protocol === wanted;
  const isIpv4 = original.family === "IPv4";
  switch (field) {
    case "ether saddr":
    case "ether daddr": // of an Ethernet header, which the node's own packets have not got yet, nor those of loopback
      return inInterface !== "" && inInterface !== "lo";
    case "tcp flags":
      return protocol === PROTOCOL_NUMBERS.tcp && !OPENING.has(original.tracking);
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

function evaluateMeta(key: MetaKey, shared: SharedState, region: PacketSet): Operand | undefined {
  switch (key) {
    case "l4proto":
      return shared.protocol;
    case "nfproto":
      return shared.original.family === "IPv4" ? 2 : 10;
    case "iifname":
    case "iif":
      return shared.inInterface;
    case "mark":
      return symbolicNow(shared.mark, region);
    case "priority":
      return shared.priority;
    case "pkttype": // as far as it is known
      return PACKET_TYPE.unicast;
    case "oifname":
    case "oif":
      return shared.outInterface;
    case "skuid":
    case "skgid":
      return undefined;
    default:
      return unreachable(key);
  }
}

function evaluateCt(key: CtKey, shared: SharedState, branch: Branch): Operand | undefined {
  const { region } = branch;
  const { original } = shared;
  if (key === "state") return valueNow(shared.ctState, region);
  if (!hasConnection(shared)) return undefined;
  if (original.connection !== undefined && TUPLE_KEYS.has(key)) return inEntry(key, original.connection);
  switch (key) {
    case "status":
      return symbolicNow(shared.ctStatus, region);
    case "mark":
      return symbolicNow(shared.ctMark, region);
    case "direction":
      return original.tracking === "reply" ? 1 : 0;
    case "original-protocol":
      return original.connection?.protocol ?? original.protocol;
    case "original-saddr":
      return valueNow<Address>("saddr", region);
    case "original-daddr":
      return valueNow<Address>("daddr", region);
    case "original-proto-src":
      return valueNow<number>("sport", region);
    case "original-proto-dst":
      return valueNow<number>("dport", region);
    // Those of a reply are as they came; a first packet will be answered from where it goes by now.
    case "reply-saddr":
      return valueNow<Address>(original.tracking === "reply" ? "saddr" : branch.destination, region);
    case "reply-daddr":
      return valueNow<Address>(original.tracking === "reply" ? "daddr" : shared.source, region);
    case "reply-proto-src":
      return valueNow<number>(original.tracking === "reply" ? "sport" : branch.destinationPort, region);
    case "reply-proto-dst":
      return valueNow<number>(original.tracking === "reply" ? "dport" : "sport", region);
    default:
      return unreachable(key);
  }
}

/** By the field of a connection's entry that each gives. */
const TUPLE_FIELDS: Readonly<Record<string, keyof Tuple>> = {
  saddr: "source",
  daddr: "destination",
  "proto-src": "sourcePort",
  "proto-dst": "destinationPort",
};

const TUPLE_KEYS: ReadonlySet<string> = new Set(
  Object.keys(TUPLE_FIELDS).flatMap((field) => [`original-${field}`, `reply-${field}`]),
);

/** What a connection's entry tells. */
const IN_ENTRY: ReadonlySet<string> = new Set([...TUPLE_KEYS, "original-protocol"]);

function inEntry(key: CtKey, { original, reply }: ConnectionEntry): Value | undefined {
  const [of, ...field] = key.split("-");
  const name = TUPLE_FIELDS[field.join("-")];
  return name === undefined ? undefined : (of === "original" ? original : reply)[name];
}

/** Whether the packets have come by an interface and go on to another: only those that were sent to this host's hardware
 *  address, and have no socket (ip_forward). Packets to the node may have one already (tcp_v4_early_demux). */
function isForwarded({ inInterface, hook }: SharedState): boolean {
  return inInterface !== "" && (hook === "forward" || hook === "postrouting");
}

/** Whether the host tells the value of `key`, and not the packet. */
function isOfTheHost(key: MetaKey, shared: SharedState): boolean {
  switch (key) {
    case "pkttype": // as the node makes packets they are to itself
      return shared.inInterface !== "" && !isForwarded(shared);
    case "skuid":
    case "skgid":
      return !isForwarded(shared);
    case "oifname":
    case "oif":
      return shared.outInterface === undefined;
    default:
      // Others are the packet's own.
      return false;
  }
}

/** The bits of the connection's status that are followed. A new connection that has come back by loopback is confirmed, and
 *  masquerading it has changed its source, or not. */
function knownStatus({ masqueraded, inInterface, original }: SharedState): number {
  const { dnat, snat, expected, assured, confirmed, dying } = CT_STATUS;
  const looped = inInterface !== (original.inInterface ?? "");
  const always = dnat | expected | assured | dying | CT_STATUS["seen-reply"];
  return always | (masqueraded ? 0 : snat) | (looped && original.tracking === "first" ? 0 : confirmed);
}

/** Whether the packets have the addresses of their connection's first packet. Of an ICMP error they are others. */
function isOriginal({ tracking, protocol }: Packets): boolean {
  return tracking === "first" || (tracking === "original" && !isIcmp(protocol));
}

/** Whether what replies will have is known: of the first packet its destination, and its source until that is translated; of
 *  replies themselves all of it. Of an ICMP error it is others'. */
function isReplyKnown(key: CtKey, shared: SharedState): boolean {
  const { original, overwritten, masqueraded, protocol } = shared;
  if (key.includes("proto") && !hasPorts(protocol)) return false;
  if (original.tracking === "reply") return !isIcmp(protocol);
  if (original.tracking !== "first") return false;
  const isOfSource = key === "reply-daddr" || key === "reply-proto-dst";
  if (isOfSource) return !masqueraded;
  return !overwritten.has(key === "reply-saddr" ? (original.family === "IPv4" ? "ip daddr" : "ip6 daddr") : "th dport");
}

/** Whether `expression` depends on more of the packet or host than is known here. */
export function isUnknown(expression: Expression, shared: SharedState): boolean {
  switch (expression.kind) {
    case "opaque":
      return true;
    case "numgen":
      return expression.modulus > MOST_NUMBERS;
    case "bitwise": {
      const { operand, mask } = expression;
      if (operand.kind === "ct" && operand.key === "status" && typeof mask === "number")
        return hasConnection(shared) && (mask & ~knownStatus(shared)) !== 0;
      return isUnknown(operand, shared);
    }
    case "meta":
      return isOfTheHost(expression.key, shared) || isOverwritten(expression, shared);
    case "ct":
      // As a whole it has bits of the kernel's own: whether NAT was asked, whether a timeout is fixed.
      if (expression.key === "status") return hasConnection(shared);
      if (shared.original.connection !== undefined && IN_ENTRY.has(expression.key)) return false;
      if (expression.key.startsWith("original-")) return hasConnection(shared) && !isOriginal(shared.original);
      if (expression.key.startsWith("reply-")) return hasConnection(shared) && !isReplyKnown(expression.key, shared);
      return isOverwritten(expression, shared);
    case "ip":
    case "ip6":
      return (expression.field === "saddr" && isChosen("address", shared)) || isOverwritten(expression, shared);
    case "transport":
      return (expression.field === "sport" && isChosen("port", shared)) || isOverwritten(expression, shared);
    case "fib":
      return (expression.of === "saddr" && isChosen("address", shared)) || isOverwritten(expression, shared);
    case "header":
      return isUnknownHeader(expression.field, shared);
    default:
      // Others are known where all is known of which they are made.
      return partsOf(expression).some((part) => isUnknown(part, shared));
  }
}

function isOverwritten(expression: Expression, { overwritten }: SharedState): boolean {
  return overwritten.size > 0 && overwritten.has(describe(expression));
}
