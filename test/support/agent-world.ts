/** An agent on tables in memory, with an API server, a clock and others that a test moves. */
import { printChange } from "../../compiler/formats/nft/print-change.ts";
import type { Table } from "../../compiler/ir/types.ts";
import { NodeTables } from "../../compiler/updates/node-tables.ts";
import { Agent } from "../../runtime/agent/agent.ts";
import type { AgentParts } from "../../runtime/agent/agent-parts.ts";
import { changesBetween } from "../../runtime/table/change-tables.ts";
import { endpointSlice, SHOP, serviceOf } from "./agent-objects.ts";
import { TestClock } from "./api-server/test-clock.ts";
import type { Manifest } from "./arbitraries.ts";
import { compiledTables, keyOf, ruleKindOf } from "./events.ts";
import { FakeKernel } from "./fake-kernel.ts";
import { TestWatch } from "./test-watch.ts";

type Config = ConstructorParameters<typeof NodeTables>[0];

const CONFIG: Config = { nodeName: "node-a", mode: "nftables" };

/** Lets everything happen that waits for no clock. */
export async function settle(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}

export class AgentWorld {
  readonly kernel: FakeKernel;
  readonly clock = new TestClock();
  readonly told = new TestWatch();
  readonly log: string[] = [];
  readonly agent: Agent;
  /** By kind and name. */
  readonly objects = new Map<string, Manifest>();
  private readonly config: Config;

  constructor(parts: Partial<AgentParts> = {}, kernel = new FakeKernel(), config = CONFIG) {
    this.kernel = kernel;
    this.config = config;
    this.agent = new Agent({
      tables: new NodeTables(config),
      kernel,
      clock: this.clock,
      watch: this.told.watch,
      log: (line) => void this.log.push(line),
      ...parts,
    });
  }

  put(...objects: readonly Manifest[]): void {
    for (const object of objects) {
      this.objects.set(keyOf(object), object);
      this.told.put(ruleKindOf(object), object);
    }
  }

  delete(object: Manifest): void {
    this.objects.delete(keyOf(object));
    const key = keyOf(object).split(" ")[1] ?? "";
    this.told.tell(ruleKindOf(object), { kind: "delete", key, resourceVersion: "1" });
  }

  async start(...objects: readonly Manifest[]): Promise<void> {
    this.put(...objects);
    this.told.synced();
    await settle();
  }

  /** Lets time pass. */
  async pass(milliseconds: number): Promise<void> {
    this.clock.advance(milliseconds);
    await settle();
  }

  /** What others do to the tables. */
  async others(change: (tables: Table[]) => Table[]): Promise<void> {
    const { tables } = this.kernel;
    const now = await tables.read();
    await tables.runAsOther(changesBetween(now, change(now)));
  }

  /** What is to be done so that the tables are those of `compile`; empty where they are. */
  async difference(): Promise<string> {
    const wanted = compiledTables(this.config, this.objects.values());
    if (wanted === undefined) throw new Error("the objects do not compile");
    return changesBetween(await this.kernel.tables.read(), wanted)
      .map(printChange)
      .join("");
  }
}

/** Events that the kernel does not have yet. */
export function pendingOf({ counts }: Agent): number {
  return [...counts.pending.values()].reduce((sum, count) => sum + count, 0);
}

/** A map without its elements. */
export function withoutElementsOf(name: string): (tables: readonly Table[]) => Table[] {
  return (tables) =>
    tables.map((table) => ({
      ...table,
      maps: table.maps.map((map) => (map.name === name ? { ...map, elements: [] } : map)),
    }));
}

export const withoutServices = withoutElementsOf("services");

/** Chains without their rules. */
export function withoutRules(tables: readonly Table[]): Table[] {
  return tables.map((table) => ({ ...table, chains: table.chains.map((chain) => ({ ...chain, rules: [] })) }));
}

/** With two Services. */
export async function startedAgent(parts: Partial<AgentParts> = {}): Promise<AgentWorld> {
  const world = new AgentWorld(parts);
  await world.start(...SHOP);
  return world;
}

/** At port 53 of `address`. */
export function udpService(name: string, address: string): Manifest {
  const service = serviceOf(name, address);
  return { ...service, spec: { ...(service["spec"] as object), ports: [{ port: 53, protocol: "UDP" }] } };
}

export function udpSlice(name: string, ...addresses: readonly string[]): Manifest {
  return { ...endpointSlice(name, ...addresses), ports: [{ name: "", port: 53, protocol: "UDP" }] };
}
