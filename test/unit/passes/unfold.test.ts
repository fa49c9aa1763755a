/**
 * What each kind of rule becomes without lookups, in the words of nft: chains that are made have names of several words.
 * Long because each kind of step has its rows here.
 */
import { describe, expect, test } from "vitest";
import { lineAndColumn } from "../../../compiler/diagnostics.ts";
import { Evaluator } from "../../../compiler/evaluate/evaluate.ts";
import { environmentOf, type Packet } from "../../../compiler/evaluate/packet.ts";
import { printRule } from "../../../compiler/formats/nft/print.ts";
import type { Program, Table } from "../../../compiler/ir/types.ts";
import { type Address, parseAddress, printAddressPort } from "../../../compiler/net/address.ts";
import { unfoldLookups } from "../../../compiler/passes/lookups/unfold.ts";
import { unfold } from "../../support/compile.ts";
import { mustReadNft } from "../../support/read.ts";
import { some } from "../../support/runs.ts";

type Row = [what: string, rules: readonly string[], wanted: readonly string[], ...declared: string[]];

/** A table whose base chain `c` has `rules` in its lines from 3 on; other things are `declared` behind it. */
function tableOf(rules: readonly string[], declared: readonly string[], hook = "nat hook prerouting"): Program {
  const family = [...rules, ...declared].some((line) => line.includes("ip6 ")) ? "ip6" : "ip";
  const base = ["chain c {", `type ${hook} priority 0; policy accept;`, ...rules, "}"];
  return mustReadNft([`table ${family} t { ${base.join("\n")}`, ...declared, "}\n"].join("\n"));
}

function onlyTable({ ruleset }: Program): Table {
  const [table] = ruleset.tables;
  if (table === undefined) throw new Error("no table");
  return table;
}

/** The rules of `c`, and those of other chains behind the chain's name. */
function rulesOf(program: Program): string[] {
  const { family, chains } = onlyTable(program);
  return chains.flatMap(({ name, rules }) =>
    rules.map((rule) => `${name === "c" ? "" : `${name}: `}${printRule(rule, family)}`),
  );
}

/** Packets that differ in what the rows test. */
function packetsFor(family: Table["family"]): Packet[] {
  const address = (i: number): Address => parseAddress(family === "ip" ? `10.0.0.${i}` : `fd00::${i}`) as Address;
  return Array.from({ length: 24 }, (_, i) => ({
    ...{ protocol: i % 3 === 0 ? 17 : 6, sourcePort: 1, destinationPort: [80, 81, 22, 53][i % 4] ?? 0 },
    ...{ source: address((i % 5) + 1), destination: address((i % 7) + 1), mark: (i >> 1) % 4 },
    inInterface: ["lo", "eth0", "eth1"][(i >> 2) % 3],
  }));
}

/** What becomes of packets. */
function outcomesIn(program: Program): unknown {
  const evaluator = new Evaluator(program);
  return some(packetsFor(onlyTable(program).family), 7).map((packet) =>
    evaluator.evaluateWhole(packet, environmentOf([])).map(({ verdict, rejectWith, endpoints, assumptions }) => ({
      ...{ verdict, rejectWith, assumptions },
      endpoints: endpoints.map(
        ({ address, port, probability, masquerade }) =>
          `${printAddressPort(address, port)} ${masquerade} ${probability.toFixed(6)}`,
      ),
    })),
  );
}

/** Holds what rules become against what is wanted, and what that does to packets against what the rules do. */
function testRows(rows: readonly Row[], hook?: string): void {
  test.each(rows)("%s", (_, rules, wanted, ...declared) => {
    const program = tableOf(rules, declared, hook);
    const unfolded = unfold(program);
    expect(rulesOf(unfolded)).toEqual(wanted);
    expect(outcomesIn(unfolded)).toEqual(outcomesIn(program));
  });
}

/** A chain that does something to some packets, and what it becomes. */
const MARKED = "chain marked { meta mark 0x1 drop; }";
const MARKED_RULE = "marked: meta mark 0x00000001 drop";
const NONE = "chain none { }";
/** Of one packet of two. */
const HALF = "meta random & 2147483647 < 1073741824";

describe("a verdict", () => {
  testRows([
    ["ends a chain", ["accept", "drop"], ["accept"]],
    ["of some packets does not", ['iifname "lo" accept', "drop"], ['iifname "lo" accept', "drop"]],
    ["to continue does nothing", ['iifname "lo" continue', "drop"], ["drop"]],
    ["to return stays", ['iifname "lo" return', "drop"], ['iifname "lo" return', "drop"]],
    ["to jump where nothing is done is none", ['iifname "lo" jump none', "drop"], ["drop"], NONE],
    [
      "to go where nothing is done is a return",
      ['iifname "lo" goto none', "drop"],
      ['iifname "lo" return', "drop"],
      NONE,
    ],
    ["to go there ends a chain", ["goto none", "drop"], ["return"], NONE],
    [
      "to jump to a chain that does one thing to all packets is that thing",
      ['iifname "lo" jump one comment "lo"', "drop"],
      ['iifname "lo" accept comment "lo"', "drop"],
      "chain one { accept; }",
    ],
    ["to jump there ends a chain", ["jump one", "drop"], ["accept"], "chain one { accept; }"],
    ["to jump goes on", ["jump marked", "accept"], ["jump marked", "accept", MARKED_RULE], MARKED],
    ["to jump at the end is a goto", ["jump marked"], ["goto marked", MARKED_RULE], MARKED],
    ["to go ends a chain", ["goto marked", "accept"], ["goto marked", MARKED_RULE], MARKED],
    [
      "to go does not where some packets stay",
      ['iifname "lo" goto marked', "accept"],
      ['iifname "lo" goto marked', "accept", MARKED_RULE],
      MARKED,
    ],
    [
      "leads past a chain that only leads on",
      ['iifname "lo" jump first', "accept"],
      ['iifname "lo" jump marked', "accept", MARKED_RULE],
      ...[MARKED, "chain first { jump marked; }"],
    ],
    [
      "that leads all packets on has no comment",
      ['iifname "lo" jump marked comment "some"', 'jump marked comment "all"', 'drop comment "rest"'],
      ['iifname "lo" jump marked comment "some"', "jump marked", 'drop comment "rest"', MARKED_RULE],
      MARKED,
    ],
    [
      "leads to a copy of the chain for what is known",
      ['iifname "lo" jump some', 'iifname "eth0" jump some', "jump some"],
      [
        'iifname "lo" jump some (iifname lo)',
        'iifname "eth0" drop',
        "goto some",
        "some (iifname lo): meta mark 0x00000001 accept",
        "some (iifname lo): drop",
        'some: iifname "lo" meta mark 0x00000001 accept',
        "some: drop",
      ],
      'chain some { iifname "lo" meta mark 0x1 accept; drop; }',
    ],
  ]);
});

