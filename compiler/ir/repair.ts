/** Rulesets as they come, made such that they can be followed. */
import type { DiagnosticCode } from "../diagnostics.ts";
import { Adjacency } from "./adjacency.ts";
import { ChainGraph } from "./chain-graph.ts";
import { RuleTargets } from "./rule-targets.ts";
import type { Chain, Rule, Statement, Table } from "./types.ts";

/** Takes a finding about a rule that leads to a chain which is not there, or back to its own. */
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
  const graph = new ChainGraph(table);
  if (isSound(table, graph, most)) return table;
  const missing = new Map<string, Rule>();
  for (const { rules } of table.chains) {
    for (const rule of rules) {
      for (const name of graph.namesIn(rule)) {
        if (graph.get(name)?.kind === "regular" || missing.has(name)) continue;
        missing.set(name, rule);
        const what =
          graph.get(name) !== undefined
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
  return cutDepth(cutLoops(repaired, new ChainGraph(repaired), tell), most, tell);
}

/** Whether there is nothing to repair, as in most tables. Names are looked up once for each jump: there may be a million. */
function isSound({ chains }: Table, graph: ChainGraph, most: number): boolean {
  const [from, to]: [number[], number[]] = [[], []];
  const targets = new RuleTargets((rule) => graph.namesIn(rule));
  const isLed = (chain: Chain, i: number): boolean =>
    targets.every(chain, (name) => {
      const target = graph.numberOf(name);
      if (target === undefined || chains[target]?.kind !== "regular") return false;
      from.push(i);
      to.push(target);
      return true;
    });
  if (!chains.every(isLed)) return false;
  const heights = heightsIn(new Adjacency(chains.length, from, to), chains.length, to);
  return heights !== undefined && chains.every(({ kind }, i) => kind !== "base" || (heights[i] as number) <= most);
}

/** How many of `count` chains lie behind each, one behind the other; undefined where some lead back. `targets`: of all jumps. */
function heightsIn(jumps: Adjacency, count: number, targets: readonly number[]): Int32Array | undefined {
  const leading = new Int32Array(count);
  for (const chain of targets) leading[chain] = (leading[chain] as number) + 1;
  const order = Array.from(leading.keys()).filter((chain) => leading[chain] === 0);
  for (const chain of order)
    for (const target of jumps.from(chain)) {
      leading[target] = (leading[target] as number) - 1;
      if (leading[target] === 0) order.push(target);
    }
  if (order.length < count) return undefined;
  const heights = new Int32Array(count);
  for (const chain of order.reverse())
    for (const target of jumps.from(chain))
      heights[chain] = Math.max(heights[chain] as number, 1 + (heights[target] as number));
  return heights;
}

/** A table without loops, and how many chains lie behind each of its chains, one behind the other. */
interface Unlooped {
  readonly table: Table;
  readonly heights: ReadonlyMap<string, number>;
}

/** The height of a chain whose rules are being followed. */
const OPEN = -1;

function cutLoops(table: Table, graph: ChainGraph, tell: Tell): Unlooped {
  const heights = new Map<string, number>();
  const cut = new Map<Rule, Rule>();
  const touched = new Set<Chain>();
  const visit = (chain: Chain): void => {
    heights.set(chain.name, OPEN);
    let height = 0;
    for (const rule of chain.rules)
      for (const name of graph.namesIn(rule)) {
        const target = graph.get(name);
        if (heights.get(name) === OPEN) {
          tell("chain-loop", `this jumps back to chain ${name}, which leads here`, rule);
          cut.set(rule, withoutJump(rule, `back to chain ${name}`, graph));
          touched.add(chain);
          break;
        }
        if (target !== undefined && !heights.has(name)) visit(target);
        height = Math.max(height, 1 + (heights.get(name) ?? 0));
      }
    heights.set(chain.name, height);
  };
  for (const chain of table.chains) if (!heights.has(chain.name)) visit(chain);
  if (touched.size === 0) return { table, heights };
  const chains = table.chains.map((chain) =>
    touched.has(chain) ? { ...chain, rules: chain.rules.map((rule) => cut.get(rule) ?? rule) } : chain,
  );
  return { table: { ...table, chains }, heights };
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
      for (const name of chains.namesIn(rule)) {
        const target = chains.get(name);
        if (depth >= most) cut.add(rule);
        else if (target !== undefined) visit(target, depth + 1);
      }
  };
  for (const chain of deep) visit(chain, 0);
  const repaired = (rule: Rule): Rule => {
    if (!cut.has(rule)) return rule;
    const [name = ""] = chains.namesIn(rule);
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
