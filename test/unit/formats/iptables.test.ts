import { describe, expect, test } from "vitest";
import type { RuleContext } from "../../../compiler/formats/iptables/extensions/row.ts";
import { builtInFor } from "../../../compiler/formats/iptables/hooks.ts";
import { NOTHING_INSTALLED, readInstalled } from "../../../compiler/formats/iptables/installed.ts";
import { nameChains } from "../../../compiler/formats/iptables/names.ts";
import { printFile } from "../../../compiler/formats/iptables/print-file.ts";
import { printRule } from "../../../compiler/formats/iptables/print-rule.ts";
import { spellRule } from "../../../compiler/formats/iptables/rule-words.ts";
import { verdict } from "../../../compiler/ir/build.ts";
import type { Rule, SetDeclaration } from "../../../compiler/ir/types.ts";
import { baseChain, MATCHES, programOf, regularChain, ruleOf, SADDR, STATEMENTS } from "../../support/ir.ts";

const SEEN: SetDeclaration = {
  name: "seen",
  key: [{ type: "ipv4_addr", sample: SADDR }],
  interval: false,
  dynamic: true,
  size: 100,
  timeoutSeconds: 60,
  elements: [],
};

const CONTEXT: RuleContext = {
  family: "ip",
  chainNames: new Map([["other", "KPC-other"]]),
  sets: new Map([["seen", SEEN]]),
};

/** The rule as iptables-save lists it; undefined where iptables has no words for it. */
function textOf(rule: Rule): string | undefined {
  const words = printRule(rule, CONTEXT);
  return "lacking" in words ? undefined : spellRule(words);
}

describe("rules", () => {
  const spelled = [...Object.values(MATCHES).flat(), ...Object.values(STATEMENTS).flat()];

  test.each(spelled.flatMap(([step, , text]) => (text === undefined ? [] : [[text, step] as const])))(
    "%s",
    (text, step) => {
      expect(textOf(ruleOf(step))).toBe(text);
    },
  );

  test.each(spelled.flatMap(([step, nft, text]) => (text === undefined ? [[nft, step] as const] : [])))(
    "no words for: %s",
    (_, step) => {
      expect(textOf(ruleOf(step))).toBe(undefined);
    },
  );

  test("options come in the order of iptables-save, the comment last before the target", () => {
    const rule = {
      ...ruleOf(
        { kind: "compare", left: { kind: "meta", key: "l4proto" }, operator: "==", right: 6 },
        { kind: "compare", left: { kind: "transport", protocol: "tcp", field: "dport" }, operator: "==", right: 80 },
        { kind: "compare", left: SADDR, operator: "==", right: 0x0a000001 },
        verdict({ kind: "drop" }),
      ),
      comment: 'say "hi"',
    };
    expect(textOf(rule)).toBe('-s 10.0.0.1/32 -p tcp -m tcp --dport 80 -m comment --comment "say \\"hi\\"" -j DROP');
  });
});

test("a port of UDP-Lite, of which iptables has no match, is a multiport; its protocol may be tested later", () => {
  const udplite: Rule = ruleOf(
    { kind: "compare", left: { kind: "transport", protocol: "th", field: "dport" }, operator: "==", right: 80 },
    { kind: "compare", left: { kind: "meta", key: "l4proto" }, operator: "==", right: 136 },
  );
  expect(textOf(udplite)).toBe("-p udplite -m multiport --dports 80");
});

test.each([
  ["--ctdir REPLY", "==", 1],
  ["--ctdir ORIGINAL", "!=", 1],
  ["--ctdir REPLY", "!=", 0],
] as const)("-m conntrack %s is a direction that is %s %d", (text, operator, right) => {
  const rule = ruleOf({ kind: "compare", left: { kind: "ct", key: "direction" }, operator, right });
  expect(textOf(rule)).toBe(`-m conntrack ${text}`);
});

test.each([
  ["raw PREROUTING", "filter", "prerouting", -300],
  ["mangle PREROUTING", "filter", "prerouting", -110],
  ["mangle OUTPUT", "filter", "output", -110],
  ["nat PREROUTING", "nat", "prerouting", -100],
  ["nat OUTPUT", "nat", "output", -100],
  ["nat POSTROUTING", "nat", "postrouting", 100],
  ["filter INPUT", "filter", "input", 0],
  ["filter FORWARD", "filter", "forward", -5],
  ["filter OUTPUT", "filter", "output", 0],
  ["mangle POSTROUTING", "filter", "postrouting", 0],
  ["nowhere", "filter", "prerouting", -50], // behind NAT there is no table
  ["nowhere", "filter", "postrouting", 150],
  ["nowhere", "nat", "prerouting", -50],
  ["nowhere", "filter", "ingress", 0],
] as const)("%s holds a %s chain at %s, priority %d", (where, type, hook, priority) => {
  const builtIn = builtInFor(baseChain(hook, type, [], priority));
  expect(builtIn === undefined ? "nowhere" : `${builtIn.table} ${builtIn.chain}`).toBe(where);
});

