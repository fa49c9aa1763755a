/** By what rules and elements tell frontends apart, and the components of the declared keys. */
import {
  addressField,
  addressType,
  concat,
  DPORT,
  equal,
  L4PROTO,
  ORIGINAL_DADDR,
  ORIGINAL_DPORT,
  PRIORITY_FIELD,
  random,
} from "../ir/build.ts";
import type { Component, Expression, FieldExpression, Match } from "../ir/types.ts";
import type { Family } from "../net/address.ts";
import { PROTOCOL_NUMBERS, type Protocol } from "../net/protocol.ts";

/** How a frontend is told apart: by destination address and port, or by the port alone on the node's addresses. */
export type FrontendKey = "address" | "node-port";

export const FRONTEND_KEYS: readonly FrontendKey[] = ["address", "node-port"];

// --- what rules look up ---------------------------------------------------------------------------------------------

/** Destination address, protocol and port. */
export function frontendKey(family: Family): Expression {
  return concat(addressField(family, "daddr"), L4PROTO, DPORT);
}

/** Protocol and port, at a node port address. */
export const NODE_PORT_KEY: Expression = concat(L4PROTO, DPORT);

/** The frontend that the connection was opened to. */
export function originalKey(key: FrontendKey): Expression {
  return key === "address" ? concat(ORIGINAL_DADDR, ORIGINAL_DPORT) : ORIGINAL_DPORT;
}

export function dportOf(protocol: Protocol): FieldExpression {
  return { kind: "transport", protocol, field: "dport" };
}

export function ofProtocol(protocol: Protocol): Match {
  return equal(L4PROTO, PROTOCOL_NUMBERS[protocol]);
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

/** What `frontendKey` reads. */
export function frontendComponents(family: Family): Component[] {
  return [addressComponent(family), PROTOCOL_COMPONENT, PORT_COMPONENT];
}

/** What `NODE_PORT_KEY` reads. */
export const NODE_PORT_COMPONENTS: readonly Component[] = [PROTOCOL_COMPONENT, PORT_COMPONENT];

/** What `originalKey` reads. */
export function originalComponents(family: Family, key: FrontendKey): Component[] {
  return key === "address" ? [addressComponent(family), PORT_COMPONENT] : [PORT_COMPONENT];
}

/** What an endpoint is found by and consists of, for one protocol. */
export function addressPortComponents(family: Family, protocol: Protocol): Component[] {
  return [addressComponent(family), portComponent(protocol)];
}

/** What `slotKey` reads. */
export function slotComponents(family: Family, by: FrontendKey, protocol: Protocol): Component[] {
  const port = portComponent(protocol);
  return by === "address" ? [addressComponent(family), port, SLOT_COMPONENT] : [port, SLOT_COMPONENT];
}

/** What tells a frontend's slots apart from another's, for one protocol; `slot` gives the last part. */
export function slotKey(family: Family, by: FrontendKey, protocol: Protocol, slot: Expression): Expression {
  const dport = dportOf(protocol);
  return by === "address" ? concat(addressField(family, "daddr"), dport, slot) : concat(dport, slot);
}
