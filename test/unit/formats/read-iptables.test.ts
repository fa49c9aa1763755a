/** Texts of iptables, and the program that is read of them. Long because it is a table: a row for each form. */
import { describe, expect, test } from "vitest";
import { printSave } from "../../../compiler/formats/iptables/print-save.ts";
import { addressField, anyBit, counting, equal, noBit, within } from "../../../compiler/ir/build.ts";
import { normaliseProgram } from "../../../compiler/ir/normal-form.ts";
import type { Program, Rule, Step } from "../../../compiler/ir/types.ts";
import { block, DADDR, ipv4, MATCHES, SADDR, STATE, STATEMENTS, STATUS } from "../../support/ir.ts";
import { mustReadIptables, readIptablesText } from "../../support/read.ts";

/** The rules of a chain. */
function rulesOf({ ruleset }: Program, table: string, chain: string): readonly Rule[] {
  const found = ruleset.tables.find(({ name }) => name === table)?.chains.find(({ name }) => name === chain);
  if (found === undefined) throw new Error(`there is no chain ${chain} in ${table}`);
  return found.rules;
}

/** The table and the chain where iptables takes `rule`: those that are wanted, if it stands anywhere. */
function placeOf(rule: string, table: string): readonly [table: string, chain: string] {
  if (rule.includes("-j REJECT")) return ["filter", "INPUT"];
  if (/-j (SNAT|MASQUERADE)|-o /.test(rule)) return ["nat", "POSTROUTING"];
  if (rule.includes("-j NOTRACK")) return ["raw", "PREROUTING"];
  return [table, table === "filter" ? "INPUT" : "PREROUTING"];
}

/** A dump with one rule in a table. */
function dump(rule: string, wanted = "filter"): string {
  const [table, chain] = placeOf(rule, wanted);
  return `*${table}\n:KPC-other - [0:0]\n-A ${chain} ${rule}\nCOMMIT\n`;
}

/** The steps of the one rule that `text` is in a table. */
function stepsOf(text: string, table = "filter", family: "ip" | "ip6" = "ip"): readonly Step[] {
  const [rule, ...more] = rulesOf(mustReadIptables(dump(text, table), family), ...placeOf(text, table));
  if (rule === undefined || more.length > 0) throw new Error("one rule is expected");
  return rule.steps;
}

/** The normal form of one rule, alone in a chain. */
function normalRule(steps: readonly Step[]): object {
  return normaliseProgram({
    ruleset: {
      tables: [
        { family: "ip", name: "t", sets: [], maps: [], chains: [{ kind: "regular", name: "c", rules: [{ steps }] }] },
      ],
    },
    routes: [],
  });
}

const MARK: Step & { kind: "set" } = {
  kind: "set",
  field: { kind: "meta", key: "mark" },
  value: { kind: "constant", type: "mark", value: 1 },
};
const TCP_FLAGS = { kind: "header", field: "tcp flags" } as const;
const tcp = equal({ kind: "meta", key: "l4proto" }, 6);
const accept = { kind: "verdict", verdict: { kind: "accept" } } as const;

describe("what is printed for a step is read as that step", () => {
  const spelled = [...Object.values(MATCHES).flat(), ...Object.values(STATEMENTS).flat()];
  // A word of ours becomes another word of ours in iptables, and lists have one time.
  const renamed = /KPC-other|recent/;

  test.each(
    spelled.flatMap(([step, , text]) => (text === undefined || renamed.test(text) ? [] : [[text, step] as const])),
  )("%s", (text, step) => {
    // iptables translates ports only of packets of a known protocol.
    const needsProtocol = /--to-\S+ \S*:\d|--to-ports/.test(text);
    const steps = stepsOf(needsProtocol ? `-p tcp ${text}` : text, "nat");
    expect(normalRule(steps)).toEqual(normalRule(needsProtocol ? [tcp, step] : [step]));
  });
});

