/** Rules of iptables that a test wants by hand, told as `FollowedIptables` tells them. */
import type { ChainsBefore } from "../../compiler/followed-iptables.ts";
import { minimalRestore } from "../../compiler/formats/iptables/minimal-restore.ts";
import { type OwnRules, type OwnTables, readOwnTables } from "../../compiler/formats/iptables/own-rules.ts";
import { getOrMake } from "../../compiler/memo.ts";
import { IPTABLES_FAMILIES, type IptablesFamily } from "../../runtime/agent/iptables-host.ts";
import type { FollowedRules } from "../../runtime/agent/iptables-kernel.ts";
import type { FakeIptables } from "./fake-iptables.ts";

/** Counts how often all chains were gone through. */
class CountedChains extends Map<string, readonly string[]> {
  timesListed = 0;

  override [Symbol.iterator](): MapIterator<[string, readonly string[]]> {
    this.timesListed++;
    return super[Symbol.iterator]();
  }
}

interface WantedTable extends OwnRules {
  readonly chains: CountedChains;
  jumps: OwnRules["jumps"];
}

/** By name, what stands behind `-A NAME` of each rule. */
export type ChainTexts = Readonly<Record<string, readonly string[]>>;

export class WantedChains implements FollowedRules {
  /** How often the rules of a family were asked for. */
  timesAsked = 0;
  private readonly tables = new Map<IptablesFamily, Map<string, WantedTable>>();
  private changed = new Map<IptablesFamily, Map<string, Map<string, readonly string[] | undefined>>>();

  /** All chains of a table, and the rules that lead there, as the text behind `-A`. */
  set(family: IptablesFamily, table: string, texts: ChainTexts, jumps: readonly string[]): void {
    const tables = getOrMake(this.tables, family, () => new Map<string, WantedTable>());
    const { chains } = getOrMake(tables, table, (): WantedTable => ({ chains: new CountedChains(), jumps: new Map() }));
    for (const name of [...chains.keys()]) if (!(name in texts)) this.setChain(family, table, chains, name, undefined);
    for (const [name, rules] of Object.entries(texts)) {
      const lines = rules.map((rule) => `-A ${name} ${rule}`);
      if (chains.get(name)?.join("\n") !== lines.join("\n")) this.setChain(family, table, chains, name, lines);
    }
    const wanted = tables.get(table);
    if (wanted !== undefined) wanted.jumps = new Map(jumps.map((jump) => [jump, 1]));
  }

  /** How often all chains of a table were gone through. */
  timesListed(family: IptablesFamily, table: string): number {
    return this.tables.get(family)?.get(table)?.chains.timesListed ?? 0;
  }

  /** Nothing is wanted of a family. */
  clear(family: IptablesFamily): void {
    for (const table of this.tables.get(family)?.keys() ?? []) this.set(family, table, {}, []);
    this.tables.get(family)?.clear();
  }

  rules(family: IptablesFamily): OwnTables {
    this.timesAsked++;
    return getOrMake(this.tables, family, () => new Map<string, WantedTable>());
  }

  takeChanged(family: IptablesFamily): ChainsBefore {
    const changed = this.changed.get(family) ?? new Map<string, Map<string, readonly string[] | undefined>>();
    this.changed.delete(family);
    return changed;
  }

  /** What makes of the rules of `host` those that are wanted, as input for iptables-restore; empty: nothing differs. */
  differenceTo(host: FakeIptables): string {
    return IPTABLES_FAMILIES.map(
      (family) => minimalRestore(readOwnTables(host.read(family)), this.rules(family)).text,
    ).join("");
  }

  private setChain(
    family: IptablesFamily,
    table: string,
    chains: WantedTable["chains"],
    name: string,
    lines: readonly string[] | undefined,
  ): void {
    const tables = getOrMake(this.changed, family, () => new Map<string, Map<string, readonly string[] | undefined>>());
    const before = getOrMake(tables, table, () => new Map<string, readonly string[] | undefined>());
    if (!before.has(name)) before.set(name, chains.get(name));
    if (lines === undefined) chains.delete(name);
    else chains.set(name, lines);
  }
}
