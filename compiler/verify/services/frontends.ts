/** Addresses and ports of Services, with their names, as rules tell them: by comments of elements and rules, and by chain names. */

import { PROTOCOL_NAMES } from "../../ir/constants.ts";
import { partsOfKey } from "../../ir/sets.ts";
import type { Chain, KeyPart, MapElement, Program, Rule, SetElement, Table } from "../../ir/types.ts";
import { type Address, type Family, printAddress, printAddressPort } from "../../net/address.ts";
import { PROTOCOL_NUMBERS } from "../../net/protocol.ts";
import { fieldTestsOf } from "./field-tests.ts";

export type FrontendRole = "cluster IP" | "external IP" | "node port" | "health check port" | "other ports";

/** Where packets to one port of a Service go; `other ports`: those of its address that are none of its own, which some modes reject. */
export interface ServiceFrontend {
  /** `shop/web:http`, as kube-proxy writes it. */
  readonly service: string;
  readonly role: FrontendRole;
  readonly family: Family;
  /** IANA number. */
  readonly protocol: number;
  /** Undefined: an address of the node. */
  readonly address: Address | undefined;
  readonly port: number;
}

/** Equal for frontends that take the same packets. */
export function frontendKey({ protocol, family, address, port }: Omit<ServiceFrontend, "service" | "role">): string {
  return `${protocol} ${family} ${address ?? "node"} ${port}`;
}

/** `172.30.0.43:80/tcp`, `node port 30123/tcp`. */
export function printFrontend({ role, protocol, address, port }: ServiceFrontend): string {
  if (role === "other ports" && address !== undefined) return `other ports of ${printAddress(address)}`;
  const name = PROTOCOL_NAMES.get(protocol) ?? String(protocol);
  return `${address === undefined ? `${role} ${port}` : printAddressPort(address, port)}/${name}`;
}

/** All frontends that the rules name, each once. */
export function frontendsIn({ ruleset }: Program): ServiceFrontend[] {
  const found = new Map<string, ServiceFrontend>();
  const add = (frontend: ServiceFrontend): void => {
    const key = frontendKey(frontend);
    const known = found.get(key);
    if (known === undefined || (known.role !== "cluster IP" && frontend.role === "cluster IP"))
      found.set(key, frontend);
  };
  for (const table of ruleset.tables) {
    const family = table.family === "ip6" ? "IPv6" : "IPv4";
    const clusterIps = clusterIpsIn(table);
    for (const { key, elements } of table.sets)
      if (key.length === 1) for (const element of elements) fromElement(key, element, family, clusterIps, add);
    for (const { name, key, elements } of table.maps)
      if (DISPATCH_MAPS.test(name)) for (const element of elements) fromElement(key, element, family, clusterIps, add);
    const picks = new Map(
      table.chains.filter(({ name }) => PICK_CHAINS.test(name)).map((chain) => [chain.name, chain]),
    );
    for (const { name, rules } of table.chains) {
      if (DISPATCH_CHAINS.test(name))
        for (const rule of rules) fromRule(rule, commentOf(rule, picks), name, family, add);
    }
  }
  return [...found.values()];
}

/** Maps and chains that decide by the destination what is done, of kube-proxy and of kpc. Other ones may have a Service's destination
 *  though nothing leads there. */
const DISPATCH_MAPS =
  /^(?:service-ips|service-nodeports|no-endpoint-services|no-endpoint-nodeports|services|node-ports|unserved.*)$/;
const DISPATCH_CHAINS =
  /^(?:KUBE-SERVICES|KUBE-NODEPORTS|KUBE-EXTERNAL-SERVICES|KPC-services.*|KPC-node-ports.*|KPC-unserved.*)$/;

/** Chains of kpc that choose an endpoint: one of their rules has the comment of the rule that leads there. */
const PICK_CHAINS = /^KPC-pick-/;

type Add = (frontend: ServiceFrontend) => void;

function clusterIpsIn({ sets }: Table): ReadonlySet<KeyPart> {
  const elements = sets.filter(({ name }) => name === "cluster-ips").flatMap((set) => set.elements);
  return new Set(elements.flatMap(partsOfKey));
}

