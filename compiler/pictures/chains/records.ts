/** Chains as records: which of them packets reach, what their rules say, and which chains they lead to. */
import { priorityName } from "../../formats/nft/keywords.ts";
import { ChainGraph } from "../../ir/chain-graph.ts";
import type { BaseChain, Chain, Hook, Table } from "../../ir/types.ts";
import { compareBy } from "../../order.ts";
import { type RuleRow, rowsOfRule, TableData } from "./rule-rows.ts";

/** A chain that packets reach. */
export interface ReachedChain {
  readonly name: string;
  /** Type, hook and priority, and a policy that drops; undefined: entered by jump or goto alone. */
  readonly hook?: string;
  readonly rows: readonly RuleRow[];
}

export interface ReachedTable {
  /** `ip nat`. */
  readonly title: string;
  /** Those of hooks first, in the order in which packets pass them; the others as they are reached. */
  readonly chains: readonly ReachedChain[];
  readonly leftOut: LeftOut;
}

/** Chains that are not drawn. */
export interface LeftOut {
  /** Those that serve only while rules are replaced. */
  readonly transitional: number;
  /** Those to which nothing leads. */
  readonly unreached: number;
  /** Those of hooks without a rule, that accept. */
  readonly empty: number;
}

const HOOKS: readonly Hook[] = ["ingress", "prerouting", "input", "forward", "output", "postrouting", "egress"];

/** The chains of a table that packets reach. Where no chain has a hook, those to which no other leads are taken for the first. */
export function reachedChains(table: Table): ReachedTable {
  const graph = new ChainGraph(table);
  const isTransitional = ({ rules }: Chain): boolean =>
    rules.length > 0 && rules.every(({ whileReplacing }) => whileReplacing === true);
  const targets = new Set(table.chains.flatMap((chain) => [...graph.behind(chain)]));
  const based = table.chains.filter((chain) => chain.kind === "base");
  const isEmpty = ({ rules, policy }: BaseChain): boolean => rules.length === 0 && policy === "accept";
  const areAllEmpty = based.every(isEmpty);
  const shownBased = [...based].filter((chain) => areAllEmpty || !isEmpty(chain));
  shownBased.sort(
    compareBy(
      (chain) => HOOKS.indexOf(chain.hook),
      (chain) => chain.priority,
      (chain) => chain.name,
    ),
  );
  const firsts = table.chains.filter((chain) => !targets.has(chain)).sort(compareBy(({ name }) => name));
  const starts: Chain[] = based.length > 0 ? shownBased : firsts;
  const data = new TableData(table);
  const found = new Map<string, ReachedChain>();
  const visit = (start: Chain): void => {
    const open = [start];
    for (let chain = open.pop(); chain !== undefined; chain = open.pop()) {
      if (found.has(chain.name)) continue;
      const rows = chain.rules
        .filter(({ whileReplacing }) => !whileReplacing)
        .flatMap((rule) => rowsOfRule(rule, data));
      found.set(chain.name, {
        name: chain.name,
        ...(chain.kind === "base" ? { hook: hookText(chain, table) } : {}),
        rows,
      });
      const next = rows.flatMap(({ target }) => (target === undefined ? [] : (graph.get(target) ?? [])));
      for (const each of next.reverse()) if (!isTransitional(each)) open.push(each);
    }
  };
  for (const start of starts) visit(start);
  const others = table.chains.filter(({ name }) => !found.has(name));
  const transitional = others.filter(isTransitional).length;
  const empty = based.length - (based.length > 0 ? shownBased.length : 0);
  return {
    title: `${table.family} ${table.name}${table.dormant ? " (dormant: the kernel enters none of its chains)" : ""}`,
    chains: [...found.values()],
    leftOut: { transitional, empty, unreached: others.length - transitional - empty },
  };
}

function hookText({ type, hook, priority, policy, device }: BaseChain, { family }: Table): string {
  const where = device === undefined ? hook : `${hook} ${device}`;
  const when = priorityName(family, hook, priority) ?? String(priority);
  return `${type} ${where} ${when}${policy === "drop" ? ", policy drop" : ""}`;
}