describe("what packets do not come back from", () => {
  const rowsOf = (...statements: readonly string[]): readonly Row[] =>
    statements.flatMap((statement): readonly Row[] => {
      const some = `iifname "lo" ${statement} comment "of lo"`;
      return [
        [`${statement} ends a chain`, [statement, "accept"], [statement]],
        [`${statement} of some packets does not`, [some, "accept"], [some, "accept"]],
      ];
    });
  testRows(rowsOf("dnat to 10.0.0.9", "redirect"));
  testRows(rowsOf("masquerade", "snat to 10.0.0.9"), "nat hook postrouting");
  testRows(rowsOf("reject"), "filter hook forward");
});

describe("what writes ports", () => {
  const rowsOf = (...statements: readonly string[]): readonly Row[] =>
    statements.map((statement) => [
      `is told the protocol that is known: ${statement}`,
      ["meta l4proto udp jump ports", "drop"],
      [
        "meta l4proto udp jump ports (l4proto 17)",
        "drop",
        "ports (l4proto 17): meta mark 0x00000001 accept",
        `ports (l4proto 17): meta l4proto udp ${statement}`,
      ],
      `chain ports { meta mark 0x1 accept; meta l4proto udp ${statement}; }`,
    ]);
  testRows(rowsOf("redirect to :53", "dnat to 10.0.0.9:53"));
  testRows(rowsOf("masquerade to :1024-2048", "snat to 10.0.0.9:53"), "nat hook postrouting");
  testRows([
    [
      "where it does not, it is not told",
      ["meta l4proto udp jump own"],
      ["meta l4proto udp redirect"],
      "chain own { meta l4proto udp redirect; }",
    ],
  ]);
});

describe("what packets go on behind", () => {
  testRows([
    ["a counter is left out", ['iifname "lo" counter drop', "counter", "accept"], ['iifname "lo" drop', "accept"]],
    [
      "marks and logs stay",
      ["meta mark set 0x1", 'iifname "lo" meta mark set 0x3', "ct mark set meta mark", "notrack", "accept"],
      [
        "meta mark set 0x00000001",
        'iifname "lo" meta mark set 0x00000003',
        "ct mark set meta mark",
        "notrack",
        "accept",
      ],
    ],
    [
      "what the rule does then stands in the next rules",
      ['meta mark set 0x1 log prefix "x" accept comment "both"', "drop"],
      ['meta mark set 0x00000001 comment "both"', 'log prefix "x" comment "both"', 'accept comment "both"'],
    ],
    [
      "nothing but counters may be behind where some packets stay",
      ['iifname "lo" log prefix "x" counter', "accept"],
      ['iifname "lo" log prefix "x"', "accept"],
    ],
  ]);
});

describe("a test", () => {
  testRows([
    [
      "is left out where it is known to hold, its rule where it is known not to",
      ['iifname "lo" jump known', "drop"],
      [
        'iifname "lo" jump known (iifname lo)',
        "drop",
        "known (iifname lo): meta mark 0x00000001 accept",
        "known (iifname lo): meta mark 0x00000002 accept",
      ],
      `chain known { iifname "lo" meta mark 0x1 accept; iifname "eth0" accept; iifname != "lo" accept; iifname "l*" meta mark 0x2 accept; }`,
    ],
    [
      "of a value teaches it",
      ['iifname "lo" iifname "eth0" accept', 'iifname "lo" iifname "lo" drop'],
      ['iifname "lo" drop'],
    ],
    ["of other values does not", ['iifname != "lo" iifname "eth0" accept'], ['iifname != "lo" iifname "eth0" accept']],
    [
      "of values below does not",
      ["meta mark < 0x2 meta mark 0x3 accept"],
      ["meta mark < 0x00000002 meta mark 0x00000003 accept"],
    ],
    [
      "of some bits does not",
      ["meta mark & 0x3 == 0x1 meta mark & 0x3 == 0x1 meta mark 0x2 accept"],
      ["meta mark & 0x00000003 == 0x00000001 meta mark & 0x00000003 == 0x00000001 meta mark 0x00000002 accept"],
    ],
    [
      "of the beginning of a name does not",
      ['iifname "eth*" iifname "eth0" accept', 'iifname "eth0" iifname "eth*" drop'],
      ['iifname "eth*" iifname "eth0" accept', 'iifname "eth0" drop'],
    ],
    [
      "of chance stays between the others",
      ['iifname "lo" meta random & 2147483647 < 1073741824 ip saddr 10.0.0.1 accept'],
      ['iifname "lo" meta random & 2147483647 < 1073741824 ip saddr 10.0.0.1 accept'],
    ],
    [
      "that is not understood stays between the others",
      ['iifname "lo" limit rate 5/minute ip saddr 10.0.0.1 accept'],
      ['iifname "lo" limit rate 5/minute ip saddr 10.0.0.1 accept'],
    ],
    [
      "of a port teaches the protocol",
      ["udp dport 53 jump ports"],
      ["meta l4proto udp udp dport 53 accept"],
      "chain ports { tcp dport 53 drop; udp dport 54 drop; udp dport 53 accept; }",
    ],
  ]);
});

