/** Texts of nft, and the program that is read of them. Long because it is a table: a row for each form. */
import { describe, expect, test } from "vitest";
import { Hooks } from "../../../compiler/evaluate/hooks.ts";
import { printTable } from "../../../compiler/formats/nft/print.ts";
import { printExpression } from "../../../compiler/formats/nft/print-expression.ts";
import { anyBit, equal, noBit, within } from "../../../compiler/ir/build.ts";
import { normaliseProgram } from "../../../compiler/ir/normal-form.ts";
import type { Chain, Program, Rule, Step, TableFamily } from "../../../compiler/ir/types.ts";
import { block, DADDR, EXPRESSIONS, ipv4, MATCHES, SADDR, STATE, STATEMENTS, STATUS } from "../../support/ir.ts";
import { mustReadNft, readNftText } from "../../support/read.ts";

/** A table with what the rules of `support/ir.ts` refer to, and one rule. */
function table(rule: string, family: TableFamily = "ip"): string {
  return `table ${family} t {
	set pairs { type ipv4_addr . ipv4_addr; }
	set blocked { type ipv4_addr; }
	set seen { type ipv4_addr; size 100; flags dynamic,timeout; timeout 1m; }
	map services { type ipv4_addr . inet_proto . inet_service : verdict; }
	map endpoints { typeof ip daddr . numgen random mod 65536 : ip daddr . tcp dport; }
	map identities { type ipv4_addr : classid; }
	chain other { }
	chain c {
		${rule}
	}
}
`;
}

function chainOf({ ruleset }: Program, name = "c"): Chain {
  const chain = ruleset.tables.flatMap(({ chains }) => chains).find((candidate) => candidate.name === name);
  if (chain === undefined) throw new Error(`there is no chain ${name}`);
  return chain;
}

function rulesOf(program: Program, name = "c"): readonly Rule[] {
  return chainOf(program, name).rules;
}

/** The steps of one rule. */
function stepsOf(text: string, family: TableFamily = "ip"): readonly Step[] {
  const [rule, ...more] = rulesOf(mustReadNft(table(text, family)));
  if (rule === undefined || more.length > 0) throw new Error("one rule is expected");
  return rule.steps;
}

function normalRule(steps: readonly Step[]): object {
  const chain: Chain = { kind: "regular", name: "c", rules: [{ steps }] };
  return normaliseProgram({
    ruleset: { tables: [{ family: "ip", name: "t", sets: [], maps: [], chains: [chain] }] },
    routes: [],
  });
}

const META_MARK = { kind: "meta", key: "mark" } as const;
const TCP_FLAGS = { kind: "header", field: "tcp flags" } as const;
const masked = (mask: number, operator: "==" | "!=", right: number): Step => ({
  kind: "compare",
  left: { kind: "bitwise", operand: TCP_FLAGS, mask, xor: 0 },
  operator,
  right,
});

describe("what is printed for a step is read as that step", () => {
  const spelled = [...Object.values(MATCHES).flat(), ...Object.values(STATEMENTS).flat()];

  // `! socket transparent 1` is no spelling of nft.
  test.each(spelled.filter(([, text]) => !text.startsWith("! ")).map(([step, text]) => [text, step] as const))(
    "%s",
    (text, step) => {
      // A translation of ports needs a protocol, and so do the ports of a connection.
      const needsProtocol = /^ct .*proto-|^(dnat|snat|masquerade|redirect).*:\d/.test(text);
      const protocol = needsProtocol ? "meta l4proto tcp " : "";
      const before = protocol === "" ? [] : [equal({ kind: "meta", key: "l4proto" }, 6)];
      expect(normalRule(stepsOf(`${protocol}${text}`))).toEqual(normalRule([...before, step]));
    },
  );
});

describe("an expression is printed, and read again", () => {
  test.each(Object.values(EXPRESSIONS).flat())("%j: %s", (expression, text, value) => {
    expect(printExpression(expression, "ip")).toBe(text);
    if (expression.kind === "opaque") return;
    // A lookup is asked by what it is written to.
    const rule = expression.kind === "lookup" ? `meta priority set ${text}` : `${text} ${value}`;
    const protocol = text.includes("proto-") ? "meta l4proto tcp " : "";
    const step = stepsOf(`${protocol}${rule}`, expression.kind === "ip6" ? "ip6" : "ip").at(-1);
    expect(JSON.stringify(step, withBigints)).toContain(JSON.stringify(expression, withBigints));
  });
});

