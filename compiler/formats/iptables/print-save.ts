/** A program that was read from iptables as text for iptables-restore: whole tables, as iptables-save prints them. */
import type { Diagnostic } from "../../diagnostics.ts";
import type { BaseChain, Rule, Ruleset, Table } from "../../ir/types.ts";
import { type PrintedText, unsupported } from "../../ir/unsupported.ts";
import { meaningOf } from "../../words.ts";
import { ChainHooks } from "./chain-hooks.ts";
import { MATCHES } from "./extensions/matches.ts";
import type { RuleContext } from "./extensions/row.ts";
import { TARGETS } from "./extensions/targets.ts";
import { interfaceRefused, placeRefused, type RulePlace } from "./hook-rules.ts";
import { BUILT_IN_CHAINS, TABLES } from "./hooks.ts";
import { JumpGraph } from "./jumps.ts";
import { joinChoices } from "./print-choices.ts";
import { unsupportedByIptables } from "./print-file.ts";
import { printRule } from "./print-rule.ts";
import { type RuleWords, spellRule } from "./rule-words.ts";

/** The tables of `family` that have iptables' names and built-in chains; what else there is cannot be written. */
export function printSave({ tables }: Ruleset, family: "ip" | "ip6"): PrintedText {
  const lacking: Diagnostic[] = [];
  const texts = tables.filter((table) => table.family === family).map((table) => printTable(table, family, lacking));
  return { text: texts.join(""), unsupported: lacking };
}

function printTable(table: Table, family: "ip" | "ip6", lacking: Diagnostic[]): string {
  const context: RuleContext = {
    family,
    table: table.name,
    chainNames: new Map(),
    sets: new Map(table.sets.map((set) => [set.name, set])),
    listName: (set) => set,
  };
  const known = TABLES.find((name) => name === table.name);
  if (known === undefined)
    lacking.push(unsupported("unsupported-iptables", `iptables has no table ${table.name}`, undefined));
  const lines = table.chains.flatMap((chain): PrintedRule[] => {
    if (chain.kind === "base" && (known === undefined || !isBuiltIn(chain, known)))
      lacking.push(
        unsupportedByIptables(
          chain.name,
          `table ${table.name} of iptables has no such built-in chain`,
          chain.rules[0]?.origin,
        ),
      );
    return joinChoices(chain.rules).flatMap((rule): PrintedRule[] => {
      const words = printRule(rule, context);
      if (!("lacking" in words)) return [{ chain: chain.name, rule, words }];
      lacking.push(unsupportedByIptables(chain.name, words.lacking, rule.origin));
      return [];
    });
  });
  const heads = table.chains.map(
    (chain) => `:${chain.name} ${chain.kind === "base" ? chain.policy.toUpperCase() : "-"} [0:0]`,
  );
  const hooks = new ChainHooks(() => new Map([[table.name, jumpsOf(lines)]]));
  const taken = lines.filter(({ chain, rule, words }) => {
    const leading = hooks.leadingTo(table.name, chain);
    const reason = refusalOf(words, { isWhole: true, table: table.name, chain, hooks: leading });
    if (reason !== undefined) lacking.push(unsupportedByIptables(chain, reason, rule.origin));
    return reason === undefined;
  });
  const texts = taken.map(({ chain, words }) => `-A ${chain} ${spellRule(words)}`.trimEnd());
  return `*${table.name}\n${[...heads, ...texts, "COMMIT"].join("\n")}\n`;
}

interface PrintedRule {
  readonly chain: string;
  readonly rule: Rule;
  readonly words: RuleWords;
}

function jumpsOf(rules: readonly PrintedRule[]): JumpGraph {
  const graph = new JumpGraph();
  for (const { chain, words } of rules) if (words.target !== undefined) graph.add(chain, words.target.unit.name);
  return graph;
}

/** Why iptables refuses a rule where it stands, for its target or a match: nft takes more in more places. */
function refusalOf({ head, matches, target }: RuleWords, place: RulePlace): string | undefined {
  for (const { name } of head) {
    const reason = name === "-i" || name === "-o" ? interfaceRefused(name, place) : undefined;
    if (reason !== undefined) return reason;
  }
  for (const { name } of matches) {
    const reason = placeRefused(`-m ${name}`, [], meaningOf(MATCHES, name)?.placement, place);
    if (reason !== undefined) return reason;
  }
  const name = target?.option === "-j" ? target.unit.name : undefined;
  return name === undefined ? undefined : placeRefused(name, [], meaningOf(TARGETS, name)?.placement, place);
}

function isBuiltIn(chain: BaseChain, table: keyof typeof BUILT_IN_CHAINS): boolean {
  const wanted = BUILT_IN_CHAINS[table].find(({ name }) => name === chain.name);
  return wanted?.hook === chain.hook && wanted.type === chain.type && wanted.priority === chain.priority;
}
