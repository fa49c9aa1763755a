/** The rules of iptables as the agent keeps them: each change rewrites the chains that differ from those that were written last. */
import type { FollowedIptables } from "../../compiler/followed-iptables.ts";
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
import type { AgentKernel, LocalKernel, OthersDid } from "./kernel.ts";
import { type KernelStep, wholeStep } from "./kernel-steps.ts";
import { type ChangeSigns, OthersChanges } from "./others-changes.ts";
import type { Restored } from "./restore-tables.ts";
import {
  type ComparedRules,
  compareSuspects,
  type Found,
  type Jumps,
  rulesThere,
  type There,
  withFound,
} from "./rules-there.ts";

/** What the kernel is asked beside iptables. */
export type BesideIptables = Pick<AgentKernel, "forgetConnections" | "close"> &
  ChangeSigns &
  Pick<LocalKernel, "hasChain">;

/** The rules that are wanted, and what has changed in them. */
export type FollowedRules = Pick<FollowedIptables, "rules" | "takeChanged">;

const DONE: TransactionAnswer = { kind: "done" };

/** A change of tables is one of the whole text, of which the parts that differ are written: one transaction for each table of iptables. `generation`
 *  counts changes of the agent, and those of others as far as they can be seen. */
export class IptablesKernel implements AgentKernel {
  private readonly host: IptablesHost;
  private readonly beside: BesideIptables;
  /** The rules as they should be now. */
  private readonly wanted: FollowedRules;
  /** What is there; a family of which that is not known is missing. */
  private readonly there = new Map<IptablesFamily, There>();
  private planned: Planned | undefined;
  /** Changes of the agent. */
  private commits = 0;
  private readonly others: OthersChanges;
  /** What was found to differ from what is known to be there: the next `restore` makes it good. */
  private readonly found = new Map<IptablesFamily, Found>();

  /** `wanted`: what follows the tables that the agent is to keep. */
  constructor(host: IptablesHost, beside: BesideIptables, wanted: FollowedRules) {
    this.host = host;
    this.beside = beside;
    this.wanted = wanted;
    this.others = new OthersChanges(host.backend, beside);
  }

  /** Input for iptables-restore and ip6tables-restore, as the next `change` gives it to them. */
  print(): string {
    return [...this.plan().texts].map(([family, text]) => `# ${family}tables-restore --noflush\n${text}`).join("");
  }

  readonly addsToSteps = false;
  readonly comparesBeside = false;

  steps(changes: readonly TableChange[], expected: ExpectedElements): readonly KernelStep[] {
    return wholeStep(changes, expected);
  }

  async change(): Promise<TransactionAnswer> {
    this.found.clear();
    for (const family of this.host.families) if (!this.there.has(family)) await this.readBack(family);
    this.commits++;
    return await this.write(this.plan());
  }

  /** Reads first what there may be that is not known. */
  async restore(): Promise<Restored> {
    await this.others.notice();
    for (const family of this.host.families) {
      if (!this.there.has(family)) await this.readBack(family);
      this.accept(family, this.found.get(family));
      this.found.delete(family);
      this.accept(family, (await this.compared(family)).found);
    }
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
    await this.others.notice();
    return this.commits + this.others.count;
  }

  /** Rules and what they hold are one here: `drifted` compares them. */
  rules(): Promise<string> {
    return Promise.resolve("");
  }

  /** Reads the chains that the kernel has named. */
  async changedByOthers(): Promise<OthersDid> {
    const { families } = this.host;
    if (families.some((family) => this.others.of(family) === "all")) return { kind: "unknown" };
    for (const family of families) {
      const what = this.noted(family, await this.compared(family));
      if (what !== undefined) return { kind: "differs", what };
    }
    return { kind: "nothing" };
  }

