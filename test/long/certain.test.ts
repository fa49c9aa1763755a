/** Where matches that are not understood hold for certain, or cannot, the kernel agrees. */
import { describe, expect, test } from "vitest";
import { type Address, parseAddress } from "../../compiler/net/address.ts";
import { UNTIL_ROUTED } from "../../runtime/kernel/world.ts";
import { type AskedPacket, askRule, LOCAL } from "../support/certain.ts";
import { inNamespace, kernelMissing, withFiles } from "../support/kernel.ts";
import { ipv4Packet, ipv6Packet, transportOf } from "../support/raw-packets.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";

type Answer = "yes" | "no";
type Row = readonly [wanted: Answer, hook: string, match: string];

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

/** A packet that comes by the interface c0, as it is on the wire. */
function frame(protocol: number, destination: Address): string {
  const flow = { protocol, source: address("10.1.1.1"), destination, sourcePort: 40000, destinationPort: 80 };
  const bytes = ipv4Packet(flow, transportOf(flow));
  return `0200000000010200000000020800${Buffer.from(bytes).toString("hex")}`;
}

function frame6(protocol: number, source: Address, destination: Address): string {
  const flow = { protocol, source, destination, sourcePort: 40000, destinationPort: 80 };
  const bytes = ipv6Packet(flow, transportOf(flow));
  return `02000000000102000000000286dd${Buffer.from(bytes).toString("hex")}`;
}

const sendFrame = (hex: string, type = "0x800"): string =>
  `perl -e 'socket(S, 17, 3, 0) or die; send(S, pack("H*", $ARGV[0]), 0, pack("SnlSCCa8", 17, ${type}, $ARGV[1], 0, 0, 6, pack("H*", "020000000001"))) or die $!' ${hex} $(ip -o link show c1 | cut -d: -f1)`;
const sendOwn = (to: string): string =>
  `perl -MSocket -e 'socket(S, PF_INET, SOCK_DGRAM, 0); send(S, "x", 0, sockaddr_in(80, inet_aton("${to}"))) or die $!'`;

interface Sent {
  readonly packet: AskedPacket;
  /** Of iptables, and of nft. */
  readonly only: readonly [string, string];
  readonly send: string;
  readonly rows: readonly Row[];
  /** Connection tracking does not look at it. */
  readonly isUntracked?: true;
}

