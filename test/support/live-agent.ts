/** An agent that follows a fake API server, and keeps the tables of a network namespace of its own. */

import { printChange } from "../../compiler/formats/nft/print-change.ts";
import { differenceOf, type TableChange } from "../../compiler/ir/table-change.ts";
import type { Table } from "../../compiler/ir/types.ts";
import type { Config } from "../../compiler/node/config.ts";
import { NodeTables } from "../../compiler/updates/node-tables.ts";
import { Agent } from "../../runtime/agent/agent.ts";
import type { AgentParts } from "../../runtime/agent/agent-parts.ts";
import { LocalKernel } from "../../runtime/agent/kernel.ts";
import { watchNode } from "../../runtime/agent/watch-node.ts";
import { ApiClient } from "../../runtime/api/client.ts";
import { REAL_CLOCK } from "../../runtime/api/clock.ts";
import { readLiveTables } from "../../runtime/table/live-tables.ts";
import { Netfilter } from "../../runtime/table/netfilter.ts";
import { FakeApiServer } from "./api-server/fake-api-server.ts";
import { plainAccess } from "./api-server/followed.ts";
import type { Manifest } from "./arbitraries.ts";
import { compiledTables } from "./events.ts";
import { type HeldNamespace, holdNamespace } from "./held-namespace.ts";
import { ServedObjects, untilAgreed } from "./served-objects.ts";

export class LiveAgent {
  readonly log: string[] = [];
  /** Texts of transactions. */
  readonly transactions: string[] = [];
  agent: Agent;
  kernel: LocalKernel;
  private readonly objects: ServedObjects;
  private readonly netfilter: Netfilter;

  readonly api: FakeApiServer;
  readonly namespace: HeldNamespace;
  private readonly config: Config;
  private readonly options: Partial<AgentParts>;

  private constructor(
    api: FakeApiServer,
    objects: ServedObjects,
    namespace: HeldNamespace,
    config: Config,
    options: Partial<AgentParts>,
  ) {
    this.api = api;
    this.objects = objects;
    this.namespace = namespace;
    this.config = config;
    this.options = options;
    this.netfilter = new Netfilter(namespace.wrapper);
    this.kernel = new LocalKernel(namespace.wrapper);
    this.agent = this.begin();
  }

  static async start(
    config: Config,
    objects: readonly Manifest[],
    options: Partial<AgentParts> = {},
    hold: () => Promise<HeldNamespace> = holdNamespace,
  ): Promise<LiveAgent> {
    const [api, namespace] = [await FakeApiServer.start(), await hold()];
    const live = new LiveAgent(api, new ServedObjects(api, objects), namespace, config, options);
    await live.agent.started;
    return live;
  }

  /** A new agent in place of one that is gone. */
  async startAgain(): Promise<void> {
    this.kernel = new LocalKernel(this.namespace.wrapper);
    this.agent = this.begin();
    await this.agent.started;
  }

  private begin(): Agent {
    const clock = this.options.clock ?? REAL_CLOCK;
    const client = new ApiClient(plainAccess(this.api.url), clock);
    return new Agent({
      tables: new NodeTables(this.config, { hasSpares: true }),
      kernel: this.kernel,
      clock,
      watch: watchNode(client, this.config.nodeName ?? "", clock),
      log: (line) => void this.log.push(line),
      onTransaction: (text) => void this.transactions.push(text),
      ...this.options,
    });
  }

  put(object: Manifest): void {
    this.objects.put(object);
  }

  delete(object: Manifest): void {
    this.objects.delete(object);
  }

  nft(commands: string): void {
    const { status, output } = this.namespace.run(`nft '${commands}'`);
    if (status !== 0) throw new Error(output);
  }

  /** The same; what nft refuses is not done. */
  tryNft(commands: string): void {
    this.namespace.run(`nft '${commands}'`);
  }

  /** How the kernel differs from what `compile` makes of the objects, as commands; spare chains do not count. */
  async disagreement(): Promise<string> {
    const wanted = compiledTables(this.config, this.objects.values()) ?? [];
    const there = await readLiveTables(this.netfilter, this.namespace.wrapper);
    return differencesBesideSpares(there, wanted).map(printChange).join("");
  }

  /** Resolves when the kernel has what `compile` makes. Fails with the difference after `tries` looks. */
  async agreed(tries = 1000): Promise<void> {
    await untilAgreed(() => this.disagreement(), this.log, tries);
  }

  /** Resolves when `times` lines that begin with `start` have been logged: the agent is done with what they tell. Fails after `tries` looks. */
  async logged(start: string, times: number, tries = 1000): Promise<void> {
    const count = (): number => this.log.filter((line) => line.startsWith(start)).length;
    for (let i = 0; count() < times && i < tries; i++) await new Promise((resolve) => setTimeout(resolve, 50));
    if (count() < times) throw new Error(`not logged ${times} times: ${start}\n${this.log.slice(-5).join("\n")}`);
  }

  async close(): Promise<void> {
    await this.agent.stop();
    this.netfilter.close();
    await this.api.stop();
    this.namespace.close();
  }
}

/** What is to be done to the tables `there` so that they are `wanted`; spare chains may stay. */
export function differencesBesideSpares(there: readonly Table[], wanted: readonly Table[]): TableChange[] {
  return (["ip", "ip6"] as const).flatMap((family) => {
    const find = (all: readonly Table[]): Table | undefined => all.find((table) => table.family === family);
    return differenceOf(withoutSpares(find(there), find(wanted)), find(wanted)) ?? [];
  });
}

/** `there` without chains that pick endpoints and that `wanted` has not. */
function withoutSpares(there: Table | undefined, wanted: Table | undefined): Table | undefined {
  const names = new Set(wanted?.chains.map(({ name }) => name));
  return there && { ...there, chains: there.chains.filter(({ name }) => !name.startsWith("pick-") || names.has(name)) };
}
