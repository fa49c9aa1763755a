/** Each form of a translation in nft: one packet, and what becomes of it. `nat-forms.test.ts` has those of iptables. */
import { describe, expect, test } from "vitest";
import type { Packet } from "../../../compiler/evaluate/packet.ts";
import type { Statement } from "../../../compiler/ir/types.ts";
import { fateOf, IPV6 } from "../../support/one-packet.ts";
import { address } from "../../support/service-port.ts";

type Row = readonly [rule: string, packet: Partial<Packet>, becomes: string];

const OWN = { inInterface: undefined, source: address("192.0.2.1") };
const UDP = { protocol: 17 };
const ICMP = { protocol: 1, sourcePort: 0, destinationPort: 0 };
const MAPS = `map endpoints { type ipv4_addr . inet_service : ipv4_addr . inet_service; elements = { 10.96.0.10 . 80 : 10.244.1.5 . 8080 }; }
map hosts { type ipv4_addr : ipv4_addr; elements = { 10.96.0.10 : 10.244.1.5 }; }
map sources { type ipv4_addr : ipv4_addr; elements = { 10.244.0.5 : 192.0.2.7 }; }
`;

const ROWS: {
  readonly [K in Extract<Statement["kind"], "dnat" | "snat" | "masquerade" | "redirect">]: readonly Row[];
} = {
  dnat: [
    ["tcp dport 80 dnat to 10.244.1.5:8080", {}, "10.244.1.5:8080"],
    ["dnat to 10.244.1.5", {}, "10.244.1.5:80"],
    ["dnat to 10.244.1.5", ICMP, "10.244.1.5:0"],
    ["meta l4proto icmp dnat to 10.244.1.5:8080", ICMP, "10.244.1.5:0"], // there is no port to change
    ["meta l4proto tcp dnat to :8080", {}, "10.96.0.10:8080"],
    ["dnat to 10.244.1.5-10.244.1.6", {}, "10.244.1.5:80 or 10.244.1.6:80"],
    ["dnat to 10.1.0.0-10.1.0.255", {}, "10.1.0.0:80, a choice of 10.1.0.0-10.1.0.255"],
    ["tcp dport 80 dnat to 10.244.1.5:79-81", {}, "10.244.1.5:80"], // it keeps its port where that is among them
    ["tcp dport 80 dnat to 10.244.1.5:8080-8081", {}, "10.244.1.5:8080"],
    ["tcp dport 80 dnat to 10.244.1.5:8080-8081 random", {}, "10.244.1.5:8080 or 10.244.1.5:8081"],
    ["tcp dport 80 dnat to 10.244.1.5:8080-8081 fully-random", {}, "10.244.1.5:8080 or 10.244.1.5:8081"],
    ["tcp dport 80 dnat to 10.244.1.5:1024-2000 random", {}, "10.244.1.5:1024, a choice of ports 1024-2000"],
    ["dnat to 10.244.1.5 persistent", {}, "10.244.1.5:80"],
    ["ip daddr 10.96.0.0/16 dnat prefix to 10.97.0.0/16", {}, "10.97.0.10:80"],
    ["tcp dport 80 dnat ip to ip daddr . tcp dport map @endpoints", {}, "10.244.1.5:8080"],
    ["tcp dport 81 dnat ip to ip daddr . tcp dport map @endpoints", { destinationPort: 81 }, "kept"],
    ["dnat to ip daddr map @hosts", UDP, "10.244.1.5:80"],
    ["dnat to ip daddr map @hosts", { destination: address("10.96.0.11") }, "kept"],
    ["dnat to 10.96.0.10", {}, "10.96.0.10:80"],
    ["dnat to fd00:10:244:1::5", IPV6, "[fd00:10:244:1::5]:80"],
    ["tcp dport 80 dnat to [fd00:10:244:1::5]:8080", IPV6, "[fd00:10:244:1::5]:8080"],
    ["dnat to fd00::5-fd00::6", IPV6, "[fd00::5]:80 or [fd00::6]:80"],
  ],
  redirect: [
    ["meta l4proto tcp redirect to :3128", {}, "192.0.2.1:3128"],
    ["redirect", {}, "192.0.2.1:80"],
    ["meta l4proto tcp redirect to :79-81", {}, "192.0.2.1:80"],
    ["meta l4proto tcp redirect to :3128-3129", {}, "192.0.2.1:3128"],
    ["meta l4proto tcp redirect to :3128-3129 random", {}, "192.0.2.1:3128 or 192.0.2.1:3129"],
    ["meta l4proto tcp redirect to :3128", IPV6, "[2001:db8::1]:3128"],
  ],
  snat: [
    ["snat to 192.0.2.7", {}, "from 192.0.2.7"],
    ["snat to 192.0.2.7-192.0.2.9", {}, "from 192.0.2.7-192.0.2.9"],
    ["meta l4proto tcp snat to 192.0.2.7:1024-2000", {}, "from 192.0.2.7:1024-2000"],
    ["meta l4proto tcp snat to :1024-2000", {}, "from the node's address:1024-2000"],
    ["snat to 192.0.2.7 random", {}, "from 192.0.2.7"],
    ["snat to 192.0.2.7 fully-random", {}, "from 192.0.2.7"],
    ["snat to 192.0.2.7 persistent", {}, "from 192.0.2.7"],
    ["ip saddr 10.244.0.0/16 snat prefix to 10.97.0.0/16", {}, "from 10.97.0.5 (mapped to 10.97.0.0-10.97.255.255)"],
    ["snat to ip saddr map @sources", {}, "from 192.0.2.7"],
    ["snat to ip saddr map @sources", { source: address("10.244.0.6") }, "kept"],
    ["snat to 2001:db8::7", IPV6, "from 2001:db8::7"],
    ["meta l4proto tcp snat to [2001:db8::7]:1024", IPV6, "from [2001:db8::7]:1024"],
  ],
  masquerade: [
    ["masquerade", {}, "masqueraded"],
    ["masquerade", ICMP, "masqueraded"],
    ["masquerade", IPV6, "masqueraded"],
    ["masquerade random", {}, "masqueraded"],
    ["masquerade fully-random", {}, "masqueraded"],
    ["masquerade persistent", {}, "masqueraded"],
    ["meta l4proto tcp masquerade to :1024-2000", {}, "from the node's address:1024-2000"],
  ],
};

