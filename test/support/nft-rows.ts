/** Rules that nft 1.0.6 refuses although they look right, and rules next to them that it takes. */

import type { BaseChain, Hook, TableFamily } from "../../compiler/ir/types.ts";

/** The family of the table, the type and the hook of the chain, the rule. */
export type NftRow = readonly [family: TableFamily, type: BaseChain["type"], hook: Hook, rule: string];

export const REFUSED: readonly NftRow[] = [
  ["ip", "nat", "prerouting", "tcp dport 22 dnat to 1.1.1.1 accept"],
  ["ip", "filter", "input", "drop counter"],
  ["ip", "filter", "input", "meta mark set meta mark << 32"],
  ["ip", "filter", "input", "ct mark set meta mark >> 32"],
  ["ip", "filter", "input", "meta mark set ct mark lshift 33 or 1"],
  ["ip", "filter", "input", "meta mark << 32 == 0"],
  ["ip", "filter", "input", "meta mark set ct mark << 0"],
  ["ip", "filter", "input", "jump d counter"],
  ["ip", "filter", "input", "goto d counter"],
  ["ip", "filter", "input", "return accept"],
  ["ip", "filter", "input", "reject accept"],
  ["ip", "filter", "input", "queue num 1 accept"],
  ["ip", "filter", "input", "queue num 65536"],
  ["ip", "filter", "input", "queue num 1-65536"],
  ["ip", "filter", "prerouting", "tproxy to :8080"],
  ["ip", "filter", "input", "ct state xxx"],
  ["ip", "filter", "input", "ct state { new, xxx }"],
  ["ip", "filter", "input", "ct status xxx"],
  ["ip", "filter", "input", "tcp flags xxx"],
  ["ip", "filter", "input", "meta pkttype xxx"],
  ["ip", "filter", "input", "fib daddr type xxx"],
  ["ip", "filter", "input", "meta nfproto xxx"],
  ["ip", "filter", "input", "ct direction xxx"],
  ["ip", "filter", "input", "meta l4proto 256"],
  ["ip", "filter", "input", "tcp dport 65536"],
  ["ip", "filter", "input", "tcp dport { 80, 65536 }"],
  ["ip", "filter", "input", "ip saddr 1.2.3.256"],
  ["ip", "filter", "input", "ip saddr fd00::1"],
  ["ip", "filter", "input", "ip saddr 10.0.0.0/33"],
  ["ip", "filter", "input", "ip6 saddr fd00::1"],
  ["ip6", "filter", "input", "ip saddr 1.1.1.1"],
  ["inet", "filter", "input", "ip saddr 1.1.1.1 ip6 daddr fd00::1"],
  ["inet", "filter", "input", "ip6 saddr 1.1.1.1"],
  ["inet", "filter", "input", "meta nfproto ipv4 ip6 daddr fd00::1"],
  ["inet", "filter", "input", "tcp dport 80 udp dport 53"],
  ["inet", "filter", "input", "meta l4proto udp tcp dport 80"],
  ["inet", "filter", "input", "meta l4proto { udp, tcp } tcp dport 80"],
  ["inet", "filter", "input", "udp dport 53 reject with tcp reset"],
  ["inet", "filter", "input", "meta l4proto udp reject with tcp reset"],
  ["inet", "filter", "input", "meta nfproto ipv6 reject with icmp host-unreachable"],
  ["inet", "filter", "input", "ip saddr 1.1.1.1 reject with icmpv6 no-route"],
  ["ip", "filter", "input", "reject with icmpv6 no-route"],
  ["ip", "filter", "input", "reject with icmp xxx"],
  ["ip", "filter", "input", "ct label 128"],
  ["ip", "filter", "input", 'meta hour "24:00"'],
  ["ip", "filter", "input", 'meta day "Satturday"'],
  ["ip", "filter", "input", 'meta day "sat"'],
  ["ip", "filter", "input", "meta day 7"],
  ["ip", "filter", "input", 'meta time "2025-13-01"'],
  ["inet", "nat", "prerouting", "dnat to 1.1.1.1"],
  ["inet", "nat", "prerouting", "ip saddr 1.1.1.1 dnat to fd00::1"],
  ["ip", "nat", "prerouting", "dnat to fd00::1"],
  ["ip", "nat", "prerouting", "redirect to :1234"],
  ["ip", "nat", "postrouting", "masquerade to :1234"],
  ["ip", "filter", "input", "meta mark 0x1ffffffff"],
  ["ip", "filter", "input", "ip dscp 64"],
  ["ip", "filter", "input", "ip ttl 256"],
  ["ip", "filter", "input", 'meta iifname "averyverylonginterfacename"'],
  ["ip", "filter", "input", "ct state new,xxx"],
  ["ip", "filter", "input", "update @s { ip6 saddr }"],
  ["ip", "filter", "input", "icmp type echo-request udp dport 1"],
  ["ip", "filter", "input", "limit rate 0/second"],
  ["ip", "filter", "input", "limit rate 5/fortnight"],
  ["ip", "filter", "input", "log level xxx"],
  ["ip", "filter", "input", 'log prefix "a" group 1 level warn'],
  ["ip", "filter", "input", "ip saddr 10.0.0.5-10.0.0.1"],
  ["ip", "filter", "input", "tcp dport 90-80"],
  ["inet", "filter", "input", "meta l4proto { tcp, udp } udp dport 53"],
  ["inet", "filter", "input", "meta l4proto { udp, tcp } udp dport 53"],
  ["inet", "filter", "input", "meta l4proto { 17, 6 } udp dport 53"],
  ["inet", "filter", "input", "meta l4proto { udp, sctp } udp dport 53"],
  ["inet", "filter", "input", "meta l4proto { udp, sctp } sctp dport 53"],
  ["inet", "filter", "input", "ip protocol { tcp, udp } tcp dport 53"],
  ["inet", "nat", "prerouting", "ip6 saddr ::1 dnat to 1.1.1.1"],
  ["inet", "nat", "prerouting", "dnat ip to fd00::1"],
  ["inet", "nat", "prerouting", "dnat ip6 to 1.1.1.1"],
  ["inet", "filter", "prerouting", "tproxy to :80"],
  ["inet", "filter", "prerouting", "th dport 80 tproxy to :80"],
  ["ip", "nat", "prerouting", "th dport 80 redirect to :80"],
  ["ip", "nat", "prerouting", "meta l4proto != tcp redirect to :80"],
  ["ip", "nat", "prerouting", "meta l4proto . th dport { tcp . 80 } redirect to :80"],
  ["ip", "nat", "prerouting", "dnat to 1.1.1.1:80"],
  ["ip", "nat", "prerouting", "th dport 80 dnat to 1.1.1.1:80"],
  ["ip6", "nat", "prerouting", "dnat ip to 1.1.1.1"],
  ["ip", "filter", "prerouting", "meta l4proto tcp tproxy ip6 to [::1]:80"],
  ["ip", "filter", "input", "reject with icmpx admin-prohibited"],
  ["ip", "filter", "input", "ct original proto-src 80"],
  ["inet", "filter", "input", "th dport 80 ct reply proto-dst 80"],
  ["inet", "filter", "input", "meta l4proto != tcp ct original proto-dst 80"],
  ["inet", "filter", "input", "ct protocol tcp ct original proto-dst 80"],
  ["ip", "filter", "input", "tcp option maxseg size 1 ct original proto-dst 80"],
  ["ip", "filter", "input", "meta l4proto vmap { tcp : continue } ct original proto-dst vmap { 80 : drop }"],
  ["ip", "filter", "input", "udp dport 53 meta mark set tcp dport map { 80 : 1 }"],
  ["ip", "filter", "input", "esp spi 1 tcp dport 80"],
  ["ip6", "filter", "input", "meter m { ip saddr limit rate 1/second }"],
  ["arp", "filter", "input", "ip saddr 1.1.1.1"],
  ["arp", "filter", "input", "tcp dport 80"],
  ["ip", "filter", "input", "meta nfproto ipv4"],
  ["netdev", "filter", "ingress", "ct state new"],
  ["netdev", "filter", "ingress", "masquerade"],
  ["arp", "filter", "input", "reject"],
  ["ip", "filter", "input", 'fwd to "lo"'],
  ["inet", "filter", "input", "dup to 1.1.1.1"],
  ["ip", "filter", "input", 'meta ibrname "a"'],
];

