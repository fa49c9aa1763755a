/** The rules of iptables as the agent keeps them: each change rewrites the chains that differ from those that were written last. */
import type { ChainsBefore, FollowedIptables } from "../../compiler/followed-iptables.ts";
import { type IsSame, type MinimalRestore, minimalRestore } from "../../compiler/formats/iptables/minimal-restore.ts";
import { NO_RULES, type OwnRules, type OwnTables, readOwnTables } from "../../compiler/formats/iptables/own-rules.ts";
import { areSameRules } from "../../compiler/formats/iptables/same-rules.ts";
import type { TableChange } from "../../compiler/ir/table-change.ts";
import type { Address } from "../../compiler/net/address.ts";
import type { TransactionAnswer } from "../table/answers.ts";
import { NetfilterTrouble } from "../table/netfilter.ts";
import type { UdpFrontend } from "../table/stale-connections.ts";
import type { ExpectedElements } from "./expected-elements.ts";
import { IPTABLES_FAMILIES, type IptablesFamily, type IptablesHost } from "./iptables-host.ts";
import { type AgentKernel, type KernelStep, wholeStep } from "./kernel.ts";
import type { Restored } from "./restore-tables.ts";

/** What the kernel is asked beside iptables. */
export type BesideIptables = Pick<AgentKernel, "generation" | "forgetConnections" | "close">;

const DONE: TransactionAnswer = { kind: "done" };

/** A change of tables is one of the whole text, of which the parts that differ are written: one transaction for each table of iptables. `generation`
 *  counts changes of the agent, and those of others as far as they can be seen: iptables-legacy does not tell of them. */
export class IptablesKernel implements AgentKernel {
  private readonly host: IptablesHost;
  private readonly beside: BesideIptables;
  /** The rules as they should be now. */
  private readonly wanted: FollowedIptables;
  /** What is there; a family of which that is not known is missing. */
  private readonly there = new Map<IptablesFamily, There>();
  private planned: Planned | undefined;
  /** Changes of the agent, and of others. */
  private commits = 0;
  /** The kernel's number of the last commit that is counted. */
  private seen: number | undefined;

  /** `wanted`: what follows the tables that the agent is to keep. */
  constructor(host: IptablesHost, beside: BesideIptables, wanted: FollowedIptables) {
    this.host = host;
    this.beside = beside;
    this.wanted = wanted;
    // Who has no host knows what is there.
    if (host.backend === undefined)
      for (const family of IPTABLES_FAMILIES) this.there.set(family, { kind: "read", tables: new Map() });
  }

  /** Input for iptables-restore and ip6tables-restore, as the next `change` gives it to them. */
  print(): string {
    return [...this.plan().texts].map(([family, text]) => `# ${family}tables-restore --noflush\n${text}`).join("");
  }

  readonly addsToSteps = false;

  steps(changes: readonly TableChange[], expected: ExpectedElements): readonly KernelStep[] {
    return wholeStep(changes, expected);
  }

  async change(): Promise<TransactionAnswer> {
    for (const family of this.host.families) if (!this.there.has(family)) await this.readBack(family);
    this.commits++;
    return await this.write(this.plan());
  }

  /** Reads what is there first. */
  async restore(): Promise<Restored> {
    for (const family of this.host.families) await this.readBack(family);
    const plan = this.plan();
    const transactions = plan.texts.size > 0 ? 1 : 0;
    this.commits += transactions;
    return { answer: await this.write(plan), differed: plan.differing.length, transactions };
  }

  /** Whatever there is, is changed by what differs. */
  hasTables(): Promise<boolean> {
    return Promise.resolve(this.host.backend !== undefined);
  }

  async generation(): Promise<number> {
    const now = await this.counted();
    if (this.seen !== undefined && now !== this.seen) this.commits++;
    this.seen = now;
    return this.commits;
  }

  /** Rules and what they hold are one here: `drifted` compares them. */
  rules(): Promise<string> {
    return Promise.resolve("");
  }

  async drifted(): Promise<string | undefined> {
    for (const family of this.host.families) {
      const known = this.there.get(family);
      if (known === undefined) continue;
      const found = readOwnTables(await this.host.save(family));
      const [first] = differenceOf(family, found, this.expected(family, known)).differing;
      if (first !== undefined) return `${family}tables ${first}`;
    }
    return undefined;
  }

  forgetConnections(frontends: readonly UdpFrontend[], nodeAddresses: readonly Address[]): Promise<number> {
    return this.beside.forgetConnections(frontends, nodeAddresses);
  }

  close(): Promise<void> {
    return this.beside.close();
  }

  /** What makes of what was written last what is wanted now. It is made once for each change. */
  private plan(): Planned {
    if (this.planned !== undefined) return this.planned;
    const texts = new Map<IptablesFamily, string>();
    const jumps = new Map<IptablesFamily, Jumps>();
    const differing: string[] = [];
    for (const family of IPTABLES_FAMILIES) {
      const wanted = this.wanted.rules(family);
      const changed = this.wanted.takeChanged(family);
      if (wanted.size > 0 && !this.host.families.includes(family))
        throw new NetfilterTrouble(`${family}tables is not installed: no rule of this family is made`);
      const found = this.toBeWritten(family, wanted, changed);
      if (found.text !== "") texts.set(family, found.text);
      jumps.set(family, new Map([...wanted].map(([table, rules]) => [table, rules.jumps])));
      differing.push(...found.differing);
    }
    this.planned = { texts, jumps, differing };
    return this.planned;
  }

