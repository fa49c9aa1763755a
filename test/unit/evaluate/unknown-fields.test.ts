/** What of a packet, its connection and its host is known where: a match on what is not known holds for some, and for others not. */
import { describe, expect, test } from "vitest";
import type { Packet } from "../../../compiler/evaluate/packet.ts";
import { CT_STATUS } from "../../../compiler/ir/constants.ts";
import { fateOf, IPV6 } from "../../support/one-packet.ts";
import { address } from "../../support/service-port.ts";

type Holds = boolean | "unknown";
type Row = readonly [match: string, packet: Partial<Packet>, holds: Holds];

const UDP = { protocol: 17 };
const ICMP = { protocol: 1, sourcePort: 0, destinationPort: 0 };
const OWN = { inInterface: undefined, source: address("192.0.2.1") };
const OWN_TO_ITSELF = { ...OWN, destination: address("192.0.2.1") };
const TO_NODE = { destination: address("192.0.2.1") };
const LOOPED = { ...OWN_TO_ITSELF, inInterface: "lo" };
/** Of a connection that is known, with its translation. */
const KNOWN: Partial<Packet> = {
  ctState: "established",
  connection: {
    protocol: 6,
    original: tuple("10.244.0.5", 40000, "10.96.0.10", 80),
    reply: tuple("10.244.1.5", 8080, "10.244.0.5", 40000),
    status: CT_STATUS.confirmed | CT_STATUS.dnat,
    mark: 0,
  },
};

const REPLY_OF_KNOWN: Partial<Packet> = { ...KNOWN, ...KNOWN.connection?.reply };

function tuple(source: string, sourcePort: number, destination: string, destinationPort: number) {
  return { source: address(source), sourcePort, destination: address(destination), destinationPort };
}

const SNAT = "chain s { type nat hook postrouting priority 100; masquerade; }\n";

/** What the match finds in a chain of `hook`, behind what `before` does. */
function found([match, packet]: Row, hook: string, before = "", priority = 150): Holds {
  const inet = /^ip6? /.test(match) && (packet.source === IPV6.source) !== match.startsWith("ip6");
  const chain = `chain c { type filter hook ${hook} priority ${priority}; policy accept; ${match} drop; }`;
  const fates = new Set(fateOf(`${before}${chain}`, packet, inet ? "inet" : undefined).split(" or "));
  return fates.has("drop") ? (fates.size > 1 ? "unknown" : true) : false;
}

/** Rows with what a test is called by. */
const named = (rows: readonly Row[]): [title: string, row: Row][] =>
  rows.map((row) => {
    const packet = JSON.stringify(row[1], (_, value) => (typeof value === "bigint" ? `${value}` : value));
    return [`${row[0]} ${packet}: ${row[2]}`, row];
  });