describe("what is known of a field", () => {
  const SET_MARK = "chain set-mark { meta mark set 0x2; }";
  testRows(
    [
      [
        "is forgotten where a chain writes it",
        ["meta mark 0x1 jump writing"],
        [
          "meta mark 0x00000001 jump writing",
          "writing: meta mark set 0x00000002",
          "writing: meta mark 0x00000001 drop",
          "writing: accept",
        ],
        "chain writing { meta mark set 0x2; meta mark 0x1 drop; accept; }",
      ],
      [
        "is forgotten where a chain leads to one that writes it",
        ['meta mark 0x1 iifname "lo" goto leading'],
        [
          'meta mark 0x00000001 iifname "lo" goto leading (iifname lo)',
          "leading (iifname lo): jump set-mark",
          "leading (iifname lo): meta mark 0x00000001 drop",
          "leading (iifname lo): accept",
          "set-mark: meta mark set 0x00000002",
        ],
        ...[SET_MARK, 'chain leading { jump set-mark; iifname "lo" meta mark 0x1 drop; accept; }'],
      ],
    ],
    "filter hook forward",
  );
});

describe("a list in a rule", () => {
  const ports = (count: number): string => Array.from({ length: count }, (_, i) => 2 * i + 1).join(", ");
  const ranges = (count: number): string =>
    Array.from({ length: count }, (_, i) => `${3 * i + 1}-${3 * i + 2}`).join(", ");
  const each = (list: string): string[] => list.split(", ").map((port) => `meta l4proto tcp tcp dport ${port} drop`);
  testRows([
    [
      "of addresses is a row of rules",
      ['ip saddr { 10.0.0.1, 10.0.0.3-10.0.0.4 } iifname "lo" accept comment "list"', "drop"],
      [
        'ip saddr 10.0.0.1 iifname "lo" accept comment "list"',
        'ip saddr 10.0.0.3-10.0.0.4 iifname "lo" accept comment "list"',
        "drop",
      ],
    ],
    [
      "teaches each of its values",
      ["ip saddr { 10.0.0.1, 10.0.0.3 } ip saddr 10.0.0.1 accept"],
      ["ip saddr 10.0.0.1 accept"],
    ],
    [
      "of others leads its own past the rule",
      ['iifname "lo" ip saddr != { 10.0.0.1, 10.0.0.3 } accept', "drop", "accept"],
      [
        'iifname "lo" ip saddr 10.0.0.1 goto c+1',
        'iifname "lo" ip saddr 10.0.0.3 goto c+1',
        'iifname "lo" accept',
        "drop",
        "c+1: drop",
      ],
    ],
    [
      "is a test where the value is known",
      ["ip saddr 10.0.0.1 jump known", "ip saddr 10.0.0.2 jump known"],
      [
        "ip saddr 10.0.0.1 jump known (saddr 10.0.0.1)",
        "ip saddr 10.0.0.2 jump known (saddr 10.0.0.2)",
        "known (saddr 10.0.0.1): meta mark 0x00000001 drop",
        "known (saddr 10.0.0.1): accept",
        "known (saddr 10.0.0.2): meta mark 0x00000002 drop",
        "known (saddr 10.0.0.2): accept",
      ],
      `chain known {
        ip saddr { 10.0.0.1, 10.0.0.3 } meta mark 0x1 drop
        ip saddr != { 10.0.0.1, 10.0.0.3 } meta mark 0x2 drop
        accept
      }`,
    ],
    [
      "of one interval is one test",
      ["ip saddr 10.0.0.2-10.0.0.4 accept", "ip saddr != 10.0.0.2-10.0.0.4 drop"],
      ["ip saddr 10.0.0.2-10.0.0.4 accept", "ip saddr != 10.0.0.2-10.0.0.4 drop"],
    ],
    [
      "of one interval of many ports is one test",
      ["tcp dport 80-90 accept", "tcp dport != 80-90 drop"],
      ["meta l4proto tcp tcp dport 80-90 accept", "meta l4proto tcp tcp dport != 80-90 drop"],
    ],
    [
      "of 15 ports is one test",
      [`tcp dport { ${ports(15)} } drop`],
      [`meta l4proto tcp tcp dport { ${ports(15)} } drop`],
    ],
    ["of 16 ports is a row of rules", [`tcp dport { ${ports(16)} } drop`], each(ports(16))],
    [
      "of 7 ranges of ports and a port is one test",
      [`tcp dport { ${ranges(7)}, 80 } drop`],
      [`meta l4proto tcp tcp dport { ${ranges(7)}, 80 } drop`],
    ],
    ["of 8 ranges of ports is a row of rules", [`tcp dport { ${ranges(8)} } drop`], each(ranges(8))],
    [
      "of types of addresses is one test",
      ["fib daddr type { local, broadcast } accept"],
      ["fib daddr type { local, broadcast } accept"],
    ],
    [
      "of names is a row of rules",
      ['iifname { "lo", "eth0" } accept'],
      ['iifname "eth0" accept', 'iifname "lo" accept'],
    ],
    [
      "of what is no field is one test",
      ["meta mark & 0x3 { 0x1, 0x3 } accept"],
      ["meta mark & 0x00000003 { 0x00000001, 0x00000003 } accept"],
    ],
    [
      "of addresses of IPv6 is a row of rules",
      ["ip6 saddr { fd00::1, fd00::4/127 } accept", "ip6 saddr fd00::/64 drop"],
      ["ip6 saddr fd00::1 accept", "ip6 saddr fd00::4/127 accept", "ip6 saddr fd00::/64 drop"],
    ],
  ]);
});

describe("a tree of many elements", () => {
  const addresses = (family: 4 | 6): string =>
    Array.from({ length: 24 }, (_, i) => (family === 4 ? `10.0.${i % 3}.${7 * i}` : `fd00::${i % 3}:${7 * i}`)).join(
      ", ",
    );

  test("of a list in a rule is that of a set", () => {
    const declared = [`set some { type ipv4_addr; elements = { ${addresses(4)} }; }`];
    const ofSet = rulesOf(unfold(tableOf(["ip saddr @some accept", "drop"], declared)));
    expect(rulesOf(unfold(tableOf([`ip saddr { ${addresses(4)} } accept`, "drop"], [])))).toEqual(ofSet);
    expect(ofSet[0]).toBe("jump c+0 ()");
  });

  test("by the address that a packet had first is that by an address of the packet, in the table's family", () => {
    const rulesBy = (field: string): string[] =>
      rulesOf(
        unfold(
          tableOf([`${field} @some accept`, "drop"], [`set some { type ipv6_addr; elements = { ${addresses(6)} }; }`]),
        ),
      );
    expect(rulesBy("ct original ip6 daddr").map((rule) => rule.replace("ct original ip6 daddr", "ip6 daddr"))).toEqual(
      rulesBy("ip6 daddr"),
    );
  });
});

