/** nft's words for numbers, written once and used in both directions. */

import {
  ADDRESS_TYPE,
  CT_STATE,
  CT_STATUS,
  PACKET_TYPE,
  PRIORITY,
  PROTOCOL_NAMES,
  TCP_FLAG,
} from "../../ir/constants.ts";
import type { DataType, Hook, RejectWith, TableFamily } from "../../ir/types.ts";
import { meaningOf } from "../../words.ts";

const ICMP_TYPE = {
  "echo-reply": 0,
  "destination-unreachable": 3,
  "source-quench": 4,
  redirect: 5,
  "echo-request": 8,
  "router-advertisement": 9,
  "router-solicitation": 10,
  "time-exceeded": 11,
  "parameter-problem": 12,
  "timestamp-request": 13,
  "timestamp-reply": 14,
  "info-request": 15,
  "info-reply": 16,
  "address-mask-request": 17,
  "address-mask-reply": 18,
} as const;

const ICMPV6_TYPE = {
  "destination-unreachable": 1,
  "packet-too-big": 2,
  "time-exceeded": 3,
  "parameter-problem": 4,
  "echo-request": 128,
  "echo-reply": 129,
  "mld-listener-query": 130,
  "mld-listener-report": 131,
  "mld-listener-done": 132,
  "nd-router-solicit": 133,
  "nd-router-advert": 134,
  "nd-neighbor-solicit": 135,
  "nd-neighbor-advert": 136,
  "nd-redirect": 137,
  "router-renumbering": 138,
  "ind-neighbor-solicit": 141,
  "ind-neighbor-advert": 142,
  "mld2-listener-report": 143,
} as const;

const ICMP_CODE = {
  "net-unreachable": 0,
  "host-unreachable": 1,
  "prot-unreachable": 2,
  "port-unreachable": 3,
  "frag-needed": 4,
  "net-prohibited": 9,
  "host-prohibited": 10,
  "admin-prohibited": 13,
} as const;

const ICMPV6_CODE = {
  "no-route": 0,
  "admin-prohibited": 1,
  "addr-unreachable": 3,
  "port-unreachable": 4,
  "policy-fail": 5,
  "reject-route": 6,
} as const;

const DSCP = {
  cs0: 0,
  cs1: 8,
  cs2: 16,
  cs3: 24,
  cs4: 32,
  cs5: 40,
  cs6: 48,
  cs7: 56,
  lephb: 1,
  af11: 10,
  af12: 12,
  af13: 14,
  af21: 18,
  af22: 20,
  af23: 22,
  af31: 26,
  af32: 28,
  af33: 30,
  af41: 34,
  af42: 36,
  af43: 38,
  va: 44,
  ef: 46,
} as const;

const ETHER_TYPE = { ip: 0x0800, arp: 0x0806, ip6: 0x86dd, "8021q": 0x8100, "8021ad": 0x88a8 } as const;

/** Names of single values. */
export const SYMBOLS: Readonly<Partial<Record<DataType, ReadonlyMap<number, string>>>> = {
  inet_proto: PROTOCOL_NAMES,
  fib_addrtype: byNumber(ADDRESS_TYPE),
  nf_proto: byNumber({ ipv4: 2, ipv6: 10 }),
  ct_dir: byNumber({ original: 0, reply: 1 }),
  pkt_type: byNumber({
    host: PACKET_TYPE.unicast,
    broadcast: PACKET_TYPE.broadcast,
    multicast: PACKET_TYPE.multicast,
    other: PACKET_TYPE.other,
  }),
  icmp_type: byNumber(ICMP_TYPE),
  icmpv6_type: byNumber(ICMPV6_TYPE),
  icmp_code: byNumber(ICMP_CODE),
  icmpv6_code: byNumber(ICMPV6_CODE),
  dscp: byNumber(DSCP),
  ether_type: byNumber(ETHER_TYPE),
};

/** Other names of single values, for reading. */
export const OTHER_SYMBOLS: Readonly<Partial<Record<DataType, Readonly<Record<string, number>>>>> = {
  pkt_type: { unicast: 0 },
  icmpv6_type: { "mld-listener-reduction": 132 },
  dscp: { df: 0, be: 0 },
  ether_type: { vlan: 0x8100 },
};

/** Names of reject's types, by the protocol of the answer. */
export const REJECT_TYPES: Readonly<
  Record<"icmp" | "icmpv6" | "icmpx", Readonly<Partial<Record<RejectWith, string>>>>
> = {
  icmp: {
    "net-unreachable": "net-unreachable",
    "host-unreachable": "host-unreachable",
    "protocol-unreachable": "prot-unreachable",
    "port-unreachable": "port-unreachable",
    "net-prohibited": "net-prohibited",
    "host-prohibited": "host-prohibited",
    "admin-prohibited": "admin-prohibited",
  },
  icmpv6: {
    "net-unreachable": "no-route",
    "admin-prohibited": "admin-prohibited",
    "host-unreachable": "addr-unreachable",
    "port-unreachable": "port-unreachable",
    "policy-fail": "policy-fail",
    "reject-route": "reject-route",
  },
  icmpx: {
    "port-unreachable": "port-unreachable",
    "admin-prohibited": "admin-prohibited",
    "net-unreachable": "no-route",
    "host-unreachable": "host-unreachable",
  },
};

/** Names of single bits; a list of them is a mask. */
export const FLAGS: Readonly<Partial<Record<DataType, ReadonlyMap<number, string>>>> = {
  ct_state: byNumber(CT_STATE),
  ct_status: byNumber(CT_STATUS),
  tcp_flag: byNumber(TCP_FLAG),
};

function byNumber(names: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(names).map(([name, value]) => [value, name]));
}

/** The name that nft lists for `priority`, where it lists one. nft 1.0.6 knows `dstnat` only in prerouting and `srcnat`
 *  only in postrouting. */
export function priorityName(family: TableFamily, hook: Hook, priority: number): string | undefined {
  if (family === "bridge" || family === "arp" || family === "netdev") return undefined;
  const names = Object.entries(PRIORITY).filter(([name]) => {
    if (name === "dstnat") return hook === "prerouting";
    return name === "srcnat" ? hook === "postrouting" : true;
  });
  for (const [name, value] of names) {
    const offset = priority - value;
    if (offset === 0) return name;
    if (Math.abs(offset) <= 10) return `${name} ${offset > 0 ? "+" : "-"} ${Math.abs(offset)}`;
  }
  return undefined;
}

/** The number of a priority's name; bridges have other ones (enum nf_br_hook_priorities). */
export function priorityOf(family: TableFamily, name: string): number | undefined {
  return meaningOf(PRIORITIES[family] ?? PRIORITY, name);
}

const PRIORITIES: Readonly<Partial<Record<TableFamily, Readonly<Record<string, number>>>>> = {
  bridge: { dstnat: -300, filter: -200, out: 100, srcnat: 300 },
  arp: { filter: PRIORITY.filter },
  netdev: { filter: PRIORITY.filter },
};
