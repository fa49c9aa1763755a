/** The chain graph of a ruleset: what of each table is drawn, and what is left out, in words. */
import type { Table } from "../../ir/types.ts";
import { setsIn } from "../../ir/walk.ts";
import { type ChainRecord, recordsOf } from "./fold.ts";
import { type ReachedChain, type ReachedTable, reachedChains } from "./records.ts";

export interface ChainTable {
  readonly title: string;
  readonly records: readonly ChainRecord[];
  /** How much the table has, and what of it is not drawn. */
  readonly footnote: string;
}

/** Which chains are drawn: the named ones, and two layers around them. Undefined: all that packets reach. */
export interface ChainFocus {
  /** What the footnote says of the choice, such as `around chain services`. */
  readonly words: string;
  readonly isWanted: (table: Table, chain: Table["chains"][number]) => boolean;
}

/** Tables with at least one chain to draw. Those without a rule are drawn where no table has one. */
export function chainTables(tables: readonly Table[], focus?: ChainFocus): ChainTable[] {
  const used = tables.filter(({ chains }) => chains.some(({ rules }) => rules.length > 0));
  return (used.length === 0 ? tables : used).flatMap((table) => {
    const reached = reachedChains(table);
    const wanted = new Set(
      focus === undefined ? [] : table.chains.filter((chain) => focus.isWanted(table, chain)).map(({ name }) => name),
    );
    const chains = focus === undefined ? reached.chains : around(reached.chains, wanted);
    if (chains.length === 0) return [];
    const records = recordsOf(chains, wanted);
    return [{ title: reached.title, records, footnote: footnoteOf(table, reached, chains.length, focus) }];
  });
}

/** Whether the name, a comment or an asked map of a chain names the Service `name` (namespace/name), as kpc's and kube-proxy's do. */
export function leadsTo(tables: readonly Table[], name: string): ChainFocus["isWanted"] {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const mention = new RegExp(`(?:^|[^\\w./])${escaped}(?:$|[^\\w.-])`);
  const maps = new Set<string>();
  const keyOf = (table: Table, map: string): string => `${table.family} ${table.name} ${map}`;
  for (const table of tables)
    for (const map of table.maps)
      if (
        map.elements.some(({ comment = "", value }) =>
          mention.test("chain" in value ? `${comment} ${value.chain}` : comment),
        )
      )
        maps.add(keyOf(table, map.name));
  return (table, chain) =>
    mention.test(chain.name) ||
    chain.rules.some(
      ({ comment = "", steps }) =>
        mention.test(comment) || steps.some((step) => [...setsIn(step)].some((map) => maps.has(keyOf(table, map)))),
    );
}

const LAYERS = 2;

/** The chains of `wanted`, and those at most two jumps away from one. */
function around(chains: readonly ReachedChain[], wanted: ReadonlySet<string>): ReachedChain[] {
  const kept = new Set(wanted);
  const leading = new Set(wanted);
  const led = new Set(wanted);
  for (let layer = 0; layer < LAYERS; layer++) {
    const nextLed = chains
      .filter(({ name }) => led.has(name))
      .flatMap(({ rows }) => rows.flatMap(({ target }) => target ?? []));
    const nextLeading = chains.filter(({ rows }) =>
      rows.some(({ target }) => target !== undefined && leading.has(target)),
    );
    for (const name of nextLed) led.add(name);
    for (const { name } of nextLeading) leading.add(name);
    for (const name of [...led, ...leading]) kept.add(name);
  }
  return chains.filter(({ name }) => kept.has(name));
}

function footnoteOf(
  table: Table,
  { chains, leftOut }: ReachedTable,
  drawn: number,
  focus: ChainFocus | undefined,
): string {
  const data = [...table.sets, ...table.maps];
  const elements = data.reduce((sum, each) => sum + each.elements.length, 0);
  const rules = table.chains.reduce((sum, chain) => sum + chain.rules.length, 0);
  const { transitional, unreached, empty } = leftOut;
  const counts = [
    counted(table.chains.length, "chain"),
    `${counted(rules, "rule")}`,
    ...(data.length === 0
      ? []
      : [
          `${data.length === 1 ? "1 map or set" : `${thousands(data.length)} maps and sets`} with ${counted(elements, "element")}`,
        ]),
  ];
  const without = [
    ...(transitional === 0 ? [] : [`${counted(transitional, "chain")} used only while rules are replaced`]),
    ...(unreached === 0 ? [] : [`${counted(unreached, "chain")} that nothing leads to`]),
    ...(empty === 0 ? [] : [`${counted(empty, "hook")} without rules`]),
  ];
  const shown =
    focus === undefined
      ? `Drawn: ${counted(drawn, "chain")} that packets reach.`
      : `Drawn: ${thousands(drawn)} of ${counted(chains.length, "chain")} that packets reach, ${focus.words}.`;
  return [`${listed(counts)}.`, shown, ...(without.length === 0 ? [] : [`Left out: ${listed(without)}.`])].join(" ");
}

function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join() : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

/** `1 chain`, `1,204 chains`. */
export function counted(count: number, word: string): string {
  return `${thousands(count)} ${word}${count === 1 ? "" : "s"}`;
}

/** `1,204`. */
export function thousands(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ",");
}
