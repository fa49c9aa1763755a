/** Rules of iptables that follow the objects of a cluster, chain by chain: the same as `iptablesChains` gives of the whole tables. */
import { builtInFor, entryChain, type IptablesTable, OUR_BUILT_IN, TABLES } from "./formats/iptables/hooks.ts";
import { areSameLines } from "./formats/iptables/minimal-restore.ts";
import { nameChain } from "./formats/iptables/names.ts";
import type { OwnRules, OwnTables } from "./formats/iptables/own-rules.ts";
import { chainLines, jumpTo } from "./formats/iptables/print-file.ts";
import { required } from "./invariant.ts";
import type { Rule, Table } from "./ir/types.ts";
import type { Contribution } from "./lower/contribution.ts";
import type { Family } from "./net/address.ts";
import { UnfoldedTable } from "./passes/lookups/unfolded-table.ts";
import type { ContributionFollower } from "./updates/service-table.ts";

/** Chains, by `table`, with the rules that they had: undefined: there was no such chain. */
export type ChainsBefore = ReadonlyMap<string, ReadonlyMap<string, readonly string[] | undefined>>;

type TableFamily = "ip" | "ip6";

/** What `NodeTables` tells becomes rules when they are asked for. */
export class FollowedIptables implements ContributionFollower {
  private readonly families: Readonly<Record<TableFamily, FollowedFamily>> = {
    ip: new FollowedFamily("ip"),
    ip6: new FollowedFamily("ip6"),
  };

  reset(family: Family): void {
    this.of(family).table.reset();
  }

  put(family: Family, service: string, contribution: Contribution): void {
    // Names sort as their namespaces and names do: `/` is no part of them.
    this.of(family).table.put(service.replace("/", "\0"), contribution);
  }

  setTable(family: Family, empty: Table | undefined): void {
    this.of(family).table.setTable(empty);
  }

  /** The rules as they should be now. They are changed in place later. */
  rules(family: TableFamily): OwnTables {
    return this.families[family].settle();
  }

  /** The chains that have changed since the last time this was asked, as they were then. */
  takeChanged(family: TableFamily): ChainsBefore {
    return this.families[family].takeChanged();
  }

  private of(family: Family): FollowedFamily {
    return this.families[family === "IPv4" ? "ip" : "ip6"];
  }
}

/** A chain without lookups. */
interface PrintedChain {
  readonly lines: readonly string[];
  /** The chains that its rules lead to. */
  readonly targets: readonly string[];
}

/** In one table of iptables. */
interface Section {
  readonly chains: Map<string, readonly string[]>;
  jumps: ReadonlyMap<string, number>;
  /** The base chains that there are. */
  bases: readonly string[];
  /** The chains that are in use, by the name that they have in the IR. */
  readonly uses: Map<string, UsedChain>;
}

interface UsedChain {
  /** Rules, or built-in chains, that lead to it. */
  count: number;
  /** Where its rules lead, as far as that is counted. */
  targets: readonly string[];
  /** What iptables calls it. */
  readonly own: string;
}

function noSection(): Section {
  return { chains: new Map(), jumps: new Map(), bases: [], uses: new Map() };
}

const NOT_PRINTED: PrintedChain = { lines: [], targets: [] };

class FollowedFamily {
  readonly table: UnfoldedTable;
  private readonly family: TableFamily;
  private readonly printed = new Map<string, PrintedChain>();
  /** Chains that cannot be written, with the reason. One that is to go may be such a one, until what led there is made anew. */
  private readonly unwritable = new Map<string, string>();
  /** Chains that have been printed, or are gone, since the rules were put together. */
  private readonly touched = new Set<string>();
  /** What iptables calls chains, and which chain has a name there. */
  private readonly names = new Map<string, string>();
  private readonly taken = new Map<string, string>();
  private readonly sections = new Map<IptablesTable, Section>();
  private changed = new Map<string, Map<string, readonly string[] | undefined>>();

  constructor(family: TableFamily) {
    this.family = family;
    this.table = new UnfoldedTable(family, {
      made: (name, rules) => this.print(name, rules),
      gone: (name) => this.forget(name),
    });
  }

  settle(): ReadonlyMap<string, OwnRules> {
    const lacking = this.table.settle();
    const [reason] = [...(lacking ?? []).map(({ message }) => message), ...this.unwritable.values()];
    if (reason !== undefined) throw new Error(reason);
    if (lacking === undefined) this.clear();
    else {
      for (const name of this.touched) for (const [table, section] of this.sections) this.renew(table, section, name);
      this.enterBases();
    }
    this.touched.clear();
    return this.sections;
  }

  takeChanged(): ChainsBefore {
    const { changed } = this;
    this.changed = new Map();
    return changed;
  }

  // --- chains ------------------------------------------------------------------------------------------------------------

