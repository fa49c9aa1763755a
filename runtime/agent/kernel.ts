/** The kernel as the agent needs it: transactions, what there is, and whether others have changed it. */
import type { Table } from "../../compiler/ir/types.ts";
import { type Address, FAMILIES } from "../../compiler/net/address.ts";
import type { TransactionAnswer } from "../table/answers.ts";
import { changesBetween, changeTables } from "../table/change-tables.ts";
import { deleteConnections, dumpConnections } from "../table/connections.ts";
import { LIVE_FAMILIES, readLiveTables } from "../table/live-tables.ts";
import { Netfilter } from "../table/netfilter.ts";
import { chainsOf, generationOf, ruleDigests, structureOf } from "../table/nf-tables.ts";
import { staleConnections, type UdpFrontend } from "../table/stale-connections.ts";
import { TableWriter } from "../table/writer.ts";
import { type ExpectedElements, kernelDigest } from "./expected-elements.ts";

/** The name of kpc's tables. */
const TABLE = "kpc";

/** Held by whoever keeps the tables of a network namespace right: one agent, or `kpc apply`. */
const LOCK_NAME = "kpc-table";

export interface Restored {
  readonly answer: TransactionAnswer;
  /** How many tables, sets, maps and chains differed. */
  readonly differed: number;
  /** Commits that were made. */
  readonly transactions: number;
}

export interface AgentKernel {
  /** One transaction: all of it, or nothing. */
  transact(text: string): Promise<TransactionAnswer>;
  /** Makes the tables `wanted`, whatever they are now. */
  restore(wanted: readonly Table[]): Promise<Restored>;
  /** Whether there is a table of kpc. */
  hasTables(): Promise<boolean>;
  /** The number of the last commit in the network namespace. */
  generation(): Promise<number>;
  /** What rules there are, to be compared with a later answer. */
  rules(): Promise<string>;
  /** The first set or map whose elements are not those that are expected; undefined: there is none. */
  drifted(expected: ExpectedElements): Promise<string | undefined>;
  /** Deletes entries of conntrack that lead UDP packets for `frontends` to endpoints that these do not have. Gives how many. */
  forgetConnections(frontends: readonly UdpFrontend[], nodeAddresses: readonly Address[]): Promise<number>;
  close(): Promise<void>;
}

/** That of the network namespace of this process, or of that in which `wrapper` runs commands. */
export class LocalKernel implements AgentKernel {
  private readonly wrapper: readonly string[];
  private readonly writer: TableWriter;
  private helper: Netfilter | undefined;

  constructor(wrapper: readonly string[] = []) {
    this.wrapper = wrapper;
    this.writer = new TableWriter({ wrapper });
  }

  /** Keeps other agents away. Gives the process that is one already (0: it cannot be told which); undefined: none is. */
  async lock(): Promise<number | undefined> {
    return await this.netfilter.hold(LOCK_NAME);
  }

  transact(text: string): Promise<TransactionAnswer> {
    return this.writer.transact(text);
  }

  async restore(wanted: readonly Table[]): Promise<Restored> {
    const changes = changesBetween(await readLiveTables(this.netfilter, this.wrapper), wanted);
    const { answer, transactions } = await changeTables(this.writer, changes, wanted);
    const differed = changes.reduce(
      (sum, { table, sets, maps, chains, elements, retired }) =>
        sum +
        Number(table !== "kept") +
        [sets, maps, chains, elements, ...Object.values(retired)].reduce((all, { length }) => all + length, 0),
      0,
    );
    return { answer, differed, transactions };
  }

  async hasTables(): Promise<boolean> {
    for (const family of LIVE_FAMILIES) if ((await chainsOf(this.netfilter, family, TABLE)) !== undefined) return true;
    return false;
  }

  async generation(): Promise<number> {
    return (await generationOf(this.netfilter)).id;
  }

  async rules(): Promise<string> {
    const texts: string[] = [];
    for (const family of LIVE_FAMILIES) {
      const structure = await structureOf(this.netfilter, family, TABLE);
      if (structure === undefined) continue;
      const digests = [...(await ruleDigests(this.netfilter, family, TABLE))].sort();
      texts.push(`${family} ${structure}`, ...digests.map((each) => each.join(" ")));
    }
    return texts.join("\n");
  }

  drifted(expected: ExpectedElements): Promise<string | undefined> {
    return expected.firstDifference((set) => kernelDigest(this.netfilter, set));
  }

  async forgetConnections(frontends: readonly UdpFrontend[], nodeAddresses: readonly Address[]): Promise<number> {
    let deleted = 0;
    for (const family of FAMILIES) {
      const wanted = frontends.filter((each) => each.family === family);
      // The kernel looks for one destination faster than it tells of all.
      const [only] = wanted;
      const destination =
        wanted.length === 1 && only !== undefined
          ? { port: only.port, ...(only.address === undefined ? {} : { address: only.address }) }
          : undefined;
      if (only === undefined) continue;
      const connections = await dumpConnections(this.netfilter, family, destination);
      deleted += await deleteConnections(this.netfilter, staleConnections(wanted, connections, nodeAddresses));
    }
    return deleted;
  }

  /** The helper's process, and nft's. */
  get pids(): readonly (number | undefined)[] {
    return [this.helper?.pid, this.writer.pid];
  }

  async close(): Promise<void> {
    await this.writer.close();
    this.helper?.close();
  }

  /** A new one where the last has ended. It no longer holds the lock then: nobody else is told to keep away, and nobody else came. */
  private get netfilter(): Netfilter {
    if (this.helper === undefined) {
      const helper = new Netfilter(this.wrapper);
      helper.onClose(() => {
        if (this.helper === helper) this.helper = undefined;
      });
      this.helper = helper;
    }
    return this.helper;
  }
}
