/** Translations that map addresses or shift ports: rules of nat, in the words of iptables and, where it has them, of nft. */
import type { Packet } from "../../compiler/evaluate/packet.ts";
import { type Address, parseAddress } from "../../compiler/net/address.ts";

export interface NatForm {
  readonly chain: "PREROUTING" | "POSTROUTING";
  readonly iptables: string;
  readonly nft?: string;
  readonly packets: readonly Packet[];
  /** What becomes of each packet: its new destination, or its new source. */
  readonly becomes: readonly string[];
  readonly family?: "ip6";
}

function packet(protocol: number, from: string, to: string, port = 0): Packet {
  const [source, destination] = [from, to].map((text) => parseAddress(text) as Address) as [Address, Address];
  const ports = { sourcePort: port === 0 ? 0 : 40000, destinationPort: port };
  return { protocol, source, destination, ...ports, inInterface: "eth0", mark: 0 };
}

const CLIENT = "203.0.113.5";
const [TCP, UDP, ICMP] = [6, 17, 1] as const;

const toPorts = (protocol: number, ...ports: readonly number[]): Packet[] =>
  ports.map((port) => packet(protocol, CLIENT, "198.51.100.7", port));

export const NAT_FORMS: readonly NatForm[] = [
  {
    chain: "PREROUTING",
    iptables: "-d 198.51.100.0/24 -j NETMAP --to 10.180.1.0/24",
    nft: "ip daddr 198.51.100.0/24 dnat prefix to 10.180.1.0/24",
    packets: [packet(UDP, CLIENT, "198.51.100.7", 80), packet(TCP, CLIENT, "198.51.100.255", 80)],
    becomes: ["10.180.1.7:80", "10.180.1.255:80"],
  },
  {
    chain: "PREROUTING",
    iptables: "-d 198.51.0.0/16 -j NETMAP --to 10.180.128.0/17",
    nft: "ip daddr 198.51.0.0/16 dnat prefix to 10.180.128.0/17",
    packets: [packet(UDP, CLIENT, "198.51.100.7", 80), packet(UDP, CLIENT, "198.51.200.7", 80)],
    becomes: ["10.180.228.7:80", "10.180.200.7:80"],
  },
  {
    chain: "PREROUTING",
    family: "ip6",
    iptables: "-d 2001:db8:51::/64 -j NETMAP --to fd00:10:180:9::/64",
    nft: "ip6 daddr 2001:db8:51::/64 dnat prefix to fd00:10:180:9::/64",
    packets: [packet(UDP, "2001:db8:113::5", "2001:db8:51::7:8", 80)],
    becomes: ["[fd00:10:180:9::7:8]:80"],
  },
  {
    chain: "POSTROUTING",
    iptables: "-s 203.0.113.0/24 -j NETMAP --to 10.180.1.0/24",
    nft: "ip saddr 203.0.113.0/24 snat prefix to 10.180.1.0/24",
    packets: [packet(UDP, CLIENT, "198.51.100.7", 80), packet(UDP, "203.0.113.99", "198.51.100.7", 80)],
    becomes: ["10.180.1.5 (mapped to 10.180.1.0-10.180.1.255)", "10.180.1.99 (mapped to 10.180.1.0-10.180.1.255)"],
  },
  {
    chain: "PREROUTING",
    iptables: "-p udp -m udp --dport 1:99 -j DNAT --to-destination 10.180.0.9:1080-1089/80",
    packets: toPorts(UDP, 80, 83, 89, 90, 79, 1),
    becomes: [0, 3, 9, 0, 5, 7].map((by) => `10.180.0.9:${1080 + by}`),
  },
  {
    chain: "PREROUTING",
    iptables: "-p udp -m udp --dport 3:100 -j DNAT --to-destination :7-13/3 --random",
    packets: toPorts(UDP, 3, 8, 100),
    becomes: [7, 12, 13].map((port) => `198.51.100.7:${port}`),
  },
  {
    chain: "PREROUTING",
    iptables: "-p icmp -j DNAT --to-destination 10.180.0.9:80",
    nft: "meta l4proto icmp dnat to 10.180.0.9:80",
    packets: [packet(ICMP, CLIENT, "198.51.100.7")],
    becomes: ["10.180.0.9:0"],
  },
  {
    chain: "PREROUTING",
    iptables: "! -p udp -j DNAT --to-destination 10.180.0.9:80",
    packets: [packet(ICMP, CLIENT, "198.51.100.7"), packet(TCP, CLIENT, "198.51.100.7", 8080)],
    becomes: ["10.180.0.9:0", "10.180.0.9:80"],
  },
];

export function iptablesText({ chain, iptables }: NatForm): string {
  return `*nat\n-A ${chain} ${iptables}\nCOMMIT\n`;
}

export function nftText({ chain, nft, family }: NatForm): string | undefined {
  if (nft === undefined) return undefined;
  const hook = chain.toLowerCase();
  const priority = chain === "PREROUTING" ? "dstnat" : "srcnat";
  return `table ${family ?? "ip"} t {\n\tchain c {\n\t\ttype nat hook ${hook} priority ${priority};\n\t\t${nft}\n\t}\n}\n`;
}