  private print(name: string, rules: readonly Rule[]): void {
    const targets = targetsOf(rules);
    for (const target of targets) this.nameOf(target);
    const lacking: Parameters<typeof chainLines>[3] = [];
    const { family, names: chainNames, table } = this;
    const context = { family, chainNames, sets: table.dynamicSets };
    const lines = chainLines({ name, rules }, this.nameOf(name), context, lacking);
    const [first] = lacking;
    if (first === undefined) this.unwritable.delete(name);
    else this.unwritable.set(name, first.message);
    const before = this.printed.get(name);
    if (before !== undefined && areSameLines(before.lines, lines)) return;
    this.printed.set(name, { lines, targets });
    this.touched.add(name);
  }

  private forget(name: string): void {
    this.unwritable.delete(name);
    if (!this.printed.delete(name)) return;
    this.touched.add(name);
    this.taken.delete(this.nameOf(name));
    this.names.delete(name);
  }

  /** A base chain is what its built-in chain leads to. */
  private nameOf(name: string): string {
    const known = this.names.get(name);
    if (known !== undefined) return known;
    const chain = this.table.chainNamed(name);
    const builtIn = chain?.kind === "base" ? builtInFor(chain) : undefined;
    const made = builtIn === undefined ? nameChain(name) : entryChain(builtIn);
    const other = this.taken.get(made);
    if (other !== undefined && other !== name) throw new Error(`chains ${other} and ${name} have the same short name`);
    this.taken.set(made, name);
    this.names.set(name, made);
    return made;
  }

  // --- rules -------------------------------------------------------------------------------------------------------------

  /** Enters what base chains lead to. */
  private enterBases(): void {
    for (const table of TABLES) {
      const bases = this.table.baseChains.flatMap((chain) => {
        const builtIn = required(builtInFor(chain), "our base chains have built-in ones");
        return builtIn.table === table ? [{ chain, builtIn }] : [];
      });
      const entries = OUR_BUILT_IN.filter((builtIn) => builtIn.table === table).map(entryChain);
      if (bases.length + entries.length === 0) continue;
      const section: Section = this.sections.get(table) ?? noSection();
      this.sections.set(table, section);
      section.jumps = new Map(bases.map(({ builtIn }) => [jumpTo(builtIn), 1]));
      const names = bases.map(({ chain }) => chain.name);
      for (const name of names) if (!section.bases.includes(name)) this.enter(table, section, name);
      for (const name of section.bases) if (!names.includes(name)) this.leave(table, section, name);
      section.bases = names;
      // Those that nothing needs are empty.
      for (const own of entries) if (!section.chains.has(own)) this.setChain(table, own, []);
    }
  }

  /** One rule more leads to a chain. */
  private enter(table: IptablesTable, section: Section, name: string): void {
    const known = section.uses.get(name);
    if (known !== undefined) {
      known.count++;
      return;
    }
    const { lines, targets } = this.printed.get(name) ?? NOT_PRINTED;
    section.uses.set(name, { count: 1, targets, own: this.nameOf(name) });
    this.setChain(table, this.nameOf(name), lines);
    for (const target of targets) this.enter(table, section, target);
  }

  /** One rule less leads to a chain: without any it goes. */
  private leave(table: IptablesTable, section: Section, name: string): void {
    const known = section.uses.get(name);
    if (known === undefined || --known.count > 0) return;
    section.uses.delete(name);
    const isEntry = OUR_BUILT_IN.some((builtIn) => entryChain(builtIn) === known.own);
    this.setChain(table, known.own, isEntry ? [] : undefined);
    for (const target of known.targets) this.leave(table, section, target);
  }

  /** Takes over what has become of a chain. */
  private renew(table: IptablesTable, section: Section, name: string): void {
    const known = section.uses.get(name);
    if (known === undefined) return;
    const { lines, targets } = this.printed.get(name) ?? NOT_PRINTED;
    const before = known.targets;
    known.targets = targets;
    this.setChain(table, known.own, lines);
    for (const target of targets) if (!before.includes(target)) this.enter(table, section, target);
    for (const target of before) if (!targets.includes(target)) this.leave(table, section, target);
  }

  /** `lines`: undefined: the chain is to go. */
  private setChain(table: IptablesTable, name: string, lines: readonly string[] | undefined): void {
    const chains = this.sections.get(table)?.chains;
    const before = chains?.get(name);
    if (before === lines || (before !== undefined && lines !== undefined && areSameLines(before, lines))) return;
    if (lines === undefined) chains?.delete(name);
    else chains?.set(name, lines);
    const changed = this.changed.get(table) ?? new Map<string, readonly string[] | undefined>();
    this.changed.set(table, changed);
    if (!changed.has(name)) changed.set(name, before);
  }

  private clear(): void {
    for (const [table, { chains }] of this.sections)
      for (const name of [...chains.keys()]) this.setChain(table, name, undefined);
    this.sections.clear();
  }
}

function targetsOf(rules: readonly Rule[]): readonly string[] {
  const targets = new Set<string>();
  for (const { steps } of rules) {
    const last = steps.at(-1);
    if (last?.kind === "verdict" && "chain" in last.verdict) targets.add(last.verdict.chain);
  }
  return [...targets];
}
