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
 *  themselves, or further than `most` chains away from a base chain. Tells `unknown-chain`, `chain-loop`, `too-deep`. */
export function repairChains(table: Table, most: number, tell: Tell): Table {
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
  const repaired = { ...table, chains: [...there, ...known] };
  return cutDepth(cutLoops(repaired, tell), most, tell);
}

/** A table without loops, and how many chains lie behind each of its chains, one behind the other. */
interface Unlooped {
  readonly table: Table;
  readonly heights: ReadonlyMap<string, number>;
}

function cutLoops(table: Table, tell: Tell): Unlooped {
  const chains = new ChainGraph(table);
  const done = new Map<string, Chain>();
  const heights = new Map<string, number>();
  const open = new Set<string>();
  const visit = (chain: Chain): void => {
    open.add(chain.name);
    let height = 0;
    const rules = chain.rules.map((rule) => {
      for (const name of targetsOf(rule, chains)) {
        const target = chains.get(name);
        if (open.has(name)) {
          tell("chain-loop", `this jumps back to chain ${name}, which leads here`, rule);
          return withoutJump(rule, `back to chain ${name}`, chains);
        }
        if (target !== undefined && !done.has(name)) visit(target);
        height = Math.max(height, 1 + (heights.get(name) ?? 0));
      }
      return rule;
    });
    open.delete(chain.name);
    heights.set(chain.name, height);
    done.set(chain.name, { ...chain, rules });
  };
  for (const chain of table.chains) if (!done.has(chain.name)) visit(chain);
  return { table: { ...table, chains: table.chains.map(({ name }) => done.get(name) as Chain) }, heights };
}

function cutDepth({ table, heights }: Unlooped, most: number, tell: Tell): Table {
  const deep = table.chains.filter(({ kind, name }) => kind === "base" && (heights.get(name) ?? 0) > most);
  if (deep.length === 0) return table;
  const chains = new ChainGraph(table);
  const depths = new Map<Chain, number>();
  const cut = new Set<Rule>();
  const visit = (chain: Chain, depth: number): void => {
    if ((depths.get(chain) ?? -1) >= depth) return;
    depths.set(chain, depth);
    for (const rule of chain.rules)
      for (const name of targetsOf(rule, chains)) {
        const target = chains.get(name);
        if (depth >= most) cut.add(rule);
        else if (target !== undefined) visit(target, depth + 1);
      }
  };
  for (const chain of deep) visit(chain, 0);
  const repaired = (rule: Rule): Rule => {
    if (!cut.has(rule)) return rule;
    const [name = ""] = targetsOf(rule, chains);
    tell("too-deep", `chain ${name} is more than ${most} jumps away from a base chain`, rule);
    return withoutJump(rule, `on to chain ${name}`, chains);
  };
  return { ...table, chains: table.chains.map((chain) => ({ ...chain, rules: chain.rules.map(repaired) })) };
}

/** `rule` up to its first jump, in the place of which anything may happen. */
function withoutJump(rule: Rule, text: string, graph: ChainGraph): Rule {
  const at = rule.steps.findIndex((step) => graph.namesBehind(step).size > 0);
  return { ...rule, steps: [...rule.steps.slice(0, at), anything(text)] };
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
