/** The kernel as the agent needs it: transactions, what there is, and whether others have changed it. */
import { existsSync, readFileSync } from "node:fs";
import { printChange } from "../../compiler/formats/nft/print-change.ts";
import type { TableChange } from "../../compiler/ir/table-change.ts";
import { type Address, FAMILIES } from "../../compiler/net/address.ts";
import type { TransactionAnswer } from "../table/answers.ts";
import { deleteConnections, dumpConnections } from "../table/connections.ts";
import { commitBatch } from "../table/element-batch.ts";
import { liveSkeleton } from "../table/live-skeleton.ts";
import { LIVE_FAMILIES } from "../table/live-tables.ts";
import { type HeardCommits, NetfilterTrouble } from "../table/netfilter.ts";
import { chainsOf, generationOf, hasChain, type NfFamily, ruleDigests, structureOf } from "../table/nf-tables.ts";
import { staleConnections, type UdpFrontend } from "../table/stale-connections.ts";
import { type ExpectedElements, kernelDigest } from "./expected-elements.ts";
import { type KernelProcesses, type NetfilterHelper, processesOf, SOCKETS } from "./kernel-processes.ts";
import { elementSteps, type KernelStep } from "./kernel-steps.ts";
import { type Restored, restoreTables, type WantedTables } from "./restore-tables.ts";

/** The name of kpc's tables. */
const TABLE = "kpc";

/** Held by whoever keeps the tables of a network namespace right: one agent, or `kpc apply`. */
const LOCK_NAME = "kpc-table";

/** Whether some process of this network namespace holds it, as far as that is found at once: the kernel lists names of sockets where /proc is there. */
export function isTableLockTaken(sockets = SOCKETS): boolean {
  return existsSync(sockets) && readFileSync(sockets).includes(` @${LOCK_NAME}\n`);
}

export interface AgentKernel {
  /** What `change` would give to the tool that writes rules. */
  print(changes: readonly TableChange[]): string;
  /** Whether `steps` adds to a transaction that was not sent yet. */
  readonly addsToSteps: boolean;
  /** The transactions that make `changes`, in their order: after each of them each Service is as it was, whole, or absent. What is there after them is
   *  noted in `expected`. `last`: the one before them, to which is added what can be, if `addsToSteps`. */
  steps(changes: readonly TableChange[], expected: ExpectedElements, last?: KernelStep): readonly KernelStep[];
  /** One transaction: all of it, or nothing. */
  change(step: KernelStep): Promise<TransactionAnswer>;
  /** Makes the tables `wanted`, whatever they are now; `rules`: what an answer of `rules` has been when all but their elements was right. */
  restore(wanted: WantedTables, expected: ExpectedElements, rules: string | undefined): Promise<Restored>;
  /** Whether there is a table of kpc. */
  hasTables(): Promise<boolean>;
  /** The number of the last commit in the network namespace. */
  generation(): Promise<number>;
  /** What rules there are, to be compared with a later answer. */
  rules(): Promise<string>;
  /** What others have done, where the number of commits tells of them; `rules`: what the last answer of `rules` should be. */
  changedByOthers(rules: string): Promise<OthersDid>;
  /** Whether all else may be asked and done while `drifted` looks, which ends without an answer when its signal comes. */
  readonly comparesBeside: boolean;
  /** The first set or map whose elements are not those that are expected; undefined: there is none. `onBegun` is called when what it takes is there: a machine
   *  under load takes long to start a process. */
  drifted(expected: ExpectedElements, signal: AbortSignal, onBegun: () => void): Promise<string | undefined>;
  /** Deletes entries of conntrack that lead UDP packets for `frontends` to endpoints that these do not have. Gives how many. */
  forgetConnections(frontends: readonly UdpFrontend[], nodeAddresses: readonly Address[]): Promise<number>;
  close(): Promise<void>;
}

/** What others have changed in the tables, as far as that is found without comparing everything. */
export type OthersDid =
  | { readonly kind: "nothing" }
  | { readonly kind: "unknown" }
  | { readonly kind: "differs"; readonly what: string };

/** Another process keeps the tables right now. */
export class LockLost extends NetfilterTrouble {
  constructor(holder: number) {
    super(`process ${holder} writes kpc's tables in this network namespace now`);
  }
}

/** Milliseconds without work after which nft ends, and those after which it ends that was started before there was any. */
const REST_MS = 2000;
const PREPARED_MS = 60_000;

/** That of the network namespace of this process, or of that in which `wrapper` runs commands. */
export class LocalKernel implements AgentKernel {
  readonly addsToSteps = true;
  readonly comparesBeside = true;
  private readonly processes: KernelProcesses;
  private helper: { readonly netfilter: NetfilterHelper; readonly ready: Promise<NetfilterHelper> } | undefined;
  /** Whether other agents are to be kept away, by each helper anew. */
  private isLocked = false;
  private callOffRest: () => void = () => undefined;

  constructor(wrapper: readonly string[] = [], processes = processesOf(wrapper)) {
    this.processes = processes;
  }

  /** Keeps other agents away. Gives the process that is one already (0: it cannot be told which); undefined: none is. */
  async lock(): Promise<number | undefined> {
    const holder = await (await this.opened()).hold(LOCK_NAME);
    this.isLocked = holder === undefined;
    return holder;
  }

  /** Starts nft where there is no table, beside all that is done before the first transaction. */
  async prepare(): Promise<void> {
    if (await this.hasTables()) return;
    this.restIn(PREPARED_MS);
    await this.processes.writer.transact("");
  }