function withBigints(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}

describe("flags are compared as nft 1.0.6 does", () => {
  test.each<readonly [string, Step | undefined]>([
    ["ct state new", anyBit(STATE, 8)],
    ["ct state established,related", anyBit(STATE, 6)],
    ["ct state { new }", anyBit(STATE, 8)], // one element is no set
    [
      "ct state { established, related }",
      within(STATE, [
        { from: 2, to: 2 },
        { from: 4, to: 4 },
      ]),
    ],
    ["ct state ! new", noBit(STATE, 8)],
    ["ct state == new", equal(STATE, 8)],
    ["ct state != new", { kind: "compare", left: STATE, operator: "!=", right: 8 }],
    ["ct state != new,established", { kind: "compare", left: STATE, operator: "!=", right: 10 }],
    // Listed for a comparison of the whole value, and read as a test of bits: not told apart.
    ["ct state established | new", undefined],
    ["ct status & (snat | dnat) == 0", noBit(STATUS, 48)],
    ["tcp flags syn", anyBit(TCP_FLAGS, 2)],
    ["tcp flags syn / syn,ack", masked(18, "==", 2)],
    ["tcp flags != syn / syn,ack", masked(18, "!=", 2)],
    ["tcp flags & (fin | syn | rst | ack) == syn", masked(23, "==", 2)],
    ["tcp flags & (fin|syn) == (fin|syn)", masked(3, "==", 3)],
    ["tcp flags == 0x12", equal(TCP_FLAGS, 18)],
  ])("%s", (text, step) => {
    expect(stepsOf(text)).toEqual([step ?? { kind: "opaque", text, negated: false }]);
  });
});