describe("other spellings", () => {
  test.each<readonly [string, readonly Step[]]>([
    ["-s 10.0.0.0/255.0.0.0 -j ACCEPT", [within(SADDR, [block("10.0.0.0/8")]), accept]],
    ["--source 10.1.2.3/8 --jump ACCEPT", [within(SADDR, [block("10.0.0.0/8")]), accept]],
    ["-s ! 10.0.0.1 -j ACCEPT", [{ kind: "compare", left: SADDR, operator: "!=", right: ipv4("10.0.0.1") }, accept]],
    ["-s 0.0.0.0/0 -i + -p all -j ACCEPT", [accept]],
    [
      "-d 10.0.0.1/255.0.0.255",
      [
        {
          kind: "compare",
          left: { kind: "bitwise", operand: DADDR, mask: 0xff0000ff, xor: 0 },
          operator: "==",
          right: ipv4("10.0.0.1"),
        },
      ],
    ],
    ["-m tcp -p tcp --dport ssh", [tcp, equal({ kind: "transport", protocol: "tcp", field: "dport" }, 22)]],
    [
      "-p 6 --dport :1023",
      [tcp, within({ kind: "transport", protocol: "tcp", field: "dport" }, [{ from: 0, to: 1023 }])],
    ],
    [
      "-p udp -m multiport --dports 67,68,100:200",
      [
        equal({ kind: "meta", key: "l4proto" }, 17),
        within({ kind: "transport", protocol: "udp", field: "dport" }, [
          { from: 67, to: 68 },
          { from: 100, to: 200 },
        ]),
      ],
    ],
    ["-m state --state RELATED,ESTABLISHED", [anyBit(STATE, 6)]],
    ["-m conntrack ! --ctstate NEW,INVALID", [noBit(STATE, 9)]],
    ["-m conntrack ! --ctstate DNAT", [{ ...noBit(STATUS, 32), orAbsent: true }]],
    ["-m conntrack --ctstatus SEEN_REPLY", [anyBit(STATUS, 2)]],
    [
      "-p tcp --syn",
      [
        tcp,
        {
          kind: "compare",
          left: { kind: "bitwise", operand: TCP_FLAGS, mask: 0x17, xor: 0 },
          operator: "==",
          right: 2,
        },
      ],
    ],
    [
      "-p tcp ! --tcp-flags ALL NONE",
      [
        tcp,
        { kind: "compare", left: { kind: "bitwise", operand: TCP_FLAGS, mask: 63, xor: 0 }, operator: "!=", right: 0 },
      ],
    ],
    [
      "-p icmp --icmp-type ping",
      [equal({ kind: "meta", key: "l4proto" }, 1), equal({ kind: "header", field: "icmp type" }, 8)],
    ],
    [
      "-p icmp --icmp-type 3/4",
      [
        equal({ kind: "meta", key: "l4proto" }, 1),
        equal({ kind: "header", field: "icmp type" }, 3),
        equal({ kind: "header", field: "icmp code" }, 4),
      ],
    ],
    [
      "-m addrtype --dst-type LOCAL,BROADCAST",
      [within({ kind: "fib", of: "daddr", result: "type" }, [{ from: 2, to: 3 }])],
    ],
    ["-m mac --mac-source 02:00:00:00:00:0A", [equal({ kind: "header", field: "ether saddr" }, 0x02000000000a)]],
    [
      "-m mark ! --mark 0x10/0xf0",
      [
        {
          kind: "compare",
          left: { kind: "bitwise", operand: { kind: "meta", key: "mark" }, mask: 0xf0, xor: 0 },
          operator: "!=",
          right: 0x10,
        },
      ],
    ],
    ["-m statistic --mode random --probability 0.25", [{ kind: "chance", numerator: 2 ** 29 }]],
    [
      "-m statistic --mode nth ! --every 3 --packet 2",
      [{ kind: "compare", left: counting(3), operator: "!=", right: 2 }],
    ],
    ["-j MARK --set-mark 1", [MARK]],
    [
      "-j MARK --or-mark 0x4000",
      [{ ...MARK, value: { kind: "bitwise", operand: MARK.field, mask: 0xffffbfff, xor: 0x4000 } }],
    ],
    ["-j MARK --and-mark 0xff", [{ ...MARK, value: { kind: "bitwise", operand: MARK.field, mask: 0xff, xor: 0 } }]],
    [
      "-j MARK --set-mark 0x10/0xf0",
      [{ ...MARK, value: { kind: "bitwise", operand: MARK.field, mask: 0xffffff0f, xor: 0x10 } }],
    ],
    ["-j CONNMARK --restore-mark", [{ ...MARK, value: { kind: "ct", key: "mark" } }]],
    [
      "-j NOTRACK",
      [{ kind: "set", field: { kind: "ct", key: "state" }, value: { kind: "constant", type: "ct_state", value: 64 } }],
    ],
    ["-j REJECT", [{ kind: "reject", with: "port-unreachable" }]],
    [
      "-j LOG --log-level warning --log-prefix 'x'",
      [{ kind: "opaque-statement", text: "-j LOG --log-prefix 'x'", terminal: false }],
    ],
  ])("%s", (text, steps) => {
    expect(stepsOf(text)).toEqual(steps);
  });

  test("IPv6", () => {
    expect(
      stepsOf(
        "-s fd00::/8 -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j REJECT --reject-with icmp6-adm-prohibited",
        "filter",
        "ip6",
      ),
    ).toEqual([
      within(addressField("IPv6", "saddr"), [block("fd00::/8")]),
      equal({ kind: "meta", key: "l4proto" }, 58),
      equal({ kind: "header", field: "icmpv6 type" }, 135),
      { kind: "reject", with: "admin-prohibited" },
    ]);
  });

  test("a list of addresses is a rule for each", () => {
    const program = mustReadIptables(dump("-s 10.0.0.1,10.0.0.2 -d 10.0.0.3 -j ACCEPT"));
    expect(rulesOf(program, "filter", "INPUT").map(({ steps }) => steps.length)).toEqual([3, 3]);
  });

  test("rules of the other family are left out", () => {
    const text = dump("-6 -s fd00::1 -j DROP").replace("COMMIT", "-A INPUT -4 -j ACCEPT\nCOMMIT");
    expect(rulesOf(mustReadIptables(text, "ip"), "filter", "INPUT").map(({ steps }) => steps)).toEqual([[accept]]);
    expect(rulesOf(mustReadIptables(text, "ip6"), "filter", "INPUT").length).toBe(1);
  });

  test("comments are unquoted", () => {
    const program = mustReadIptables(dump('-m comment --comment "say \\"hi\\" \\\\o/" -j ACCEPT'));
    expect(rulesOf(program, "filter", "INPUT").map(({ comment }) => comment)).toEqual(['say "hi" \\o/']);
  });
});

