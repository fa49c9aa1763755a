/** A program that was read from iptables as text for iptables-restore: whole tables, as iptables-save prints them. */
import type { BaseChain, Ruleset, Table } from "../../ir/types.ts";
import { BUILT_IN_CHAINS, TABLES } from "./hooks.ts";
import { joinChoices } from "./print-choices.ts";
import type { PrintedFile, Problem } from "./print-file.ts";
import { Inexpressible, printRule, type RuleContext } from "./print-rule.ts";

/** The tables of `family` that have iptables' names and built-in chains; what else there is is a problem. */
export function printSave({ tables }: Ruleset, family: "ip" | "ip6"): PrintedFile {
  const problems: Problem[] = [];
  const texts = tables.filter((table) => table.family === family).map((table) => printTable(table, family, problems));
  return { text: texts.join(""), problems };
}

function printTable(table: Table, family: "ip" | "ip6", problems: Problem[]): string {
  const context: RuleContext = {
    family,
    table: table.name,
    chainNames: new Map(),
    sets: new Map(table.sets.map((set) => [set.name, set])),
    listName: (set) => set,
  };
  const known = TABLES.find((name) => name === table.name);
  if (known === undefined) problems.push({ chain: "", reason: `iptables has no table ${table.name}` });
  const lines = table.chains.flatMap((chain) => {
    if (chain.kind === "base" && (known === undefined || !isBuiltIn(chain, known)))
      problems.push({ chain: chain.name, reason: `table ${table.name} of iptables has no such built-in chain` });
    return joinChoices(chain.rules).flatMap(({ steps, comment }) => {
      try {
        const rule = printRule(comment === undefined ? { steps } : { steps, comment }, context);
        return [`-A ${chain.name} ${rule}`.trimEnd()];
      } catch (error) {
        if (!(error instanceof Inexpressible)) throw error;
        problems.push({ chain: chain.name, reason: error.message });
        return [];
      }
    });
  });
  const heads = table.chains.map(
    (chain) => `:${chain.name} ${chain.kind === "base" ? chain.policy.toUpperCase() : "-"} [0:0]`,
  );
  return `*${table.name}\n${[...heads, ...lines, "COMMIT"].join("\n")}\n`;
}

function isBuiltIn(chain: BaseChain, table: keyof typeof BUILT_IN_CHAINS): boolean {
  const wanted = BUILT_IN_CHAINS[table].find(({ name }) => name === chain.name);
  return wanted?.hook === chain.hook && wanted.type === chain.type && wanted.priority === chain.priority;
}