const PACKETS: Readonly<Record<string, Sent>> = {
  "forwarded, UDP": {
    packet: { inInterface: "c0", protocol: 17 },
    only: ["-s 10.1.1.1", "ip saddr 10.1.1.1"],
    send: sendFrame(frame(17, address("10.9.9.9"))),
    rows: [
      ["yes", "PREROUTING", "-m addrtype ! --dst-type LOCAL --limit-iface-in"],
      ["yes", "PREROUTING", "-m addrtype --dst-type UNICAST --limit-iface-in"],
      ["no", "PREROUTING", "-m addrtype ! --dst-type UNICAST --limit-iface-in"],
      ["no", "PREROUTING", "-m addrtype --dst-type MULTICAST --limit-iface-in"],
      ["no", "PREROUTING", "-m addrtype --dst-type BROADCAST --limit-iface-in"],
      ["yes", "PREROUTING", "-m addrtype ! --dst-type BROADCAST --limit-iface-in"],
      ["no", "PREROUTING", "-m helper --helper ftp"],
      ["yes", "PREROUTING", "-m helper ! --helper ftp"],
      ["no", "POSTROUTING", "-m owner --uid-owner 0"],
      ["yes", "POSTROUTING", "-m owner ! --uid-owner 0"],
      ["yes", "POSTROUTING", "-m owner ! --uid-owner 0 ! --gid-owner 0"],
      ["no", "POSTROUTING", "-m owner ! --uid-owner 0 --gid-owner 0"],
      ["no", "POSTROUTING", "-m owner --socket-exists"],
      ["yes", "POSTROUTING", "-m owner ! --socket-exists"],
      ["no", "POSTROUTING", "-m cgroup --cgroup 5"],
      ["no", "POSTROUTING", "-m cgroup ! --cgroup 5"],
      ["yes", "POSTROUTING", "-m pkttype --pkt-type unicast"],
      ["no", "postrouting", "meta skuid 0"],
      ["no", "postrouting", "meta skuid != 0"],
      ["no", "postrouting", "meta cgroup 0"],
      ["no", "postrouting", "meta cgroup != 5"],
      ["yes", "forward", "meta pkttype host"],
      ["no", "prerouting", 'ct helper "ftp"'],
      ["no", "prerouting", 'ct helper != "ftp"'],
      ["yes", "prerouting", "fib daddr . iif type unicast"],
      ["yes", "prerouting", "fib daddr . iif type != local"],
      ["no", "prerouting", "tcp option sack-perm exists"],
      ["no", "prerouting", "tcp option maxseg size != 1000"],
      ["yes", "prerouting", "tcp option sack-perm missing"],
      ["yes", "prerouting", "sctp chunk data missing"],
      ["no", "prerouting", "sctp chunk data exists"],
      ["no", "prerouting", "tcp window != 5"],
      ["no", "prerouting", "dccp type != request"],
      ["no", "prerouting", "ah spi != 1"],
      ["no", "prerouting", "esp spi != 1"],
      ["no", "prerouting", "comp cpi != 1"],
      ["no", "prerouting", 'osf name != "Linux"'],
      ["no", "prerouting", "exthdr hbh exists"],
      ["no", "prerouting", "exthdr frag missing"],
      ["no", "prerouting", "hbh nexthdr != 6"],
      ["no", "prerouting", "rt type != 0"],
      ["no", "prerouting", "frag more-fragments != 1"],
      ["no", "prerouting", "dst nexthdr != 6"],
      ["no", "prerouting", "mh type != 1"],
      ["no", "prerouting", "srh tag != 1"],
      ["no", "prerouting", "ip6 flowlabel != 5"],
      ["no", "postrouting", "rt ip6 nexthop != ::1"],
    ],
  },
  "to everybody, UDP": {
    packet: { inInterface: "c0", protocol: 17, destination: address("255.255.255.255") },
    only: ["-s 10.1.1.1", "ip saddr 10.1.1.1"],
    send: sendFrame(frame(17, address("255.255.255.255"))),
    rows: [
      ["yes", "PREROUTING", "-m addrtype --dst-type BROADCAST --limit-iface-in"],
      ["no", "PREROUTING", "-m addrtype ! --dst-type BROADCAST --limit-iface-in"],
      ["yes", "PREROUTING", "-m addrtype --dst-type BROADCAST"],
      ["no", "PREROUTING", "-m addrtype --dst-type UNICAST --limit-iface-in"],
      ["yes", "PREROUTING", "-m addrtype ! --dst-type UNICAST --limit-iface-in"],
      ["no", "prerouting", "fib daddr . iif type unicast"],
      ["yes", "prerouting", "fib daddr . iif type != unicast"],
    ],
  },
  "untracked, UDP": {
    packet: { inInterface: "c0", protocol: 17, ctState: "untracked" },
    only: ["-s 10.1.1.1", "ip saddr 10.1.1.1"],
    send: sendFrame(frame(17, address("10.9.9.9"))),
    isUntracked: true,
    rows: [
      ["no", "FORWARD", "-m cluster --cluster-total-nodes 2 --cluster-hash-seed 1 --cluster-local-node 1"],
      ["no", "FORWARD", "-m cluster --cluster-total-nodes 2 --cluster-hash-seed 1 ! --cluster-local-node 1"],
      ["no", "FORWARD", "-m connbytes --connbytes 0: --connbytes-mode packets --connbytes-dir both"],
      ["no", "FORWARD", "-m connbytes ! --connbytes 5: --connbytes-mode packets --connbytes-dir both"],
      ["no", "FORWARD", "-m helper --helper ftp"],
      ["yes", "FORWARD", "-m helper ! --helper ftp"],
      ["no", "forward", 'ct helper != "ftp"'],
    ],
  },
  "to the node, of IPv6": {
    packet: { inInterface: "c0", protocol: 17, source: address("fd01::1"), destination: address("fd07::7") },
    only: ["-s fd01::1", "ip6 saddr fd01::1"],
    send: sendFrame(frame6(17, address("fd01::1"), address("fd07::7")), "0x86dd"),
    rows: [
      ["yes", "PREROUTING", "-m addrtype --dst-type LOCAL"],
      ["yes", "PREROUTING", "-m addrtype --dst-type UNICAST"],
      ["no", "PREROUTING", "-m addrtype ! --dst-type UNICAST"],
      ["yes", "PREROUTING", "-m addrtype --dst-type LOCAL,UNICAST"],
      ["no", "PREROUTING", "-m addrtype --dst-type LOCAL,MULTICAST"],
      ["yes", "PREROUTING", "-m addrtype ! --dst-type LOCAL,MULTICAST"],
      ["yes", "PREROUTING", "-m addrtype --dst-type UNICAST --limit-iface-in"],
    ],
  },
  "to many, of IPv6": {
    packet: { inInterface: "c0", protocol: 17, source: address("fd01::1"), destination: address("ff02::1") },
    only: ["-s fd01::1", "ip6 saddr fd01::1"],
    send: sendFrame(frame6(17, address("fd01::1"), address("ff02::1")), "0x86dd"),
    rows: [
      ["no", "PREROUTING", "-m addrtype --dst-type UNICAST"],
      ["yes", "PREROUTING", "-m addrtype --dst-type MULTICAST"],
      ["no", "PREROUTING", "-m addrtype --dst-type LOCAL,MULTICAST"],
      ["no", "PREROUTING", "-m addrtype ! --dst-type MULTICAST --limit-iface-in"],
    ],
  },
  "of IPv6, UDP": {
    packet: { inInterface: "c0", protocol: 17, source: address("fd01::1"), destination: address("fd02::2") },
    only: ["-s fd01::1", "ip6 saddr fd01::1"],
    send: sendFrame(frame6(17, address("fd01::1"), address("fd02::2")), "0x86dd"),
    rows: [
      ["yes", "PREROUTING", "-m addrtype --dst-type UNICAST"],
      ["yes", "PREROUTING", "-m addrtype --dst-type UNICAST --limit-iface-in"],
      ["no", "PREROUTING", "-m addrtype ! --dst-type UNICAST --limit-iface-in"],
      ["no", "PREROUTING", "-m addrtype --dst-type MULTICAST"],
      ["yes", "PREROUTING", "-m addrtype ! --dst-type LOCAL --limit-iface-in"],
      ["no", "PREROUTING", "-m addrtype --dst-type UNSPEC"],
      ["no", "PREROUTING", "-m helper --helper ftp"],
      ["yes", "PREROUTING", "-m helper ! --helper ftp"],
      ["no", "POSTROUTING", "-m owner --uid-owner 0"],
      ["yes", "POSTROUTING", "-m owner ! --uid-owner 0"],
      ["no", "POSTROUTING", "-m cgroup ! --cgroup 5"],
      ["yes", "POSTROUTING", "-m pkttype --pkt-type unicast"],
      ["no", "postrouting", "meta skuid != 0"],
      ["no", "prerouting", "ip option lsrr exists"],
      ["no", "prerouting", "ip ttl != 5"],
      ["no", "prerouting", "igmp type != 5"],
      ["no", "prerouting", "ip frag-off & 0x1fff == 0"],
      ["no", "prerouting", "icmp type != 5"],
      ["no", "prerouting", "rt ip nexthop != 10.0.0.1"],
      ["no", "prerouting", "ct original ip saddr != 10.0.0.1"],
      ["no", "prerouting", "tcp option maxseg size != 1000"],
      ["yes", "prerouting", "tcp option sack-perm missing"],
      ["yes", "prerouting", "meta protocol ip6"],
    ],
  },
  "to the node, of a protocol without sockets": {
    packet: { inInterface: "c0", protocol: 47, destination: LOCAL },
    only: ["-s 10.1.1.1", "ip saddr 10.1.1.1"],
    send: sendFrame(frame(47, LOCAL)),
    rows: [
      ["no", "PREROUTING", "-m socket"],
      ["no", "prerouting", "socket transparent 0"],
      ["no", "prerouting", "socket transparent != 1"],
    ],
  },
  own: {
    packet: {},
    only: ["-d 10.9.9.9", "ip daddr 10.9.9.9"],
    send: sendOwn("10.9.9.9"),
    rows: [
      ["no", "POSTROUTING", "-m physdev --physdev-is-bridged"],
      ["yes", "POSTROUTING", "-m physdev ! --physdev-is-bridged"],
      ["yes", "POSTROUTING", "-m pkttype --pkt-type unicast"],
      ["yes", "output", "meta pkttype host"],
      ["no", "postrouting", "meta pkttype broadcast"],
      ["no", "output", "meta iifgroup 0"],
      ["no", "postrouting", "meta iifgroup != 1"],
      ["no", "postrouting", 'meta iifkind != "veth"'],
      ["no", "output", "vlan id != 5"],
    ],
  },
  "by loopback": {
    packet: { inInterface: "lo", protocol: 17 },
    only: ["-d 127.0.0.1", "ip daddr 127.0.0.1"],
    send: sendOwn("127.0.0.1"),
    rows: [
      ["yes", "PREROUTING", "-m rpfilter"],
      ["yes", "PREROUTING", "-m rpfilter --loose --validmark"],
      ["no", "PREROUTING", "-m rpfilter --invert"],
      ["no", "prerouting", "fib saddr . iif oif missing"],
      ["yes", "prerouting", "fib saddr . iif oif exists"],
      ["yes", "prerouting", "fib saddr . mark . iif oif != missing"],
      ["no", "prerouting", "vlan id != 5"],
    ],
  },
};