test("chain names fit into 28 characters, differ, and begin with a word of theirs", () => {
  const chains = [
    "services",
    "pick-3-tcp (daddr 10.0.0.1, dport 80)",
    "pick-3-tcp (daddr 10.0.0.1, dport 81)",
    "a".repeat(40),
    "x y",
  ];
  const names = [...nameChains(chains).values()];
  expect(names[0]).toBe("KPC-services");
  expect(names[1]).toMatch(/^KPC-pick-3-tcp-[a-z2-7]{10}$/);
  expect(new Set(names).size).toBe(chains.length);
  expect(Math.max(...names.map((name) => name.length))).toBeLessThanOrEqual(28);
});

const PROGRAM = programOf({
  chains: [
    baseChain("input", "filter", [ruleOf(verdict({ kind: "jump", chain: "here" }))]),
    regularChain("here", ruleOf(verdict({ kind: "drop" }))),
    regularChain("unused", ruleOf(verdict({ kind: "drop" }))),
  ],
});

/** The *filter section of the text for a host with this iptables-save. */
function filterSection(save: string | undefined): string {
  const { text, unsupported } = printFile(
    PROGRAM.ruleset,
    "ip",
    save === undefined ? NOTHING_INSTALLED : readInstalled(save),
    ["head"],
  );
  expect(unsupported).toEqual([]);
  return /\*filter\n([\s\S]*?)COMMIT/.exec(text)?.[1] ?? "";
}

describe("files", () => {
  test("a first load jumps into our chains, and only those that are used are there", () => {
    expect(filterSection(undefined)).toBe(`:KPC-here - [0:0]
:KPC-FILTER-OUTPUT - [0:0]
:KPC-FILTER-INPUT - [0:0]
:KPC-FILTER-FORWARD - [0:0]
-I INPUT -j KPC-FILTER-INPUT
-A KPC-FILTER-INPUT -j KPC-here
-A KPC-here -j DROP
`);
  });

  test("for a host that has jumps, they are left out; surplus ones are deleted, and chains that are not used removed", () => {
    const section = filterSection(`# Generated by iptables-save
*filter
:INPUT ACCEPT [10:20]
:KPC-FILTER-INPUT - [0:0]
:KPC-old - [0:0]
[3:4] -A INPUT -s 10.0.0.1/32 -j ACCEPT
[3:4] -A INPUT -j KPC-FILTER-INPUT
-A INPUT -j KPC-FILTER-INPUT
-A FORWARD -j KPC-FILTER-FORWARD
-A KPC-FILTER-INPUT -j KPC-old
COMMIT
`);
    expect(section.split("\n").filter((line) => !line.startsWith(":"))).toEqual([
      "-D INPUT -j KPC-FILTER-INPUT",
      "-D FORWARD -j KPC-FILTER-FORWARD",
      "-A KPC-FILTER-INPUT -j KPC-here",
      "-A KPC-here -j DROP",
      "-X KPC-old",
      "",
    ]);
    expect(section).toContain(":KPC-old - [0:0]\n");
  });

  test("a chain at a hook that iptables does not have is a finding, not left out in silence", () => {
    const program = programOf({ chains: [baseChain("postrouting", "filter", [], 150)] });
    const { unsupported } = printFile(program.ruleset, "ip", NOTHING_INSTALLED, []);
    expect(unsupported).toEqual([
      {
        severity: "error",
        code: "unsupported-iptables",
        message:
          "chain filter-postrouting cannot be written for iptables: iptables has no built-in chain for hook postrouting at priority 150",
      },
    ]);
  });

  test("a policy is a finding, not left out in silence", () => {
    const program = programOf({ chains: [{ ...baseChain("input", "filter", []), policy: "drop" }] });
    const { unsupported } = printFile(program.ruleset, "ip", NOTHING_INSTALLED, []);
    expect(unsupported).toMatchObject([
      {
        code: "unsupported-iptables",
        message:
          "chain filter-input cannot be written for iptables: policy drop: a chain that a built-in chain jumps to has no policy",
      },
    ]);
  });
});
