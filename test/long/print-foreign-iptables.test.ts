/** Rules of others, printed again, are text that iptables takes, and the same rules. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printSave } from "../../compiler/formats/iptables/print-save.ts";
import { normaliseProgram } from "../../compiler/ir/normal-form.ts";
import type { Chain, Rule, Ruleset, Table } from "../../compiler/ir/types.ts";
import { foreignIptables, foreignNft } from "../support/arbitrary-rules.ts";
import { type RestoreText, refusedByIptables } from "../support/iptables-check.ts";
import { type ExtensionRow, MATCH_ROWS, TARGET_ROWS, textWith } from "../support/iptables-rows.ts";
import { kernelMissing } from "../support/kernel.ts";
import { mustReadIptables, mustReadNft } from "../support/read.ts";

const head = (rule: string, more: Omit<ExtensionRow, "rule"> = {}): ExtensionRow => ({ rule, ...more });

/** What options of the rule and of extensions ask of each other, in all orders. */
const RULES: readonly ExtensionRow[] = [
  head("-p tcp -m tcp --tcp-flags SYN,ACK SYN -j DROP"),
  head("-p tcp -m tcp --syn -j DROP"),
  head("-p tcp -m tcp ! --syn -j DROP"),
  head("-m tcp -p tcp --dport 80 --syn -j DROP"),
  head("-p tcp -m tcp --tcp-flags NONE NONE -j DROP"),
  head("-p tcp -m tcp --sport 1:65535 ! --dport 80:90 -j DROP"),
  head("-p tcp -m tcp --dport 0:65535 -j DROP"),
  head("-p tcp -m tcp --tcp-option 7 -j DROP"),
  head("-p tcp -m multiport --sports 1,2 -m multiport ! --dports 3,5:9 -j DROP"),
  head("-p tcp -m multiport ! --ports 3,5:9 -j DROP"),
  head("-p udplite -m multiport --dports 3,5:9 -j DROP"),
  head("-p sctp -m sctp --chunk-types any INIT -j DROP"),
  head("-p icmp -m icmp --icmp-type any -j DROP"),
  head("-p icmp -m icmp --icmp-type 3/4 -j DROP"),
  head("-p icmp -m icmp ! --icmp-type 3/4 -j DROP"),
  head("-p icmp -m icmp ! --icmp-type 8 -j DROP"),
  head("-p ipv6-icmp -m icmp6 --icmpv6-type 1/4 -j DROP", { family: "ip6" }),
  head("-p ipv6-icmp -m icmp6 ! --icmpv6-type 128 -j DROP", { family: "ip6" }),
  head("! -p tcp -j DROP"),
  head("-p 200 -j DROP"),
  head("-p tcp -j REJECT --reject-with tcp-reset"),
  head("! -s 10.0.0.0/255.0.255.0 ! -d 10.0.0.1 -j DROP"),
  head("-d 10.0.0.1,10.0.0.9 -j DROP"),
  head("! -i eth+ ! -o lo -f -j DROP", { chain: "FORWARD" }),
  head("! -f -j DROP"),
  head('-m comment --comment "a \\"b\\" \'c\' \\\\ ! é" -j DROP'),
  head("-m conntrack ! --ctstate NEW,SNAT -j DROP"),
  head("-m conntrack --ctstate NEW,DNAT -j DROP"),
  head("-m conntrack --ctstate DNAT,SNAT -j DROP"),
  head("-m conntrack --ctstatus NONE -j DROP"),
  head("-m conntrack ! --ctstatus ASSURED,CONFIRMED --ctdir REPLY -j DROP"),
  head("-m conntrack --ctproto 6 --ctorigsrc 10.0.0.0/8 ! --ctorigdst 10.0.0.1 --ctorigdstport 1:9 -j DROP"),
  head("-m conntrack --ctreplsrc 10.0.0.1 --ctexpire 1:9 -j DROP"),
  head("-m owner --uid-owner 0-9 --gid-owner 9 -j DROP", { chain: "OUTPUT" }),
  head("-m owner ! --uid-owner 0-9 -j DROP", { chain: "OUTPUT" }),
  head("-m owner --socket-exists -j DROP", { chain: "OUTPUT" }),
  head("-m statistic --mode nth --every 3 --packet 1 -j DROP"),
  head("-m statistic --mode random ! --probability 0.25000000000 -j DROP"),
  head("-m length --length 0:65535 -j DROP"),
  head("-m ttl --ttl-lt 9 -j DROP"),
  head("-m ttl ! --ttl-eq 9 -j DROP"),
  head("-m hl --hl-gt 9 -j DROP", { family: "ip6" }),
  head("-m pkttype ! --pkt-type multicast -j DROP"),
  head("-m addrtype ! --src-type LOCAL,UNICAST --dst-type BROADCAST -j DROP"),
  head("-m addrtype --dst-type LOCAL --limit-iface-in -j DROP"),
  head("-m addrtype ! --dst-type LOCAL --limit-iface-in -j DROP"),
  head("-m physdev ! --physdev-in eth0 -j DROP"),
  head("-m physdev --physdev-in eth0 -j DROP"),
  head("-m socket --transparent -j DROP", { table: "mangle", chain: "PREROUTING" }),
  head("-m mac ! --mac-source 02:00:00:00:00:01 -j DROP"),
  head("-m mark ! --mark 0x0/0x3 -j DROP"),
  head("-m connmark --mark 0x0 -j DROP"),
  head("-m recent --update --seconds 9 --hitcount 3 --name a --rsource -j DROP"),
  head("-m recent ! --rcheck --seconds 9 --name a --rsource -j DROP"),
  head('-m limit --limit 3/sec --limit-burst 9 -j LOG --log-prefix "a b" --log-level 7'),
  head("-j TRACE", { table: "raw", chain: "PREROUTING" }),
  head("-j CT --zone 3", { table: "raw", chain: "PREROUTING" }),
  head("-j TPROXY --on-port 9 -p tcp", { table: "mangle", chain: "PREROUTING" }),
  head("-p udp -j DNAT --to-destination 10.0.0.1-10.0.0.9:80-90 --random --persistent", {
    table: "nat",
    chain: "PREROUTING",
  }),
  head("-p udp -j DNAT --to-destination [2001:db8::1]:80", { table: "nat", chain: "PREROUTING", family: "ip6" }),
  head("-j DNAT --to-destination 2001:db8::1-2001:db8::9", { table: "nat", chain: "PREROUTING", family: "ip6" }),
  head("-p udp -j DNAT --to-destination :80", { table: "nat", chain: "PREROUTING" }),
  head("-p udp -j SNAT --to-source 10.0.0.1:1000-2000", { table: "nat", chain: "POSTROUTING" }),
  head("-p tcp -j MASQUERADE --to-ports 1000-2000 --random", { table: "nat", chain: "POSTROUTING" }),
  head("-p tcp -j REDIRECT --to-ports 1000-2000", { table: "nat", chain: "PREROUTING" }),
  head("-j NETMAP --to 10.1.0.0/16", { table: "nat", chain: "PREROUTING" }),
  head("-j MARK --xor-mark 0x3", { table: "mangle", chain: "PREROUTING" }),
];

