/** Which source translations give, and what rules behind them see: for several packets at once, and for one whose route is known. */
import { describe, expect, test } from "vitest";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import type { Environment, Packet } from "../../../compiler/evaluate/packet.ts";
import type { Program, Rule, Statement } from "../../../compiler/ir/types.ts";
import { packetText, tupleText } from "../../support/flows.ts";
import { fatesAlone, fatesTogether, type ManyPackets } from "../../support/many-packets.ts";
import { mustReadIptables, mustReadNft } from "../../support/read.ts";
import { NODE, nodeWith } from "../../support/routes.ts";
import { address } from "../../support/service-port.ts";

const ICMP = { protocol: 1, sourcePort: 0, destinationPort: 0 };

/** A chain of nat in which another translation follows, and a later chain that drops what `match` holds for. */
function nat(rule: string, match = "", more = ""): Program {
  const drop = match === "" ? "" : `${match} drop;`;
  return mustReadNft(`table ip t {
${more}
chain n { type nat hook postrouting priority 100; policy drop; ${rule}; snat to 9.9.9.9; }
chain again { type nat hook postrouting priority 101; snat to 9.9.9.8; }
chain f { type filter hook postrouting priority 300; ${drop} }
}`);
}

type Row = [rule: string, match: string, fields: string, fates: readonly string[], members?: Partial<Packet>];

const SOURCES = "saddr 10.244.0.4-10.244.0.5";
const all = (fate: string): readonly string[] => [`10.244.0.4-10.244.0.5: ${fate}`];
const dropOr = (fact: string, fate: string): string => `drop if ${fact} | ${fate} if not ${fact}`;

describe("several packets, at once and one by one", () => {
  test.each<Row>([
    [
      "ip saddr 10.244.0.4 snat to 1.1.1.1",
      "",
      SOURCES,
      ["10.244.0.4: pass, from 1.1.1.1", "10.244.0.5: pass, from 9.9.9.9"],
    ],
    [
      "snat to ip saddr map { 10.244.0.4 : 1.1.1.1 }",
      "",
      SOURCES,
      ["10.244.0.4: pass, from 1.1.1.1", "10.244.0.5: pass, from 9.9.9.9"],
    ],
    [
      "snat to tcp dport map { 80 : 1.1.1.1, 81 : 1.1.1.2, 82 : 1.1.1.1 }",
      "ip saddr 1.1.1.1",
      "dport 79-82",
      ["79: pass, from 9.9.9.9", "80: drop", "81: pass, from 1.1.1.2", "82: drop"],
    ],
    ["snat to 1.1.1.1", "ip saddr 1.1.1.1", SOURCES, all("drop")],
    ["snat to 1.1.1.1", "ip saddr 10.244.0.4", SOURCES, all("pass, from 1.1.1.1")],
    [
      "snat to 1.1.1.1",
      "ct reply ip daddr 1.1.1.1",
      SOURCES,
      all(dropOr("ct reply-daddr == 16843009", "pass, from 1.1.1.1")),
    ],
    ["snat to 1.1.1.1-1.1.1.2", "", SOURCES, all("pass, from 1.1.1.1-1.1.1.2")],
    [
      "snat to 1.1.1.1-1.1.1.2",
      "ip saddr 1.1.1.1",
      SOURCES,
      all(dropOr("ip saddr == 16843009", "pass, from 1.1.1.1-1.1.1.2")),
    ],
    ["masquerade", "ip saddr 10.244.0.5", SOURCES, all(dropOr("ip saddr == 183762949", "pass, masqueraded"))],
    ["masquerade", "tcp sport 999", "sport 999-1000", ["999: drop", "1000: pass, masqueraded"]],
    [
      "masquerade random",
      "tcp sport 999",
      "sport 999-1000",
      [`999-1000: ${dropOr("tcp sport == 999", "pass, masqueraded")}`],
    ],
    [
      "snat to 1.1.1.1 fully-random",
      "tcp sport 999",
      "sport 999-1000",
      [`999-1000: ${dropOr("tcp sport == 999", "pass, from 1.1.1.1")}`],
    ],
    ["meta l4proto tcp snat to :1000", "tcp sport 1000", "sport 999-1001", ["999-1001: drop"]],
    ["meta l4proto tcp snat to 1.1.1.1:1000", "", "sport 999-1001", ["999-1001: pass, from 1.1.1.1:1000"]],
    ["meta l4proto tcp masquerade to :1000", "tcp sport 1000", "sport 999-1001", ["999-1001: drop"]],
    ["meta l4proto icmp snat to 1.1.1.1:1000", "", SOURCES, all("pass, from 1.1.1.1"), ICMP],
    ["meta l4proto icmp masquerade random", "ct status dnat", SOURCES, all("pass, masqueraded"), ICMP],
    [
      "meta l4proto icmp snat to 1.1.1.1",
      "th sport 0",
      SOURCES,
      all(dropOr("th sport == 0", "pass, from 1.1.1.1")),
      ICMP,
    ],
  ])("%s; %s drop, of %s: %j", (rule, match, fields, fates, members = {}) => {
    const packets: ManyPackets = { fields, members };
    expect(fatesTogether(nat(rule, match), packets)).toEqual(fates);
    expect(fatesAlone(nat(rule, match), packets)).toEqual(fates);
  });

  /** One packet is told more of: whether its port is among those that are given, and its address of a mapping. */
  test.each<[rule: string, match: string, fields: string, together: string, alone: readonly string[]]>([
    [
      "meta l4proto tcp snat to :1000-1001",
      "tcp sport 1000",
      "sport 999-1002",
      `999-1002: ${dropOr("tcp sport == 1000", "pass, from the node's address:1000-1001")}`,
      [
        `999: ${dropOr("tcp sport == 1000", "pass, from the node's address:1000-1001")}`,
        "1000: drop",
        "1001: pass, from the node's address:1000-1001",
        `1002: ${dropOr("tcp sport == 1000", "pass, from the node's address:1000-1001")}`,
      ],
    ],
    [
      "ip saddr 10.244.0.0/24 snat prefix to 172.20.3.0/24",
      "ip saddr 172.20.3.9",
      SOURCES,
      "10.244.0.4-10.244.0.5: pass, from an address mapped to 172.20.3.0-172.20.3.255",
      [4, 5].map((n) => `10.244.0.${n}: pass, from 172.20.3.${n} (mapped to 172.20.3.0-172.20.3.255)`),
    ],
    [
      "ip saddr 10.244.0.0/24 snat prefix to 172.20.3.0/24",
      "ip saddr 172.20.3.4",
      SOURCES,
      "10.244.0.4: drop, 10.244.0.5: pass, from an address mapped to 172.20.3.0-172.20.3.255",
      ["10.244.0.4: drop", "10.244.0.5: pass, from 172.20.3.5 (mapped to 172.20.3.0-172.20.3.255)"],
    ],
  ])("%s; %s drop, of %s", (rule, match, fields, together, alone) => {
    expect(fatesTogether(nat(rule, match), { fields }).join(", ")).toBe(together);
    expect(fatesAlone(nat(rule, match), { fields })).toEqual(alone);
  });

  test("packets of one state that have a port each are not told more of", () => {
    const before =
      "chain d { type nat hook prerouting priority -100; dnat to tcp sport map { 1000 : 10.1.0.1, 1002 : 10.1.0.2 }; }";
    const program = nat("meta l4proto tcp snat to :1000-1001", "tcp sport 1000", before);
    expect(fatesTogether(program, { fields: "sport 1000 1002" })).toEqual(
      [1, 2].map(
        (n) => `${998 + 2 * n}: ${dropOr("tcp sport == 1000", `to 10.1.0.${n}:80, from the node's address:1000-1001`)}`,
      ),
    );
  });
});