const WORLD = `set -e
ip link set lo up
ip link add c0 type veth peer name c1
ip link add d0 type veth peer name d1
ip link set c0 address 02:00:00:00:00:01
for i in c0 c1 d0 d1; do ip link set $i up; done
ip addr add 192.0.2.7/24 dev c0
ip addr add 198.51.100.1/24 dev d0
ip neigh add 198.51.100.2 lladdr 02:00:00:00:00:09 nud permanent dev d0
ip route add default via 198.51.100.2
ip -6 addr add fd07::7/64 dev c0 nodad
ip -6 addr add fd08::1/64 dev d0 nodad
ip neigh add fd08::2 lladdr 02:00:00:00:00:09 nud permanent dev d0
ip -6 route add default via fd08::2
for i in net.ipv6.conf.all.forwarding=1 net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.c0.rp_filter=0; do sysctl -qw $i; done
${UNTIL_ROUTED}
`;

const NOTRACK = {
  nft: "table inet u {\nchain c {\ntype filter hook prerouting priority raw;\nnotrack\n}\n}\n",
  iptables: "*raw\n-A PREROUTING -j CT --notrack\nCOMMIT\n",
};

const isIptables = ([, hook]: Row): boolean => hook === hook.toUpperCase();

function ofIptables(rows: readonly Row[], only: string): string {
  const lines = rows.map(
    ([, hook, match]) =>
      `-A ${hook} ${only} ${match} -m comment --comment "r${rows.findIndex((row) => row[1] === hook && row[2] === match)}"`,
  );
  return `*mangle\n${lines.join("\n")}\nCOMMIT\n`;
}