describe("a set", () => {
  const SET = 'set some { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.3 comment "three" }; }';
  const PAIRS = "{ 10.0.0.1 . 80, 10.0.0.2 . 81 }";
  testRows([
    [
      "is a row of rules, each with its element's comment or the rule's",
      ['ip saddr @some accept comment "rule"', "drop"],
      ['ip saddr 10.0.0.1 accept comment "rule"', 'ip saddr 10.0.0.3 accept comment "three"', "drop"],
      SET,
    ],
    [
      "leads its own past a rule for the others",
      ['iifname "lo" ip saddr != @some meta mark 0x1 accept comment "rule"', 'drop comment "next"'],
      [
        'iifname "lo" ip saddr 10.0.0.1 goto c+1',
        'iifname "lo" ip saddr 10.0.0.3 goto c+1',
        'iifname "lo" meta mark 0x00000001 accept comment "rule"',
        'drop comment "next"',
        'c+1: drop comment "next"',
      ],
      SET,
    ],
    [
      "leads its own back where nothing is behind",
      ["ip saddr != @some meta mark 0x1 drop"],
      ["ip saddr 10.0.0.1 return", "ip saddr 10.0.0.3 return", "meta mark 0x00000001 drop"],
      SET,
    ],
    [
      "without elements is for no packet, and not for each",
      ["ip saddr @empty accept", "ip saddr != @empty meta mark 0x1 drop", "ip saddr != @empty drop", "accept"],
      ["meta mark 0x00000001 drop", "drop"],
      "set empty { type ipv4_addr; }",
    ],
    [
      "behind a test of chance is a row of rules: each packet passes that of one of them",
      [`${HALF} ip saddr @some accept`, `${HALF} ip saddr != @empty drop`],
      [`${HALF} ip saddr 10.0.0.1 accept`, `${HALF} ip saddr 10.0.0.3 accept comment "three"`, `${HALF} drop`],
      SET,
      "set empty { type ipv4_addr; }",
    ],
    [
      "is no test where the key is known",
      ["ip saddr 10.0.0.1 jump known", "ip saddr 10.0.0.2 jump known"],
      [
        "ip saddr 10.0.0.1 jump known (saddr 10.0.0.1)",
        "ip saddr 10.0.0.2 jump known (saddr 10.0.0.2)",
        "known (saddr 10.0.0.1): meta mark 0x00000001 drop",
        "known (saddr 10.0.0.1): accept",
        "known (saddr 10.0.0.2): meta mark 0x00000002 drop",
        "known (saddr 10.0.0.2): accept",
      ],
      ...[SET, "chain known { ip saddr @some meta mark 0x1 drop; ip saddr != @some meta mark 0x2 drop; accept; }"],
    ],
    [
      "in a rule is one like others",
      [`ip saddr . tcp dport ${PAIRS} accept`],
      [
        "meta l4proto tcp ip saddr 10.0.0.1 tcp dport 80 accept",
        "meta l4proto tcp ip saddr 10.0.0.2 tcp dport 81 accept",
      ],
    ],
    [
      "is asked for what of the key is not known",
      [
        `tcp dport 80 ip saddr . tcp dport ${PAIRS} accept`,
        `tcp dport 81 ip saddr . tcp dport != ${PAIRS} accept`,
        "drop",
      ],
      [
        "meta l4proto tcp tcp dport 80 ip saddr 10.0.0.1 accept",
        "meta l4proto tcp tcp dport 81 ip saddr 10.0.0.2 goto c+2",
        "meta l4proto tcp tcp dport 81 accept",
        "drop",
        "c+2: drop",
      ],
    ],
    [
      "has no packet of another protocol than its ports",
      ["meta l4proto udp jump ports", "drop"],
      ["drop"],
      `chain ports { ip saddr . tcp dport ${PAIRS} accept; }`,
    ],
    [
      "of IPv6 is one like others",
      ["ip6 saddr @some accept"],
      ["ip6 saddr fd00::1 accept", "ip6 saddr fd00::3 accept"],
      "set some { type ipv6_addr; elements = { fd00::1, fd00::3 }; }",
    ],
  ]);
});

