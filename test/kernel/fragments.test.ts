/** Whether rules see fragments of packets, the kernel says. */
import { describe, expect, test } from "vitest";
import { parseAddress } from "../../compiler/net/address.ts";
import { UNTIL_ROUTED } from "../../runtime/kernel/world.ts";
import { askRule } from "../support/certain.ts";
import { inNamespace, kernelMissing, withFiles } from "../support/kernel.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";
import { some } from "../support/runs.ts";

const hexOf = (text: string): string =>
  (text.includes(":") ? expand(text) : text.split(".").map((each) => Number(each).toString(16).padStart(2, "0"))).join(
    "",
  );
function expand(text: string): string[] {
  const [head = "", tail = ""] = text.split("::");
  return [head, ...new Array<string>(6).fill("0"), tail].map((each) => each.padStart(4, "0"));
}

/** A UDP datagram of 16 bytes in two pieces: `header` puts one together. */
const UDP = "9c4000500010000000000000000000aa";
const ETHERNET = "020000000001020000000002";

const ipv4 = (to: string): string[] =>
  [["2000", UDP.slice(0, 16)] as const, ["0001", UDP.slice(16)] as const].map(([offset, data]) => {
    const head = `4500001c0007${offset}4011`;
    const addresses = `${hexOf("10.1.1.1")}${hexOf(to)}`;
    const sum =
      `${head}0000${addresses}`.match(/..../g)?.reduce((total, word) => total + Number.parseInt(word, 16), 0) ?? 0;
    const folded = (sum & 0xffff) + (sum >>> 16);
    return `${ETHERNET}0800${head}${(~((folded & 0xffff) + (folded >>> 16)) & 0xffff).toString(16).padStart(4, "0")}${addresses}${data}`;
  });
const ipv6 = (to: string): string[] =>
  [["0001", UDP.slice(0, 16)] as const, ["0008", UDP.slice(16)] as const].map(
    ([offset, data]) => `${ETHERNET}86dd6000000000102c40${hexOf("fd01::1")}${hexOf(to)}1100${offset}00000007${data}`,
  );

const WORLD = `set -e
ip link set lo up
ip link add c0 type veth peer name c1
ip link set c0 address 02:00:00:00:00:01
for i in c0 c1; do ip link set $i up; done
ip link add d0 type veth peer name d1
for i in d0 d1; do ip link set $i up; done
ip addr add 192.0.2.7/24 dev c0
ip -6 addr add fd07::7/64 dev c0 nodad
ip addr add 198.51.100.1/24 dev d0
ip -6 addr add fd08::1/64 dev d0 nodad
ip neigh add 198.51.100.2 lladdr 02:00:00:00:00:09 nud permanent dev d0
ip neigh add fd08::2 lladdr 02:00:00:00:00:09 nud permanent dev d0
ip route add default via 198.51.100.2
ip -6 route add default via fd08::2
for i in net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.c0.rp_filter=0; do sysctl -qw $i; done
${UNTIL_ROUTED}
`;

const send = (frames: readonly string[], type: string): string =>
  `perl -e 'socket(S, 17, 3, 0) or die; for (@ARGV[1..$#ARGV]) { send(S, pack("H*", $_), 0, pack("SnlSCCa8", 17, ${type}, $ARGV[0], 0, 0, 6, pack("H*", "020000000001"))) or die $! }' $(ip -o link show c1 | cut -d: -f1) ${frames.join(" ")}`;

const FRAMES = {
  "IPv4, forwarded": { to: "10.9.9.9", frames: ipv4("10.9.9.9"), type: "0x800" },
  "IPv4, to the node": { to: "192.0.2.7", frames: ipv4("192.0.2.7"), type: "0x800" },
  "IPv6, forwarded": { to: "fd02::2", frames: ipv6("fd02::2"), type: "0x86dd" },
  "IPv6, to the node": { to: "fd07::7", frames: ipv6("fd07::7"), type: "0x86dd" },
} as const;
type Sent = keyof typeof FRAMES;