describe("what is not understood is opaque, with its negation", () => {
  test.each<readonly [string, Step]>([
    ["-m policy --dir in --pol ipsec", { kind: "opaque", text: "-m policy --dir in --pol ipsec", negated: false }],
    [
      "-m set ! --match-set x src",
      { kind: "opaque", text: "-m set --match-set x src", negated: true, spelled: "-m set ! --match-set x src" },
    ],
    ["-m limit --limit 5/minute --limit-burst 5", { kind: "opaque", text: "-m limit --limit 5/min", negated: false }],
    ["-m cpu ! --cpu 0", { kind: "opaque", text: "-m cpu --cpu 0", negated: true, spelled: "-m cpu ! --cpu 0" }],
    // Without a connection only the state counts.
    [
      "-m conntrack --ctstate INVALID --ctproto 6",
      { kind: "opaque", text: "-m conntrack --ctstate INVALID --ctproto 6", negated: false },
    ],
    [
      "-j NFQUEUE --queue-num 1",
      {
        kind: "opaque-statement",
        text: "-j NFQUEUE --queue-num 1",
        terminal: true,
        writes: [{ kind: "meta", key: "mark" }],
      },
    ],
    [
      "-j TCPMSS --clamp-mss-to-pmtu",
      { kind: "opaque-statement", text: "-j TCPMSS --clamp-mss-to-pmtu", terminal: false },
    ],
  ])("%s", (text, step) => {
    expect(stepsOf(text)).toEqual([step]);
  });
});

