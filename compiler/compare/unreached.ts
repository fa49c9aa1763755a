/** Rules that a comparison does not reach: it makes no claim where such rules differ. */
import { ChainGraph } from "../ir/chain-graph.ts";
import { elementsOf, normaliseChain } from "../ir/normal-form.ts";
import type { BaseChain, Chain, Program, Table } from "../ir/types.ts";
import { isInert, setsIn } from "../ir/walk.ts";
import { FAMILIES, type Family } from "../net/address.ts";

interface Found {
  readonly chain: Chain;
  readonly table: Table;
  /** The kernel enters the chain at a hook that kpc does not follow. */
  readonly isElsewhere: boolean;
}

/** What is not compared, a sentence each: chains that no packet enters on either side and that are not the same on both; and chains at
 *  hooks that are not followed, such as those of bridges, where only one side has them or both have others. */
export function unreachedIn(left: Program, right: Program, families: readonly Family[] = FAMILIES): string[] {
  const [ours, theirs] = [left, right].map((program) => unreachedOf(program, families)) as [Finds, Finds];
  const names: { readonly idle: string[]; readonly elsewhere: string[] } = { idle: [], elsewhere: [] };
  for (const name of new Set([...ours.keys(), ...theirs.keys()])) {
    const [one, other] = [ours.get(name), theirs.get(name)];
    if (one !== undefined && other !== undefined) {
      if (saySame(one, other)) continue;
      (one.isElsewhere || other.isElsewhere ? names.elsewhere : names.idle).push(name);
    } else if (doesSomething((one ?? other) as Found)) names.elsewhere.push(name);
  }
  return [
    ...(names.idle.length === 0 ? [] : [`rules that no packet reaches on either side: ${listed(names.idle)}`]),
    ...(names.elsewhere.length === 0 ? [] : [`rules at hooks that kpc does not evaluate: ${listed(names.elsewhere)}`]),
  ];
}

const MOST_NAMES = 8;

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).join(", ");
  return names.length > MOST_NAMES ? `${shown} and ${names.length - MOST_NAMES} more` : shown;
}

type Finds = ReadonlyMap<string, Found>;

function unreachedOf({ ruleset }: Program, families: readonly Family[]): Finds {
  const found = new Map<string, Found>();
  for (const table of ruleset.tables) {
    if (table.family === "ip" && !families.includes("IPv4")) continue;
    if (table.family === "ip6" && !families.includes("IPv6")) continue;
    const reached = reachedIn(table);
    for (const chain of table.chains)
      if (!reached.has(chain))
        found.set(`chain ${chain.name} of table ${table.family} ${table.name}`, {
          chain,
          table,
          isElsewhere: chain.kind === "base" && table.dormant === undefined,
        });
  }
  return found;
}

function reachedIn(table: Table): ReadonlySet<Chain> {
  const entered = table.chains.filter((chain) => chain.kind === "base" && isFollowed(chain, table));
  return new ChainGraph(table).reachableFrom(entered);
}

/** Whether packets are followed to a base chain. */
function isFollowed({ hook }: BaseChain, { family, dormant }: Table): boolean {
  const isIp = family === "ip" || family === "ip6" || family === "inet";
  return dormant === undefined && isIp && hook !== "ingress" && hook !== "egress";
}

/** Whether two chains say the same, with the elements of sets and maps that packets do not come to by other rules. */
function saySame(one: Found, other: Found): boolean {
  const plain = [one, other].map((each) => textOf(each, new Set()));
  if (plain[0] !== plain[1]) return false;
  const own = namesIn(one.chain);
  for (const { table } of [one, other])
    for (const chain of own.size === 0 ? [] : reachedIn(table)) for (const name of namesIn(chain)) own.delete(name);
  return own.size === 0 || textOf(one, own) === textOf(other, own);
}

/** Equal for chains that say the same, with the elements of the sets and maps of these names. */
function textOf({ chain, table }: Found, names: ReadonlySet<string>): string {
  const rules = chain.rules.map(({ steps }) => ({ steps: steps.filter((step) => !isInert(step)) }));
  const normal = normaliseChain({ ...chain, rules }, table.family);
  const contentOf = (name: string): unknown => {
    const declared = [...table.sets, ...table.maps].find((each) => each.name === name);
    return declared !== undefined && names.has(name) ? withoutTimes(elementsOf(declared)) : name;
  };
  return JSON.stringify(normal, (key, value: unknown) => {
    if (typeof value === "bigint") return `${value}n`;
    if (key === "origin" || key === "comment" || key === "statements" || key === "registered") return undefined;
    if (key === "elements") return withoutTimes(value as readonly object[]);
    return isName(key, value) ? contentOf(value) : value;
  });
}

/** How long elements live is no part of what a chain says. */
function withoutTimes(elements: readonly object[]): readonly object[] {
  return elements.map((element) => ({ ...element, timeoutSeconds: undefined }));
}

/** The sets and maps that rules of a chain name. */
function namesIn({ rules }: Chain): Set<string> {
  return new Set(rules.flatMap(({ steps }) => steps.flatMap((step) => [...setsIn(step)])));
}

function isName(key: string, value: unknown): value is string {
  return (key === "set" || key === "map") && typeof value === "string";
}

/** Whether it matters that one side has a chain and the other has none. */
function doesSomething({ chain, isElsewhere }: Found): boolean {
  return isElsewhere && (chain.rules.length > 0 || (chain.kind === "base" && chain.policy === "drop"));
}
