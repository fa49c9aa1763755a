/** The rules of one node for the Services that it sees: what each behaviour adds, joined. */
import type { Chain, Retired, Ruleset, SetElement, Table } from "../ir/types.ts";
import { FAMILIES, type Family } from "../net/address.ts";
import { prefixContains } from "../net/prefix.ts";
import { PROTOCOLS } from "../net/protocol.ts";
import { MODES, type Settings } from "../node/settings.ts";
import type { NodeView, ServicePortView } from "../node/view.ts";
import { affinity, rememberChains } from "./affinity.ts";
import { Contribution, FEATURES } from "./contribution.ts";
import { contributeDispatch, dispatch, dispatchChains } from "./dispatch.ts";
import { endpoints, pickChains } from "./endpoints.ts";
import { frontendsOf } from "./frontends.ts";
import { contributeHealthCheck, healthChecks } from "./health-checks.ts";
import { hookChains } from "./hooks.ts";
import { Identities } from "./identities.ts";
import { contributeMasquerade, masquerade, reasonChains } from "./masquerade.ts";
import { NODE_PORT_ADDRESSES, nodePortAddresses, nodePorts } from "./node-ports.ts";
import type { Fragment, MapShape, SetShape, TableShape } from "./shape.ts";
import { contributeSourceRanges, firewallChain, sourceRangedChains, sourceRanges } from "./source-ranges.ts";
import { clusterIps, contributeUnserved, unserved, unservedChains } from "./unserved.ts";

/** The table that kpc owns, in each family. */
const TABLE_NAME = "kpc";

/** What the Services of a node add, for each family that has Services or Service CIDRs. */
export type Contributions = ReadonlyMap<Family, Contribution>;

/** One table for each family that has Services or Service CIDRs. */
export function lower(view: NodeView, settings: Settings): Ruleset {
  return rulesetOf(contributionsOf(view, settings), settings);
}

export function contributionsOf(view: NodeView, settings: Settings): Contributions {
  const used = FAMILIES.filter(
    (family) =>
      view[family].length > 0 ||
      settings.families[family].serviceCidrs.length > 0 ||
      settings.families[family].podNetwork !== undefined,
  );
  return new Map(
    used.map((family) => {
      const contribution = new Contribution(Identities.of(view[family]));
      for (const service of view[family]) contribute(service, settings, family, contribution);
      return [family, contribution];
    }),
  );
}

export function rulesetOf(contributions: Contributions, settings: Settings): Ruleset {
  const used = [...contributions.keys()];
  const tables = [...contributions].map(([family, contribution]) => tableOf(contribution, settings, family));
  const retired = FAMILIES.filter((family) => !used.includes(family)).map((family) => ({
    family: tableFamily(family),
    name: TABLE_NAME,
  }));
  return { tables, retired };
}

/** The rules of `ruleset`, which `lower` made, without the elements of Services. */
export function withoutServices({ tables, ...others }: Ruleset): Ruleset {
  const isOfNode = (name: string): boolean => name === NODE_PORT_ADDRESSES;
  return {
    ...others,
    tables: tables.map((table) => ({
      ...table,
      sets: table.sets.map((set) => (isOfNode(set.name) ? set : { ...set, elements: [] })),
      maps: table.maps.map((map) => ({ ...map, elements: [] })),
    })),
  };
}

/** Adds what one Service port gives to the table of `family`. */
export function contribute(service: ServicePortView, settings: Settings, family: Family, to: Contribution): void {
  to.protocols.add(service.protocol);
  for (const frontend of frontendsOf(service, settings.families[family].primaryAddress)) {
    if (frontend.kind === "node-port") to.features.add("node-ports");
    else if (frontend.kind !== "cluster-ip") to.features.add("external-addresses");
    else if (!settings.families[family].serviceCidrs.some((block) => prefixContains(block, frontend.address)))
      to.features.add("cluster-ips-elsewhere");
    contributeSourceRanges(frontend, settings, to);
    contributeDispatch(frontend, settings, to);
    contributeUnserved(frontend, settings, to);
    contributeMasquerade(frontend, settings, to);
  }
  contributeHealthCheck(service, to);
}