describe("other spellings", () => {
  test.each<readonly [string, readonly Step[]]>([
    ["ip saddr 10.0.0.1/32", [equal(SADDR, ipv4("10.0.0.1"))]],
    ["ip saddr 10.1.2.3/8", [within(SADDR, [block("10.0.0.0/8")])]],
    [
      "ip saddr { 10.0.0.0/8, 172.16.0.0-172.31.255.255 }",
      [within(SADDR, [block("10.0.0.0/8"), block("172.16.0.0/12")])],
    ],
    [
      "ip daddr & 255.0.0.255 == 10.0.0.1",
      [
        {
          kind: "compare",
          left: { kind: "bitwise", operand: DADDR, mask: 0xff0000ff, xor: 0 },
          operator: "==",
          right: ipv4("10.0.0.1"),
        },
      ],
    ],
    [
      "tcp dport { ssh, 80-90 }",
      [
        within({ kind: "transport", protocol: "tcp", field: "dport" }, [
          { from: 22, to: 22 },
          { from: 80, to: 90 },
        ]),
      ],
    ],
    ["iifname eth*", [{ kind: "name-prefix", left: { kind: "meta", key: "iifname" }, negated: false, prefix: "eth" }]],
    ["iif lo", [equal({ kind: "meta", key: "iif" }, "lo")]],
    ["meta l4proto ipv6-icmp", [equal({ kind: "meta", key: "l4proto" }, 58)]],
    [
      "icmp type echo-request icmp code 0",
      [equal({ kind: "header", field: "icmp type" }, 8), equal({ kind: "header", field: "icmp code" }, 0)],
    ],
    [
      "mark set mark or 0x4000",
      [
        {
          kind: "set",
          field: META_MARK,
          value: { kind: "bitwise", operand: META_MARK, mask: 0xffffbfff, xor: 0x4000 },
        },
      ],
    ],
    [
      "meta mark set meta mark & 0xff0000ff | 0x100",
      [{ kind: "set", field: META_MARK, value: { kind: "bitwise", operand: META_MARK, mask: 0xff0000ff, xor: 0x100 } }],
    ],
    ["ct mark set meta mark", [{ kind: "set", field: { kind: "ct", key: "mark" }, value: META_MARK }]],
    [
      "notrack",
      [{ kind: "set", field: { kind: "ct", key: "state" }, value: { kind: "constant", type: "ct_state", value: 64 } }],
    ],
    ["counter packets 5 bytes 7 accept", [{ kind: "counter" }, { kind: "verdict", verdict: { kind: "accept" } }]],
    ["reject with icmp type net-prohibited", [{ kind: "reject", with: "net-prohibited" }]],
    ["reject with tcp reset", [equal({ kind: "meta", key: "l4proto" }, 6), { kind: "reject", with: "tcp-reset" }]],
    ["masquerade random,persistent", [{ kind: "masquerade", random: "random", persistent: true }]],
    ["ct original saddr 10.0.0.1", [equal({ kind: "ct", key: "original-saddr" }, ipv4("10.0.0.1"))]],
    [
      "fib daddr type { local, broadcast }",
      [within({ kind: "fib", of: "daddr", result: "type" }, [{ from: 2, to: 3 }])],
    ],
    [
      'log flags all prefix "x" level warn',
      [{ kind: "opaque-statement", text: 'log prefix "x" flags all', terminal: false }],
    ],
    ["limit rate 5/minute burst 5 packets", [{ kind: "opaque", text: "limit rate 5/minute", negated: false }]],
  ])("%s", (text, steps) => {
    expect(stepsOf(text)).toEqual(steps);
  });

  test("in a table of both families the type of a reject says which packets are meant", () => {
    expect(stepsOf("reject with icmp net-unreachable", "inet")).toEqual([
      equal({ kind: "meta", key: "nfproto" }, 2),
      { kind: "reject", with: "net-unreachable" },
    ]);
    expect(stepsOf("reject with icmpx no-route", "inet")).toEqual([{ kind: "reject", with: "net-unreachable" }]);
  });

  test("in a table of both families a translation is for packets of its own", () => {
    const ipv4Only = equal({ kind: "meta", key: "nfproto" }, 2);
    const kinds = (text: string, family: TableFamily = "inet"): (string | Step)[] =>
      stepsOf(text, family).map((step) => (step.kind === "compare" && step.right === 2 ? step : step.kind));
    expect(kinds("dnat ip to 10.0.0.1")).toEqual([ipv4Only, "dnat"]);
    expect(kinds("snat ip to 10.0.0.1-10.0.0.9")).toEqual([ipv4Only, "snat"]);
    expect(kinds("dnat ip to numgen inc mod 1 map { 0 : 10.0.0.1 }")).toEqual([ipv4Only, "dnat"]);
    expect(kinds("meta nfproto ipv4 dnat ip to 10.0.0.1")).toEqual([ipv4Only, "dnat"]);
    expect(kinds("ip daddr 10.0.0.9 dnat ip to 10.0.0.1")).toEqual(["compare", "dnat"]);
    expect(kinds("dnat ip to ip daddr map { 10.0.0.9 : 10.0.0.1 }")).toEqual(["dnat"]);
    expect(stepsOf("dnat ip6 to fd00::1", "inet")[0]).toEqual(equal({ kind: "meta", key: "nfproto" }, 10));
    expect(kinds("tcp dport 80 dnat to :81")).toEqual(["compare", "dnat"]);
    expect(kinds("masquerade")).toEqual(["masquerade"]);
    expect(kinds("dnat to 10.0.0.1", "ip")).toEqual(["dnat"]);
    expect(stepsOf("ip6 daddr fd00::9 dnat to tcp dport map { 80 : fd00::1 }", "inet").at(-1)).toMatchObject({
      to: { kind: "map", family: "ip6" },
    });
  });

  test("sets and maps without a name stand in their rules, where they are printed", () => {
    const lines = [
      "dnat ip to numgen random mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }",
      "ip saddr . tcp dport { 10.0.0.1 . 80, 10.0.0.2 . 81-89 } accept",
      "meta mark set tcp dport map { 80 : 0x00000001, * : 0x00000002 }",
      "ip saddr . tcp dport vmap { 10.0.0.1 . 80 : accept }",
    ];
    const { tables } = mustReadNft(table(lines.join("\n"))).ruleset;
    const [{ sets, maps } = { sets: [], maps: [] }] = mustReadNft(table("accept")).ruleset.tables;
    expect(tables).toMatchObject([{ sets, maps }]);
    for (const line of lines) expect(tables.map((each) => printTable(each)).join("")).toContain(`\t\t${line}\n`);
  });

  test("in a table of both families a map says of which one it is", () => {
    const text = "dnat ip6 to ip6 daddr map { fd00::1 : fd00::2 }";
    const program = mustReadNft(table(text, "inet"));
    expect(rulesOf(program)[0]?.steps).toMatchObject([{ kind: "dnat", to: { kind: "map", family: "ip6" } }]);
    expect(printTable(program.ruleset.tables[0] as Program["ruleset"]["tables"][0])).toContain(`\t\t${text}\n`);
  });

  test("a chain written in a rule", () => {
    const program = mustReadNft(table("tcp dport 22 jump {\n\t\t\tip saddr 10.0.0.1 accept\n\t\t\tdrop\n\t\t}"));
    expect(rulesOf(program)[0]?.steps.at(-1)).toEqual({ kind: "verdict", verdict: { kind: "jump", chain: "__c.0" } });
    expect(chainOf(program, "__c.0")).toMatchObject({ anonymous: true });
    expect(rulesOf(program, "__c.0").length).toBe(2);
  });

  test("a chain written in a rule is printed there, and no other that has such a name or is named in a comment", () => {
    const inner = "jump {\n\t\t\ttcp dport 22 jump {\n\t\t\tdrop\n\t\t}\n\t\t}";
    const text = `table ip t {
	chain __other {
		drop
	}

	chain c {
		${inner}
		jump __other comment "jump __c.0"
		accept comment "no jump __c.0 or jump __other"
	}
}
`;
    expect(printTable(mustReadNft(text).ruleset.tables[0] as Program["ruleset"]["tables"][0])).toBe(text);
  });

  test("a chain written in a rule is known by what it says of itself, whatever its name", () => {
    const chains: Chain[] = [
      { kind: "regular", name: "any", anonymous: true, rules: [{ steps: [{ kind: "counter" }] }] },
      {
        kind: "regular",
        name: "c",
        rules: [{ steps: [{ kind: "verdict", verdict: { kind: "goto", chain: "any" } }] }],
      },
    ];
    expect(printTable({ family: "ip", name: "t", sets: [], maps: [], chains })).toBe(
      "table ip t {\n\tchain c {\n\t\tgoto {\n\t\t\tcounter\n\t\t}\n\t}\n}\n",
    );
  });

  test("elements: comments before the colon, time-outs, one for all other keys", () => {
    const program = mustReadNft(`table ip t {
	chain x { }
	map m {
		type ipv4_addr . inet_service : verdict
		flags interval,timeout
		elements = { 10.0.0.1 . 80 comment "web" : goto x,
			     10.1.0.0/16 . 1-9 timeout 5m expires 3m : drop, * : accept }
	}
}`);
    expect(program.ruleset.tables[0]?.maps[0]?.elements).toEqual([
      { key: [ipv4("10.0.0.1"), 80], comment: "web", value: { kind: "goto", chain: "x" } },
      { key: [block("10.1.0.0/16"), { from: 1, to: 9 }], timeoutSeconds: 300, value: { kind: "drop" } },
      { key: { kind: "others" }, value: { kind: "accept" } },
    ]);
  });
});