describe("a match that holds in several ways", () => {
  test("makes a rule for each way, of which a packet takes one", () => {
    const rules = rulesOf(mustReadIptables(dump("-p tcp -m multiport --ports 80 -j ACCEPT"), "ip"), "filter", "INPUT");
    const port = (field: "sport" | "dport") => ({ kind: "transport", protocol: "tcp", field }) as const;
    expect(rules.map(({ steps }) => normalRule(steps))).toEqual([
      normalRule([tcp, equal(port("sport"), 80), accept]),
      normalRule([
        tcp,
        { kind: "compare", left: port("sport"), operator: "!=", right: 80 },
        equal(port("dport"), 80),
        accept,
      ]),
    ]);
  });

  test("is an unknown where a line would become more than 64 rules", () => {
    const matches = " -m multiport --ports 80".repeat(40);
    const rules = rulesOf(mustReadIptables(dump(`-p tcp${matches} -j ACCEPT`), "ip"), "filter", "INPUT");
    expect(rules).toHaveLength(64);
    expect(rules[0]?.steps.filter(({ kind }) => kind === "opaque")).toHaveLength(34);
  });
});

describe("recent", () => {
  test("a list that is only entered and found again is a set that rules fill", () => {
    const program = mustReadIptables(`*nat
-A PREROUTING -m recent --rcheck --seconds 60 --reap --name a --mask 255.255.255.255 --rsource -j ACCEPT
-A PREROUTING -m recent --set --name a --mask 255.255.255.255 --rsource
COMMIT
`);
    expect(rulesOf(program, "nat", "PREROUTING").map(({ steps }) => steps[0])).toEqual([
      { kind: "member", key: SADDR, negated: false, set: "a" },
      { kind: "remember", operation: "update", key: SADDR, set: "a" },
    ]);
    expect(program.ruleset.tables[0]?.sets).toMatchObject([
      { name: "a", dynamic: true, size: 100, timeoutSeconds: 60 },
    ]);
  });

  test.each(["-m recent --update --seconds 30 --hitcount 4 --name a", "-m recent --rcheck --seconds 5 --name a"])(
    "a list that is also asked by %s is opaque everywhere",
    (other) => {
      const program = mustReadIptables(
        `*filter\n-A INPUT -m recent --rcheck --seconds 60 --name a\n-A INPUT ${other}\nCOMMIT\n`,
      );
      expect(rulesOf(program, "filter", "INPUT").flatMap(({ steps }) => steps.map(({ kind }) => kind))).toEqual([
        "opaque",
        "opaque",
      ]);
    },
  );
});

