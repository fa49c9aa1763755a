/** What rules read where ports are, of packets whose protocol has none there: the kernel says. */
import { describe, expect, test } from "vitest";
import { parseAddress } from "../../compiler/net/address.ts";
import { UNTIL_ROUTED } from "../../runtime/kernel/world.ts";
import { askRule } from "../support/certain.ts";
import { inNamespace, kernelMissing, withFiles } from "../support/kernel.ts";
import { ipv4Packet, ipv6Packet, transportOf } from "../support/raw-packets.ts";
import { mustReadNft } from "../support/read.ts";

const address = (text: string) => {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
};

const ENDS = {
  IPv4: { source: address("10.1.1.1"), destination: address("192.0.2.7") },
  IPv6: { source: address("fd01::1"), destination: address("fd07::7") },
} as const;

/** The ports 5 and 80, and what follows. */
const PORTS = "00050050";
const REST = "00".repeat(16);

interface Sent {
  readonly family: "IPv4" | "IPv6";
  readonly protocol: number;
  /** Behind the IP header, in hexadecimal. */
  readonly body: string;
}

/** One that connection tracking takes for the first one of a connection. */
function trackedBy(family: Sent["family"], protocol: number): Sent {
  const body = transportOf({ ...ENDS[family], protocol, sourcePort: 5, destinationPort: 80 });
  return { family, protocol, body: Buffer.from(body).toString("hex") };
}

/** All of them have the four bytes. Shorter ones have no value there; kpc does not look at their length. */
const PACKETS: Readonly<Record<string, Sent>> = {
  TCP: trackedBy("IPv4", 6),
  UDP: trackedBy("IPv4", 17),
  "UDP, IPv6": trackedBy("IPv6", 17),
  SCTP: trackedBy("IPv4", 132),
  DCCP: { family: "IPv4", protocol: 33, body: PORTS + REST },
  "UDP-Lite": { family: "IPv4", protocol: 136, body: `${PORTS}00080000` },
  "an echo request with checksum 80": { family: "IPv4", protocol: 1, body: `08000050${REST}` },
  "an echo reply with checksum 81": { family: "IPv4", protocol: 1, body: `00000051${REST}` },
  "an echo request with checksum 80, IPv6": { family: "IPv6", protocol: 58, body: `80000050${REST}` },
  ESP: { family: "IPv4", protocol: 50, body: PORTS + REST },
  GRE: { family: "IPv4", protocol: 47, body: PORTS + REST },
  "no known protocol": { family: "IPv4", protocol: 253, body: PORTS + REST },
  "no known protocol, other bytes": { family: "IPv4", protocol: 253, body: `00060051${REST}` },
  "no known protocol, IPv6": { family: "IPv6", protocol: 253, body: PORTS + REST },
};

const TRACKED: readonly number[] = [6, 17, 132];
const PORTED: readonly number[] = [...TRACKED, 33, 136];

const none = (): boolean => false;
const all = (): boolean => true;
const portless = ({ protocol }: Sent): boolean => !PORTED.includes(protocol);
const untrackedPorts = ({ protocol }: Sent): boolean => !TRACKED.includes(protocol);
const of =
  (...protocols: readonly number[]) =>
  ({ protocol }: Sent): boolean =>
    protocols.includes(protocol);
const inFamily =
  (family: Sent["family"]) =>
  (sent: Sent): boolean =>
    sent.family === family;

/** The protocols of all packets: nft wants a test before ports of connections. */
const ANY = [...new Set(Object.values(PACKETS).map(({ protocol }) => protocol))].join(", ");

/** Matches, and for which packets kpc need not know whether they hold. */
const ROWS: readonly (readonly [match: string, isOpen: (sent: Sent) => boolean])[] = [
  ["th dport 80", portless],
  ["th dport != 80", portless],
  ["th dport 0-65535", portless],
  ["th dport { 80, 81 }", portless],
  ["th dport != { 80, 81 }", portless],
  ["th dport & 0xff == 80", portless],
  ["th dport > 80", portless],
  ["th dport vmap { 80 : continue }", portless],
  ["th sport 2048", portless],
  ["th sport != 2048", portless],
  ["th sport . th dport { 5 . 80 }", portless],
  ["th sport . th dport != { 5 . 80 }", portless],
  ["meta l4proto . th dport { 17 . 80 }", none],
  ["meta l4proto . th dport != { 17 . 80 }", none],
  ["meta l4proto . th dport { 17 . 80, 253 . 80 }", of(253)],
  ["th dport . meta l4proto vmap { 80 . 132 : continue }", none],
  ["ip protocol . th dport { 17 . 80 }", none],
  ["ip saddr . meta l4proto . th dport != { 10.1.1.1 . 17 . 80 }", none],
  ["meta l4proto tcp th dport != 81", none],
  ["meta l4proto { 6, 17 } th dport 80", none],
  ["meta l4proto != { 6, 17, 132, 33, 136 } th dport 80", portless],
  ["tcp dport != 81", none],
  ["udp dport != { 81, 82 }", none],
  ["sctp dport 80", none],
  ["tcp dport vmap { 80 : continue }", none],
  ["dccp dport != 80", of(33)],
  ["udplite dport 80", of(136)],
  ["@th,0,16 5", all],
  ["@th,16,16 != 80", all],
  ["@nh,0,4 4", all],
  ["icmp type 8", of(1)],
  ["icmp type != 0", of(1)],
  ["icmp code 0", of(1)],
  ["icmpv6 type != 1", of(58)],
  ["ip saddr != 10.1.1.2", none],
  ["ip6 saddr != fd01::2", none],
  ["ip ttl 64", inFamily("IPv4")],
  ["ip6 hoplimit != 1", inFamily("IPv6")],
  ["tcp flags != ack", none],
  [`meta l4proto { ${ANY} } ct original proto-dst 80`, untrackedPorts],
  [`meta l4proto { ${ANY} } ct original proto-src != 5`, untrackedPorts],
  ["meta l4proto { 6, 17 } ct original proto-dst 80", none],
].map(([match, isOpen]) => [match as string, isOpen as (sent: Sent) => boolean]);