describe("a set that rules fill", () => {
  const SET = "set seen { type ipv4_addr . inet_proto . inet_service; size 9; flags dynamic,timeout; timeout 10s; }";
  const KEY = "ip saddr . meta l4proto . th dport";

  test("is one for each value that is known, with the rest of the key", () => {
    const declared = [
      SET,
      `chain known {
        iifname "lo" ${KEY} @seen accept
        iifname "eth0" ${KEY} != @seen iifname "eth0" drop comment "not seen"
        update @seen { ${KEY} } accept comment "both"
        drop
      }`,
    ];
    const rules = ["tcp dport 80 jump known", "udp dport 53 ip saddr 10.0.0.1 jump known", `${KEY} @seen accept`];
    const unfolded = unfold(tableOf(rules, declared));
    expect(rulesOf(unfolded)).toEqual([
      "meta l4proto tcp tcp dport 80 jump known (dport 80, l4proto 6)",
      "meta l4proto udp udp dport 53 ip saddr 10.0.0.1 jump known (dport 53, l4proto 17, saddr 10.0.0.1)",
      `${KEY} @seen accept`,
      'known (dport 80, l4proto 6): iifname "lo" ip saddr @seen/6/50 accept',
      'known (dport 80, l4proto 6): iifname "eth0" ip saddr != @seen/6/50 drop comment "not seen"',
      'known (dport 80, l4proto 6): update @seen/6/50 { ip saddr } comment "both"',
      'known (dport 80, l4proto 6): accept comment "both"',
      'known (dport 53, l4proto 17, saddr 10.0.0.1): iifname "lo"  @seen/a000001/11/35 accept',
      'known (dport 53, l4proto 17, saddr 10.0.0.1): iifname "eth0"  != @seen/a000001/11/35 drop comment "not seen"',
      'known (dport 53, l4proto 17, saddr 10.0.0.1): update @seen/a000001/11/35 {  } comment "both"',
      'known (dport 53, l4proto 17, saddr 10.0.0.1): accept comment "both"',
    ]);
    const seen = { elements: [], size: 9, dynamic: true, timeoutSeconds: 10 };
    const types = onlyTable(unfolded).sets.map(({ name, key }) => `${name}: ${key.map(({ type }) => type).join()}`);
    expect(onlyTable(unfolded).sets).toMatchObject([seen, seen, seen]);
    expect(types).toEqual(["seen/6/50: ipv4_addr", "seen/a000001/11/35: ", "seen: ipv4_addr,inet_proto,inet_service"]);
  });

  test("has names that are known as they are", () => {
    const declared = [
      "set seen { type ifname . ipv4_addr; flags dynamic; }",
      `chain known {
        iifname . ip saddr @seen accept
        add @seen { iifname . ip saddr }
        delete @seen { iifname . ip saddr }
      }`,
    ];
    const unfolded = unfold(tableOf(['iifname "lo" jump known'], declared));
    expect(rulesOf(unfolded)).toEqual([
      'iifname "lo" jump known (iifname lo)',
      "known (iifname lo): ip saddr @seen/lo accept",
      "known (iifname lo): add @seen/lo { ip saddr }",
      "known (iifname lo): delete @seen/lo { ip saddr }",
    ]);
  });

  test("has addresses that are known as numbers", () => {
    const declared = [
      "set seen { type ipv6_addr . mark; flags dynamic; }",
      "chain known { ip6 saddr . meta mark @seen accept; }",
    ];
    const [, known] = rulesOf(unfold(tableOf(["ip6 saddr ::7:9 jump known"], declared)));
    expect(known).toBe(`known (saddr ::7:9): meta mark @seen/${7 * 2 ** 16 + 9} accept`);
  });

  test("is filled by packets of the protocol of its ports alone", () => {
    const declared = [
      "set seen { type ipv4_addr . inet_service; flags dynamic; }",
      "chain known { update @seen { ip saddr . tcp dport }; meta mark 0x1 drop; }",
    ];
    const unfolded = unfold(tableOf(["udp dport 53 jump known", "jump known"], declared));
    expect(rulesOf(unfolded)).toEqual([
      "meta l4proto udp udp dport 53 jump known (dport 53, l4proto 17)",
      "goto known",
      "known (dport 53, l4proto 17): meta mark 0x00000001 drop",
      "known: meta l4proto tcp update @seen { ip saddr . tcp dport }",
      "known: meta mark 0x00000001 drop",
    ]);
  });
});

describe("a verdict map", () => {
  const MAP = `map ways { type ipv4_addr : verdict; elements = { 10.0.0.1 : accept, 10.0.0.2 comment "two" : jump marked,
    10.0.0.3 : goto marked, 10.0.0.4 : drop, 10.0.0.5 : continue, 10.0.0.6 : return, 10.0.0.7 : jump none }; }`;
  testRows(
    [
      [
        "is a row of rules, each with its element's comment or the rule's",
        ['iifname "lo" ip saddr vmap @ways comment "rule"', "drop"],
        [
          'iifname "lo" ip saddr 10.0.0.1 accept comment "rule"',
          'iifname "lo" ip saddr 10.0.0.2 jump marked comment "two"',
          'iifname "lo" ip saddr 10.0.0.3 goto marked comment "rule"',
          'iifname "lo" ip saddr 10.0.0.4 drop comment "rule"',
          'iifname "lo" ip saddr 10.0.0.6 return comment "rule"',
          "drop",
          MARKED_RULE,
        ],
        ...[MAP, MARKED, NONE],
      ],
      [
        "is a verdict where the key is known",
        ["ip saddr 10.0.0.1 jump known", "ip saddr 10.0.0.3 jump known", "ip saddr 10.0.0.9 jump known"],
        ["ip saddr 10.0.0.1 accept", "ip saddr 10.0.0.3 jump marked", "ip saddr 10.0.0.9 drop", MARKED_RULE],
        ...[MAP, MARKED, NONE, "chain known { ip saddr vmap @ways; drop; }"],
      ],
      [
        "in a rule is one like others",
        ["ip saddr . tcp dport vmap { 10.0.0.1 . 80 : accept, 10.0.0.2 . 81 : drop }", "reject"],
        [
          "meta l4proto tcp ip saddr 10.0.0.1 tcp dport 80 accept",
          "meta l4proto tcp ip saddr 10.0.0.2 tcp dport 81 drop",
          "reject",
        ],
      ],
      [
        "has nothing for packets of another protocol than its ports",
        ["meta l4proto udp jump ports", "drop"],
        ["drop"],
        "chain ports { tcp dport vmap { 80 : accept }; }",
      ],
      [
        "of the only number leads all packets on",
        ["numgen random mod 1 vmap { 0 : goto marked }", "accept"],
        ["goto marked", MARKED_RULE],
        MARKED,
      ],
      [
        "of the only number without an element does nothing",
        ["numgen random mod 1 vmap { 1 : goto marked }", "accept"],
        ["accept"],
        MARKED,
      ],
    ],
    "filter hook forward",
  );

  const CHOICE = "chain choice { dnat to numgen random mod 2 map { 0 : 10.0.1.1, 1 : 10.0.1.2 }; }";
  testRows([
    [
      "says its element's comment at a choice, which is a copy for that",
      ['ip saddr vmap @ways comment "rule"', "drop"],
      [
        "ip saddr 10.0.0.1 jump choice one",
        "ip saddr 10.0.0.2 goto choice two",
        'ip saddr 10.0.0.3 jump choice comment "rule"',
        "drop",
        `choice one: ${HALF} dnat to 10.0.1.1 comment "one"`,
        "choice one: dnat to 10.0.1.2",
        `choice two: ${HALF} dnat to 10.0.1.1 comment "two"`,
        "choice two: dnat to 10.0.1.2",
        `choice: ${HALF} dnat to 10.0.1.1`,
        "choice: dnat to 10.0.1.2",
      ],
      `map ways { type ipv4_addr : verdict; elements = { 10.0.0.1 comment "one" : jump choice, 10.0.0.2 comment "two" : goto choice, 10.0.0.3 : jump choice }; }`,
      CHOICE,
    ],
    [
      "leads to no choice that is for another protocol",
      ['ip daddr . meta l4proto vmap { 10.0.0.1 . udp comment "one" : jump tcp-choice } comment "rule"', "drop"],
      ["drop"],
      "chain tcp-choice { dnat ip to tcp dport . numgen random mod 2 map { 80 . 0 : 10.0.1.1 . 80, 80 . 1 : 10.0.1.2 . 80 }; }",
    ],
  ]);
});

