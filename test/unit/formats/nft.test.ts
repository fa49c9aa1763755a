import { describe, expect, test } from "vitest";
import { printHook, printRule, printTable } from "../../../compiler/formats/nft/print.ts";
import { parseDuration, printDuration } from "../../../compiler/formats/nft/times.ts";
import { baseChain, block, ipv4, ipv6, MATCHES, regularChain, ruleOf, SADDR, STATEMENTS } from "../../support/ir.ts";

describe("rules", () => {
  test.each(
    Object.values(MATCHES)
      .flat()
      .map(([match, text]) => [text, match] as const),
  )("%s", (text, match) => {
    expect(printRule(ruleOf(match), "ip")).toBe(text);
  });

  test.each(
    Object.values(STATEMENTS)
      .flat()
      .map(([statement, text]) => [text, statement] as const),
  )("%s", (text, statement) => {
    expect(printRule(ruleOf(statement), "ip")).toBe(text);
  });

  test("comments cannot end the string they stand in", () => {
    const rule = { steps: [], comment: 'a" ; flush ruleset ; "\n\\' };
    expect(printRule(rule, "ip").trim()).toBe('comment "a? ; flush ruleset ; ???"');
  });

  test("a connection's addresses are named by the table's family", () => {
    const rule = ruleOf({
      kind: "compare",
      left: { kind: "ct", key: "original-daddr" },
      operator: "==",
      right: ipv6("fd00::1"),
    });
    expect(printRule(rule, "ip6")).toBe("ct original ip6 daddr fd00::1");
  });
});

test.each([
  ["0s", 0],
  ["59s", 59],
  ["1m30s", 90],
  ["3h", 10800],
  ["1d", 86400],
  ["2d3h4m5s", 183845],
  ["1s500ms", 1.5],
  ["5m1ms", 300.001],
])("%s is %d seconds", (text, seconds) => {
  expect(printDuration(seconds)).toBe(text);
  expect(parseDuration(text)).toBe(seconds);
});

test.each([
  ["type nat hook prerouting priority dstnat; policy accept;", "prerouting", "nat", -100],
  ["type nat hook output priority -100; policy accept;", "output", "nat", -100], // nft 1.0.6 refuses the name here
  ["type nat hook postrouting priority srcnat; policy accept;", "postrouting", "nat", 100],
  ["type filter hook prerouting priority dstnat - 10; policy accept;", "prerouting", "filter", -110],
  ["type filter hook input priority filter; policy accept;", "input", "filter", 0],
  ["type filter hook forward priority filter + 5; policy accept;", "forward", "filter", 5],
  ["type filter hook forward priority 30; policy accept;", "forward", "filter", 30],
  ["type filter hook output priority raw; policy accept;", "output", "filter", -300],
] as const)("%s", (text, hook, type, priority) => {
  expect(printHook(baseChain(hook, type, [], priority), "ip")).toBe(text);
});

test("a table, as nft lists it", () => {
  const address = { type: "ipv4_addr", sample: SADDR } as const;
  const text = printTable({
    family: "ip",
    name: "t",
    comment: "an example",
    sets: [
      {
        name: "blocks",
        key: [address],
        interval: true,
        elements: [{ key: [block("10.0.0.0/8")] }, { key: [ipv4("9.9.9.9")] }],
      },
      { name: "clients", key: [address], interval: false, dynamic: true, size: 100, timeoutSeconds: 60, elements: [] },
    ],
    maps: [
      {
        name: "verdicts",
        key: [address],
        interval: false,
        data: "verdict",
        comment: "where to",
        elements: [{ key: [ipv4("10.0.0.1")], value: { kind: "goto", chain: "here" }, comment: "shop/api" }],
      },
    ],
    chains: [regularChain("here", ruleOf({ kind: "counter" })), baseChain("input", "filter", [])],
  });
  expect(text).toBe(`table ip t {
	comment "an example"

	map verdicts {
		type ipv4_addr : verdict
		comment "where to"
		elements = { 10.0.0.1 comment "shop/api" : goto here }
	}

	set blocks {
		type ipv4_addr
		flags interval
		elements = { 10.0.0.0/8,
			     9.9.9.9 }
	}

	set clients {
		type ipv4_addr
		size 100
		flags dynamic,timeout
		timeout 1m
	}

	chain here {
		counter
	}

	chain filter-input {
		type filter hook input priority filter; policy accept;
	}
}
`);
});
