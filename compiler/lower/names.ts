/** Names of the objects that kpc makes, and the keys that they share. */
import {
  addressField,
  addressType,
  concat,
  DPORT,
  L4PROTO,
  ORIGINAL_DADDR,
  ORIGINAL_DPORT,
  PRIORITY_FIELD,
  random,
} from "../ir/build.ts";
import type { Component, Expression, FieldExpression } from "../ir/types.ts";
import type { Family } from "../net/address.ts";
import type { Protocol } from "../net/protocol.ts";

/** The table that kpc owns, in each family. */
export const TABLE_NAME = "kpc";

/** Objects whose names do not depend on the input. */
export const NAME = {
  // maps
  services: "services",
  externalCluster: "external-cluster",
  externalLocal: "external-local",
  nodePorts: "node-ports",
  externalNodePortsCluster: "external-node-ports-cluster",
  externalNodePortsLocal: "external-node-ports-local",
  sourceRanged: "source-ranged-services",
  unserved: "unserved",
  unservedClusterIps: "unserved-cluster-ips",
  unservedExternal: "unserved-external",
  unservedNodePorts: "unserved-node-ports",
  // sets
  clusterIps: "cluster-ips",
  nodePortAddresses: "node-port-addresses",
  hairpin: "hairpin",
  sourceRangedAddresses: "source-ranged-addresses",
  allowedSources: "allowed-sources",
  healthCheckNodePorts: "health-check-node-ports",
} as const;

/** Which of a frontend's endpoint lists a chain picks from. The lists of one frontend share a map; `LIST_OFFSET` keeps
 *  their slots apart. */
export type EndpointListKind = "only" | "cluster" | "local";

/** First slot of each list. `only` is the list of frontends that have one; the other two belong to
 *  externalTrafficPolicy Local. Slot 0 existing thus means: every packet to this frontend may take it. */
export const LIST_OFFSET: Readonly<Record<EndpointListKind, number>> = { only: 0, cluster: 16384, local: 32768 };

/** Slots of one list. */
export const LIST_CAPACITY = 16384;

/** How a frontend is told apart: by destination address and port, or by the port alone on the node's addresses. */
export type FrontendKey = "address" | "node-port";

export const endpointsMap = (key: FrontendKey, protocol: Protocol): string =>
  key === "address" ? `endpoints-${protocol}` : `node-port-endpoints-${protocol}`;

/** From a slot to the endpoint's identity, for frontends with session affinity. */
export const stickySlotsMap = (key: FrontendKey, protocol: Protocol): string =>
  key === "address" ? `sticky-slots-${protocol}` : `sticky-node-port-slots-${protocol}`;

/** From an endpoint's identity to its address and port. */
export const stickyEndpointsMap = (protocol: Protocol): string => `sticky-endpoints-${protocol}`;

/** Who is at which endpoint, for one timeout. */
export const affinitySet = (seconds: number): string => `affinity-${seconds}s`;

export const masqueradeMap = (key: FrontendKey, protocol: Protocol): string =>
  key === "address" ? `masquerade-${protocol}` : `masquerade-node-ports-${protocol}`;

/** Verdict maps that tell which forwarded packets the iptables mode accepts: those that will be masqueraded. */
export const forwardMap = (key: FrontendKey, protocol: Protocol): string =>
  key === "address" ? `forward-${protocol}` : `forward-node-ports-${protocol}`;

/** Picks one of `count` endpoints. */
export function pickChain(
  key: FrontendKey,
  list: EndpointListKind,
  count: number,
  protocol: Protocol,
  affinitySeconds: number | undefined,
): string {
  const words = ["pick"];
  if (key === "node-port") words.push("node-port");
  if (list !== "only") words.push(list);
  if (affinitySeconds !== undefined) words.push("sticky", `${affinitySeconds}s`);
  return [...words, count, protocol].join("-");
}

export const rememberChain = (seconds: number, protocol: Protocol): string => `remember-${seconds}s-${protocol}`;

// --- keys -----------------------------------------------------------------------------------------------------------

/** Destination address, protocol and port: the key of `services` and its like. */
export function frontendKey(family: Family): Expression {
  return concat(addressField(family, "daddr"), L4PROTO, DPORT);
}

/** Protocol and port: the key of the node port maps. */
export const NODE_PORT_KEY: Expression = concat(L4PROTO, DPORT);

export function dportOf(protocol: Protocol): FieldExpression {
  return { kind: "transport", protocol, field: "dport" };
}

/** What tells a frontend's slots apart from another's, for one protocol; `slot` gives the last part. */
export function slotKey(family: Family, key: FrontendKey, protocol: Protocol, slot: Expression): Expression {
  const dport = dportOf(protocol);
  return key === "address" ? concat(addressField(family, "daddr"), dport, slot) : concat(dport, slot);
}

/** The frontend that the connection was opened to. */
export function originalKey(key: FrontendKey): Expression {
  return key === "address" ? concat(ORIGINAL_DADDR, ORIGINAL_DPORT) : ORIGINAL_DPORT;
}

// --- components of declared keys ------------------------------------------------------------------------------------

export function addressComponent(family: Family): Component {
  return { type: addressType(family), sample: addressField(family, "daddr") };
}

export const PROTOCOL_COMPONENT: Component = { type: "inet_proto", sample: L4PROTO };
export const PORT_COMPONENT: Component = { type: "inet_service", sample: DPORT };
export const SLOT_COMPONENT: Component = { type: "integer", sample: random(65536) };
export const IDENTITY_COMPONENT: Component = { type: "classid", sample: PRIORITY_FIELD };

export function portComponent(protocol: Protocol): Component {
  return { type: "inet_service", sample: dportOf(protocol) };
}
