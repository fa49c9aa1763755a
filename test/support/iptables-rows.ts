/** A rule for each extension of iptables that kpc understands, as iptables-save 1.8.9 prints it. */

export interface ExtensionRow {
  readonly rule: string;
  readonly table?: "filter" | "nat" | "mangle" | "raw";
  readonly chain?: "INPUT" | "FORWARD" | "OUTPUT" | "PREROUTING" | "POSTROUTING";
  readonly family?: "ip6";
  /** Its meaning depends on what is not in the packet: it stays an unknown. */
  readonly isUnknown?: true;
  /** The rule stands in a chain of its own, to which `chain` jumps. */
  readonly isJumpedTo?: true;
  /** Needs a set of that name in the kernel. */
  readonly ipset?: string;
}

/** By the name behind `-m`. */
export const MATCH_ROWS: Readonly<Record<string, readonly ExtensionRow[]>> = {
  tcp: [
    { rule: "-p tcp -m tcp --sport 1024:65535 --dport 80 -j ACCEPT" },
    { rule: "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT" },
  ],
  udp: [{ rule: "-p udp -m udp ! --dport 53 -j ACCEPT" }],
  sctp: [{ rule: "-p sctp -m sctp --dport 36412 -j ACCEPT" }],
  icmp: [{ rule: "-p icmp -m icmp --icmp-type 8 -j ACCEPT" }, { rule: "-p icmp -m icmp ! --icmp-type 3/4 -j ACCEPT" }],
  icmp6: [
    { rule: "-p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT", family: "ip6" },
    { rule: "-p ipv6-icmp -m icmp6 ! --icmpv6-type 1/4 -j ACCEPT", family: "ip6" },
  ],
  multiport: [
    { rule: "-p tcp -m multiport --dports 22,80:90 -j ACCEPT" },
    { rule: "-p udp -m multiport --ports 22,80:90 -j ACCEPT" },
    { rule: "-p tcp -m multiport ! --ports 22,80:90 -j ACCEPT" },
    { rule: "-p udplite -m multiport --dports 80 -j ACCEPT", isUnknown: true },
  ],
  conntrack: [
    { rule: "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT" },
    { rule: "-m conntrack --ctstate NEW,DNAT -j ACCEPT" },
    { rule: "-m conntrack --ctreplsrc 10.0.0.0/8 ! --ctrepldst 10.0.0.1 -j ACCEPT" },
    { rule: "-m conntrack --ctreplsrcport 80 --ctrepldstport 1:1023 -j ACCEPT" },
    { rule: "-m conntrack --ctdir REPLY -j ACCEPT" },
    { rule: "-m conntrack --ctreplsrc fd00::/64 -j ACCEPT", family: "ip6" },
  ],
  state: [{ rule: "-m state --state RELATED,ESTABLISHED -j ACCEPT" }],
  mark: [{ rule: "-m mark --mark 0x4000/0x4000 -j ACCEPT" }],
  connmark: [{ rule: "-m connmark --mark 0x80/0x80 -j ACCEPT" }],
  iprange: [{ rule: "-m iprange --src-range 10.0.0.1-10.0.0.9 -j ACCEPT" }],
  addrtype: [
    { rule: "-m addrtype --dst-type LOCAL -j ACCEPT" },
    { rule: "-m addrtype --dst-type UNICAST -j ACCEPT", family: "ip6" },
    { rule: "-m addrtype ! --src-type LOCAL -j ACCEPT", family: "ip6" },
  ],
  mac: [{ rule: "-m mac --mac-source 02:00:00:00:00:01 -j ACCEPT" }],
  owner: [
    { rule: "-m owner --uid-owner 1000 -j ACCEPT", chain: "OUTPUT" },
    { rule: "-m owner ! --uid-owner 1000 -j ACCEPT", chain: "OUTPUT" },
    { rule: "-m owner ! --uid-owner 1000-2000 -j ACCEPT", chain: "OUTPUT" },
    { rule: "-m owner --gid-owner 0-99 -j ACCEPT", chain: "OUTPUT" },
    { rule: "-m owner ! --gid-owner 5 -j ACCEPT", chain: "OUTPUT", family: "ip6" },
  ],
  dscp: [{ rule: "-m dscp --dscp 0x2e -j ACCEPT" }, { rule: "-m dscp ! --dscp 0x08 -j ACCEPT", family: "ip6" }],
  pkttype: [{ rule: "-m pkttype --pkt-type broadcast -j ACCEPT" }],
  statistic: [
    { rule: "-m statistic --mode random --probability 0.50000000000 -j ACCEPT" },
    { rule: "-m statistic --mode nth --every 5 --packet 1 -j ACCEPT" },
    { rule: "-m statistic --mode nth ! --every 5 --packet 4 -j ACCEPT" },
  ],
  length: [{ rule: "-m length --length 0:500 -j ACCEPT" }],
  ttl: [{ rule: "-m ttl --ttl-eq 64 -j ACCEPT" }],
  hl: [{ rule: "-m hl --hl-eq 64 -j ACCEPT", family: "ip6" }],
  recent: [{ rule: "-m recent --set --name seen --mask 255.255.255.255 --rsource -j ACCEPT" }],
  limit: [{ rule: "-m limit --limit 5/min -j ACCEPT", isUnknown: true }],
  set: [{ rule: "-m set --match-set blocked src -j DROP", isUnknown: true, ipset: "blocked" }],
};