// --- elements --------------------------------------------------------------------------------------------------------------

function fromElement(
  key: Table["sets"][number]["key"],
  element: SetElement | MapElement,
  family: Family,
  clusterIps: ReadonlySet<KeyPart>,
  add: Add,
): void {
  const service = nameOf(element);
  if (service === undefined) return;
  const parts = partsOfKey(element);
  switch (key.map(({ type }) => type).join(" ")) {
    case "ipv4_addr inet_proto inet_service":
    case "ipv6_addr inet_proto inet_service": {
      const [address, protocol, port] = parts;
      if (!isAddress(address) || typeof protocol !== "number" || typeof port !== "number") return;
      const role = clusterIps.has(address) ? "cluster IP" : "external IP";
      add({ service, role, family: typeof address === "bigint" ? "IPv6" : "IPv4", protocol, address, port });
      return;
    }
    case "inet_proto inet_service": {
      const [protocol, port] = parts;
      if (typeof protocol !== "number" || typeof port !== "number") return;
      add({ service, role: "node port", family, protocol, address: undefined, port });
      return;
    }
    case "inet_service": {
      const [port] = parts;
      if (typeof port !== "number") return;
      const { tcp: protocol } = PROTOCOL_NUMBERS;
      add({ service, role: "health check port", family, protocol, address: undefined, port });
      return;
    }
  }
}

function isAddress(part: KeyPart | undefined): part is Address {
  return typeof part === "number" || typeof part === "bigint";
}

/** By the comment, else by the chain that kube-proxy's nft rules have for the Service. */
function nameOf(element: SetElement | MapElement): string | undefined {
  const { comment } = element;
  if (comment !== undefined) return NAME.exec(comment)?.[0];
  const verdict = "value" in element && "kind" in element.value ? element.value : undefined;
  const [, namespace, name, port] = CHAIN.exec(verdict !== undefined && "chain" in verdict ? verdict.chain : "") ?? [];
  if (namespace === undefined) return undefined;
  return port === undefined || port === "" ? `${namespace}/${name}` : `${namespace}/${name}:${port}`;
}

const NAME = /^[a-z0-9][a-z0-9.-]*\/[a-z0-9][a-z0-9.-]*(?::[a-z0-9.-]+)?$/;
const CHAIN =
  /^(?:service|external|firewall)-[A-Z0-9]{8}-([a-z0-9.-]+)\/([a-z0-9.-]+)\/(?:tcp|udp|sctp)\/([a-z0-9.-]*)$/;

// --- rules of iptables -----------------------------------------------------------------------------------------------------

function commentOf({ comment, steps }: Rule, picks: ReadonlyMap<string, Chain>): string {
  const last = steps.at(-1);
  const pick = last?.kind === "verdict" && "chain" in last.verdict ? picks.get(last.verdict.chain) : undefined;
  return comment ?? pick?.rules.find((rule) => rule.comment !== undefined)?.comment ?? "";
}

function fromRule(rule: Rule, comment: string, chain: string, family: Family, add: Add): void {
  const [, service, what] = COMMENT.exec(comment) ?? [];
  if (service === undefined) return;
  const { protocol, port, address } = fieldTestsOf(rule);
  if (protocol === undefined || port === undefined) return;
  if (address !== undefined) {
    add({ service, role: what === "cluster IP" ? "cluster IP" : "external IP", family, protocol, address, port });
    return;
  }
  if (what === "health check node port")
    add({ service, role: "health check port", family, protocol, address: undefined, port });
  else if (NODE_PORT_CHAINS.test(chain) || what === "has no local endpoints" || what === "has no endpoints")
    add({ service, role: "node port", family, protocol, address: undefined, port });
}

const COMMENT =
  /^([a-z0-9][a-z0-9.-]*\/[a-z0-9][a-z0-9.-]*(?::[a-z0-9.-]+)?)(?: (cluster IP|external IP|loadbalancer IP|has no endpoints|has no local endpoints|health check node port))?$/;

const NODE_PORT_CHAINS = /^(?:KUBE-NODEPORTS|KPC-node-ports.*|KPC-unserved-node-ports.*)$/;