describe("a translation by a map", () => {
  testRows([
    [
      "is a row of rules, each with its element's comment or the rule's",
      [
        'iifname "lo" dnat to ip daddr map { 10.0.0.1 : 10.0.1.1, 10.0.0.2 comment "two" : 10.0.1.2 } comment "rule"',
        "drop",
      ],
      [
        'iifname "lo" ip daddr 10.0.0.1 dnat to 10.0.1.1 comment "rule"',
        'iifname "lo" ip daddr 10.0.0.2 dnat to 10.0.1.2 comment "two"',
        "drop",
      ],
    ],
    [
      "is a translation where the key is known",
      ["ip daddr 10.0.0.1 jump known", "ip daddr 10.0.0.3 jump known"],
      [
        "ip daddr 10.0.0.1 jump known (daddr 10.0.0.1)",
        "ip daddr 10.0.0.3 drop",
        "known (daddr 10.0.0.1): dnat to 10.0.1.1 persistent",
      ],
      "map places { type ipv4_addr : ipv4_addr; elements = { 10.0.0.1 : 10.0.1.1, 10.0.0.2 : 10.0.1.2 }; }",
      "chain known { dnat to ip daddr map @places persistent; drop; }",
    ],
    [
      "has its protocol beside its ports",
      ["dnat ip to ip daddr . tcp dport map { 10.0.0.1 . 80 : 10.0.1.1 . 8080 }", "tcp dport 81 jump known", "drop"],
      [
        "meta l4proto tcp ip daddr 10.0.0.1 tcp dport 80 dnat to 10.0.1.1:8080",
        "meta l4proto tcp tcp dport 81 jump known (dport 81, l4proto 6)",
        "drop",
        "known (dport 81, l4proto 6): meta l4proto tcp dnat to 10.0.1.2:8081",
      ],
      "chain known { dnat ip to tcp dport map { 81 : 10.0.1.2 . 8081 }; }",
    ],
    [
      "is none for packets of another protocol than its ports",
      ["meta l4proto udp jump ports", "drop"],
      ["drop"],
      "chain ports { dnat ip to tcp dport map { 80 : 10.0.1.1 . 80 }; }",
    ],
    [
      "of the only number is a translation",
      ["dnat to numgen random mod 1 map { 0 : 10.0.1.1 }", "drop"],
      ["dnat to 10.0.1.1"],
    ],
    [
      "of the only number without an element is none",
      ["dnat to numgen random mod 1 map { 1 : 10.0.1.1 }", "drop"],
      ["drop"],
    ],
    [
      "by chance is a choice",
      ['dnat to numgen random mod 2 map { 0 : 10.0.1.1, 1 : 10.0.1.2 } comment "rule"', "drop"],
      [`${HALF} dnat to 10.0.1.1 comment "rule"`, 'dnat to 10.0.1.2 comment "rule"'],
    ],
    [
      "by chance without an element for a number leads on",
      ["dnat to numgen random mod 2 map { 1 : 10.0.1.2 }", "drop"],
      [`${HALF} goto c+1`, "dnat to 10.0.1.2", "c+1: drop"],
    ],
    [
      "by chance and by an open key narrows the key down, then chooses with all tests that it has passed",
      [
        `iifname "lo" dnat to ip daddr . numgen random mod 2 map {
          10.0.0.1 . 0 : 10.0.1.1, 10.0.0.1 . 1 : 10.0.1.2, 10.0.0.2 . 1 : 10.0.1.3
        } comment "rule"`,
        "drop",
      ],
      [
        'iifname "lo" ip daddr 10.0.0.1 goto c (daddr 10.0.0.1, iifname lo)',
        'iifname "lo" ip daddr 10.0.0.2 goto c (daddr 10.0.0.2, iifname lo)',
        "drop",
        `c (daddr 10.0.0.1, iifname lo): ${HALF} dnat to 10.0.1.1 comment "rule"`,
        'c (daddr 10.0.0.1, iifname lo): dnat to 10.0.1.2 comment "rule"',
        `c (daddr 10.0.0.2, iifname lo): ${HALF} goto c+1 (daddr 10.0.0.2, iifname lo)`,
        'c (daddr 10.0.0.2, iifname lo): dnat to 10.0.1.3 comment "rule"',
        "c+1 (daddr 10.0.0.2, iifname lo): drop",
      ],
    ],
  ]);

  test("of a key that the rule's tests leave out is none", () => {
    const map = "{ 10.0.0.1 . 0 : 10.0.1.1, 10.0.0.2 . 0 : 10.0.1.2 }";
    const rules = [`ip daddr != 10.0.0.1 dnat to ip daddr . numgen random mod 2 map ${map}`];
    expect(rulesOf(unfold(tableOf(rules, [])))).toEqual([
      "ip daddr != 10.0.0.1 ip daddr 10.0.0.2 goto c (daddr 10.0.0.2)",
      `c (daddr 10.0.0.2): ${HALF} dnat to 10.0.1.2`,
    ]);
  });

  test("in turn is a choice in turn", () => {
    const rules = ["dnat to numgen inc mod 2 map { 0 : 10.0.1.1, 1 : 10.0.1.2 }", "drop"];
    expect(rulesOf(unfold(tableOf(rules, [])))).toEqual(["numgen inc mod 2 0 dnat to 10.0.1.1", "dnat to 10.0.1.2"]);
  });
});