  /** Where it is known what was written last, only chains that have changed since are looked at. */
  private toBeWritten(family: IptablesFamily, wanted: OwnTables, changed: ChainsBefore): MinimalRestore {
    const there = this.there.get(family);
    if (there === undefined) return minimalRestore(NO_TABLES, wanted);
    const mostRules = this.host.backend === "nft" ? MOST_RULES : undefined;
    if (there.kind === "read") return differenceOf(family, there.tables, wanted, mostRules);
    for (const [table, chains] of changed) {
      const since = there.since.get(table) ?? new Map<string, readonly string[] | undefined>();
      there.since.set(table, since);
      for (const [name, lines] of chains) if (!since.has(name)) since.set(name, lines);
    }
    const names = new Set([...wanted.keys(), ...there.jumps.keys()]);
    const part = (of: (table: string) => OwnRules): OwnTables => new Map([...names].map((table) => [table, of(table)]));
    return minimalRestore(
      part((table) => ({
        chains: thoseThere(there.since.get(table) ?? []),
        jumps: there.jumps.get(table) ?? NO_JUMPS,
      })),
      part((table) => {
        const { chains, jumps } = wanted.get(table) ?? NO_RULES;
        const now = [...(there.since.get(table)?.keys() ?? [])].map((name) => [name, chains.get(name)] as const);
        return { chains: thoseThere(now), jumps };
      }),
      undefined,
      mostRules,
    );
  }

  /** The whole rules that should be there. */
  private expected(family: IptablesFamily, there: There): OwnTables {
    if (there.kind === "read") return there.tables;
    const wanted = this.wanted.rules(family);
    const changed = this.wanted.takeChanged(family);
    this.planned = undefined;
    this.toBeWritten(family, wanted, changed);
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

  private async write({ texts, jumps: all }: Planned): Promise<TransactionAnswer> {
    this.planned = undefined;
    for (const [family, jumps] of all) {
      const text = texts.get(family);
      const written: There = { kind: "written", jumps, since: new Map() };
      if (text === undefined) {
        if (this.there.has(family)) this.there.set(family, written);
        continue;
      }
      const before = await this.counted();
      // Tables are written one after the other: until all are, nobody knows what is there.
      this.there.delete(family);
      const answer = await this.host.restore(family, text);
      if (answer.kind === "refused") return answer;
      this.there.set(family, written);
      this.notice(before, await this.counted(), text.match(/^COMMIT$/gm)?.length ?? 0);
    }
    return DONE;
  }

  /** The kernel's number of the last commit; undefined: this iptables makes none. */
  private async counted(): Promise<number | undefined> {
    return this.host.backend === "nft" ? await this.beside.generation() : undefined;
  }

  /** Counts what others have written before or during a change of the agent, which has made `own` commits. */
  private notice(before: number | undefined, after: number | undefined, own: number): void {
    if (before === undefined || after === undefined) return;
    if ((this.seen ?? before) !== before || after !== before + own) this.commits++;
    this.seen = after;
  }

  private async readBack(family: IptablesFamily): Promise<void> {
    this.planned = undefined;
    this.there.set(family, { kind: "read", tables: readOwnTables(await this.host.save(family)) });
  }
}

/** What is there: what iptables-save printed, which may spell rules in other words than they were written, or what was wanted when it was
 *  written last. */
type There =
  | { readonly kind: "read"; readonly tables: OwnTables }
  | {
      readonly kind: "written";
      readonly jumps: Jumps;
      /** By table, the chains that are wanted otherwise now, as they were written; undefined: they were not there. */
      readonly since: Map<string, Map<string, readonly string[] | undefined>>;
    };

/** By table. */
type Jumps = ReadonlyMap<string, OwnRules["jumps"]>;

const NO_TABLES: OwnTables = new Map();

const NO_JUMPS: OwnRules["jumps"] = new Map();

function thoseThere(chains: Iterable<readonly [string, readonly string[] | undefined]>): OwnRules["chains"] {
  return new Map([...chains].flatMap(([name, lines]) => (lines === undefined ? [] : [[name, lines] as const])));
}

/** `there`: from iptables-save. */
function differenceOf(family: IptablesFamily, there: OwnTables, wanted: OwnTables, mostRules?: number): MinimalRestore {
  const isSame: IsSame = (table, left, right) => areSameRules(table, family, left, right);
  return minimalRestore(there, wanted, isSame, mostRules);
}

/** So many new rules go into one transaction. For each rule, iptables-nft-restore looks through a list of all chains that the transaction names:
 *  360,000 rules take it 17.5 s of a processor and 350 MB at once, 4.5 s and 18 MB in such parts. iptables-legacy-restore writes the whole table
 *  for each transaction: there is one. */
const MOST_RULES = 1000;

interface Planned {
  readonly texts: ReadonlyMap<IptablesFamily, string>;
  /** Those that there are then. */
  readonly jumps: ReadonlyMap<IptablesFamily, Jumps>;
  /** Chains and jumps. */
  readonly differing: readonly string[];
}