/** By the name behind `-j`. */
export const TARGET_ROWS: Readonly<Record<string, readonly ExtensionRow[]>> = {
  ACCEPT: [{ rule: "-j ACCEPT" }],
  DROP: [{ rule: "-j DROP" }],
  RETURN: [{ rule: "-j RETURN" }],
  REJECT: [{ rule: "-j REJECT --reject-with icmp-admin-prohibited" }],
  DNAT: [
    { rule: "-p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.1:8080", table: "nat", chain: "PREROUTING" },
    { rule: "-p tcp -j DNAT --to-destination 10.0.0.1:1080-1089/80 --random", table: "nat", chain: "OUTPUT" },
    { rule: "-j DNAT --to-destination 10.0.0.1-10.0.0.9 --persistent", table: "nat", chain: "PREROUTING" },
    {
      rule: "-p tcp -j DNAT --to-destination [fd00::1-fd00::9]:1080-1089/80",
      ...{ table: "nat", chain: "PREROUTING", family: "ip6" },
    },
  ],
  SNAT: [{ rule: "-j SNAT --to-source 10.0.0.1", table: "nat", chain: "POSTROUTING" }],
  NETMAP: [
    { rule: "-d 10.0.0.0/24 -j NETMAP --to 10.1.0.0/24", table: "nat", chain: "PREROUTING" },
    { rule: "-s 10.0.0.0/24 -j NETMAP --to 10.1.0.0/24", table: "nat", chain: "POSTROUTING" },
    { rule: "-j NETMAP --to fd00::/64", table: "nat", chain: "OUTPUT", family: "ip6" },
  ],
  MASQUERADE: [{ rule: "-j MASQUERADE --random-fully", table: "nat", chain: "POSTROUTING" }],
  REDIRECT: [{ rule: "-p tcp -j REDIRECT --to-ports 3128", table: "nat", chain: "PREROUTING" }],
  MARK: [{ rule: "-j MARK --set-xmark 0x4000/0x4000", table: "mangle", chain: "PREROUTING" }],
  CONNMARK: [
    {
      rule: "-j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80",
      table: "mangle",
      chain: "PREROUTING",
    },
    {
      rule: "-j CONNMARK --save-mark --nfmask 0xffff --ctmask 0xffff0000 --left-shift-mark 16",
      table: "mangle",
      chain: "PREROUTING",
    },
  ],
  CT: [{ rule: "-j CT --notrack", table: "raw", chain: "PREROUTING" }],
  NOTRACK: [{ rule: "-j CT --notrack", table: "raw", chain: "PREROUTING" }],
};

/** The rule in a text for iptables-restore. */
export function textWith({ rule, table = "filter", chain = "INPUT", isJumpedTo }: ExtensionRow): string {
  return isJumpedTo
    ? `*${table}\n:own - [0:0]\n-A own ${rule}\n-A ${chain} -j own\nCOMMIT\n`
    : `*${table}\n-A ${chain} ${rule}\nCOMMIT\n`;
}
