/** What packets have in a field: of their headers, of what the kernel keeps about them, of their connection. */
import { unreachable } from "../invariant.ts";
import { PACKET_TYPE } from "../ir/constants.ts";
import type { CtKey, Expression, FieldExpression, HeaderField, MetaKey, Value } from "../ir/types.ts";
import type { Address } from "../net/address.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import type { Operand } from "../packets/bits.ts";
import type { PacketSet } from "../packets/packet-set.ts";
import type { ConnectionEntry, Tuple } from "./connection.ts";
import { type Branch, hasConnection, type SharedState, symbolicNow, valueNow } from "./state.ts";

/** Those of Services, DCCP and UDP-Lite. */
const WITH_PORTS: ReadonlySet<number> = new Set([...Object.values(PROTOCOL_NUMBERS), 33, 136]);

/** Whether packets of an IANA protocol number have ports, which are the first four bytes of their header. */
export function hasPorts(protocol: number): boolean {
  return WITH_PORTS.has(protocol);
}

/** What all packets of a branch have in `field`; undefined: it has no value. */
export function readField(
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

function evaluateHeader(field: HeaderField, { original, protocol }: SharedState): Value | undefined {
  const isIpv4 = original.family === "IPv4";
  switch (field) {
    case "tcp flags": // SYN: of other packets they are not known
      return protocol === PROTOCOL_NUMBERS.tcp && original.tracking !== "invalid" ? 2 : undefined;
    case "ip protocol":
      return isIpv4 ? protocol : undefined;
    case "ip6 nexthdr":
      return isIpv4 ? undefined : protocol;
    default:
      return undefined;
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
  const ofEntry = original.connection && OF_ENTRY.get(key)?.(original.connection);
  if (ofEntry !== undefined) return ofEntry;
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
const TUPLE_FIELDS: readonly (readonly [string, keyof Tuple])[] = [
  ["saddr", "source"],
  ["daddr", "destination"],
  ["proto-src", "sourcePort"],
  ["proto-dst", "destinationPort"],
];

/** What keys of a connection's two tuples give of its entry. */
export const OF_ENTRY: ReadonlyMap<string, (entry: ConnectionEntry) => Value> = new Map(
  TUPLE_FIELDS.flatMap(([field, name]) => [
    [`original-${field}`, ({ original }: ConnectionEntry) => original[name]],
    [`reply-${field}`, ({ reply }: ConnectionEntry) => reply[name]],
  ]),
);
