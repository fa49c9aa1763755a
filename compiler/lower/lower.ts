import type { MapDeclaration, Retired, Ruleset, SetDeclaration, SetElement, Table } from "../ir/types.ts";
import { FAMILIES, type Family } from "../net/address.ts";
import { PROTOCOLS } from "../net/protocol.ts";
import { MODES, type NodePortAddresses, type Settings } from "../node/settings.ts";
import type { NodeView, ServicePortView } from "../node/view.ts";
import { collectElements, type ServiceElements } from "./elements.ts";
import { frontendsOf } from "./frontends.ts";
import {
  addressComponent,
  affinitySet,
  endpointsMap,
  type FrontendKey,
  forwardMap,
  IDENTITY_COMPONENT,
  masqueradeMap,
  NAME,
  PORT_COMPONENT,
  PROTOCOL_COMPONENT,
  portComponent,
  SLOT_COMPONENT,
  stickyEndpointsMap,
  stickySlotsMap,
  TABLE_NAME,
} from "./names.ts";
import { buildChains } from "./skeleton.ts";

/** What one node does for the Services that it sees: one table for each family that has Services or Service CIDRs. */
export function lower(view: NodeView, settings: Settings): Ruleset {
  const used = FAMILIES.filter(
    (family) =>
      view[family].length > 0 ||
      settings.families[family].serviceCidrs.length > 0 ||
      settings.families[family].podNetwork !== undefined,
  );
  const tables = used.map((family) => lowerFamily(family, view[family], settings));
  const retired = FAMILIES.filter((family) => !used.includes(family)).map((family) => ({
    family: tableFamily(family),
    name: TABLE_NAME,
  }));
  return { tables, retired };
}

function tableFamily(family: Family): "ip" | "ip6" {
  return family === "IPv4" ? "ip" : "ip6";
}

function lowerFamily(family: Family, services: readonly ServicePortView[], settings: Settings): Table {
  const { primaryAddress, nodePorts } = settings.families[family];
  const elements = collectElements(
    services.flatMap((service) => frontendsOf(service, primaryAddress)),
    settings,
  );
  const healthChecks = services.flatMap((service): SetElement[] =>
    service.healthCheckNodePort === undefined
      ? []
      : [
          {
            key: [service.healthCheckNodePort],
            comment: `${service.namespace}/${service.name}`,
            origin: service.origin,
          },
        ],
  );
  const extra = new Map<string, readonly SetElement[]>([
    [
      NAME.nodePortAddresses,
      nodePorts.kind === "listed" ? nodePorts.addresses.map((address) => ({ key: [address] })) : [],
    ],
    [NAME.healthCheckNodePorts, unique(healthChecks)],
  ]);
  const skeleton = { family, settings, elements, hasHealthChecks: healthChecks.length > 0 };
  const sets = declareSets(family, settings, elements, extra);
  const maps = declareMaps(family, settings, elements);
  const chains = buildChains(skeleton);
  return {
    family: tableFamily(family),
    name: TABLE_NAME,
    comment: "Kubernetes Services, written by kpc",
    sets,
    maps,
    chains,
    retired: retiredObjects(family, settings, { sets, maps, chains }),
  };
}

/** What other inputs would have made here: in the other mode, with other protocols, with explicit node port addresses. */
function retiredObjects(family: Family, settings: Settings, used: Pick<Table, "sets" | "maps" | "chains">): Retired {
  const names = new Set([...used.sets, ...used.maps, ...used.chains].map(({ name }) => name));
  const unused = <T extends { readonly name: string }>(objects: readonly T[]): T[] =>
    [...new Map(objects.map((object) => [object.name, object])).values()].filter(({ name }) => !names.has(name));
  const everything: ServiceElements = {
    maps: new Map(),
    sets: new Map(),
    picks: new Map(),
    protocols: PROTOCOLS,
    affinitySeconds: [1],
    translatesToSelf: false,
  };
  const others = MODES.map((mode): Settings => {
    const nodePorts: NodePortAddresses = { kind: "listed", addresses: [] };
    const families = { ...settings.families, [family]: { ...settings.families[family], nodePorts } };
    return { ...settings, mode, families };
  });
  const noAffinity: ServiceElements = { ...everything, affinitySeconds: [] };
  return {
    sets: unused(others.flatMap((other) => declareSets(family, other, noAffinity, new Map()))),
    maps: unused(others.flatMap((other) => declareMaps(family, other, everything))),
    chains: unused(
      others.flatMap((other) => buildChains({ family, settings: other, elements: noAffinity, hasHealthChecks: false })),
    ).map(({ name }) => name),
  };
}

/** One element per key, the first of each: several ports of a Service share its health check. */
function unique(elements: readonly SetElement[]): SetElement[] {
  const byKey = new Map<string, SetElement>();
  for (const element of elements) {
    const key = element.key.join(" ");
    if (!byKey.has(key)) byKey.set(key, element);
  }
  return [...byKey.values()];
}

/** Entries that one sticky client needs: one per endpoint that it has been at. */
const AFFINITY_SET_SIZE = 1048576;