describe("what is not understood is opaque, with its negation", () => {
  test.each<readonly [string, Step]>([
    ["meta cpu 1", { kind: "opaque", text: "meta cpu 1", negated: false }],
    ["meta cpu != 1", { kind: "opaque", text: "meta cpu 1", negated: true, spelled: "meta cpu != 1" }],
    ["fib saddr . iif oif 2", { kind: "opaque", text: "fib saddr . iif oif 2", negated: false }],
    [
      "dnat ip prefix to ip daddr map { 10.0.0.0/24 : 10.1.0.0/24 }",
      {
        kind: "opaque-statement",
        text: "dnat ip prefix to ip daddr map { 10.0.0.0/24 : 10.1.0.0/24 }",
        terminal: true,
      },
    ],
    // nft 1.0.6 forgets the word there.
    [
      "snat prefix to 10.0.0.0/24 random",
      { kind: "opaque-statement", text: "snat prefix to 10.0.0.0/24 random", terminal: true },
    ],
    ["xt match recent", { kind: "opaque", text: "xt match recent", negated: false }],
    [
      "queue num 1-3 flags bypass,fanout",
      { kind: "opaque-statement", text: "queue num 1 - 3 flags bypass, fanout", terminal: true },
    ],
    [
      "meta mark set jhash ip saddr mod 3",
      { kind: "set", field: META_MARK, value: { kind: "opaque", text: "jhash ip saddr mod 3" } },
    ],
    [
      "update @seen { ip saddr limit rate 1/second }",
      { kind: "opaque", text: "update @seen { ip saddr limit rate 1/second }", negated: false },
    ],
  ])("%s", (text, step) => {
    expect(stepsOf(text)).toEqual([step]);
  });
});

