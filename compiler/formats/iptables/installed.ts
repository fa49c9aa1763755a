/** What of ours a host has already, according to its iptables-save. */
import { CHAIN_PREFIX } from "./names.ts";

/** By table: how often each built-in chain jumps to which chain of ours, and the chains of ours. */
export interface Installed {
  readonly jumps: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly chains: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Reads the few lines that matter: tables, chains of ours, and jumps to them from chains that are not. The jumps are
 *  kept as the text behind `-A`, so that they can be deleted as they stand. */
export function readInstalled(save: string): Installed {
  const jumps = new Map<string, Map<string, number>>();
  const chains = new Map<string, Set<string>>();
  let table = "";
  for (const line of save.split(/\r?\n/)) {
    const text = line.replace(/^\[\d+:\d+\] /, "");
    if (text.startsWith("*")) table = text.slice(1).trim();
    const declared = text.startsWith(`:${CHAIN_PREFIX}`) ? text.slice(1).split(" ", 1)[0] : undefined;
    if (declared !== undefined) chains.set(table, (chains.get(table) ?? new Set()).add(declared));
    const rule = text.startsWith("-A ") && !text.startsWith(`-A ${CHAIN_PREFIX}`) ? text.slice(3) : undefined;
    if (rule === undefined || !/ -[jg] KPC-\S+$/.test(rule)) continue;
    const counts = jumps.get(table) ?? new Map<string, number>();
    counts.set(rule, (counts.get(rule) ?? 0) + 1);
    jumps.set(table, counts);
  }
  return { jumps, chains };
}

/** A host that has nothing of ours. */
export const NOTHING_INSTALLED: Installed = { jumps: new Map(), chains: new Map() };