  /** Looks at all families: what differs in any of them is made good at once. */
  async drifted(): Promise<string | undefined> {
    let first: string | undefined;
    for (const family of this.host.families) {
      const what = this.noted(family, await this.comparedWhole(family));
      first ??= what;
    }
    return first;
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
      const wanted = this.wantedNow(family);
      if (wanted.size > 0 && !this.host.families.includes(family))
        throw new NetfilterTrouble(`${family}tables is not installed: no rule of this family is made`);
      const found = this.toBeWritten(family, wanted);
      if (found.text !== "") texts.set(family, found.text);
      jumps.set(family, new Map([...wanted].map(([table, rules]) => [table, rules.jumps])));
      differing.push(...found.differing);
    }
    this.planned = { texts, jumps, differing };
    return this.planned;
  }

  /** Where it is known what was written last, only chains that have changed since are looked at. */
  private toBeWritten(family: IptablesFamily, wanted: OwnTables): MinimalRestore {
    const there = this.there.get(family);
    if (there === undefined) return minimalRestore(NO_TABLES, wanted);
    const mostRules = this.host.backend === "nft" ? MOST_RULES : undefined;
    if (there.kind === "read") return differenceOf(family, there.tables, wanted, mostRules);
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
      { mostRules, isPart: true },
    );
  }

  /** The rules as they should be now. Chains that have changed since they were written are noted. */
  private wantedNow(family: IptablesFamily): OwnTables {
    const wanted = this.wanted.rules(family);
    const there = this.there.get(family);
    for (const [table, chains] of this.wanted.takeChanged(family)) {
      if (there?.kind !== "written") continue;
      const since = there.since.get(table) ?? new Map<string, readonly string[] | undefined>();
      there.since.set(table, since);
      for (const [name, lines] of chains) if (!since.has(name)) since.set(name, lines);
    }
    return wanted;
  }

  private async write({ texts, jumps: all }: Planned): Promise<TransactionAnswer> {
    this.planned = undefined;
    for (const [family, jumps] of all) {
      const text = texts.get(family);
      const written: There = { kind: "written", jumps, since: new Map() };
      const tables = [...jumps.keys()];
      if (text === undefined) {
        this.there.set(family, written);
        await this.others.watch(family, tables);
        continue;
      }
      // Tables are written one after the other: until all are, nobody knows what is there.
      this.there.delete(family);
      const size = { commits: text.split(/^COMMIT$/m).length - 1, isLarge: text.length > LARGE };
      const answer = await this.others.during(family, tables, size, () => this.host.restore(family, text));
      if (answer.kind === "refused") return answer;
      this.there.set(family, written);
    }
    return DONE;
  }

  // --- what others have changed ----------------------------------------------------------------------------------------------

  private async readBack(family: IptablesFamily): Promise<void> {
    this.planned = undefined;
    this.there.set(family, { kind: "read", tables: readOwnTables(await this.host.save(family)) });
    this.others.forget(family);
  }

  private accept(family: IptablesFamily, found: Found | undefined): void {
    const there = this.there.get(family);
    if (there === undefined || found === undefined) return;
    this.planned = undefined;
    this.there.set(family, withFound(there, found));
  }

  /** What differs first, which is kept for `restore`. */
  private noted(family: IptablesFamily, { found, differing }: ComparedRules): string | undefined {
    if (found === undefined) return undefined;
    this.found.set(family, found);
    return `${family}tables ${differing[0]}`;
  }

  /** Reads what others may have changed. */
  private async compared(family: IptablesFamily): Promise<ComparedRules> {
    const suspects = this.others.of(family);
    const there = this.there.get(family);
    if (there === undefined || suspects === undefined) return NOTHING_FOUND;
    const isMuch = suspects === "all" || [...suspects.values()].reduce((sum, { size }) => sum + size, 0) > MOST_LISTED;
    // What was found before is not to be forgotten.
    if (isMuch || this.found.has(family)) return await this.comparedWhole(family);
    const texts: string[] = [];
    for (const [table, chains] of suspects) {
      texts.push(`*${table}`);
      for (const chain of chains) texts.push(await this.listed(family, table, chain));
    }
    const read = readOwnTables(texts.join("\n"));
    this.others.forget(family);
    return compareSuspects(family, suspects, read, { there, wanted: this.wantedNow(family) });
  }

  private async comparedWhole(family: IptablesFamily): Promise<ComparedRules> {
    const there = this.there.get(family);
    if (there === undefined) return NOTHING_FOUND;
    const tables = readOwnTables(await this.host.save(family));
    this.others.forget(family);
    // Others may have undone it.
    this.found.delete(family);
    const { differing } = differenceOf(family, tables, rulesThere(there, this.wantedNow(family)));
    return { found: differing.length === 0 ? undefined : { kind: "all", tables }, differing };
  }

  /** A chain with its rules, as iptables-save prints it. */
  private async listed(family: IptablesFamily, table: string, chain: string): Promise<string> {
    const text = await this.host.list(family, table, chain);
    if (text !== undefined) return text.replace(/^-N (\S+)$/gm, ":$1 - [0:0]");
    // Some versions do not tell apart what they cannot read and what is not there.
    if (!(await this.beside.hasChain(family, table, chain))) return "";
    return `:${chain} - [0:0]\n-A ${chain} ${UNREADABLE}`;
  }
}

/** So many chains that others have changed are read one by one: a process for each. */
const MOST_LISTED = 32;

/** So many characters for iptables-restore are much: 10,000 rules. Where the kernel has to tell of them, it takes a tenth longer. */
const LARGE = 1_000_000;

/** The only rule of a chain with rules that are none of iptables. */
const UNREADABLE = "-m unreadable";

const NOTHING_FOUND: ComparedRules = { found: undefined, differing: [] };

const NO_TABLES: OwnTables = new Map();

const NO_JUMPS: OwnRules["jumps"] = new Map();

function thoseThere(chains: Iterable<readonly [string, readonly string[] | undefined]>): OwnRules["chains"] {
  return new Map([...chains].flatMap(([name, lines]) => (lines === undefined ? [] : [[name, lines] as const])));
}

/** `there`: from iptables-save. */
function differenceOf(family: IptablesFamily, there: OwnTables, wanted: OwnTables, mostRules?: number): MinimalRestore {
  const isSame: IsSame = (table, left, right) => areSameRules(table, family, left, right);
  return minimalRestore(there, wanted, { isSame, mostRules });
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