describe("files", () => {
  test("base chains: names of priorities, policies", () => {
    const program = mustReadNft(`table inet t {
	chain a { type filter hook input priority filter + 10; policy drop; }
	chain b { type nat hook postrouting priority srcnat; }
	chain c { type filter hook prerouting priority -450; policy accept; }
}`);
    expect(program.ruleset.tables[0]?.chains).toMatchObject([
      { type: "filter", hook: "input", priority: 10, policy: "drop" },
      { type: "nat", hook: "postrouting", priority: 100, policy: "accept" },
      { type: "filter", hook: "prerouting", priority: -450 },
    ]);
  });

  test("bridges have other priorities", () => {
    const program = mustReadNft("table bridge t {\n\tchain c { type filter hook forward priority filter; }\n}");
    expect(chainOf(program)).toMatchObject({ priority: -200 });
  });

  test("scripts: flat commands, variables, order of rules", () => {
    const program = mustReadNft(`#!/usr/sbin/nft -f
flush ruleset
define web = { 80, 443 }
define host = 10.0.0.1
add table ip t
add chain ip t c { type filter hook input priority 0; policy drop; }
add rule ip t c ip saddr $host tcp dport $web accept
insert rule ip t c \\
    ct state established accept
add set ip t s { type ipv4_addr; }
add element ip t s { 10.0.0.2, 10.0.0.3 }
delete element ip t s { 10.0.0.2 }
`);
    expect(rulesOf(program).map(({ steps }) => steps[0])).toEqual([anyBit(STATE, 2), equal(SADDR, ipv4("10.0.0.1"))]);
    expect(program.ruleset.tables[0]?.sets[0]?.elements).toEqual([{ key: [ipv4("10.0.0.3")] }]);
    expect(chainOf(program)).toMatchObject({ policy: "drop" });
  });

  test("elements of IPv6 are deleted", () => {
    const program = mustReadNft(`table ip6 t {
	set s { type ipv6_addr; elements = { fd00::1, fd00::2 } }
}
delete element ip6 t s { fd00::1 }
`);
    expect(program.ruleset.tables[0]?.sets[0]?.elements).toEqual([{ key: [0xfd000000_00000000_00000000_00000002n] }]);
  });

  test.each([
    "ip6 saddr fd00::1",
    "ip6 saddr != fe80::/10",
    "ip6 saddr fd00::1-fd00::9",
    "ip6 saddr & ffff:: == fd00::",
    "ip6 saddr . tcp dport { fd00::1 . 80 }",
    "ct original ip6 saddr fd00::1",
    "meta mark 1",
  ])("what is not understood is kept behind %s", (match) => {
    for (const unknown of ['osf name "Linux"', "nosuch dport 8080"]) {
      const { program } = readNftText(table(`${match} ${unknown} drop`, "ip6"));
      const [rule] = rulesOf(program);
      expect(rule?.steps.some(({ kind }) => kind.startsWith("opaque"))).toBe(true);
      expect(program.ruleset.tables.map((table) => printTable(table)).join("")).toContain(unknown);
    }
  });

  test("nothing happens in a dormant table", () => {
    const text =
      "table ip t {\n\tflags dormant\n\n\tchain c {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}\n";
    const program = mustReadNft(text);
    expect(program.ruleset.tables[0]).toMatchObject({ dormant: true });
    expect(program.ruleset.tables.map((table) => printTable(table))).toEqual([text]);
    expect(new Hooks(program).at("IPv4", "input")).toEqual([]);
  });

  test("handles of nft -a are comments", () => {
    const program = mustReadNft("table ip t { # handle 1\n\tchain c { # handle 2\n\t\taccept # handle 3\n\t}\n}\n");
    expect(rulesOf(program).length).toBe(1);
  });

  test("each rule knows its line", () => {
    const text = table("ip saddr 10.0.0.1 accept");
    const span = rulesOf(mustReadNft(text))[0]?.origin?.span();
    expect(text.slice(span?.start, span?.end)).toBe("ip saddr 10.0.0.1 accept");
  });
});

