/** Random events of the API server, and what they come to. */
import fc from "fast-check";
import { compile } from "../../compiler/compile.ts";
import { printChange } from "../../compiler/formats/nft/print-change.ts";
import { differenceOf, type TableChange } from "../../compiler/ir/table-change.ts";
import type { Table, TableFamily } from "../../compiler/ir/types.ts";
import type { Config } from "../../compiler/node/config.ts";
import { NodeTables, type NodeUpdate } from "../../compiler/updates/node-tables.ts";
import type { RuleKind } from "../../compiler/updates/watched-object.ts";
import { applyChange } from "./apply-change.ts";
import { type ClusterInput, cluster, type Manifest, NODE_IPS, NODE_NAME } from "./arbitraries.ts";
import { toConfig, toText } from "./compile.ts";

export type AgentEvent =
  | { readonly kind: "put" | "delete"; readonly object: Manifest }
  /** Make elements of at most `limit` Services. */
  | { readonly kind: "update"; readonly limit: number };

/** Settings, and events among which objects of several states of a cluster come, change, go and come again, in any order. */
export interface EventHistory {
  readonly config: Config;
  readonly events: readonly AgentEvent[];
}

function node(zone: string | undefined, last: number): Manifest {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: NODE_NAME,
      uid: "uid",
      ...(zone === undefined ? {} : { labels: { "topology.kubernetes.io/zone": zone } }),
    },
    spec: { podCIDR: "10.180.0.0/24", podCIDRs: ["10.180.0.0/24", "fd00:10:180::/64"] },
    status: {
      addresses: [...NODE_IPS, `192.168.7.${last}`].map((address) => ({ type: "InternalIP", address })),
      conditions: [{ type: "Ready", lastHeartbeatTime: String(last) }],
    },
  };
}

function serviceCidr(name: string, ...cidrs: string[]): Manifest {
  return { apiVersion: "networking.k8s.io/v1", kind: "ServiceCIDR", metadata: { name, uid: "uid" }, spec: { cidrs } };
}

const OF_THE_NODE: readonly Manifest[] = [
  node("zone-a", 1),
  node("zone-b", 1),
  node(undefined, 1),
  node("zone-a", 2),
  serviceCidr("kubernetes", "172.30.0.0/16", "fd00:10:96::/112"),
  serviceCidr("kubernetes", "172.30.0.0/16"),
  serviceCidr("more", "172.31.0.0/16"),
];

/** Objects that no decoder takes. Their names are those of objects that are sound at other times. */
const BROKEN: readonly Manifest[] = [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "svc-0", namespace: "shop" },
    spec: { ports: [{ port: 99999 }] },
  },
  { apiVersion: "v1", kind: "Service", metadata: { name: "svc-1", namespace: "db" }, spec: { ports: [{ port: 80 }] } },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "svc-0-0", namespace: "shop", labels: { "kubernetes.io/service-name": "svc-0" } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.300.0.1"] }],
    ports: [{ port: 80 }],
  },
];

/** A Service whose endpoints depend on the zone of the node. */
const OF_ZONES: readonly Manifest[] = [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "zoned", namespace: "shop", uid: "uid" },
    spec: { clusterIP: "172.30.9.9", clusterIPs: ["172.30.9.9"], ipFamilies: ["IPv4"], ports: [{ port: 80 }] },
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "zoned-1", namespace: "shop", labels: { "kubernetes.io/service-name": "zoned" } },
    addressType: "IPv4",
    endpoints: ["a", "b"].map((zone, i) => ({
      addresses: [`10.180.5.${i}`],
      hints: { forZones: [{ name: `zone-${zone}` }] },
    })),
    ports: [{ name: "", port: 8080 }],
  },
];

/** Two sticky Services whose endpoints want one number, with their slices, and the second one without session affinity. */
export const OF_ONE_NUMBER: readonly Manifest[] = [...stickyPair("web-5pwq", 1), ...stickyPair("web-g5fe", 2)];

