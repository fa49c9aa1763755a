/** What of ours a host has already, according to its iptables-save. */
import { readOwnTables } from "./own-rules.ts";

/** By table: how often each built-in chain jumps to which chain of ours, and the chains of ours. */
export interface Installed {
  readonly jumps: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly chains: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Reads the few lines that matter: tables, chains of ours, and jumps to them from chains that are not. The jumps are
 *  kept as the text behind `-A`, so that they can be deleted as they stand. */
export function readInstalled(save: string): Installed {
  const tables = [...readOwnTables(save)];
  return {
    jumps: new Map(tables.flatMap(([table, { jumps }]) => (jumps.size === 0 ? [] : [[table, jumps] as const]))),
    chains: new Map(
      tables.flatMap(([table, { chains }]) => (chains.size === 0 ? [] : [[table, new Set(chains.keys())] as const])),
    ),
  };
}

/** A host that has nothing of ours. */
export const NOTHING_INSTALLED: Installed = { jumps: new Map(), chains: new Map() };
