import { unreachable } from "../invariant.ts";
import type { CtKey, DataType, Expression, HeaderField, MetaKey, TableFamily } from "./types.ts";

/** By the key. Readers know the keys from here. */
export const META_TYPES: Readonly<Record<MetaKey, DataType>> = {
  l4proto: "inet_proto",
  nfproto: "nf_proto",
  iif: "iface_index",
  oif: "iface_index",
  iifname: "ifname",
  oifname: "ifname",
  mark: "mark",
  priority: "classid",
  pkttype: "pkt_type",
  skuid: "uid",
  skgid: "gid",
};

type CtAddress = `${"original" | "reply"}-${"saddr" | "daddr"}`;

/** Whether `key` is an address of a connection. */
export function isCtAddress(key: CtKey): key is CtAddress {
  return /^(?:original|reply)-[sd]addr$/.test(key);
}

/** A connection's addresses are typed by the table's family. */
const CT_TYPES: Readonly<Record<Exclude<CtKey, CtAddress>, DataType>> = {
  state: "ct_state",
  status: "ct_status",
  mark: "mark",
  direction: "ct_dir",
  "original-protocol": "inet_proto",
  "original-proto-src": "inet_service",
  "original-proto-dst": "inet_service",
  "reply-proto-src": "inet_service",
  "reply-proto-dst": "inet_service",
};

export const HEADER_TYPES: Readonly<Record<HeaderField, DataType>> = {
  "ether saddr": "ether_addr",
  "ether daddr": "ether_addr",
  "ether type": "ether_type",
  "ip protocol": "inet_proto",
  "ip dscp": "dscp",
  "ip length": "integer",
  "ip ttl": "integer",
  "ip6 nexthdr": "inet_proto",
  "ip6 dscp": "dscp",
  "ip6 length": "integer",
  "ip6 hoplimit": "integer",
  "icmp type": "icmp_type",
  "icmp code": "icmp_code",
  "icmpv6 type": "icmpv6_type",
  "icmpv6 code": "icmpv6_code",
  "tcp flags": "tcp_flag",
};

/** The type of a single value; a concatenation has none of its own and gives that of its first part, a lookup and
 *  unknown text give `integer`. */
export function typeOf(expression: Expression, family: TableFamily): DataType {
  switch (expression.kind) {
    case "ip":
      return "ipv4_addr";
    case "ip6":
      return "ipv6_addr";
    case "transport":
      return "inet_service";
    case "meta":
      return META_TYPES[expression.key];
    case "ct":
      if (!isCtAddress(expression.key)) return CT_TYPES[expression.key];
      return family === "ip6" ? "ipv6_addr" : "ipv4_addr";
    case "fib":
      return "fib_addrtype";
    case "header":
      return HEADER_TYPES[expression.field];
    case "numgen":
    case "lookup":
    case "opaque":
      return "integer";
    case "bitwise":
    case "shift":
      return typeOf(expression.operand, family);
    case "combine":
      return typeOf(expression.left, family);
    case "constant":
      return expression.type;
    case "concat":
      return expression.parts[0] === undefined ? "integer" : typeOf(expression.parts[0], family);
    default:
      return unreachable(expression);
  }
}