export const TAKEN: readonly NftRow[] = [
  ["ip", "filter", "input", "continue accept"],
  ["ip", "filter", "input", 'drop comment "x"'],
  ["ip", "filter", "prerouting", "tcp dport 80 tproxy to :8080 accept"],
  ["ip", "filter", "prerouting", "tcp dport 80 tproxy to :8080 meta mark set 1 accept"],
  ["ip", "filter", "prerouting", "notrack accept"],
  ["ip", "filter", "input", "log accept"],
  ["ip", "filter", "input", "ip saddr vmap {1.1.1.1 : drop} accept"],
  ["ip", "filter", "input", "synproxy accept"],
  ["ip", "filter", "forward", "tcp dport 1 dup to 1.1.1.1 accept"],
  ["inet", "filter", "input", "meta l4proto != tcp udp dport 80"],
  ["inet", "filter", "input", "reject with tcp reset"],
  ["ip", "filter", "input", 'meta hour "23:59:60"'],
  ["ip", "filter", "input", 'hour "16:00"'],
  ["ip", "filter", "input", 'day "Monday"'],
  ["ip", "filter", "input", 'time > "2025-01-02"'],
  ["ip", "filter", "input", "counter bytes 1024 packets 1"],
  ["ip", "filter", "input", "ct event set new,destroy"],
  ["ip", "nat", "prerouting", "dnat tcp dport map { 80 : 1.1.1.1 } : tcp dport map { 80 : 8080 }"],
  ["inet", "nat", "prerouting", "ip saddr 1.1.1.1 dnat to 1.1.1.1"],
  ["ip", "filter", "input", "meta protocol ip"],
  ["ip", "filter", "input", "meta protocol vmap { ip : drop, ip6 : accept }"],
  ["inet", "filter", "input", "ip version 4"],
  ["ip", "filter", "input", "log group 65536"],
  ["ip", "filter", "output", 'meta iifname "x"'],
  ["ip", "filter", "input", 'meta oifname "x"'],
  ["ip", "filter", "prerouting", 'meta oifname "x"'],
  ["inet", "filter", "input", "meta l4proto { tcp, udp } th dport 53"],
  ["inet", "filter", "input", "meta nfproto { ipv4, ipv6 } ip6 saddr ::1"],
  ["inet", "nat", "prerouting", "meta nfproto ipv4 dnat to 1.1.1.1"],
  ["inet", "nat", "prerouting", "ip saddr . tcp dport { 1.1.1.1 . 80 } dnat to 1.1.1.1"],
  ["inet", "nat", "prerouting", "icmp type echo-request dnat to 1.1.1.1"],
  ["inet", "nat", "prerouting", "dnat ip6 to fd00::1"],
  ["inet", "filter", "prerouting", "meta l4proto tcp tproxy to :80"],
  ["inet", "filter", "prerouting", "meta l4proto { tcp, udp } tproxy to :80"],
  ["ip", "nat", "prerouting", "meta l4proto { tcp, udp } redirect to :80"],
  ["ip", "nat", "prerouting", "meta l4proto { tcp, udp } th dport 80 redirect to :80"],
  ["ip", "nat", "prerouting", "ip protocol tcp redirect to :80"],
  ["ip", "nat", "prerouting", "ip saddr . tcp dport { 1.1.1.1 . 80 } redirect to :80"],
  ["ip", "nat", "prerouting", "icmp type echo-request redirect to :80"],
  ["ip", "filter", "input", "tcp option maxseg size 1 udp dport 53"],
  ["ip", "filter", "input", "tcp dport 80 ct original proto-src 80"],
  ["inet", "filter", "input", "meta l4proto { tcp, udp } ct original proto-src 80"],
  ["ip", "filter", "input", "ct protocol tcp ct original proto-dst 80"],
  ["ip", "filter", "input", "esp spi 1 ct original proto-dst 80"],
  ["ip", "filter", "input", "tcp dport . ct original proto-dst { 80 . 80 }"],
  ["inet", "filter", "ingress", "reject"],
  ["bridge", "filter", "prerouting", "meta pkttype set host"],
  ["netdev", "filter", "egress", "fib daddr . oif type local"],
];

