/** What of ours is in the tables of iptables: chains with their rules, and the jumps that lead there. */
import { readInstalled } from "./installed.ts";
import { CHAIN_PREFIX } from "./names.ts";

/** In one table. */
export interface OwnRules {
  /** By name, the rules as lines that begin with `-A`. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** How often each rule in a chain of others leads to one of ours; rules as the text behind `-A`. */
  readonly jumps: ReadonlyMap<string, number>;
}

/** By the name of the table. */
export type OwnTables = ReadonlyMap<string, OwnRules>;

export const NO_RULES: OwnRules = { chains: new Map(), jumps: new Map() };

/** What of ours is in a text of iptables-save or ip6tables-save. */
export function readOwnTables(save: string): OwnTables {
  const { chains, jumps } = readInstalled(save);
  const lines = linesByChain(save);
  const names = new Set([...chains.keys(), ...jumps.keys()]);
  return new Map(
    [...names].map((table): [string, OwnRules] => {
      const own = [...(chains.get(table) ?? [])].map((chain): [string, readonly string[]] => [
        chain,
        lines.get(`${table} ${chain}`) ?? [],
      ]);
      return [table, { chains: new Map(own), jumps: jumps.get(table) ?? new Map() }];
    }),
  );
}

/** Of our chains, by `table chain`. */
function linesByChain(save: string): ReadonlyMap<string, readonly string[]> {
  const all = new Map<string, string[]>();
  let table = "";
  for (const line of save.split("\n")) {
    if (line.startsWith("*")) table = line.slice(1).trim();
    if (!line.startsWith(`-A ${CHAIN_PREFIX}`)) continue;
    const key = `${table} ${line.slice(3, line.indexOf(" ", 3))}`;
    const known = all.get(key);
    if (known === undefined) all.set(key, [line]);
    else known.push(line);
  }
  return all;
}
