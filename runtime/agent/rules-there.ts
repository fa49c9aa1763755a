/** What there is of rules of iptables in the kernel, as the agent knows it, and what chains that others may have changed make of that. */
import { areSameLines } from "../../compiler/formats/iptables/minimal-restore.ts";
import { CHAIN_PREFIX } from "../../compiler/formats/iptables/names.ts";
import { NO_RULES, type OwnRules, type OwnTables } from "../../compiler/formats/iptables/own-rules.ts";
import { areSameRules } from "../../compiler/formats/iptables/same-rules.ts";
import { unreachable } from "../../compiler/invariant.ts";
import type { IptablesFamily } from "./iptables-host.ts";
import type { SuspectChains } from "./others-changes.ts";

/** What is there: what iptables-save printed, which may spell rules in other words than they were written, or what was wanted when it was
 *  written last. */
export type There =
  | { readonly kind: "read"; readonly tables: OwnTables }
  | {
      readonly kind: "written";
      readonly jumps: Jumps;
      /** By table, the chains that are wanted otherwise now, or that others have changed, as they are there; undefined: they are not there. */
      readonly since: Map<string, Map<string, readonly string[] | undefined>>;
    };

/** By table. */
export type Jumps = ReadonlyMap<string, OwnRules["jumps"]>;

/** In one table, chains that are not as they were known to be. */
interface ChangedTable {
  /** Those of the agent; undefined: they are not there. */
  readonly chains: ReadonlyMap<string, readonly string[] | undefined>;
  /** All rules that lead to chains of the agent. */
  readonly jumps: OwnRules["jumps"];
}

/** What differs from what was known: by table, or all that there is. */
export type Found =
  | { readonly kind: "chains"; readonly tables: ReadonlyMap<string, ChangedTable> }
  | { readonly kind: "all"; readonly tables: OwnTables };

export interface ComparedRules {
  /** Undefined: nothing differs. */
  readonly found: Found | undefined;
  /** Chains, and jumps or the chains that they stand in, as `table chain`. */
  readonly differing: readonly string[];
}

/** The whole rules of `there`; `wanted`: those that are wanted now. */
export function rulesThere(there: There, wanted: OwnTables): OwnTables {
  if (there.kind === "read") return there.tables;
  return new Map(
    [...there.jumps].map(([table, jumps]): [string, OwnRules] => {
      const chains = new Map(wanted.get(table)?.chains);
      for (const [name, lines] of there.since.get(table) ?? [])
        if (lines === undefined) chains.delete(name);
        else chains.set(name, lines);
      return [table, { chains, jumps }];
    }),
  );
}

/** What of `suspects` is not as it was in `there`; `read`: these chains, as they are. */
export function compareSuspects(
  family: IptablesFamily,
  suspects: SuspectChains,
  read: OwnTables,
  { there, wanted }: { readonly there: There; readonly wanted: OwnTables },
): ComparedRules {
  const differing: string[] = [];
  const tables = new Map<string, ChangedTable>();
  for (const [table, names] of suspects) {
    const { chains: now, jumps: jumpsNow } = read.get(table) ?? NO_RULES;
    const chains = new Map<string, readonly string[] | undefined>();
    const jumps = new Map(jumpsThere(there, table));
    for (const name of names) {
      const [before, after] = [chainThere(there, wanted, table, name), now.get(name)];
      if (!areSame(table, family, before, after)) chains.set(name, after);
      const [led, leads] = [jumpsOf(name, jumps), jumpsOf(name, jumpsNow)];
      const areSameJumps = led.length === leads.length && leads.every(([rule, count]) => jumps.get(rule) === count);
      if (chains.has(name) || !areSameJumps) differing.push(`${table} ${name}`);
      for (const [rule] of led) jumps.delete(rule);
      for (const [rule, count] of leads) jumps.set(rule, count);
    }
    tables.set(table, { chains, jumps });
  }
  return { found: differing.length === 0 ? undefined : { kind: "chains", tables }, differing };
}

/** `there` with what was found since. */
export function withFound(there: There, found: Found): There {
  if (found.kind === "all") return { kind: "read", tables: found.tables };
  switch (there.kind) {
    case "read": {
      const tables = new Map(there.tables);
      for (const [table, { chains, jumps }] of found.tables) {
        const all = new Map(tables.get(table)?.chains);
        for (const [name, lines] of chains)
          if (lines === undefined) all.delete(name);
          else all.set(name, lines);
        tables.set(table, { chains: all, jumps });
      }
      return { kind: "read", tables };
    }
    case "written": {
      const since = new Map(there.since);
      const jumps = new Map(there.jumps);
      for (const [table, rules] of found.tables) {
        since.set(table, new Map([...(since.get(table) ?? []), ...rules.chains]));
        jumps.set(table, rules.jumps);
      }
      return { kind: "written", jumps, since };
    }
    default:
      return unreachable(there);
  }
}

function areSame(
  table: string,
  family: IptablesFamily,
  before: readonly string[] | undefined,
  after: readonly string[] | undefined,
): boolean {
  if (before === undefined || after === undefined) return before === after;
  return areSameLines(before, after) || areSameRules(table, family, after, before);
}

function chainThere(there: There, wanted: OwnTables, table: string, name: string): readonly string[] | undefined {
  if (there.kind === "read") return there.tables.get(table)?.chains.get(name);
  const since = there.since.get(table);
  return since?.has(name) === true ? since.get(name) : wanted.get(table)?.chains.get(name);
}

function jumpsThere(there: There, table: string): OwnRules["jumps"] {
  const jumps = there.kind === "read" ? there.tables.get(table)?.jumps : there.jumps.get(table);
  return jumps ?? NO_RULES.jumps;
}

/** Those of one chain of others. */
function jumpsOf(chain: string, jumps: OwnRules["jumps"]): readonly (readonly [rule: string, count: number])[] {
  if (chain.startsWith(CHAIN_PREFIX)) return [];
  return [...jumps].filter(([rule]) => rule.startsWith(`${chain} `));
}
