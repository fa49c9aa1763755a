/** Rulesets as they come, made such that they can be followed. */
import type { DiagnosticCode } from "../diagnostics.ts";
import { ChainGraph } from "./chain-graph.ts";
import type { Chain, Rule, Statement, Table } from "./types.ts";

/** Told of a rule that leads nowhere, or back. */
export type Tell = (code: DiagnosticCode, message: string, rule: Rule) => void;

/** What may do anything to a packet. */
export function anything(text: string): Extract<Statement, { kind: "opaque-statement" }> {
  return {
    kind: "opaque-statement",
    text,
    terminal: true,
    writes: [
      { kind: "meta", key: "mark" },
      { kind: "ct", key: "mark" },
      { kind: "ct", key: "state" },
    ],
  };
}

/** `table` with a chain that may do anything wherever one is missing, and such a statement where chains lead back to
 *  themselves. Tells `unknown-chain`, `chain-loop`. */
export function mendChains(table: Table, tell: Tell): Table {
  const chains = new ChainGraph(table);
  const missing = new Map<string, Rule>();
  for (const { rules } of table.chains) {
    for (const rule of rules) {
      for (const name of targetsOf(rule, chains)) {
        if (chains.get(name)?.kind === "regular" || missing.has(name)) continue;
        missing.set(name, rule);
        const what =
          chains.get(name) !== undefined
            ? "is a base chain: no rule can jump to it"
            : `is not a chain of table ${table.name}`;
        tell("unknown-chain", `${name} ${what}`, rule);
      }
    }
  }
  const stubs = [...missing.keys()].map(
    (name): Chain => ({
      kind: "regular",
      name,
      rules: [{ steps: [anything(`chain ${name}`)] }],
    }),
  );
  const there = table.chains.filter(({ name, kind }) => kind === "base" || !missing.has(name));
  const known = stubs.filter(({ name }) => !there.some((chain) => chain.name === name));
  const mended = { ...table, chains: [...there, ...known] };
  return cutLoops(mended, tell);
}

function cutLoops(table: Table, tell: Tell): Table {
  const chains = new ChainGraph(table);
  const done = new Map<string, Chain>();
  const open = new Set<string>();
  const visit = (chain: Chain): void => {
    open.add(chain.name);
    const rules = chain.rules.map((rule) => {
      for (const name of targetsOf(rule, chains)) {
        const target = chains.get(name);
        if (open.has(name)) {
          tell("chain-loop", `this jumps back to chain ${name}, which leads here`, rule);
          return { ...rule, steps: [...rule.steps.slice(0, -1), anything(`back to chain ${name}`)] };
        }
        if (target !== undefined && !done.has(name)) visit(target);
      }
      return rule;
    });
    open.delete(chain.name);
    done.set(chain.name, { ...chain, rules });
  };
  for (const chain of table.chains) if (!done.has(chain.name)) visit(chain);
  return { ...table, chains: table.chains.map(({ name }) => done.get(name) as Chain) };
}

/** The names of the chains that a rule leads to. */
function targetsOf({ steps }: Rule, graph: ChainGraph): ReadonlySet<string> {
  let found = NOWHERE;
  for (const step of steps) {
    const names = graph.namesBehind(step);
    if (names.size > 0) found = found.size === 0 ? names : new Set([...found, ...names]);
  }
  return found;
}

const NOWHERE: ReadonlySet<string> = new Set();