type Row = readonly [
  /** Whether the match holds for some fragment, in the kernel; `never` and `always`: kpc knows. */
  wanted: "never" | "always" | "some",
  sent: Sent,
  hook: string,
  priority: number,
  match: string,
  /** A rule that makes the kernel track connections. */
  tracking: string,
];

const CT = "ct state new";
const NFT_ROWS: readonly Row[] = [
  ["some", "IPv4, forwarded", "prerouting", -150, "ip frag-off & 0x1fff != 0", ""],
  ["some", "IPv4, forwarded", "forward", 0, "ip frag-off & 0x1fff != 0", ""],
  ["some", "IPv4, to the node", "prerouting", -150, "ip frag-off & 0x1fff != 0", ""],
  ["never", "IPv4, to the node", "input", 0, "ip frag-off & 0x1fff != 0", ""],
  ["always", "IPv4, to the node", "input", 0, "ip frag-off & 0x1fff == 0", ""],
  ["never", "IPv4, to the node", "input", 0, "ip frag-off & 0x2000 != 0", ""],
  ["never", "IPv4, forwarded", "prerouting", -300, "ip frag-off & 0x1fff != 0", CT],
  ["some", "IPv4, forwarded", "prerouting", -450, "ip frag-off & 0x1fff != 0", CT],
  ["never", "IPv4, forwarded", "forward", 0, "ip frag-off & 0x1fff != 0", CT],
  ["never", "IPv4, forwarded", "forward", 0, "ip frag-off & 0x2000 != 0", CT],
  ["never", "IPv4, forwarded", "forward", 0, "ip frag-off & 0x3fff > 0", CT],
  ["always", "IPv4, forwarded", "forward", 0, "ip frag-off & 0x3fff <= 0", CT],
  ["never", "IPv4, forwarded", "postrouting", 0, "ip frag-off 1", CT],
  ["always", "IPv4, forwarded", "postrouting", 0, "ip frag-off != 1", CT],
  ["never", "IPv4, forwarded", "forward", 0, "ip frag-off & 0x1fff != 0", "ct mark set 1"],
  ["some", "IPv4, forwarded", "prerouting", -150, "ip frag-off & 0x1fff != 0", "notrack"],
  ["some", "IPv6, forwarded", "forward", 0, "exthdr frag exists", ""],
  ["some", "IPv6, forwarded", "forward", 0, "frag more-fragments 1", ""],
  ["some", "IPv6, to the node", "input", 0, "exthdr frag exists", ""],
  ["never", "IPv6, to the node", "input", 0, "exthdr frag exists", CT],
  ["never", "IPv6, forwarded", "forward", 0, "exthdr frag exists", CT],
  ["always", "IPv6, forwarded", "forward", 0, "exthdr frag missing", CT],
  ["never", "IPv6, forwarded", "forward", 0, "frag more-fragments 1", CT],
  ["never", "IPv6, forwarded", "prerouting", -300, "frag frag-off != 0", CT],
  ["some", "IPv6, forwarded", "prerouting", -450, "frag frag-off != 0", CT],
];

const STATE = "-m conntrack --ctstate NEW";
const IPTABLES_ROWS: readonly Row[] = [
  ["some", "IPv4, forwarded", "PREROUTING", 0, "-f", ""],
  ["some", "IPv4, forwarded", "FORWARD", 0, "-f", ""],
  ["never", "IPv4, to the node", "INPUT", 0, "-f", ""],
  ["always", "IPv4, to the node", "INPUT", 0, "! -f", ""],
  ["never", "IPv4, forwarded", "FORWARD", 0, "-f", STATE],
  ["always", "IPv4, forwarded", "FORWARD", 0, "! -f", STATE],
  ["never", "IPv4, forwarded", "POSTROUTING", 0, "-f", STATE],
  ["never", "IPv4, forwarded", "FORWARD", 0, "-f", "-j CONNMARK --set-mark 1"],
  ["some", "IPv6, forwarded", "FORWARD", 0, "-m frag --fragmore", ""],
  ["some", "IPv6, to the node", "INPUT", 0, "-m frag --fragmore", ""],
  ["never", "IPv6, to the node", "INPUT", 0, "-m frag --fragmore", STATE],
  ["never", "IPv6, forwarded", "FORWARD", 0, "-m frag --fragid 0:5", STATE],
];