/** The table of `family` with what Service ports add to it. */
export function tableOf(contribution: Contribution, settings: Settings, family: Family): Table {
  const shape = shapeFor(contribution, settings, family);
  const elementsOfSet = (name: string): readonly SetElement[] => {
    if (name === NODE_PORT_ADDRESSES) return nodePortAddresses(family, settings);
    const shared = contribution.shared.get(name);
    return shared === undefined ? (contribution.sets.get(name) ?? []) : [...shared.values()];
  };
  const sets = setShapes(shape).map((set) => ({
    ...set,
    elements: elementsOfSet(set.name),
  }));
  const maps = mapShapes(shape).map((map) => ({ ...map, elements: contribution.maps.get(map.name) ?? [] }));
  const chains = chainsOf(shape);
  return {
    family: tableFamily(family),
    name: TABLE_NAME,
    comment: "Kubernetes Services, written by kpc",
    sets,
    maps,
    chains,
    retired: retiredObjects(
      shape,
      [...sets, ...maps, ...chains].map(({ name }) => name),
    ),
  };
}

function shapeFor(contribution: Contribution, settings: Settings, family: Family): TableShape {
  const { picks, protocols, affinitySeconds, features } = contribution;
  return {
    family,
    settings,
    picks: new Map([...picks].sort(([a], [b]) => (a < b ? -1 : 1))),
    protocols: PROTOCOLS.filter((protocol) => protocols.has(protocol)),
    sticky: affinitySeconds.size > 0,
    affinitySeconds: [...affinitySeconds].sort((a, b) => a - b),
    features,
  };
}

function tableFamily(family: Family): "ip" | "ip6" {
  return family === "IPv4" ? "ip" : "ip6";
}

/** In the order of declarations. */
const FRAGMENTS: readonly Fragment[] = [
  clusterIps,
  nodePorts,
  dispatch,
  endpoints,
  sourceRanges,
  unserved,
  healthChecks,
  affinity,
  masquerade,
];

function setShapes(shape: TableShape): SetShape[] {
  return [
    ...FRAGMENTS.flatMap(({ sets }) => sets?.(shape) ?? []),
    ...shape.protocols.flatMap((protocol) => FRAGMENTS.flatMap(({ setsOf }) => setsOf?.(protocol, shape) ?? [])),
  ];
}

function mapShapes(shape: TableShape): MapShape[] {
  return [
    ...FRAGMENTS.flatMap(({ maps }) => maps?.(shape) ?? []),
    ...shape.protocols.flatMap((protocol) => FRAGMENTS.flatMap(({ mapsOf }) => mapsOf?.(protocol, shape) ?? [])),
  ];
}

/** A fixed number of chains, whatever the cluster holds; only those that pick one of n endpoints vary, with the numbers n
 *  that occur. */
function chainsOf(shape: TableShape): Chain[] {
  return [
    ...pickChains(shape),
    ...rememberChains(shape),
    ...dispatchChains(shape),
    ...sourceRangedChains(shape),
    ...reasonChains(shape),
    firewallChain(shape),
    ...unservedChains(shape),
    ...hookChains(shape),
  ];
}

/** What other inputs would have made here: in the other mode, with other protocols, with explicit node port addresses. */
function retiredObjects(shape: TableShape, used: readonly string[]): Retired {
  const names = new Set(used);
  const unused = <T extends { readonly name: string }>(objects: readonly T[]): T[] =>
    [...new Map(objects.map((object) => [object.name, object])).values()].filter(({ name }) => !names.has(name));
  const others = MODES.map((mode) => widestShape(mode, shape));
  return {
    sets: unused(others.flatMap(setShapes)).map((set) => ({ ...set, elements: [] })),
    maps: unused(others.flatMap(mapShapes)).map((map) => ({ ...map, elements: [] })),
    chains: unused(others.flatMap(chainsOf)).map(({ name }) => name),
  };
}

/** The shape that has each object whose name does not depend on the input. */
function widestShape(mode: Settings["mode"], { family, settings }: TableShape): TableShape {
  const families = {
    ...settings.families,
    [family]: {
      ...settings.families[family],
      nodePorts: { kind: "listed", addresses: [] },
      podNetwork: { cidrs: [], nodes: [] },
    },
  };
  return {
    family,
    settings: { ...settings, mode, families },
    protocols: PROTOCOLS,
    sticky: true,
    affinitySeconds: [],
    picks: new Map(),
    features: new Set(FEATURES),
  };
}