describe.each(Object.entries(ROWS))("%s", (kind, rows) => {
  const isOfDestination = kind === "dnat" || kind === "redirect";
  const head = isOfDestination ? "prerouting priority dstnat" : "postrouting priority srcnat";

  test.each(rows.map((row) => [row[0], row[2], row] as const))("%s: %s", (rule, becomes, [, packet]) => {
    const maps = packet.source === IPV6.source ? "" : MAPS;
    expect(fateOf(`${maps}chain c { type nat hook ${head}; ${rule} }`, packet)).toBe(becomes);
  });
});

test("the node's own packets are redirected to loopback", () => {
  const chain = "chain c { type nat hook output priority -100; meta l4proto tcp redirect to :3128; }";
  expect(fateOf(chain, OWN)).toBe("127.0.0.1:3128");
  expect(fateOf(chain, { ...IPV6, inInterface: undefined })).toBe("[::1]:3128");
});

test.each(["udp dport map { 80 : 10.0.0.1 }", "udp dport . ether saddr map { 80 . 00:00:00:00:00:01 : 10.0.0.1 }"])(
  "a packet that has no value for a key goes on with the next rule: dnat to %s",
  (to) => {
    const chain = `chain c { type nat hook prerouting priority -100; dnat to ${to}; meta l4proto tcp dnat to 10.0.0.9; }`;
    expect(fateOf(chain, {})).toBe("10.0.0.9:80");
  },
);