describe("files", () => {
  test("iptables -S lists one table", () => {
    const program = mustReadIptables(
      "-P INPUT DROP\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n-N x\n-A INPUT -j x\n-A x -j ACCEPT\n",
    );
    expect(program.ruleset.tables.map(({ name, chains }) => [name, chains.map(({ name: chain }) => chain)])).toEqual([
      ["filter", ["INPUT", "FORWARD", "OUTPUT", "x"]],
    ]);
    const [input] = program.ruleset.tables[0]?.chains ?? [];
    expect(input).toMatchObject({ kind: "base", hook: "input", priority: 0, policy: "drop" });
  });

  test("iptables -S of another table is known by its policies", () => {
    const program = mustReadIptables(
      "-P PREROUTING ACCEPT\n-P INPUT ACCEPT\n-P OUTPUT ACCEPT\n-P POSTROUTING ACCEPT\n",
    );
    expect(program.ruleset.tables.map(({ name }) => name)).toEqual(["nat"]);
  });

  const FILTER = "-P INPUT DROP\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n-N x\n-A INPUT -j x\n";
  const NAT = "-P PREROUTING ACCEPT\n-P INPUT ACCEPT\n-P OUTPUT ACCEPT\n-P POSTROUTING ACCEPT\n-N x\n-A OUTPUT -j x\n";

  test.each([
    [["filter", "nat"], `${FILTER}${NAT}`],
    [["filter", "nat"], `-P INPUT DROP\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n${NAT}`], // no rules in the first
    [["raw", "filter"], `-P PREROUTING ACCEPT\n-P OUTPUT ACCEPT\n${FILTER}`],
    [["nat"], "-P PREROUTING ACCEPT\n-A PREROUTING -j ACCEPT\n"],
  ])("several listings of iptables -S are of the tables that their chains tell: %j", (tables, text) => {
    const program = mustReadIptables(text);
    expect(program.ruleset.tables.map(({ name }) => name)).toEqual(tables);
    const last = program.ruleset.tables.at(-1)?.chains.flatMap(({ rules }) => rules).length;
    expect(last).toBe(1);
  });

  test("a listing of a table that was listed is told once, and left out", () => {
    const { program, findings } = readIptablesText(`${FILTER}${NAT}${FILTER}-A x -j DROP\n`);
    expect(findings).toEqual([
      "12:1 error rules-dialect another listing of iptables -S begins here, which names no table, and its chains are " +
        "those of filter, as above: expected iptables-save",
    ]);
    const counts = program.ruleset.tables.map(({ chains }) => chains.flatMap(({ rules }) => rules).length);
    expect(counts).toEqual([1, 1]);
  });

  test("calls of iptables, as scripts have them", () => {
    const program = mustReadIptables(
      "iptables -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-port 8080\nip6tables -A INPUT -j DROP\n",
    );
    expect(program.ruleset.tables.map(({ family, name }) => `${family} ${name}`)).toEqual(["ip nat", "ip6 filter"]);
  });

  test("dumps of both families in one file", () => {
    const program = mustReadIptables(
      "# Generated by iptables-save v1.8\n*filter\nCOMMIT\n# Generated by ip6tables-save v1.8\n*filter\n-A INPUT -s fd00::1 -j DROP\nCOMMIT\n",
    );
    expect(program.ruleset.tables.map(({ family }) => family)).toEqual(["ip", "ip6"]);
  });

  test("restore commands: insert, delete, replace, flush", () => {
    const program = mustReadIptables(`*filter
:a - [0:0]
:b - [0:0]
-A a -s 10.0.0.1 -j DROP
-I a -s 10.0.0.2 -j DROP
-I a 2 -s 10.0.0.3 -j DROP
-D a -s 10.0.0.1/32 -j DROP
-R a 1 -s 10.0.0.4 -j DROP
-A b -j DROP
-F b
[1:2] -A b -j ACCEPT
COMMIT
`);
    expect(rulesOf(program, "filter", "a").map(({ steps: [step] }) => step)).toEqual(
      ["10.0.0.4", "10.0.0.3"].map((text) => equal(SADDR, ipv4(text))),
    );
    expect(rulesOf(program, "filter", "b").map(({ steps }) => steps)).toEqual([[accept]]);
  });

  test("each rule knows its line", () => {
    const text = dump("-s 10.0.0.1 -j ACCEPT");
    const span = rulesOf(mustReadIptables(text), "filter", "INPUT")[0]?.origin?.span();
    expect(text.slice(span?.start, span?.end)).toBe("-A INPUT -s 10.0.0.1 -j ACCEPT");
  });

  test("printed again, it is the same program", () => {
    const program = mustReadIptables(`*filter
:INPUT DROP [0:0]
:web - [0:0]
-A INPUT -i eth+ -p tcp -m multiport --dports 80,443 -j web
-A INPUT ! -s 10.0.0.0/8 -m set ! --match-set x src -g web
-A web -m limit --limit 3/sec -m comment --comment "a b" -j LOG --log-prefix "x "
-A web -j MARK --or-mark 0x8
COMMIT
`);
    const { text, unsupported } = printSave(program.ruleset, "ip");
    expect(unsupported).toEqual([]);
    expect(normaliseProgram(mustReadIptables(text))).toEqual(normaliseProgram(program));
  });
});