function stickyPair(name: string, last: number): Manifest[] {
  const clusterIP = `172.30.9.${last}`;
  const service = (more: object): Manifest => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop", uid: "uid" },
    spec: { clusterIP, clusterIPs: [clusterIP], ipFamilies: ["IPv4"], ports: [{ port: 80 }], ...more },
  });
  const slice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-1`, namespace: "shop", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.244.0.1"] }],
    ports: [{ name: "", port: 8080 }],
  };
  return [service({ sessionAffinity: "ClientIP" }), slice, ...(last === 2 ? [service({})] : [])];
}

/** A slice that names another Service than before. */
function moved(object: Manifest): Manifest {
  const metadata = object["metadata"] as Manifest;
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: { "kubernetes.io/service-name": metadata["namespace"] === "shop" ? "svc-0" : "svc-1" },
    },
  };
}

function eventsOf(
  clusters: readonly ClusterInput[],
  withBroken: boolean,
  most: number,
): fc.Arbitrary<readonly AgentEvent[]> {
  const objects = clusters.flatMap((each) => each.objects.filter(({ kind }) => kind !== "Node"));
  const slices = objects.filter(({ kind }) => kind === "EndpointSlice").map(moved);
  const any = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...objects) },
    { weight: 3, arbitrary: fc.constantFrom(...(slices.length > 0 ? slices : objects)) },
    { weight: 1, arbitrary: fc.constantFrom(...OF_THE_NODE) },
    { weight: 1, arbitrary: fc.constantFrom(...OF_ZONES) },
    { weight: 1, arbitrary: fc.constantFrom(...OF_ONE_NUMBER) },
    { weight: withBroken ? 2 : 0, arbitrary: fc.constantFrom(...BROKEN) },
  );
  return fc.array(
    fc.oneof(
      { weight: 8, arbitrary: any.map((object): AgentEvent => ({ kind: "put", object })) },
      { weight: 3, arbitrary: any.map((object): AgentEvent => ({ kind: "delete", object })) },
      {
        weight: 2,
        arbitrary: fc.constantFrom(1, 2, 500).map((limit): AgentEvent => ({ kind: "update", limit })),
      },
    ),
    { minLength: most > USUAL ? most / 2 : 5, maxLength: most },
  );
}

const USUAL = 60;

/** `withBroken`: some objects have errors at times. `most`: how many events there may be. */
export function history(withBroken = false, most = USUAL): fc.Arbitrary<EventHistory> {
  return fc.array(cluster, { minLength: 1, maxLength: 3 }).chain((clusters) => {
    const [{ proxy, mode } = expectCluster()] = clusters;
    const { serviceCIDRs, zone: _, ...others } = proxy;
    return fc.record({
      // Service CIDRs by the settings, or by objects.
      config: fc.boolean().map((said) => ({ ...toConfig(said ? { ...others, serviceCIDRs } : others), mode })),
      events: eventsOf(clusters, withBroken, most),
    });
  });
}

function expectCluster(): never {
  throw new Error("a history has a cluster");
}

/** What an agent does with events, and what its transactions make of the node's tables. */
export class ReplayedAgent {
  readonly tables: NodeTables;
  /** By kind and name. */
  readonly objects = new Map<string, Manifest>();
  private readonly there = new Map<TableFamily, Table>();
  changes = 0;

  private readonly config: Config;

  constructor(config: Config, make: (config: Config) => NodeTables = (each) => new NodeTables(each)) {
    this.config = config;
    this.tables = make(config);
  }

  take(event: AgentEvent): void {
    switch (event.kind) {
      case "put":
        this.objects.set(keyOf(event.object), event.object);
        this.tables.put(ruleKindOf(event.object), event.object);
        break;
      case "delete":
        this.objects.delete(keyOf(event.object));
        this.tables.delete(ruleKindOf(event.object), keyOf(event.object).split(" ")[1] ?? "");
        break;
      case "update":
        this.apply(this.tables.update(event.limit));
    }
  }

  /** Until nothing waits. */
  finish(): void {
    while (this.tables.waiting > 0) this.apply(this.tables.update(500));
  }

  apply(update: NodeUpdate | undefined): void {
    for (const change of update?.changes ?? []) this.applyOne(change);
  }

  private applyOne(change: TableChange): void {
    this.changes++;
    const table = applyChange(this.there.get(change.family), change);
    if (table === undefined) this.there.delete(change.family);
    else this.there.set(change.family, table);
  }

  /** Empty tables, and what Services put into them: two at a time. */
  private inPieces(): Table[] {
    const tables = new Map(this.tables.emptyTables().map((table) => [table.family, table]));
    for (const { changes } of this.tables.pieces(2))
      for (const change of changes) {
        const table = applyChange(tables.get(change.family), change);
        if (table !== undefined) tables.set(change.family, table);
      }
    return [...tables.values()];
  }

  /** What differs between the tables after all transactions and those of `objects`, and between both and what the agent would compare with
   *  the kernel. */
  disagreement(objects: Iterable<Manifest>): string {
    const wanted = compiledTables(this.config, objects);
    if (wanted === undefined) throw new Error("the objects do not compile");
    return [[...this.there.values()], this.tables.tables(), this.inPieces()]
      .flatMap((tables) => differences(tables, wanted))
      .map(printChange)
      .join("");
  }
}

/** How the tables of an agent differ from those that `compile` makes of the objects, after all events: as commands, empty where they do not. */
export function disagreement({ config, events }: EventHistory, make?: (config: Config) => NodeTables): string {
  const agent = new ReplayedAgent(config, make);
  try {
    for (const event of events) agent.take(event);
    agent.finish();
    return agent.disagreement(agent.objects.values());
  } catch (error) {
    return String(error);
  }
}

/** The same where objects have errors at times: of each Service its last objects without one count. The agent makes elements after each
 *  event. */
export function disagreementWithBroken(
  { config, events }: EventHistory,
  make?: (config: Config) => NodeTables,
): string {
  const agent = new ReplayedAgent(config, make);
  const good = new Map<string, readonly Manifest[]>();
  try {
    for (const event of events) {
      agent.take(event);
      agent.finish();
      keepGood(config, [...agent.objects.values()], good);
    }
    const settings = [...agent.objects.values()].filter(({ kind }) => kind === "Node" || kind === "ServiceCIDR");
    return agent.disagreement([...settings, ...[...good.values()].flat()]);
  } catch (error) {
    return String(error);
  }
}

/** `object` with a name that begins so. */
function named(object: Manifest, prefix: string): Manifest {
  const metadata = object["metadata"] as Manifest;
  return { ...object, metadata: { ...metadata, name: `${prefix}${metadata["name"]}` } };
}

function keepGood(config: Config, objects: readonly Manifest[], good: Map<string, readonly Manifest[]>): void {
  const services = objects.filter(({ kind }) => kind === "Service");
  for (const key of good.keys()) if (!services.some((service) => keyOf(service) === key)) good.delete(key);
  for (const service of services) {
    const { name, namespace } = service["metadata"] as Manifest;
    const slices = objects.filter(({ kind, metadata }) => {
      const { labels, namespace: of } = metadata as { labels?: Manifest; namespace: string };
      return kind === "EndpointSlice" && of === namespace && labels?.["kubernetes.io/service-name"] === name;
    });
    // A slice may be of another Service meanwhile: what each had of it is an object of its own.
    const own = slices.map((slice) => named(slice, `${name}-`));
    if (compiledTables(config, [service, ...own], false) !== undefined) good.set(keyOf(service), [service, ...own]);
  }
}

export function ruleKindOf({ kind }: Manifest): RuleKind {
  return kind as RuleKind;
}

export function keyOf({ kind, metadata }: Manifest): string {
  const { namespace = "", name } = metadata as { namespace?: string; name: string };
  return `${kind} ${namespace === "" ? "" : `${namespace}/`}${name}`;
}

/** The tables that `compile` makes of `objects`; undefined where it finds an error. */
export function compiledTables(
  config: Config,
  objects: Iterable<Manifest>,
  isCompleted = true,
): readonly Table[] | undefined {
  const sources = [{ name: "cluster.json", text: toText([...objects]) }];
  const { compiled } = compile(sources, config, { complete: isCompleted });
  return compiled?.program.ruleset.tables;
}

/** What is to be done to `tables` so that they are `wanted`. */
function differences(tables: readonly Table[], wanted: readonly Table[]): TableChange[] {
  const find = (all: readonly Table[], family: TableFamily): Table | undefined =>
    all.find((table) => table.family === family);
  return (["ip", "ip6"] as const).flatMap((family) => differenceOf(find(tables, family), find(wanted, family)) ?? []);
}
