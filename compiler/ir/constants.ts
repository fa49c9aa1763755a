/** Numbers that the kernel gives to names, written once and used in both directions. */
import type { RejectWith } from "./types.ts";

/** `ct state`, one bit each (NF_CT_STATE_BIT in linux/netfilter/nf_conntrack_common.h). */
export const CT_STATE = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 } as const;

/** `ct status`, one bit each (enum ip_conntrack_status); only those that rules test. */
export const CT_STATUS = {
  expected: 1,
  "seen-reply": 2,
  assured: 4,
  confirmed: 8,
  snat: 16,
  dnat: 32,
  dying: 512,
} as const;

/** Packet types (PACKET_* in linux/if_packet.h). */
export const PACKET_TYPE = { unicast: 0, broadcast: 1, multicast: 2, other: 3 } as const;

/** Bits of the TCP header's flags. */
export const TCP_FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ecn: 64, cwr: 128 } as const;

/** Address types of the routing table (RTN_* in linux/rtnetlink.h). */
export const ADDRESS_TYPE = {
  unspec: 0,
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
} as const;

/** Protocol numbers that have a name in rules (IANA). */
export const PROTOCOL_NAMES: ReadonlyMap<number, string> = new Map([
  [1, "icmp"],
  [2, "igmp"],
  [6, "tcp"],
  [17, "udp"],
  [33, "dccp"],
  [47, "gre"],
  [50, "esp"],
  [51, "ah"],
  [58, "ipv6-icmp"],
  [108, "comp"],
  [132, "sctp"],
  [136, "udplite"],
]);

/** Priorities by name, as iptables and nft use them (enum nf_ip_hook_priorities). */
export const PRIORITY = { raw: -300, mangle: -150, dstnat: -100, filter: 0, security: 50, srcnat: 100 } as const;

/** Where connection tracking looks at packets (NF_IP_PRI_CONNTRACK). */
export const CONNTRACK_PRIORITY = -200;

/** Jumps that may be open at a time (NFT_JUMP_STACK_SIZE); the kernel refuses a ruleset that can go deeper. */
export const MAX_JUMP_DEPTH = 16;

/** Longest name of a table, chain, set or map that the kernel takes, in bytes (NFT_NAME_MAXLEN less the end). */
export const MAX_NAME_LENGTH = 255;

/** Longest comment of a rule, element or object, in bytes (NFTNL_UDATA_COMMENT_MAXLEN). */
export const MAX_COMMENT_LENGTH = 127;

/** So many numbers of `numgen` in a key are followed one by one; what becomes of packets by one of more is not known. */
export const MOST_NUMBERS = 1 << 16;

/** Types of reject: all keys, by nft's names. */
export const REJECTIONS: Readonly<Record<RejectWith, true>> = {
  "port-unreachable": true,
  "host-unreachable": true,
  "net-unreachable": true,
  "protocol-unreachable": true,
  "admin-prohibited": true,
  "host-prohibited": true,
  "net-prohibited": true,
  "policy-fail": true,
  "reject-route": true,
  "tcp-reset": true,
};
