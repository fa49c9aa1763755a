/** A program that was read from iptables as text for iptables-restore: whole tables, as iptables-save prints them. */
import type { Diagnostic } from "../../diagnostics.ts";
import type { BaseChain, Rule, Ruleset, Table } from "../../ir/types.ts";
import { type PrintedText, unsupported } from "../../ir/unsupported.ts";
import { ChainHooks } from "./chain-hooks.ts";
import { interfaceRefused, placeRefused, type RulePlace } from "./hook-rules.ts";
import { BUILT_IN_CHAINS, TABLES } from "./hooks.ts";
import { joinChoices } from "./print-choices.ts";
import { unsupportedByIptables, unsupportedRule } from "./print-file.ts";
import { printRule, type RuleContext } from "./print-rule.ts";

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
    return joinChoices(chain.rules).flatMap((rule) => {
      const { steps, comment } = rule;
      try {
        const words = printRule(comment === undefined ? { steps } : { steps, comment }, context);
        return [{ chain: chain.name, rule, line: `-A ${chain.name} ${words}`.trimEnd() }];
      } catch (error) {
        lacking.push(unsupportedRule(error, chain, rule));
        return [];
      }
    });
  });
  const heads = table.chains.map(
    (chain) => `:${chain.name} ${chain.kind === "base" ? chain.policy.toUpperCase() : "-"} [0:0]`,
  );
  const textOf = (rules: readonly PrintedRule[]): string =>
    `*${table.name}\n${[...heads, ...rules.map(({ line }) => line), "COMMIT"].join("\n")}\n`;
  const hooks = new ChainHooks(textOf(lines));
  const taken = lines.filter(({ chain, rule, line }) => {
    const reason = refusalOf(line, {
      isWhole: true,
      table: table.name,
      chain,
      hooks: hooks.leadingTo(table.name, chain),
    });
    if (reason !== undefined) lacking.push(unsupportedByIptables(chain, reason, rule.origin));
    return reason === undefined;
  });
  return textOf(taken);
}

interface PrintedRule {
  readonly chain: string;
  readonly rule: Rule;
  readonly line: string;
}

/** Why iptables refuses a rule where it stands, for its target or a match: nft takes more in more places. */
function refusalOf(line: string, place: RulePlace): string | undefined {
  // Text in quotes is no option.
  for (const [, option = "", name = ""] of line.replace(/"(?:[^"\\]|\\.)*"/g, '""').matchAll(/ -([mjio]) (\S+)/g)) {
    const reason =
      option === "i" || option === "o"
        ? interfaceRefused(`-${option}`, place)
        : placeRefused({ kind: option === "m" ? "match" : "target", name, options: [] }, place);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function isBuiltIn(chain: BaseChain, table: keyof typeof BUILT_IN_CHAINS): boolean {
  const wanted = BUILT_IN_CHAINS[table].find(({ name }) => name === chain.name);
  return wanted?.hook === chain.hook && wanted.type === chain.type && wanted.priority === chain.priority;
}