/** Rules that ask connection tracking stand behind it. */
function chain(rules: readonly string[], isTracked: boolean): string {
  return `chain ${isTracked ? "tracked" : "raw"} { type filter hook prerouting priority ${isTracked ? -150 : -450}; ${rules.join("\n")}\n}\n`;
}

const isTracked = (match: string): boolean => match.includes("ct ");

/** Each match with a counter, by its number. */
function countingText(): string {
  const counters = ROWS.map((_, i) => `counter r${i} { }\n`).join("");
  const last = 'chain last { type filter hook prerouting priority 0; iifname "c0" counter name arrived; }\n';
  const chains = [false, true].map((tracked) =>
    chain(
      ROWS.flatMap(([match], i) => (isTracked(match) === tracked ? [`iifname "c0" ${match} counter name r${i}`] : [])),
      tracked,
    ),
  );
  return `table inet t {\ncounter arrived { }\n${counters}${chains.join("")}${last}}\n`;
}

const WORLD = `set -e
ip link set lo up
ip link add c0 type veth peer name c1
ip link set c0 address 02:00:00:00:00:01
for i in c0 c1; do echo 1 > /proc/sys/net/ipv6/conf/$i/accept_dad; echo 0 > /proc/sys/net/ipv4/conf/$i/rp_filter; done
echo 1 > /proc/sys/net/ipv6/conf/c1/disable_ipv6
echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter
for i in c0 c1; do ip link set $i up; done
ip addr add 192.0.2.7/24 dev c0
ip -6 addr add fd07::7/64 dev c0 nodad
${UNTIL_ROUTED}
`;

/** Prints for each packet the numbers of the rules that counted it. */
const SEND = `use strict;
my ($index, @frames) = @ARGV;
socket(my $socket, 17, 3, 0) or die $!;
for (@frames) {
  my ($type, $frame) = split /:/;
  qx(nft reset counters);
  send($socket, pack("H*", $frame), 0, pack("SnlSCCa8", 17, hex $type, $index, 0, 0, 6, pack("H*", "020000000001"))) or die $!;
  my ($text, $name, @counted) = ("");
  for (1 .. 1000) { $text = qx(nft list counters); last if $text =~ /arrived[^}]*packets [1-9]/ }
  for (split /\\n/, $text) { $name = /counter r(\\d+)/ ? $1 : "" if /counter/; push @counted, $name if /packets [1-9]/ }
  print join(" ", "counted", @counted), "\\n";
}
`;

function frameOf({ family, protocol, body }: Sent): string {
  const bytes = Uint8Array.from(Buffer.from(body, "hex"));
  const ends = { ...ENDS[family], protocol };
  const [type, packet] = family === "IPv4" ? ["0800", ipv4Packet(ends, bytes)] : ["86dd", ipv6Packet(ends, bytes)];
  return `${type}:020000000001020000000002${type}${Buffer.from(packet).toString("hex")}`;
}

function answerOf(match: string, { family, protocol }: Sent): string {
  const end = match.includes("vmap") ? match.replace("continue", "drop") : `${match} drop`;
  const program = mustReadNft(`table inet t {\n${chain([end], isTracked(match))}}\n`);
  return askRule(program, { inInterface: "c0", protocol, ...ENDS[family] });
}

describe("bytes in the place of ports", () => {
  test.each(ROWS)("kpc knows all but what it need not know: %s", (match, isOpen) => {
    const open = Object.entries(PACKETS).map(([name, sent]) => [name, isOpen(sent)]);
    const unknown = Object.entries(PACKETS).map(([name, sent]) => [name, answerOf(match, sent) === "no or yes"]);
    expect(unknown).toEqual(open);
  });

  test.skipIf(kernelMissing !== undefined)("the kernel does nothing else than kpc says", async () => {
    const packets = Object.entries(PACKETS);
    const counted = await withFiles([countingText(), SEND], async ([rules, script]) => {
      const frames = packets.map(([, sent]) => frameOf(sent)).join(" ");
      const index = "$(ip -o link show c1 | cut -d: -f1)";
      const { status, output } = await inNamespace(`${WORLD}nft -f ${rules}\nperl ${script} ${index} ${frames}`);
      expect(status, output).toBe(0);
      return [...output.matchAll(/^counted(.*)$/gm)].map(([, numbers = ""]) => numbers.trim().split(" ").map(Number));
    });
    expect(counted).toHaveLength(packets.length);
    const wrong = packets.flatMap(([name, sent], i) =>
      ROWS.flatMap(([match], row) => {
        const seen = counted[i]?.includes(row) === true ? "yes" : "no";
        const said = answerOf(match, sent);
        return said.split(" or ").includes(seen) ? [] : [`${name}: ${match}: kernel ${seen}, kpc ${said}`];
      }),
    );
    expect(wrong).toEqual([]);
    // Packets of protocols without ports meet rules that test them.
    expect(counted.every((numbers) => numbers.includes(2))).toBe(true);
  });
});