describe.each<[hook: string, rows: readonly Row[]]>([
  [
    "prerouting",
    [
      ["ether saddr 00:00:00:00:00:01", {}, "unknown"],
      ["ether saddr 00:00:00:00:00:01", { inInterface: "lo" }, false],
      ["ether daddr 00:00:00:00:00:01", { inInterface: "lo" }, false],
      ["icmp code 0", {}, false],
      ["ip ttl 1", IPV6, false],
      ["ip length 40", IPV6, false],
      ["ip dscp cs1", IPV6, false],
      ["ip6 hoplimit 1", {}, false],
      ["ip6 length 40", {}, false],
      ["tcp flags syn", { ctState: "untracked" }, true],
      ["tcp flags syn", { ctState: "invalid" }, "unknown"],
      ["tcp flags syn", { ctState: "reply" }, "unknown"],
      ["tcp flags syn", { ...UDP, ctState: "established" }, false],
      ["meta pkttype host", {}, "unknown"],
      ["meta skuid 0", {}, "unknown"],
      ["meta skgid 0", {}, "unknown"],
      ["ct original ip saddr 10.244.0.5", { ctState: "established" }, true],
      ["ct original ip saddr 10.244.0.6", { ctState: "established" }, false],
      ["ct original ip saddr 10.244.0.5", { ...ICMP, ctState: "established" }, "unknown"],
      ["ct original ip saddr 10.244.0.5", { ...ICMP }, true],
      ["ct original ip saddr 10.244.0.5", { ctState: "related" }, true],
      ["ct original ip saddr 10.244.0.5", { ...ICMP, ctState: "related" }, "unknown"],
      ["ct original ip saddr 10.244.0.5", { ctState: "reply" }, "unknown"],
      ["ct original ip saddr 10.244.0.5", { ctState: "invalid" }, false],
      ["ct original ip saddr 10.244.0.5", { ctState: "untracked" }, false],
      ["ct reply ip saddr 10.244.0.5", { ctState: "reply" }, true],
      ["ct reply ip saddr 10.244.0.6", { ctState: "reply" }, false],
      ["ct reply ip saddr 10.244.0.5", { ...ICMP, ctState: "reply" }, "unknown"],
      ["ct reply ip saddr 10.244.0.5", { ctState: "established" }, "unknown"],
      ["ct reply ip saddr 10.244.0.5", { ctState: "invalid" }, false],
      ["ct reply ip saddr 10.96.0.10", {}, true],
      ["ct reply ip saddr 10.96.0.10", ICMP, true],
      ["ct protocol tcp", KNOWN, true],
      ["ct protocol tcp", REPLY_OF_KNOWN, true],
      ["ct original ip saddr 10.244.0.5", KNOWN, true],
      ["ct original ip daddr 10.96.0.11", KNOWN, false],
      ["ct reply ip saddr 10.244.1.5", KNOWN, true],
      ["meta l4proto tcp ct reply proto-src 8080", KNOWN, true],
      ["meta l4proto tcp ct reply proto-src 80", {}, true],
      ["meta l4proto icmp ct reply proto-src 80", ICMP, "unknown"], // it has a number instead
      ["meta l4proto icmp ct reply proto-dst 80", ICMP, "unknown"],
      ["meta l4proto icmp ct original proto-src 80", ICMP, "unknown"],
      ["meta l4proto icmp ct original proto-dst 80", ICMP, "unknown"],
      ["meta l4proto tcp ct original proto-src 40000", {}, true],
      ["meta l4proto tcp ct reply proto-src 80", { ctState: "established" }, "unknown"],
      ["meta l4proto icmp ct reply proto-src 80", { ...ICMP, ctState: "established" }, "unknown"], // it has a number instead
      ["ct status seen-reply", {}, false],
      ["ct status assured", {}, false],
      ["ct status expected", {}, false],
      ["ct status dying", {}, false],
      ["ct status confirmed", {}, false],
      ["ct status == 0", {}, "unknown"], // the kernel's own bits
      ["ct status == 0", { ctState: "invalid" }, false],
      ["ct status seen-reply", { ctState: "reply", ctStatus: CT_STATUS["seen-reply"] }, true],
      ["ct status snat", { ctState: "invalid" }, false],
    ],
  ],
  [
    "forward",
    [
      ["meta pkttype host", {}, true],
      ["meta pkttype broadcast", {}, false],
      ["meta skuid 0", {}, false],
      ["meta skgid 0", {}, false],
      ["oifname eth0", {}, "unknown"],
      ["oif eth0", {}, "unknown"],
      ["iifname cni0", {}, true],
      ["ether daddr 00:00:00:00:00:01", {}, "unknown"],
    ],
  ],
  [
    "input",
    [
      ["meta pkttype host", TO_NODE, "unknown"],
      ["meta skuid 0", TO_NODE, "unknown"],
    ],
  ],
  [
    "output",
    [
      ["ether saddr 00:00:00:00:00:01", OWN, false],
      ["ether daddr 00:00:00:00:00:01", OWN, false],
      ["meta pkttype host", OWN, true],
      ["ct status confirmed", OWN, false],
      ["meta skgid 0", OWN, "unknown"],
      ["oif eth0", OWN, "unknown"],
    ],
  ],
  [
    "postrouting",
    [
      ["meta skuid 0", {}, false],
      ["meta skuid 0", OWN, "unknown"],
      ["meta pkttype host", {}, true],
      ["ip saddr 10.244.0.5", {}, true],
      ["fib saddr type local", {}, false],
      ["ct status snat", {}, false],
    ],
  ],
])("at %s", (hook, rows) => {
  test.each(named(rows))("%s", (_, row) => {
    expect(found(row, hook)).toBe(row[2]);
  });
});