describe("wrong input is told, and the rest is read", () => {
  test.each<readonly [title: string, text: string, findings: readonly string[]]>([
    ["nothing", "", ["1:1 error empty-input expected tables, as nft list ruleset prints them: there are none"]],
    ["binary", "\u0000\u0001table ip t {}", ["1:1 error not-text binary file: expected nft rules"]],
    ["iptables", "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n", ["1:1 error rules-dialect this is iptables-save, not nft"]],
    [
      "cut off",
      "table ip t {\n\tchain c {\n\t\taccept\n",
      [
        '1:1 error rules-truncated the text ends inside of table ip t: expected "}"',
        '2:2 error rules-truncated the text ends inside of chain c: expected "}"',
      ],
    ],
    [
      "a control character",
      table("accept \u0007"),
      ["10:10 error rules-syntax expected text, found a character that is none"],
    ],
    [
      "a verdict in the place of a value",
      "table ip t {\n\tchain c {\n\t\tmeta mark & 0x4000 == drop\n\t}\n}\n",
      ['3:25 error rules-syntax found "drop", which does not fit here'],
    ],
    ["a brace too much", "table ip t {\n}\n}\n", ["3:1 error rules-syntax this closes nothing"]],
    [
      "a prompt around it",
      "root@node:~# nft list ruleset\ntable ip t {\n}\n",
      [
        "1:1 error rules-syntax this line is not nft text: expected a table, or a command such as add, delete, flush, define",
      ],
    ],
    [
      "include",
      'include "/etc/nft.d/x.nft"\ntable ip t { }\n',
      [
        '1:1 error rules-include the file "/etc/nft.d/x.nft" is not read: put everything into one, as nft list ruleset does',
      ],
    ],
    [
      "a pattern of files",
      'include "/etc/nft.d/*.nft"\ntable ip t { }\n',
      [
        '1:1 warning rules-include files that match "/etc/nft.d/*.nft" are not read: where there are some, put everything into one file',
      ],
    ],
    [
      "a comment at the end",
      "table ip t { }\n# done",
      ["2:1 warning rules-syntax nft 1.0.6 refuses a comment in the last line without a line break behind it"],
    ],
    [
      "words of a shell behind a command",
      "flush table inet x 2>/dev/null || true\ntable ip t { }\n",
      ["1:20 error rules-syntax expected the end of the command, found 2"],
    ],
    [
      "a variable that is none",
      "table ip t {\n\tchain c {\n\t\tip saddr $who accept\n\t}\n}\n",
      ["3:12 error rules-syntax $who is not defined"],
    ],
    [
      "a word too much",
      table("ip saddr 10.0.0.1 accept accept what"),
      ['10:35 error rules-syntax found "what", which does not fit here'],
    ],
    [
      "no property",
      table("ip protocol udp dport 53 accept"),
      ["10:19 error rules-refused expected a property of the packet, such as ip saddr or tcp dport"],
    ],
    [
      "ports without a protocol",
      table("dnat to 10.0.0.1:80"),
      ["10:3 error rules-refused expected a test of the protocol before a translation of ports"],
    ],
    [
      "a set that is not there",
      table("ip saddr @nobody"),
      ["10:3 error unknown-set there is no set nobody in table ip t"],
    ],
    [
      "a chain that is not there",
      table("jump nowhere"),
      ["10:3 error unknown-chain nowhere is not a chain of table t"],
    ],
    ["a loop", table("jump c"), ["10:3 error chain-loop this jumps back to chain c, which leads here"]],
    [
      "an element of another type",
      "table ip t {\n\tset s {\n\t\ttype ipv4_addr\n\t\telements = { fd00::1 }\n\t}\n}\n",
      ["2:2 error rules-refused 1 elements of set s do not have its type"],
    ],
    [
      "a handle",
      "table ip t {\n\tchain c { accept; }\n}\nadd rule ip t c position 4 drop\n",
      ["4:17 error rules-syntax a handle means nothing here: kpc adds the rule at the end of its chain"],
    ],
    [
      "no table",
      "add rule ip t c accept\n",
      ["1:13 error unknown-table there is no table ip t", "1:15 error unknown-chain there is no chain c in table ip t"],
    ],
  ])("%s", (_, text, findings) => {
    expect(readNftText(text).findings).toEqual(findings);
  });

  test("CRLF", () => {
    expect(rulesOf(mustReadNft(table("accept").replaceAll("\n", "\r\n"))).length).toBe(1);
  });

  test("a rule that nft would refuse may do anything; the rules around it are read", () => {
    const { program, findings } = readNftText(table("ip saddr 10.0.0.1 drop\n\t\tip saddr accept drop ,\n\t\taccept"));
    expect(findings.length).toBe(1);
    expect(rulesOf(program).map(({ steps }) => steps.at(-1)?.kind)).toEqual(["verdict", "opaque-statement", "verdict"]);
    expect(rulesOf(program)[1]?.steps).toMatchObject([{ terminal: true, text: "ip saddr accept drop," }]);
  });
});