function declareSets(
  family: Family,
  settings: Settings,
  { sets, affinitySeconds }: ServiceElements,
  extra: ReadonlyMap<string, readonly SetElement[]>,
): SetDeclaration[] {
  const address = addressComponent(family);
  const frontend = [address, PROTOCOL_COMPONENT, PORT_COMPONENT];
  const plain = (name: string, comment: string, key: SetDeclaration["key"], interval = false): SetDeclaration => ({
    name,
    comment,
    key,
    interval,
    elements: sets.get(name) ?? extra.get(name) ?? [],
  });
  const { nodePorts } = settings.families[family];
  return [
    ...(settings.mode === "nftables" ? [plain(NAME.clusterIps, "cluster IPs in use", [address])] : []),
    ...(nodePorts.kind === "listed"
      ? [plain(NAME.nodePortAddresses, "addresses that answer on node ports", [address])]
      : []),
    plain(NAME.hairpin, "endpoints, for traffic that comes back to its source", [address, address]),
    plain(NAME.sourceRangedAddresses, "load balancer addresses with source ranges", frontend),
    plain(NAME.allowedSources, "who may use them", [...frontend, address], true),
    ...(settings.mode === "iptables"
      ? [plain(NAME.healthCheckNodePorts, "TCP ports of health checks", [PORT_COMPONENT])]
      : []),
    ...affinitySeconds.map((seconds) => ({
      name: affinitySet(seconds),
      comment: "clients and the endpoints they are at",
      key: [address, IDENTITY_COMPONENT],
      interval: false,
      dynamic: { size: AFFINITY_SET_SIZE, timeoutSeconds: seconds },
      elements: [],
    })),
  ];
}

function declareMaps(
  family: Family,
  settings: Settings,
  { maps, protocols, affinitySeconds }: ServiceElements,
): MapDeclaration[] {
  const address = addressComponent(family);
  const frontend = [address, PROTOCOL_COMPONENT, PORT_COMPONENT];
  const nodePort = [PROTOCOL_COMPONENT, PORT_COMPONENT];
  const declare = (
    name: string,
    comment: string,
    key: MapDeclaration["key"],
    data: MapDeclaration["data"],
  ): MapDeclaration => ({
    name,
    comment,
    key,
    interval: false,
    data,
    elements: maps.get(name) ?? [],
  });
  const verdicts = (name: string, comment: string, key: MapDeclaration["key"]): MapDeclaration =>
    declare(name, comment, key, "verdict");
  const iptables = settings.mode === "iptables";
  const keys: readonly FrontendKey[] = ["address", "node-port"];
  return [
    verdicts(NAME.services, "cluster IPs, external IPs and load balancer addresses", frontend),
    verdicts(NAME.externalCluster, "policy Local: for pods and the node itself", frontend),
    verdicts(NAME.externalLocal, "policy Local: for everybody else", frontend),
    verdicts(NAME.nodePorts, "node ports", nodePort),
    verdicts(NAME.externalNodePortsCluster, "policy Local: for pods and the node itself", nodePort),
    verdicts(NAME.externalNodePortsLocal, "policy Local: for everybody else", nodePort),
    ...(iptables
      ? [
          verdicts(NAME.sourceRanged, "load balancer addresses, for allowed sources", frontend),
          verdicts(NAME.unservedClusterIps, "cluster IPs without endpoints", frontend),
          verdicts(NAME.unservedExternal, "other addresses without endpoints", frontend),
        ]
      : [verdicts(NAME.unserved, "addresses without endpoints", frontend)]),
    verdicts(NAME.unservedNodePorts, "node ports without endpoints", nodePort),
    ...protocols.flatMap((protocol) => {
      const endpoint = [address, portComponent(protocol)];
      const keyOf = (key: FrontendKey): MapDeclaration["key"] =>
        key === "address" ? [address, portComponent(protocol)] : [portComponent(protocol)];
      return [
        ...keys.map((key) =>
          declare(endpointsMap(key, protocol), "endpoint by slot", [...keyOf(key), SLOT_COMPONENT], endpoint),
        ),
        ...(affinitySeconds.length === 0
          ? []
          : [
              ...keys.map((key) =>
                declare(
                  stickySlotsMap(key, protocol),
                  "identity by slot",
                  [...keyOf(key), SLOT_COMPONENT],
                  [IDENTITY_COMPONENT],
                ),
              ),
              declare(stickyEndpointsMap(protocol), "endpoint by identity", [IDENTITY_COMPONENT], endpoint),
            ]),
        ...keys.map((key) =>
          verdicts(
            masqueradeMap(key, protocol),
            "by the destination asked for",
            key === "address" ? [address, PORT_COMPONENT] : [PORT_COMPONENT],
          ),
        ),
        ...(iptables
          ? keys.map((key) =>
              verdicts(
                forwardMap(key, protocol),
                "by the destination asked for",
                key === "address" ? [address, PORT_COMPONENT] : [PORT_COMPONENT],
              ),
            )
          : []),
      ];
    }),
  ];
}