describe("the packet's priority", () => {
  const MAP = "map numbers { type ipv4_addr : classid; elements = { 10.0.0.1 : 0:1, 10.0.0.2 : 0:2 }; }";
  testRows([
    [
      "is known behind a rule that writes it, which is left out",
      ["meta priority set 0:1", "meta priority 0:1 meta mark 0x1 accept", "meta priority 0:2 accept", "drop"],
      ["meta mark 0x00000001 accept", "drop"],
    ],
    [
      "is known in that rule and behind it",
      ["meta priority set 0:1 meta priority 0:1 meta mark 0x1 accept", "meta priority 0:2 accept", "drop"],
      ["meta mark 0x00000001 accept", "drop"],
    ],
    [
      "is known of packets that leave the rule, too",
      ["meta priority set 0:1 ip saddr != { 10.0.0.1, 10.0.0.3 } accept", "meta priority 0:1 drop", "accept"],
      [
        "ip saddr 10.0.0.1 goto c+1 (priority 1)",
        "ip saddr 10.0.0.3 goto c+1 (priority 1)",
        "accept",
        "c+1 (priority 1): drop",
      ],
    ],
    [
      "is known where a map gives it for a known key, and is what it was where that has none",
      ["ip saddr 10.0.0.1 jump known", "meta priority set 0:2", "ip saddr 10.0.0.3 jump known"],
      [
        "ip saddr 10.0.0.1 jump known (saddr 10.0.0.1)",
        "ip saddr 10.0.0.3 jump known (priority 2, saddr 10.0.0.3)",
        "known (saddr 10.0.0.1): meta mark 0x00000001 accept",
        "known (saddr 10.0.0.1): drop",
        "known (priority 2, saddr 10.0.0.3): meta mark 0x00000002 accept",
        "known (priority 2, saddr 10.0.0.3): drop",
      ],
      MAP,
      `chain known {
        meta priority set ip saddr map @numbers
        meta priority 0:1 meta mark 0x1 accept
        meta priority 0:2 meta mark 0x2 accept
        drop
      }`,
    ],
    [
      "is known where a map of ports gives it for a known port, and is what it was for another protocol",
      ["meta priority set 0:2", "tcp dport 80 jump known", "udp dport 53 jump known"],
      [
        "meta l4proto tcp tcp dport 80 jump known (dport 80, l4proto 6, priority 2)",
        "meta l4proto udp udp dport 53 drop",
        "known (dport 80, l4proto 6, priority 2): meta mark 0x00000001 accept",
        "known (dport 80, l4proto 6, priority 2): drop",
      ],
      "chain known { meta priority set tcp dport map { 80 : 0:1, 53 : 0:1 }; meta priority 0:1 meta mark 0x1 accept; drop; }",
    ],
    [
      "is known of the only number",
      ["meta priority set numgen random mod 1 map { 0 : 0:1 }", "meta priority 0:2 accept", "drop"],
      ["drop"],
    ],
    [
      "is known in each of several copies where chance gives it",
      ["meta priority set numgen random mod 2 map { 0 : 0:1, 1 : 0:2 }", "meta priority 0:1 accept", "drop"],
      [`${HALF} goto c+1 (priority 1)`, "goto c+1 (priority 2)", "c+1 (priority 1): accept", "c+1 (priority 2): drop"],
    ],
    [
      "is what it was where chance gives none",
      [
        "meta priority set 0:3",
        "meta priority set numgen random mod 2 map { 1 : 0:1 }",
        "meta priority 0:1 accept",
        "meta priority 0:3 meta mark 0x1 accept",
        "drop",
      ],
      [
        `${HALF} goto c+2 (priority 3)`,
        "goto c+2 (priority 1)",
        "c+2 (priority 3): meta mark 0x00000001 accept",
        "c+2 (priority 3): drop",
        "c+2 (priority 1): accept",
      ],
    ],
    [
      "that chance gives is nothing to do where nothing is behind",
      ["meta priority set numgen random mod 2 map { 0 : 0:1, 1 : 0:2 }"],
      [],
    ],
  ]);

  test("is known in each of several copies where it is given in turn", () => {
    const rules = ["meta priority set numgen inc mod 2 map { 0 : 0:1, 1 : 0:2 }", "meta priority 0:1 accept", "drop"];
    expect(rulesOf(unfold(tableOf(rules, [])))).toEqual([
      ...["numgen inc mod 2 0 goto c+1 (priority 1)", "goto c+1 (priority 2)"],
      ...["c+1 (priority 1): accept", "c+1 (priority 2): drop"],
    ]);
  });
});