describe("other words for the IP version are tests of the family", () => {
  test.each<readonly [string, string, TableFamily]>([
    ["meta protocol ip drop", "meta nfproto ipv4 drop", "inet"],
    ["meta protocol != ip6 drop", "meta nfproto != ipv6 drop", "inet"],
    ["meta protocol { ip, ip6 } drop", "meta nfproto { ipv4, ipv6 } drop", "inet"],
    ["meta protocol arp drop", "meta nfproto 0 drop", "inet"],
    ["meta protocol vmap { ip : drop, ip6 : accept }", "meta nfproto vmap { ipv4 : drop, ipv6 : accept }", "inet"],
    ["ip version 4 drop", "meta nfproto ipv4 drop", "inet"],
    ["ip6 version 6 drop", "meta nfproto ipv6 drop", "inet"],
    ["ip version 6 drop", "meta nfproto 0 drop", "inet"],
  ])("%s: %s", (text, plain, family) => {
    expect(normalRule(stepsOf(text, family))).toEqual(normalRule(stepsOf(plain, family)));
  });

  test("in tables of frames they are kept as they are", () => {
    expect(JSON.stringify(stepsOf("meta protocol ip drop", "bridge"))).toContain('"opaque"');
  });
});

describe("forms that nft takes are read", () => {
  test.each([
    'day "Monday" accept',
    'hour "16:00" accept',
    'time > "2025-01-02" accept',
    "counter bytes 1024 packets 1",
    "ct event set new,destroy",
    "dnat tcp dport map { 80 : 10.0.0.1 } : tcp dport map { 80 : 8080 }",
  ])("%s", (text) => {
    expect(readNftText(table(text)).findings).toEqual([]);
  });

  test("meta may be left out before the time", () => {
    expect(stepsOf('hour "16:00" accept')).toEqual(stepsOf('meta hour "16:00" accept'));
  });
});

test("objects whose kind is two words are added by commands", () => {
  const { program, findings } = readNftText(
    'add table inet t\nadd ct helper inet t h { type "ftp" protocol tcp; }\nadd ct timeout inet t o { protocol tcp; }\n',
  );
  expect(findings).toEqual([]);
  expect(program.ruleset.tables).toMatchObject([
    { name: "t", objects: [{ head: "ct helper h" }, { head: "ct timeout o", lines: ["protocol tcp"] }] },
  ]);
});
