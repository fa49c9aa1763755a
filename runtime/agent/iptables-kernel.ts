/** The rules of iptables as the agent keeps them: each change rewrites the chains that differ from those that were written last. */
import { type IsSame, type MinimalRestore, minimalRestore } from "../../compiler/formats/iptables/minimal-restore.ts";
import { type OwnTables, readOwnTables } from "../../compiler/formats/iptables/own-rules.ts";
import { areSameRules } from "../../compiler/formats/iptables/same-rules.ts";
import type { TableChange } from "../../compiler/ir/table-change.ts";
import type { Table } from "../../compiler/ir/types.ts";
import type { Address } from "../../compiler/net/address.ts";
import { iptablesChains } from "../../compiler/print.ts";
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
  /** The whole tables as they should be now, in the words of nft. */
  private readonly wanted: () => readonly Table[];
  /** What is there, as it was written or read last; a family of which that is not known is missing. */
  private readonly there = new Map<IptablesFamily, There>();
  private planned: Planned | undefined;
  /** Changes of the agent, and of others. */
  private commits = 0;
  /** The kernel's number of the last commit that is counted. */
  private seen: number | undefined;

  constructor(host: IptablesHost, beside: BesideIptables, wanted: () => readonly Table[]) {
    this.host = host;
    this.beside = beside;
    this.wanted = wanted;
    // Who has no host knows what is there.
    if (host.backend === undefined)
      for (const family of IPTABLES_FAMILIES) this.there.set(family, { tables: new Map(), isRead: false });
  }

  /** Input for iptables-restore and ip6tables-restore, as the next `change` gives it to them. */
  print(): string {
    return [...this.plan().texts].map(([family, text]) => `# ${family}tables-restore --noflush\n${text}`).join("");
  }

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
      const found = { tables: readOwnTables(await this.host.save(family)), isRead: true };
      const [first] = differenceOf(family, found, known.tables).differing;
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
    const tables = this.wanted();
    const wanted = new Map<IptablesFamily, OwnTables>();
    const texts = new Map<IptablesFamily, string>();
    const differing: string[] = [];
    for (const family of IPTABLES_FAMILIES) {
      const { tables: own, unsupported } = iptablesChains(tables, family);
      const [lacking] = unsupported;
      if (lacking !== undefined) throw new Error(lacking.message);
      if (own.size > 0 && !this.host.families.includes(family))
        throw new NetfilterTrouble(`${family}tables is not installed: no rule of this family is made`);
      wanted.set(family, own);
      const found = differenceOf(family, this.there.get(family), own);
      if (found.text !== "") texts.set(family, found.text);
      differing.push(...found.differing);
    }
    this.planned = { wanted, texts, differing };
    return this.planned;
  }

  private async write({ wanted, texts }: Planned): Promise<TransactionAnswer> {
    this.planned = undefined;
    for (const [family, tables] of wanted) {
      const text = texts.get(family);
      if (text === undefined) continue;
      const before = await this.counted();
      // Tables are written one after the other: until all are, nobody knows what is there.
      this.there.delete(family);
      const answer = await this.host.restore(family, text);
      if (answer.kind === "refused") return answer;
      this.there.set(family, { tables, isRead: false });
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
    this.there.set(family, { tables: readOwnTables(await this.host.save(family)), isRead: true });
  }
}

interface There {
  readonly tables: OwnTables;
  /** From iptables-save, which may spell rules in other words than they were written. */
  readonly isRead: boolean;
}

function differenceOf(family: IptablesFamily, there: There | undefined, wanted: OwnTables): MinimalRestore {
  const isSame: IsSame = (table, left, right) => areSameRules(table, family, left, right);
  return minimalRestore(there?.tables ?? new Map(), wanted, there?.isRead ? isSame : undefined);
}

interface Planned {
  readonly wanted: ReadonlyMap<IptablesFamily, OwnTables>;
  readonly texts: ReadonlyMap<IptablesFamily, string>;
  /** Chains and jumps. */
  readonly differing: readonly string[];
}