const isIpv6 = (sent: Sent): boolean => sent.startsWith("IPv6");

/** `end`: what is behind the match. */
function nftText([, sent, hook, priority, match, tracking]: Row, end: string): string {
  const only = isIpv6(sent) ? "ip6 saddr fd01::1" : "ip saddr 10.1.1.1";
  return `table ${isIpv6(sent) ? "ip6" : "ip"} t {
chain c { type filter hook ${hook} priority ${priority}; ${only} ${match} ${end}; }
chain track { type filter hook ${hook} priority 50; ${tracking} counter; }
}
`;
}

function iptablesText([, sent, hook, , match, tracking]: Row, end: string): string {
  const only = isIpv6(sent) ? "-s fd01::1" : "-s 10.1.1.1";
  const track = tracking === "" ? "" : `-A ${hook} ${tracking}\n`;
  return `*mangle\n-A ${hook} ${only} ${match} ${end}\n${track}COMMIT\n`;
}

const TOOLS = ["nft", "iptables-legacy", "iptables-nft"] as const;
const ROWS = TOOLS.flatMap((tool) => (tool === "nft" ? NFT_ROWS : IPTABLES_ROWS).map((row) => [tool, row] as const));

describe("fragments before rules", () => {
  test.skipIf(kernelMissing !== undefined).each(TOOLS)("the kernel agrees, of %s", async (tool) => {
    const own = ROWS.flatMap(([of, row]) => (of === tool ? [row] : []));
    const rows = some(own, 5);
    const texts = rows.map((row) =>
      tool === "nft" ? nftText(row, "counter") : iptablesText(row, "-m comment --comment asked"),
    );
    const seen = await withFiles(texts, (paths) =>
      Promise.all(
        rows.map(async ([, sent], i) => {
          const { frames, type } = FRAMES[sent];
          const own = tool.replace("iptables", isIpv6(sent) ? "ip6tables" : "iptables");
          const [load, list] =
            tool === "nft"
              ? ["nft -f", `nft list chain ${isIpv6(sent) ? "ip6" : "ip"} t c`]
              : [`${own}-restore`, `${own}-save -c -t mangle`];
          const { status, output } = await inNamespace(`${WORLD}${load} ${paths[i]}\n${send(frames, type)}\n${list}`);
          expect(status, output).toBe(0);
          const [, bracket, counter] = /^\[(\d+).* asked|counter packets (\d+)/m.exec(output) ?? [];
          return Number(bracket ?? counter);
        }),
      ),
    );
    const wanted = rows.map(([expected, ...row]) => [expected, ...row]);
    expect(rows.map(([expected, ...row], i) => [judge(expected, seen[i]), ...row])).toEqual(wanted);
  });

  test.each(ROWS)("of %s: %j", (tool, row) => {
    const [wanted, sent] = row;
    const program =
      tool === "nft"
        ? mustReadNft(nftText(row, "drop"))
        : mustReadIptables(iptablesText(row, "-j DROP"), isIpv6(sent) ? "ip6" : "ip");
    const [source, destination] = [isIpv6(sent) ? "fd01::1" : "10.1.1.1", FRAMES[sent].to].map(parseAddress);
    if (source === undefined || destination === undefined) throw new Error("no address");
    const answer = askRule(program, { inInterface: "c0", protocol: 17, source, destination });
    expect(answer).toBe({ never: "no", always: "yes", some: "no or yes" }[wanted]);
  });
});

/** `expected` where the rule counted as many packets as that says: two pieces came, or one packet that was put together. */
function judge(expected: Row[0], count: number | undefined): string {
  const isSo = expected === "never" ? count === 0 : expected === "always" ? count === 1 : count === 1 || count === 2;
  return isSo ? expected : `${count} packets`;
}
