/** What of ours is in the tables of iptables: chains with their rules, and the jumps that lead there. */
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

interface ReadRules {
  readonly chains: Map<string, string[]>;
  readonly jumps: Map<string, number>;
}

/** What of ours is in a text of iptables-save or ip6tables-save: the tables in which there is something, and the chains that it declares. */
export function readOwnTables(save: string): OwnTables {
  const tables = new Map<string, ReadRules>();
  let name = "";
  const table = (): ReadRules => {
    const known = tables.get(name) ?? { chains: new Map<string, string[]>(), jumps: new Map<string, number>() };
    tables.set(name, known);
    return known;
  };
  for (const each of save.split(/\r?\n/)) {
    // The counters of a rule stand before it.
    const line = each.startsWith("[") ? each.replace(/^\[\d+:\d+\] /, "") : each;
    if (line.startsWith("*")) name = line.slice(1).trim();
    else if (line.startsWith(OWN_CHAIN)) table().chains.set(line.slice(1).split(" ", 1)[0] ?? "", []);
    else if (line.startsWith(OWN_RULE))
      tables
        .get(name)
        ?.chains.get(line.slice(3, line.indexOf(" ", 3)))
        ?.push(line);
    else if (line.startsWith("-A ") && JUMP.test(line)) {
      const { jumps } = table();
      jumps.set(line.slice(3), (jumps.get(line.slice(3)) ?? 0) + 1);
    }
  }
  return tables;
}

const OWN_CHAIN = `:${CHAIN_PREFIX}`;
const OWN_RULE = `-A ${CHAIN_PREFIX}`;
const JUMP = / -[jg] KPC-\S+$/;