function ofNft(rows: readonly Row[], only: string): string {
  const hooks = [...new Set(rows.map(([, hook]) => hook))];
  const chains = hooks.map((hook) => {
    const own = rows.flatMap((row, i) => (row[1] === hook ? [`${row[2]} counter comment "r${i}"`] : []));
    return `chain in-${hook} {\n${own.join("\n")}\n}\nchain ${hook} {\ntype filter hook ${hook} priority mangle;\n${only} jump in-${hook}\n}\n`;
  });
  return `table inet t {\n${chains.join("")}}\n`;
}

/** The numbers of the rules that counted a packet. */
function counted(listing: string): ReadonlySet<number> {
  const found = listing
    .split("\n")
    .filter((line) => /^\[[1-9]/.test(line) || /counter packets [1-9]/.test(line))
    .map((line) => /comment "?r(\d+)"?/.exec(line)?.[1]);
  return new Set(found.map(Number));
}

describe.skipIf(kernelMissing !== undefined)("the kernel agrees with what is certain of a packet that is", () => {
  test.concurrent.each(
    Object.entries(PACKETS).flatMap(([name, sent]) =>
      (["iptables-legacy", "iptables-nft", "nft"] as const).map((tool) => ({ name, tool, sent })),
    ),
  )("$name, of $tool", async ({ tool, sent: { packet, only, send, rows: all, isUntracked } }) => {
    const isNft = tool === "nft";
    const isIpv6 = typeof packet.destination === "bigint";
    const rows = all.filter((row) => isIptables(row) !== isNft);
    const untracked = isUntracked !== true ? "" : isNft ? NOTRACK.nft : NOTRACK.iptables;
    const text = untracked + (isNft ? ofNft(rows, only[1]) : ofIptables(rows, only[0]));
    const own = isIpv6 ? tool.replace("ip", "ip6") : tool;
    const [load, list] = isNft ? ["nft -f", "nft list table inet t"] : [`${own}-restore <`, `${own}-save -c -t mangle`];
    await withFiles([text], async ([path = ""]) => {
      const { status, output } = await inNamespace(`${WORLD}${load} ${path}\n${send}\n${list}`);
      expect(status, output.slice(0, 1000)).toBe(0);
      const holds = counted(output);
      expect(rows.map(([, ...row], i) => [holds.has(i) ? "yes" : "no", ...row])).toEqual(rows);
    });
    const answers = rows.map(([, hook, match]) => {
      const row: Row = ["yes", hook, match];
      const program = isNft
        ? mustReadNft(
            // Of IPv6 the type of an address on an interface is another matter.
            `table ${match.startsWith("fib") ? "ip" : "inet"} t {\nchain ${hook} {\ntype filter hook ${hook} priority mangle;\n${match} drop\n}\n}\n`,
          )
        : mustReadIptables(ofIptables([row], "").replace("\nCOMMIT", " -j DROP\nCOMMIT"), isIpv6 ? "ip6" : "ip");
      return [askRule(program, packet), hook, match];
    });
    expect(answers).toEqual(rows);
  });
});
