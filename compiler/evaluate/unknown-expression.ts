/** What is not known of a packet or its host, whatever rules do: each expression that asks for it may have any value. */
import { CT_STATUS, MOST_NUMBERS } from "../ir/constants.ts";
import { describe } from "../ir/describe.ts";
import type { CtKey, Expression, HeaderField, MetaKey } from "../ir/types.ts";
import { partsOf } from "../ir/walk.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import { hasPorts, OF_ENTRY } from "./field.ts";
import { isIcmp, type Packets, type Tracking } from "./packet.ts";
import { hasConnection, isChosen, type SharedState } from "./state.ts";

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

/** What a connection's entry tells. */
const IN_ENTRY: ReadonlySet<string> = new Set([...OF_ENTRY.keys(), "original-protocol"]);

/** Of them, those that are ports of protocols that have ports. Of ICMP they are identifier, type and code, of GRE keys. */
const PORT_KEYS: ReadonlySet<CtKey> = new Set([
  "original-proto-src",
  "original-proto-dst",
  "reply-proto-src",
  "reply-proto-dst",
]);

/** Protocols whose ports all kernels track. Whether ports of DCCP and UDP-Lite are tracked depends on the kernel. */
const WITH_TRACKED_PORTS: ReadonlySet<number> = new Set(Object.values(PROTOCOL_NUMBERS));

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
  if (original.tracking === "reply") return !isIcmp(protocol);
  if (original.tracking !== "first") return false;
  const isOfSource = key === "reply-daddr" || key === "reply-proto-dst";
  if (isOfSource) return !masqueraded;
  return !overwritten.has(key === "reply-saddr" ? (original.family === "IPv4" ? "ip daddr" : "ip6 daddr") : "th dport");
}

/** Whether packets of a protocol without ports have a transport header: the kernel reads the bytes in which others have ports,
 *  whatever they are (nft_payload_eval). Of ICMP they are type, code and checksum. */
function hasOtherHeader({ original }: SharedState): boolean {
  return original.tracking !== "invalid";
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
      if (PORT_KEYS.has(expression.key) && !WITH_TRACKED_PORTS.has(shared.protocol)) return hasConnection(shared);
      if (shared.original.connection !== undefined && IN_ENTRY.has(expression.key)) return false;
      if (expression.key.startsWith("original-")) return hasConnection(shared) && !isOriginal(shared.original);
      if (expression.key.startsWith("reply-")) return hasConnection(shared) && !isReplyKnown(expression.key, shared);
      return isOverwritten(expression, shared);
    case "ip":
    case "ip6":
      return (expression.field === "saddr" && isChosen("address", shared)) || isOverwritten(expression, shared);
    case "transport":
      if (expression.protocol === "th" && !hasPorts(shared.protocol)) return hasOtherHeader(shared);
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