describe.skipIf(kernelMissing !== undefined)("iptables takes rules of others as they are printed", () => {
  const rows = [...Object.values(MATCH_ROWS), ...Object.values(TARGET_ROWS), RULES].flat();
  const forms = rows
    .filter(({ ipset }) => ipset === undefined)
    .map((row): RestoreText => ({ family: row.family ?? "ip", text: textWith(row) }));

  test.each(["nft", "legacy"] as const)("of every form (%s)", async (backend) => {
    expect(await refusedByIptables(forms, backend)).toEqual([]);
    expect(await refusedByIptables(forms.map(printedAgain), backend)).toEqual([]);
  });

  test.each(["nft", "legacy"] as const)("of random rules (%s)", async (backend) => {
    const texts = fc.sample(foreignIptables, 40).map((text): RestoreText => ({ family: "ip", text }));
    expect(await refusedByIptables(texts, backend)).toEqual([]);
    expect(await refusedByIptables(texts.map(printedAgain), backend)).toEqual([]);
  });

  test("of what it has words for in rules of nft", async () => {
    const rules = fc.sample(foreignNft, 20).flatMap(inWordsOfIptables);
    expect(rules.length).toBeGreaterThan(20);
    expect(await refusedByIptables(rules, "legacy")).toEqual([]);
  });
});

/** Each rule of `text` that iptables has words for, in a filter table of its own. */
function inWordsOfIptables(text: string): RestoreText[] {
  const [table] = mustReadNft(text).ruleset.tables;
  return (table?.chains ?? []).flatMap(({ rules }) =>
    rules.flatMap((rule): RestoreText[] => {
      const ruleset: Ruleset = { tables: [withRule(rule, table?.chains ?? [])] };
      const printed = printSave(ruleset, "ip");
      if (printed.unsupported.length > 0) return [];
      const again = mustReadIptables(printed.text, "ip");
      expect([printed.text, normaliseProgram(again)]).toEqual([
        printed.text,
        normaliseProgram({ ruleset, routes: [] }),
      ]);
      return [{ family: "ip", text: printed.text }];
    }),
  );
}

/** Table filter with the regular chains of `chains`, empty, and `rule` in INPUT. */
function withRule(rule: Rule, chains: readonly Chain[]): Table {
  const declared = chains.flatMap(({ kind, name }) => (kind === "regular" ? `:${name} - [0:0]\n` : []));
  const { ruleset } = mustReadIptables(`*filter\n${declared.join("")}COMMIT\n`, "ip");
  const [table] = ruleset.tables as [Table];
  const withOne = table.chains.map((chain) => (chain.name === "INPUT" ? { ...chain, rules: [rule] } : chain));
  return { ...table, chains: withOne };
}

/** `text`, read and printed; throws where that is not the same program. */
function printedAgain({ family, text }: RestoreText): RestoreText {
  const program = mustReadIptables(text, family);
  const printed = printSave(program.ruleset, family);
  expect([text, printed.unsupported]).toEqual([text, []]);
  expect([text, normaliseProgram(mustReadIptables(printed.text, family))]).toEqual([text, normaliseProgram(program)]);
  return { family, text: printed.text };
}
