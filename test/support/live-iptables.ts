/** An agent that follows a fake API server, and keeps the rules of iptables of a network namespace of its own. */
import { FollowedIptables } from "../../compiler/followed-iptables.ts";
import { type IsSame, minimalRestore } from "../../compiler/formats/iptables/minimal-restore.ts";
import { readOwnTables } from "../../compiler/formats/iptables/own-rules.ts";
import { areSameRules } from "../../compiler/formats/iptables/same-rules.ts";
import type { Table } from "../../compiler/ir/types.ts";
import type { Config } from "../../compiler/node/config.ts";
import { iptablesChains } from "../../compiler/print.ts";
import { NodeTables } from "../../compiler/updates/node-tables.ts";
import { Agent } from "../../runtime/agent/agent.ts";
import { AGENT_TIMES, type AgentParts } from "../../runtime/agent/agent-parts.ts";
import {
  IPTABLES_FAMILIES,
  type IptablesBackend,
  type IptablesFamily,
  openIptables,
} from "../../runtime/agent/iptables-host.ts";
import { IptablesKernel } from "../../runtime/agent/iptables-kernel.ts";
import { LocalKernel } from "../../runtime/agent/kernel.ts";
import { watchNode } from "../../runtime/agent/watch-node.ts";
import { ApiClient } from "../../runtime/api/client.ts";
import { REAL_CLOCK } from "../../runtime/api/clock.ts";
import { FakeApiServer } from "./api-server/fake-api-server.ts";
import { plainAccess } from "./api-server/followed.ts";
import type { Manifest } from "./arbitraries.ts";
import { compiledTables } from "./events.ts";
import { type HeldNamespace, holdNamespace } from "./held-namespace.ts";
import { ServedObjects, untilAgreed } from "./served-objects.ts";

interface LiveOptions {
  readonly backend: IptablesBackend;
  readonly config: Config;
  readonly options: Partial<AgentParts>;
}

export class LiveIptables {
  readonly log: string[] = [];
  /** Input of iptables-restore and ip6tables-restore. */
  readonly texts: string[] = [];
  readonly api: FakeApiServer;
  readonly namespace: HeldNamespace;
  agent: Agent | undefined;
  private readonly backend: IptablesBackend;
  private readonly config: Config;
  private readonly options: Partial<AgentParts>;
  private readonly objects: ServedObjects;

  private constructor(
    api: FakeApiServer,
    objects: ServedObjects,
    namespace: HeldNamespace,
    { backend, config, options }: LiveOptions,
  ) {
    this.api = api;
    this.objects = objects;
    this.namespace = namespace;
    this.backend = backend;
    this.config = config;
    this.options = options;
  }

  static async start(
    backend: IptablesBackend,
    config: Config,
    objects: readonly Manifest[] = [],
    options: Partial<AgentParts> = {},
  ): Promise<LiveIptables> {
    const [api, namespace] = [await FakeApiServer.start(), await holdNamespace()];
    const live = new LiveIptables(api, new ServedObjects(api, objects), namespace, { backend, config, options });
    await live.begin();
    return live;
  }

  /** A first agent, or a new one in place of one that is gone. */
  async begin(): Promise<void> {
    const { wrapper } = this.namespace;
    const follower = new FollowedIptables();
    const tables = new NodeTables(this.config, { follower });
    const beside = new LocalKernel(wrapper);
    const kernel = new IptablesKernel(await openIptables(this.backend, wrapper), beside, follower);
    this.agent = new Agent({
      tables,
      kernel,
      clock: REAL_CLOCK,
      watch: watchNode(new ApiClient(plainAccess(this.api.url), REAL_CLOCK), this.config.nodeName ?? "", REAL_CLOCK),
      log: (line) => void this.log.push(line),
      onTransaction: (text) => void this.texts.push(text),
      // What nobody tells of is looked for.
      times: { ...AGENT_TIMES, lookMs: 200, ...(this.backend === "legacy" ? { compareMs: 200 } : {}) },
      ...this.options,
    });
    await this.agent.started;
  }

  put(object: Manifest): void {
    this.objects.put(object);
  }

  delete(object: Manifest): void {
    this.objects.delete(object);
  }

  /** Runs iptables with these arguments. Throws where it refuses them. */
  iptables(args: string): void {
    const { status, output } = this.namespace.run(`iptables-${this.backend} ${args}`);
    if (status !== 0) throw new Error(output);
  }

  /** What iptables-save and ip6tables-save print. */
  saved(): string {
    return IPTABLES_FAMILIES.map((family) => this.save(family)).join("");
  }

  /** How the kernel differs from what `compile` makes of the objects, as input for iptables-restore. */
  disagreement(): string {
    const wanted = compiledTables(this.config, this.objects.values()) ?? [];
    return differenceOfIptables((family) => this.save(family), wanted);
  }

  /** Resolves when the kernel has what `compile` makes. Fails with the difference after `tries` looks. */
  async agreed(tries = 100): Promise<void> {
    await untilAgreed(() => this.disagreement(), this.log, tries);
  }

  async close(): Promise<void> {
    await this.agent?.stop();
    await this.api.stop();
    this.namespace.close();
  }

  private save(family: "ip" | "ip6"): string {
    const { status, output } = this.namespace.run(`${family}tables-${this.backend}-save 2> /dev/null`);
    if (status !== 0) throw new Error(output);
    return output;
  }
}

/** What makes of rules that iptables-save (`ip`) and ip6tables-save (`ip6`) print those that `wanted` come to, as input for iptables-restore. */
export function differenceOfIptables(save: (family: IptablesFamily) => string, wanted: readonly Table[]): string {
  return IPTABLES_FAMILIES.map((family) => {
    const there = readOwnTables(save(family));
    const { tables } = iptablesChains(wanted, family);
    const isSame: IsSame = (table, left, right) => areSameRules(table, family, left, right);
    return minimalRestore(there, tables, { isSame }).text;
  }).join("");
}