describe("behind a masquerade", () => {
  const ROWS: readonly Row[] = [
    ["ip saddr 10.244.0.5", {}, "unknown"],
    ["ip daddr 10.96.0.10", {}, true],
    ["ip daddr 10.96.0.11", {}, false],
    ["tcp sport 40000", {}, true],
    ["tcp dport 80", {}, true],
    ["fib saddr type local", {}, "unknown"],
    ["fib daddr type local", {}, false],
    ["ct status snat", {}, "unknown"],
    ["ct status dnat", {}, false],
    ["ct original ip saddr 10.244.0.5", {}, true],
    ["ct reply ip daddr 10.244.0.5", {}, "unknown"],
    ["meta l4proto tcp ct reply proto-dst 40000", {}, "unknown"],
    ["ct reply ip saddr 10.96.0.10", {}, true],
    ["meta l4proto tcp ct reply proto-src 80", {}, true],
    ["ip saddr 10.244.0.5", { ctState: "established" }, true],
  ];
  test.each(named(ROWS))("%s", (_, row) => {
    expect(found(row, "postrouting", SNAT)).toBe(row[2]);
  });
});

describe("behind a translation to one of many", () => {
  const dnat = (to: string): string =>
    `chain d { type nat hook prerouting priority -100; meta l4proto tcp dnat to ${to}; }\n`;

  test.each<[to: string, match: string, holds: Holds]>([
    ["10.244.1.5-10.244.1.250", "ip saddr 10.244.0.5", true],
    ["10.244.1.5-10.244.1.250", "ip daddr 10.244.1.7", "unknown"],
    ["10.244.1.5-10.244.1.250", "tcp dport 80", true],
    ["10.244.1.5-10.244.1.250", "ct reply ip saddr 10.244.1.7", "unknown"],
    ["10.244.1.5-10.244.1.250", "ct reply ip daddr 10.244.0.5", true],
    ["10.244.1.5:8000-9000 random", "ip daddr 10.244.1.5", true],
    ["10.244.1.5:8000-9000 random", "tcp dport 8080", "unknown"],
    ["10.244.1.5:8000-9000", "tcp dport 8000", true], // the kernel begins at the first one,
    ["10.244.1.5:8000-9000 random", "meta l4proto tcp ct reply proto-src 8080", "unknown"],
    ["10.244.1.5:8000-9000 random", "ct reply ip saddr 10.244.1.5", true],
    ["10.244.1.5:8000-9000 random", "meta l4proto tcp ct reply proto-dst 40000", true],
  ])("%s: %s: %s", (to, match, holds) => {
    expect(found([match, {}, holds], "forward", dnat(to))).toBe(holds);
  });
});

test("behind a translation to one of many the reply's source is not known, of IPv6 either", () => {
  const dnat = "chain d { type nat hook prerouting priority -100; meta l4proto tcp dnat to fd00::5-fd00::ff; }\n";
  expect(found(["ct reply ip6 saddr fd00::7", IPV6, "unknown"], "forward", dnat)).toBe("unknown");
});

test.each<Row>([
  ["tcp sport 40000", {}, "unknown"],
  ["udp sport 40000", UDP, "unknown"],
  ["tcp dport 80", {}, true],
  ["meta l4proto tcp ct reply proto-dst 40000", {}, "unknown"],
])("behind a masquerade with a random port: %s %j: %s", (...row) => {
  expect(found(row, "postrouting", SNAT.replace("masquerade", "masquerade random"))).toBe(row[2]);
});

test("before its translation the entry of a connection tells what replies have", () => {
  expect(found(["ct reply ip saddr 10.244.1.5", KNOWN, true], "prerouting", "", -150)).toBe(true);
});

const LOOPING: readonly Row[] = [
  ["ct status confirmed", OWN_TO_ITSELF, "unknown"],
  ["ct status confirmed", LOOPED, false],
  ["ct status dnat", OWN_TO_ITSELF, false],
];

test.each(named(LOOPING))("by loopback: %s", (_, row) => {
  expect(found(row, "input")).toBe(row[2]);
});
