/** Tables in memory that hold what an agent wants, or something else. */
import { printChange } from "../../compiler/formats/nft/print-change.ts";
import type { MapDeclaration, MapElement, SetDeclaration, SetElement, Table } from "../../compiler/ir/types.ts";
import { NodeTables } from "../../compiler/updates/node-tables.ts";
import { ExpectedElements } from "../../runtime/agent/expected-elements.ts";
import { type Restored, restoreTables } from "../../runtime/agent/restore-tables.ts";
import { changesBetween } from "../../runtime/table/change-tables.ts";
import { endpointSlice, serviceOf } from "./agent-objects.ts";
import { toConfig } from "./compile.ts";
import { FakeTables } from "./fake-tables.ts";

const NODE = toConfig({ nodeName: "node-a", nodeIP: "192.168.0.2", nodePortAddresses: ["192.168.0.0/24"] });

/** What an agent wants. */
export interface WantedState {
  readonly tables: NodeTables;
  readonly expected: ExpectedElements;
}

/** What the agent wants for these Services, each with a node port, an allowed source and the endpoints of its list. `six`: the address of one more,
 *  of IPv6; `nodePort`: the first one's. */
export function wantedOf(
  services: Readonly<Record<string, readonly string[]>>,
  six?: string,
  nodePort = 30_000,
): WantedState {
  const wanted = { tables: new NodeTables(NODE), expected: new ExpectedElements() };
  if (six !== undefined) {
    const spec = { clusterIP: six, clusterIPs: [six], ipFamilies: ["IPv6"], ports: [{ port: 80 }] };
    wanted.tables.put("Service", { ...serviceOf("six", six), spec });
  }
  for (const [i, [name, endpoints]] of Object.entries(services).entries())
    put(wanted, i, name, endpoints, i === 0 ? nodePort : 30_000 + i);
  take(wanted);
  return wanted;
}

function put({ tables }: WantedState, i: number, name: string, endpoints: readonly string[], nodePort: number): void {
  const service = serviceOf(name, `172.30.0.${i + 1}`);
  const spec = {
    ...(service["spec"] as object),
    type: "LoadBalancer",
    loadBalancerSourceRanges: ["10.0.0.0/9"],
    ports: [{ name: "http", port: 80, nodePort }],
  };
  const status = { loadBalancer: { ingress: [{ ip: `198.51.100.${i + 1}` }] } };
  tables.put("Service", { ...service, spec, status });
  tables.put("EndpointSlice", { ...endpointSlice(name, ...endpoints), ports: [{ name: "http", port: 8080 }] });
}

function take({ tables, expected }: WantedState): void {
  for (const change of tables.update()?.changes ?? []) expected.apply(change);
}

/** Services with their endpoints. */
export const SHOP_ENDPOINTS = { web: ["10.180.0.1", "10.180.0.2"], api: ["10.180.0.3"], db: [] };

/** Tables that hold what `wanted` has. */
export async function holding({ tables }: WantedState): Promise<FakeTables> {
  const there = new FakeTables();
  await there.runAsOther(changesBetween([], tables.tables()));
  return there;
}

/** Others make other tables of those that are there. */
export async function changed(there: FakeTables, change: (tables: Table[]) => Table[]): Promise<void> {
  const now = await there.read();
  await there.runAsOther(changesBetween(now, change(now)));
}

/** `isSkeletonRight`: all but the elements is known to be right. */
export async function restored(
  there: FakeTables,
  { tables, expected }: WantedState,
  isSkeletonRight = false,
): Promise<Restored> {
  const live = isSkeletonRight ? undefined : there.skeletons();
  return await restoreTables({ netfilter: there, run: (changes) => there.run(changes), live }, tables, expected);
}

/** What is to be done so that the tables are as `wanted`; empty where they are. */
export async function differenceTo(there: FakeTables, { tables }: WantedState): Promise<string> {
  return changesBetween(await there.read(), tables.tables())
    .map(printChange)
    .join("");
}

type Declared = SetDeclaration | MapDeclaration;

/** `tables` with other sets and maps. */
export function withSets(tables: readonly Table[], change: (set: Declared) => Declared | undefined): Table[] {
  const each = <Of extends Declared>(all: readonly Of[]): Of[] =>
    all.flatMap((set) => (change(set) as Of | undefined) ?? []);
  return tables.map((table) => ({ ...table, sets: each(table.sets), maps: each(table.maps) }));
}

/** The elements in sets and maps with these names. */
export function elementsIn(tables: readonly Table[], ...names: readonly string[]): (SetElement | MapElement)[] {
  return tables.flatMap(({ sets, maps }) =>
    [...sets, ...maps].filter(({ name }) => names.includes(name)).flatMap((set) => [...set.elements]),
  );
}

/** Destinations, one a string, that lead to endpoints of which some are missing. */
export function halvesIn(tables: readonly Table[]): string[] {
  const slots = new Set(elementsIn(tables, "endpoints-tcp").map(({ key }) => partsOf(key).join(" ")));
  return (elementsIn(tables, "services") as MapElement[]).flatMap(({ key, value }) => {
    const [address, , port] = partsOf(key);
    const count = "chain" in value ? Number(/pick-(\d+)/.exec(value.chain)?.[1] ?? 0) : 0;
    return Array.from({ length: count }, (_, i) => `${address} ${port} ${i}`).filter((slot) => !slots.has(slot));
  });
}

/** Of a key of one part, too. */
export function partsOf(key: SetElement["key"]): readonly unknown[] {
  return Array.isArray(key) ? key : [key];
}
