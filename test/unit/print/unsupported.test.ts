import { describe, expect, test } from "vitest";
import { type Diagnostic, printPlace } from "../../../compiler/diagnostics.ts";
import { readRules } from "../../../compiler/formats/read-rules.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import { printIptables, printNft, printTable } from "../../../compiler/print.ts";

type Output = "nft" | "iptables" | "table";

/** What the output cannot hold of the rules in `text`: `code place message`, and where it showed. */
async function lackOf(output: Output, text: string): Promise<string[]> {
  const program = await readRules([{ name: "rules", text }], ({ message }) => {
    throw new Error(message);
  });
  return unsupportedOf(output, program).map(show);
}

function unsupportedOf(output: Output, program: Program): readonly Diagnostic[] {
  switch (output) {
    case "nft":
      return printNft(program).unsupported;
    case "iptables":
      return printIptables(program, "ip").unsupported;
    case "table":
      return printTable(program, []).unsupported;
  }
}

function show({ severity, code, message, origin, notes = [] }: Diagnostic): string {
  const place = origin === undefined ? "nowhere" : printPlace(origin.span());
  return `${severity} ${code} ${place} ${[message, ...notes.map((note) => note.message)].join(", ")}`;
}

const filter = (...rules: readonly string[]): string => `*filter\n${rules.join("\n")}\nCOMMIT\n`;
const chain = (...rules: readonly string[]): string =>
  `table ip t {\n\tchain c {\n\t\ttype filter hook input priority 0; policy accept;\n\t\t${rules.join("\n\t\t")}\n\t}\n}\n`;

/** Two sticky ways to one destination. */
const TWO_TIMEOUTS = `table ip t {
	set a {
		type ipv4_addr
		flags dynamic,timeout
		timeout 10s
	}
	set b {
		type ipv4_addr
		flags dynamic,timeout
		timeout 20s
	}
	map services {
		type ipv4_addr : verdict
		elements = { 10.0.0.9 : jump other,
			     10.0.0.1 : jump web }
	}
	chain other {
	}
	chain web {
		ip saddr 10.1.0.0/16 update @a { ip saddr } meta l4proto tcp dnat to 10.2.0.1:80
		update @b { ip saddr } meta l4proto tcp dnat to 10.2.0.1:80
	}
	chain nat {
		type nat hook prerouting priority dstnat; policy accept;
		ip daddr vmap @services
	}
}
`;

const TIMEOUTS = "a classifier table cannot hold this: two timeouts of session affinity at one destination";

describe("what an output cannot hold is a finding at the place that needs it", () => {
  test.each<[what: string, output: Output, text: string, wanted: string[]]>([
    [
      "a match of iptables alone",
      "nft",
      filter("-A INPUT -s 10.0.0.1 -j DROP", "-A INPUT -m u32 --u32 0 -j DROP"),
      ["error unsupported-nft rules:3:1 chain INPUT cannot be written for nft: -m u32 --u32 0x0"],
    ],
    [
      "a target of iptables alone",
      "nft",
      filter("-A INPUT -j SECMARK --selctx a"),
      ["error unsupported-nft rules:2:1 chain INPUT cannot be written for nft: -j SECMARK --selctx a"],
    ],
    [
      "a port of a connection of any protocol",
      "nft",
      filter(
        "-A INPUT -m conntrack --ctorigdstport 80 -j DROP",
        "-A INPUT -p tcp -m conntrack --ctorigdstport 80 -j DROP",
        "-A INPUT -m conntrack --ctproto tcp --ctorigdstport 80 -j DROP",
      ),
      [
        "error unsupported-nft rules:2:1 chain INPUT cannot be written for nft: a port of a connection without a test of the protocol before it",
      ],
    ],
    ["nothing that both have", "nft", filter("-A INPUT -s 10.0.0.1 -j DROP"), []],
    ["nothing that nft alone reads", "nft", chain("meta hour 10:00-12:00 drop"), []],
    [
      "a match of nft alone, each rule by itself",
      "iptables",
      chain("meta hour 10:00-12:00 drop", "ip saddr 10.0.0.1 drop", "ip dscp set cs1"),
      [
        "error unsupported-iptables rules:4:3 chain c cannot be written for iptables: meta hour 10:00 - 12:00",
        "error unsupported-iptables rules:6:3 chain c cannot be written for iptables: ip dscp set cs1",
      ],
    ],
    [
      "a lookup that no chains stand for",
      "iptables",
      chain("jhash ip saddr mod 2 vmap { 0 : drop, 1 : accept }"),
      [
        "error unsupported-iptables rules:4:3 chain c cannot be written for iptables: a verdict map is asked with a key that rules cannot spell out",
      ],
    ],
    [
      "a rule that is not understood",
      "table",
      chain("ip daddr 10.0.0.1 drop", "meta hour 10:00-12:00 drop"),
      [
        "error unsupported-table rules:5:3 a classifier table cannot hold this: not understood: meta hour 10:00 - 12:00, at 127.0.0.1",
      ],
    ],
    [
      "two timeouts, of which no rule is the one to blame",
      "table",
      TWO_TIMEOUTS,
      [`error unsupported-table nowhere ${TIMEOUTS}, at 10.0.0.1`],
    ],
  ])("%s: %s", async (_, output, text, wanted) => {
    expect(await lackOf(output, text)).toEqual(wanted);
  });

  test.each([
    "ip daddr vmap { 10.0.0.1 : drop, * : accept }",
    "ip daddr vmap { * : accept, 10.0.0.1 : drop }",
    "ip saddr . tcp dport { 10.0.0.1 . 80, * } accept",
  ])("an element for all other keys: %s", async (rule) => {
    expect(await lackOf("iptables", chain(rule))).toEqual([
      "error unsupported-iptables rules:4:3 chain c cannot be written for iptables: a set or map has an element for all other keys",
    ]);
  });

  test("two timeouts of a Service: its place in the manifests", async () => {
    const { ruleset } = await readRules([{ name: "rules", text: TWO_TIMEOUTS }], () => undefined);
    const manifest = { name: "web.yaml", text: "kind: Service\n" };
    const origin = { span: () => ({ source: manifest, start: 6, end: 13 }) };
    const tables = ruleset.tables.map((table) => ({
      ...table,
      maps: table.maps.map((map) => ({ ...map, elements: map.elements.map((element) => ({ ...element, origin })) })),
    }));
    const found = unsupportedOf("table", { ruleset: { tables }, routes: [] });
    expect(found.map(show)).toEqual([`error unsupported-table web.yaml:1:7 ${TIMEOUTS}, at 10.0.0.1`]);
  });

  test("what the encoder of tables has no number for", async () => {
    const text = chain("reject with icmpv6 policy-fail").replace("table ip", "table ip6");
    expect(await lackOf("table", text)).toEqual([
      "error unsupported-table nowhere a classifier table cannot hold this: reject with policy-fail",
    ]);
  });
});