describe("a rule that has no counterpart is left out with its reason", () => {
  const OTHERS = "a set or map has an element for all other keys";
  const SET = "a set is asked with a key that rules cannot spell out";
  const VERDICTS = "a verdict map is asked with a key that rules cannot spell out";
  const TRANSLATION = "a translation is looked up with a key that rules cannot spell out";
  const FILLED = "a set is filled with a key that rules cannot spell out";
  const WRITTEN = "the packet's priority is written";
  const VALUE = "a value is looked up with a key that is not known";
  const TWO = "a rule with tests does more than one thing";
  const CHANCE = "what follows a test of chance takes several rules";
  const MAP = "map numbers { type ipv4_addr : classid; elements = { 10.0.0.1 : 0:1 }; }";
  test.each<[reason: string, rule: string, ...declared: readonly string[]]>([
    [OTHERS, "ip saddr @some accept", "set some { type ipv4_addr; flags interval; elements = { 10.0.0.1, * }; }"],
    [OTHERS, "ip saddr vmap { 10.0.0.1 : accept, * : drop }"],
    [
      OTHERS,
      "ip saddr vmap @ways",
      "map ways { type ipv4_addr : verdict; elements = { 10.0.0.1 : accept, * : drop }; }",
    ],
    [OTHERS, "dnat to ip daddr map { 10.0.0.1 : 10.0.1.1, * : 10.0.1.2 }"],
    [OTHERS, "numgen random mod 1 vmap { 0 : accept, * : drop }"],
    [OTHERS, "meta priority set numgen random mod 2 map { 0 : 0:1, * : 0:2 }"],
    [SET, "ip saddr . numgen random mod 2 { 10.0.0.1 . 0 } accept"],
    [SET, "meta mark & 0x3 @some accept", "set some { type mark; elements = { 0x1 }; }"],
    [SET, "meta mark & 0x3 @some accept", "set some { type mark; flags dynamic; }"],
    [SET, "numgen random mod 2 @some accept", "set some { typeof numgen random mod 2; flags dynamic; }"],
    [VERDICTS, "numgen random mod 2 vmap { 0 : accept }"],
    [VERDICTS, "meta mark & 0x3 vmap { 0x1 : accept }"],
    [TRANSLATION, "dnat to meta mark & 0x3 map { 0x1 : 10.0.1.1 }"],
    [FILLED, "update @some { meta mark & 0x3 }", "set some { type mark; flags dynamic; }"],
    [FILLED, "update @some { numgen random mod 2 }", "set some { typeof numgen random mod 2; flags dynamic; }"],
    [FILLED, "update @some { ip saddr }", "set some { type ipv4_addr; }"],
    [WRITTEN, 'iifname "lo" meta priority set 0:1'],
    [WRITTEN, "meta priority set meta mark"],
    [VALUE, "meta priority set ip saddr map @numbers", MAP],
    [VALUE, 'ip saddr 10.0.0.1 iifname "lo" meta priority set ip saddr map @numbers', MAP],
    [VALUE, "meta priority set numgen random mod 1 map { 0 : 0:1 } drop"],
    [VALUE, "meta priority set meta mark & 0x3 map { 0x1 : 0:1 }"],
    [VALUE, "meta mark set numgen random mod 1 map { 0 : 0x1 }"],
    [VALUE, "meta priority set tcp dport map { 80 : 0:1 }"],
    [CHANCE, `${HALF} ip saddr != { 10.0.0.1, 10.0.0.3 } drop`],
    [CHANCE, `${HALF} ip saddr != @some drop`, "set some { type ipv4_addr; elements = { 10.0.0.1 }; }"],
    [CHANCE, 'numgen inc mod 2 0 iifname "lo" ip saddr != { 10.0.0.1, 10.0.0.3 } drop'],
    [CHANCE, `${HALF} dnat to numgen random mod 2 map { 0 : 10.0.1.1, 1 : 10.0.1.2 }`],
    [CHANCE, `${HALF} dnat to ip daddr . numgen random mod 2 map { 10.0.0.1 . 0 : 10.0.1.1, 10.0.0.1 . 1 : 10.0.1.2 }`],
    [TWO, 'iifname "lo" meta mark set 0x1 drop'],
    [TWO, 'iifname "lo" log prefix "x" counter drop'],
    [TWO, "tcp dport 80 update @some { ip saddr } drop", "set some { type ipv4_addr; flags dynamic; }"],
  ])("%s: %s", (reason, rule, ...declared) => {
    const { program, unsupported } = unfoldLookups(tableOf(["meta mark 0x3 accept", rule, "drop"], declared));
    expect(
      unsupported.map(({ severity, code, message, origin }) => [
        ...[severity, code, message, origin === undefined ? undefined : lineAndColumn(origin.span()).line],
      ]),
    ).toEqual([["error", "unsupported-iptables", `chain c cannot be written for iptables: ${reason}`, 4]]);
    expect(rulesOf(program)).toEqual(["meta mark 0x00000003 accept", "drop"]);
  });

  test("the chain that has it is named, once, and only where packets come to it", () => {
    const declared = [
      "chain bad { numgen random mod 2 vmap { 0 : accept }; }",
      "chain nobody { meta priority set meta mark; }",
    ];
    const { unsupported } = unfoldLookups(tableOf(['iifname "lo" jump bad', "jump bad"], declared));
    expect(unsupported.map(({ message }) => message)).toEqual([
      `chain bad cannot be written for iptables: ${VERDICTS}`,
    ]);
  });
});

describe("the rest of a program", () => {
  test("stays as it is, but for what replaces an earlier one", () => {
    const program = mustReadNft(`table ip t {
      comment "ours"
      map ways { type ipv4_addr : verdict; elements = { 10.0.0.1 : accept }; }
      set some { type ipv4_addr; elements = { 10.0.0.1 }; }
      chain c { type nat hook output priority 7; policy drop; comment "out"; ip daddr vmap @ways; ip daddr @some drop; }
      chain nobody { accept; }
    }
    table ip6 t { chain c { type filter hook input priority 0; policy accept; accept; }; }
    `);
    const [first, ...others] = program.ruleset.tables;
    const retired = [{ family: "ip", name: "old" }] as const;
    const tables = [{ ...(first as Table), retired: { sets: [], maps: [], chains: ["old"] } }, ...others];
    const routes = [{ host: "a", rules: [] }] as unknown as Program["routes"];
    const { program: unfolded, unsupported } = unfoldLookups({ ruleset: { tables, retired }, routes });
    expect(unsupported).toEqual([]);
    expect(unfolded.routes).toBe(routes);
    expect(unfolded.ruleset.retired).toBe(retired);
    expect(unfolded.ruleset.tables[1]).toEqual(others[0]);
    const [table] = unfolded.ruleset.tables;
    const base = first?.chains.find(({ name }) => name === "c");
    expect(table).toEqual({
      ...{ family: "ip", name: "t", comment: "ours", sets: [], maps: [] },
      chains: [{ ...base, rules: table?.chains[0]?.rules }],
    });
  });

  test("has no rule that serves packets during a replacement", () => {
    const program = tableOf(["drop", "accept"], []);
    const tables = program.ruleset.tables.map((table) => ({
      ...table,
      chains: table.chains.map((chain) => ({
        ...chain,
        rules: chain.rules.map((rule, i) => (i === 0 ? { ...rule, whileReplacing: true as const } : rule)),
      })),
    }));
    expect(rulesOf(unfold({ ...program, ruleset: { tables } }))).toEqual(["accept"]);
  });
});