describe("wrong input is told, and the rest is read", () => {
  test.each<readonly [title: string, text: string, findings: readonly string[]]>([
    ["nothing", "", ["1:1 error empty-input expected rules, as iptables-save prints them: there are none"]],
    ["binary", "\u0000\u0001\u0002*filter", ["1:1 error not-text binary file: expected lines of iptables-save"]],
    [
      "cut off",
      "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 10.0.0.1/32 -j ACC",
      [
        "3:30 error rules-truncated the text ends in table filter: expected COMMIT",
        "3:1 error unknown-chain ACC is not a chain of table filter",
      ],
    ],
    [
      "CRLF",
      "*filter\r\n-A INPUT -j ACCEPT\r\nCOMMIT\r\n",
      ["1:8 warning rules-syntax the lines end with a carriage return, which iptables-restore refuses: read without"],
    ],
    [
      "a prompt around it",
      "root@node:~# iptables-save\n*filter\nCOMMIT\nroot@node:~# exit\nlogout\n",
      ["4:1 warning rules-syntax 2 lines from here on are not iptables-save text: expected *TABLE"],
    ],
    [
      "nft",
      "table ip filter {\n\tchain INPUT {\n\t}\n}\n",
      [
        "1:1 error rules-dialect 4 lines from here on are nft text, not iptables text: expected one of the two in a file",
        "1:1 error empty-input expected rules, as iptables-save prints them: there are none",
      ],
    ],
    [
      "a table that is none",
      "*fliter\n-A INPUT -j DROP\nCOMMIT\n",
      ["1:1 error unknown-table expected a table: raw, mangle, filter, nat, security"],
    ],
    [
      "a control character",
      dump("-j \u0007DROP"),
      ["3:13 error rules-syntax expected text, found a character that is none"],
    ],
    ["an unknown option", dump("-p tcp --dports 80 -j DROP"), ["3:17 error rules-refused unknown option --dports"]],
    [
      "a port that is none",
      dump("-p tcp --dport 70000 -j DROP"),
      ["3:17 error rules-refused expected a port or the name of a service"],
    ],
    ["a port without a protocol", dump("-m tcp --dport 80"), ["3:10 error rules-refused expected -p tcp with -m tcp"]],
    ["a word too much", dump("-s 10.0.0.1 x -j DROP"), ["3:10 error rules-refused expected one word behind -s"]],
    [
      "an address of the other family",
      dump("-s fd00::1 -d 10.0.0.300 -j DROP"),
      ["3:10 error rules-refused expected an address of IPv4", "3:21 error rules-refused expected an address of IPv4"],
    ],
    [
      "a quotation mark",
      dump('-m comment --comment "x -j DROP'),
      ["3:31 error rules-syntax expected a closing quotation mark in this line"],
    ],
    [
      "an undeclared chain",
      "*filter\n-A x -j DROP\nCOMMIT\n",
      ["2:1 error unknown-chain expected a chain of table filter: there is no x"],
    ],
    ["a jump to nowhere", dump("-j y"), ["3:1 error unknown-chain y is not a chain of table filter"]],
    [
      "a loop",
      "*filter\n:x - [0:0]\n-A x -j x\nCOMMIT\n",
      ["3:1 error chain-loop this jumps back to chain x, which leads here"],
    ],
  ])("%s", (_, text, findings) => {
    expect(readIptablesText(text, "ip").findings).toEqual(findings);
  });

  test("a rule that iptables would refuse may do anything; the rules around it are read", () => {
    const { program } = readIptablesText(
      "*filter\n-A INPUT -s 10.0.0.1 -j DROP\n-A INPUT -p tcp --what 1\n-A INPUT -j ACCEPT\nCOMMIT\n",
    );
    expect(rulesOf(program, "filter", "INPUT").map(({ steps }) => steps.at(-1)?.kind)).toEqual([
      "verdict",
      "opaque-statement",
      "verdict",
    ]);
    expect(rulesOf(program, "filter", "INPUT")[1]?.steps).toMatchObject([{ terminal: true, text: "-p tcp --what 1" }]);
  });
});