describe("a packet that leaves by a route", () => {
  const UDP = "cni0 udp 10.1.0.9:5000 > 203.0.113.5:53";
  const PING = "cni0 icmp 10.1.0.9:0 > 203.0.113.5:0";

  function sent(program: Program, text: string, environment: Environment): string[] {
    return new Evaluator(program).evaluateWhole(packetText(text), environment).flatMap(({ results }) =>
      results.map(({ sent: departure, disposition }) => {
        const source = "source" in disposition ? disposition.source : undefined;
        const told = source?.kind === "given" ? source.text : (source?.kind ?? "");
        if (departure === undefined) return disposition.kind;
        const { tuple, choices } = departure;
        return [tupleText(tuple), ...choices.map(({ text }) => text), told].join("; ");
      }),
    );
  }

  test.each<[rule: string, packet: string, leaves: string, environment?: Environment]>([
    ["snat to 192.168.0.77", UDP, "192.168.0.77:5000 > 203.0.113.5:53; 192.168.0.77"],
    [
      "snat to 192.168.0.77-192.168.0.79",
      UDP,
      "192.168.0.77:5000 > 203.0.113.5:53; an address of 192.168.0.77-192.168.0.79; 192.168.0.77-192.168.0.79",
    ],
    [
      "snat to 192.168.0.77-192.168.0.78 fully-random",
      UDP,
      "192.168.0.77:5000 > 203.0.113.5:53; an address of 192.168.0.77-192.168.0.78; a port of 1024-65535; 192.168.0.77-192.168.0.78",
    ],
    // A port that is among those that are given stays.
    [
      "meta l4proto udp snat to 192.168.0.77:1000-5000",
      UDP,
      "192.168.0.77:5000 > 203.0.113.5:53; 192.168.0.77:1000-5000",
    ],
    [
      "meta l4proto udp snat to 192.168.0.77:5000-6000",
      UDP,
      "192.168.0.77:5000 > 203.0.113.5:53; 192.168.0.77:5000-6000",
    ],
    [
      "meta l4proto udp snat to 192.168.0.77:5001-6000",
      UDP,
      "192.168.0.77:5001 > 203.0.113.5:53; a port of 5001-6000; 192.168.0.77:5001-6000",
    ],
    [
      "meta l4proto udp snat to :1000-4999",
      UDP,
      "10.1.0.9:1000 > 203.0.113.5:53; a port of 1000-4999; the node's address:1000-4999",
    ],
    [
      "meta l4proto udp snat to 192.168.0.77:5000-6000 random",
      UDP,
      "192.168.0.77:5000 > 203.0.113.5:53; a port of 5000-6000; 192.168.0.77:5000-6000",
    ],
    ["meta l4proto icmp snat to 192.168.0.77:5000-6000", PING, "192.168.0.77:0 > 203.0.113.5:0; 192.168.0.77"],
    ["masquerade", UDP, "192.168.0.2:5000 > 203.0.113.5:53; masqueraded"],
    ["masquerade random", UDP, "192.168.0.2:5000 > 203.0.113.5:53; a port of 1024-65535; masqueraded"],
    ["masquerade random", PING, "192.168.0.2:0 > 203.0.113.5:0; masqueraded"],
    [
      "meta l4proto udp masquerade to :7000-7999",
      UDP,
      "192.168.0.2:7000 > 203.0.113.5:53; a port of 7000-7999; the node's address:7000-7999",
    ],
    ["masquerade", UDP, "drop", { ...NODE, route: () => ({ kind: "forward", interface: "eth0" }) }],
  ])("%s, of %s: %s", (rule, packet, leaves, environment = NODE) => {
    expect(sent(nat(rule), packet, environment)).toEqual([leaves]);
  });

  test.each<[rule: string, leaves: string]>([
    // iptables 1.8.9 sets no base for sources: it counts as 0.
    ["-j SNAT --to-source 192.168.0.77:7000-7999/5000", "192.168.0.77:7001 > 203.0.113.5:53; 192.168.0.77:7000-7999/0"],
    ["-j SNAT --to-source 192.168.0.77:7000-7000/5000", "192.168.0.77:7000 > 203.0.113.5:53; 192.168.0.77:7000/0"],
  ])("-p udp %s: %s", (rule, leaves) => {
    const program = mustReadIptables(`*nat\n-A POSTROUTING -p udp ${rule}\nCOMMIT\n`);
    expect(sent(program, "cni0 udp 10.1.0.9:5001 > 203.0.113.5:53", NODE)).toEqual([leaves]);
  });

  test("which address of the node it is the route says", () => {
    const evaluator = new Evaluator(nat("masquerade random"));
    const passages = evaluator.enter("postrouting", evaluator.start(packetText(UDP), NODE));
    expect(passages.map(({ choices }) => choices)).toEqual([
      [
        { of: "port", text: "a port of 1024-65535" },
        { of: "address", text: "an address of the node" },
      ],
    ]);
  });

  test.each<[rule: string, source: string]>([
    ["snat to 192.168.0.77", "192.168.0.77"],
    ["masquerade", "192.168.0.2"],
    ["meta l4proto udp masquerade to :1000", "192.168.0.2"],
  ])("an address that a network plugin chooses: %s", (rule, source) => {
    const by = (statement: Statement): Statement =>
      statement.kind === "snat" || statement.kind === "masquerade" ? { ...statement, by: "Plug" } : statement;
    const { ruleset, routes } = nat(rule);
    const tables = ruleset.tables.map((table) => ({
      ...table,
      chains: table.chains.map((chain) => ({
        ...chain,
        rules: chain.rules.map((each): Rule => ({ ...each, steps: each.steps.map((step) => by(step as Statement)) })),
      })),
    }));
    const [outcome] = new Evaluator({ ruleset: { tables }, routes }).evaluateWhole(packetText(UDP), NODE);
    expect(outcome?.results.map(({ designer, disposition }) => [designer, disposition])).toMatchObject([
      ["Plug", { source: { kind: "given", text: "an address that Plug chooses" } }],
    ]);
    expect(outcome?.results[0]?.sent?.tuple.source).toBe(address(source));
  });

  test("an IPv6 address with ports stands in brackets", () => {
    const program = mustReadNft(
      "table ip6 t {\nchain n { type nat hook postrouting priority 100; meta l4proto udp snat to [2001:db8::7]:1000; }\n}",
    );
    expect(sent(program, "cni0 udp [2001:db8:1::9]:5000 > [2001:db8:2::5]:53", nodeWith([]))).toEqual([
      "[2001:db8::7]:1000 > [2001:db8:2::5]:53; [2001:db8::7]:1000",
    ]);
  });
});
