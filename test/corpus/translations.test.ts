import { expect, test } from "vitest";
import { type Comparison, compare } from "../../compiler/compare/compare.ts";
import type { BaseChain, Program, Rule } from "../../compiler/ir/types.ts";
import { type Family, parseAddress } from "../../compiler/net/address.ts";
import { pairs } from "../support/peers.ts";

/** The rules of a text in a chain that packets come to, and that drops those that no rule takes. */
function atHook({ ruleset }: Program, chain: string): Program {
  const hook = HOOKS[chain] ?? "forward";
  const tables = ruleset.tables.flatMap((table) => {
    const rules = table.chains.filter(({ name }) => name === chain).flatMap((each): readonly Rule[] => each.rules);
    const isNat = table.name === "nat" && (hook === "prerouting" || hook === "output" || hook === "postrouting");
    const base: BaseChain = {
      kind: "base",
      name: "here",
      type: isNat ? "nat" : "filter",
      hook,
      priority: 0,
      policy: isNat ? "accept" : "drop",
      rules,
    };
    const others = table.chains.filter(({ kind, name }) => kind === "regular" && name !== chain);
    return rules.length === 0 ? [] : [{ ...table, chains: [base, ...others] }];
  });
  return { ruleset: { tables }, routes: [] };
}

const HOOKS: Readonly<Record<string, BaseChain["hook"]>> = {
  INPUT: "input",
  FORWARD: "forward",
  OUTPUT: "output",
  PREROUTING: "prerouting",
  POSTROUTING: "postrouting",
};

/** What is not understood of some rules, by what the command says, why, and how many pairs depend on it. */
const NOT_UNDERSTOOD: readonly (readonly [pattern: RegExp, why: string, pairs: number])[] = [
  [/\/(?:255\.0\.255\.0|0\.255\.0\.255|ffff:0:|0:ffff:)/, "masks that are no prefix", 5],
  [/-m (?:ah|frag|mh) |-p mh /, "extension headers of IPv6", 12],
  [/-m icmp6 .*-j LOG/, "an option of ICMPv6 for any protocol, which iptables itself refuses", 3],
  [/-j (?:TPROXY|SYNPROXY) /, "the fate of packets that are taken from their way", 8],
  [/-m (?:cgroup|cpu|devgroup) /, "the host around the packet", 10],
  [/--ctexpire/, "of connections, what first packets have not", 2],
  [/-m sctp -j|--chunk-types/, "chunks of SCTP", 3],
  [/-m time /, "the time of day", 9],
];

const ADDRESS = parseAddress("192.168.0.2");

test.skipIf(pairs.length === 0)(
  `what iptables-translate makes of a rule does to every packet what the rule does, or something in it is not understood${pairs.length === 0 ? " (skipped: there is no ../shared/corpus/peer)" : ""}`,
  () => {
    const compared = pairs.flatMap(({ command, nft, mine, theirs }) => {
      const chain = /rule \S+ \S+ (\S+)/.exec(nft)?.[1] ?? "";
      const programs = [mine, theirs].map(({ program }) => atHook(program, chain));
      const families: Family[] = command.startsWith("ip6") ? ["IPv6"] : ["IPv4"];
      const [left, right] = programs as [Program, Program];
      if (left.ruleset.tables.length === 0 || right.ruleset.tables.length === 0) return [];
      const comparison = compare(left, right, { addresses: ADDRESS === undefined ? [] : [ADDRESS], families });
      return [{ command, nft, comparison }];
    });
    const equal = compared.filter(({ comparison }) => isEqual(comparison));
    const others = compared.filter(({ comparison }) => !isEqual(comparison));
    const wrong = others.filter(({ comparison }) => !dependsOnUnknown(comparison));
    process.stderr.write(
      `iptables-translate: ${equal.length} of ${compared.length} pairs are proved equal, ${others.length - wrong.length} depend on what is not understood, ${wrong.length} differ\n`,
    );
    for (const { command, comparison } of others) process.stderr.write(`  ${command}: ${reasonOf(comparison)}\n`);
    expect(wrong.map(({ command, nft }) => `${command} | ${nft}`)).toEqual([]);
    expect(equal.length).toBeGreaterThan(250);
    // Each of the others has one explanation, and each explanation is still needed.
    const explained = others.map(({ command }) => NOT_UNDERSTOOD.filter(([pattern]) => pattern.test(command)));
    expect(others.flatMap(({ command }, i) => (explained[i]?.length === 1 ? [] : [command]))).toEqual([]);
    for (const entry of NOT_UNDERSTOOD)
      expect([entry[1], explained.filter(([found]) => found === entry).length]).toEqual([entry[1], entry[2]]);
  },
);

function isEqual({ differing, open }: Comparison): boolean {
  return differing === 0 && open.length === 0;
}

function dependsOnUnknown({ regions, open }: Comparison): boolean {
  return open.length > 0 || regions.every(({ assumptions }) => assumptions.length > 0);
}

function reasonOf({ regions, open }: Comparison): string {
  return open[0]?.reason ?? regions[0]?.assumptions.join("; ") ?? "";
}