/** Rules that nft takes and the kernel refuses behind the hook of their chain. What nft allows where is in nft-places.ts. */
export const MISPLACED: readonly NftRow[] = [
  ["ip", "nat", "prerouting", "masquerade"],
  ["ip", "nat", "postrouting", "redirect"],
  ["ip", "nat", "postrouting", "dnat to 1.1.1.1"],
  ["ip", "nat", "prerouting", "snat to 1.1.1.1"],
  ["ip", "filter", "prerouting", "dnat to 1.1.1.1"],
  ["inet", "filter", "postrouting", "masquerade"],
  ["ip6", "route", "output", "redirect"],
  ["ip", "filter", "postrouting", "reject"],
  ["netdev", "filter", "egress", "reject"],
  ["ip", "filter", "output", "meta l4proto tcp tproxy to :80"],
  ["ip", "filter", "output", "synproxy"],
  ["ip", "filter", "forward", "socket transparent 1"],
  ["ip", "filter", "output", 'osf name "Linux"'],
  ["ip", "filter", "output", "fib saddr . iif oif 1"],
  ["inet", "filter", "input", "fib daddr . oif type local"],
  ["inet", "filter", "ingress", "fib daddr type local"],
  ["ip", "filter", "output", "ipsec in reqid 1"],
  ["ip", "filter", "input", "ipsec out reqid 1"],
  ["ip", "filter", "output", "meta ipsec exists"],
  ["ip", "filter", "prerouting", "meta sdif 1"],
  ["bridge", "filter", "input", "rt classid 1"],
  ["ip", "filter", "input", "tcp option maxseg size set rt mtu"],
  ["ip", "filter", "output", "meta pkttype set host"],
];

/** The ways from a base chain to another one; `none`: the kernel does not ask for the hooks of a chain that nothing leads to. */
export const WAYS = {
  jump: "jump r",
  goto: "goto r",
  deep: "jump q",
  "map in the rule": "meta mark vmap { 1 : jump r }",
  "verdict map": "meta mark vmap @m",
  none: "accept",
} as const;

/** A file with one rule, in the base chain or where a way leads. */
export function fileWith([family, type, hook, rule]: NftRow, way?: keyof typeof WAYS): string {
  const device = hook === "ingress" || hook === "egress" ? " device lo" : "";
  const chains = `	map m {
		type mark : verdict
		elements = { 2 : goto r }
	}
	chain r {
		${rule}
	}
	chain q {
		goto r
	}
`;
  return `table ${family} t {
	set s {
		type ipv4_addr
		flags dynamic
	}
	chain d {
	}
${way === undefined ? "" : chains}	chain c {
		type ${type} hook ${hook}${device} priority 0;
		${way === undefined ? rule : WAYS[way]}
	}
}
`;
}