  print(changes: readonly TableChange[]): string {
    return changes.map(printChange).join("");
  }

  steps(changes: readonly TableChange[], expected: ExpectedElements, last?: KernelStep): readonly KernelStep[] {
    return elementSteps(changes, expected, last);
  }

  async change({ changes, batch }: KernelStep): Promise<TransactionAnswer> {
    if (batch !== undefined) return await commitBatch(await this.opened(), batch);
    return await this.run(this.print(changes));
  }

  async restore(wanted: WantedTables, expected: ExpectedElements, rules: string | undefined): Promise<Restored> {
    const netfilter = await this.opened();
    const isRight = rules !== undefined && (await this.rules()) === rules;
    const run = (changes: readonly TableChange[]): Promise<TransactionAnswer> => this.run(this.print(changes));
    if (isRight) return await restoreTables({ netfilter, run, live: undefined }, wanted, expected);
    if (!(await this.hasTables())) return await restoreTables({ netfilter, run, live: [] }, wanted, expected);
    const found = await liveSkeleton(netfilter, (text) => this.run(text), wanted.emptyTables());
    const live = found.tables ?? (await this.processes.readRules(netfilter));
    const { transactions, ...restored } = await restoreTables({ netfilter, run, live }, wanted, expected);
    return { ...restored, transactions: transactions + found.transactions };
  }

  /** By nft, which ends when it has had nothing to do for a while: it keeps all memory that it ever needed. */
  private async run(text: string): Promise<TransactionAnswer> {
    this.callOffRest();
    try {
      return await this.processes.writer.transact(text);
    } finally {
      this.restIn(REST_MS);
    }
  }

  private restIn(milliseconds: number): void {
    this.callOffRest();
    this.callOffRest = this.processes.after(milliseconds, () => void this.processes.writer.rest());
  }

  async hasTables(): Promise<boolean> {
    const netfilter = await this.opened();
    for (const family of LIVE_FAMILIES) if ((await chainsOf(netfilter, family, TABLE)) !== undefined) return true;
    return false;
  }

  async generation(): Promise<number> {
    return (await generationOf(await this.opened())).id;
  }

  async commitsAbout(word: string): Promise<HeardCommits> {
    return await (await this.opened()).commitsAbout(word);
  }

  async legacySizes(tables: readonly string[]): Promise<readonly string[] | undefined> {
    return await (await this.opened()).legacySizes(tables);
  }

  async hasChain(family: NfFamily, table: string, chain: string): Promise<boolean> {
    return await hasChain(await this.opened(), family, table, chain);
  }

  async rules(): Promise<string> {
    const netfilter = await this.opened();
    const texts: string[] = [];
    for (const family of LIVE_FAMILIES) {
      const structure = await structureOf(netfilter, family, TABLE);
      if (structure === undefined) continue;
      const digests = [...(await ruleDigests(netfilter, family, TABLE))].sort();
      texts.push(`${family} ${structure}`, ...digests.map((each) => each.join(" ")));
    }
    return texts.join("\n");
  }

  /** Rules that differ; elements are many. */
  async changedByOthers(rules: string): Promise<OthersDid> {
    return (await this.rules()) === rules ? { kind: "unknown" } : { kind: "differs", what: "rules" };
  }

  /** By a helper of its own: the one that makes transactions would answer this first. */
  async drifted(expected: ExpectedElements, signal: AbortSignal, onBegun: () => void): Promise<string | undefined> {
    const netfilter = this.processes.startHelper();
    const end = (): void => netfilter.close();
    signal.addEventListener("abort", end);
    try {
      await generationOf(netfilter);
      onBegun();
      return await expected.firstDifference((set) => kernelDigest(netfilter, set));
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    } finally {
      end();
    }
  }

  async forgetConnections(frontends: readonly UdpFrontend[], nodeAddresses: readonly Address[]): Promise<number> {
    const netfilter = await this.opened();
    let deleted = 0;
    for (const family of FAMILIES) {
      const wanted = frontends.filter((each) => each.family === family);
      if (wanted.length === 0) continue;
      // The kernel looks for one destination faster than it tells of all.
      const connections = await dumpConnections(netfilter, family, wanted.length === 1 ? wanted[0] : undefined);
      deleted += await deleteConnections(netfilter, staleConnections(wanted, connections, nodeAddresses));
    }
    return deleted;
  }

  /** The helper's process, and nft's. */
  get pids(): readonly (number | undefined)[] {
    return [this.helper?.netfilter.pid, this.processes.writer.pid];
  }

  async close(): Promise<void> {
    this.callOffRest();
    await this.processes.writer.close();
    this.helper?.netfilter.close();
  }

  /** A new one where the last has ended. The lock went with it: the new one takes it before it does anything else. Throws `LockLost` where another
   *  process was quicker. */
  private opened(): Promise<NetfilterHelper> {
    if (this.helper !== undefined) return this.helper.ready;
    const netfilter = this.processes.startHelper();
    const helper = { netfilter, ready: this.isLocked ? lockAgain(netfilter) : Promise.resolve(netfilter) };
    netfilter.onClose(() => {
      this.helper = undefined;
    });
    this.helper = helper;
    return helper.ready;
  }
}

async function lockAgain(netfilter: NetfilterHelper): Promise<NetfilterHelper> {
  const holder = await netfilter.hold(LOCK_NAME);
  if (holder === undefined) return netfilter;
  netfilter.close();
  throw new LockLost(holder);
}
