/** To which address clients send the requests for hosts of Ingresses: what DNS says, and no manifest does. */
import type { Origin } from "../../diagnostics.ts";
import type { IngressProxy, NetworkLayout } from "../../layout/types.ts";
import { type Address, type Family, familyOf, parseAddress } from "../../net/address.ts";
import type { Specs } from "../../specs/types.ts";

/** Where a request goes first. */
export interface Entrance {
  readonly address: Address;
  readonly port: number;
  /** Whose address it is, in words: `address of the load balancer of ingress/proxy`. */
  readonly words: string;
  readonly origin: Origin | undefined;
}

/** What `entranceOf` chooses from. */
export interface EntranceInput {
  readonly proxy: IngressProxy;
  readonly specs: Specs;
  readonly layout: NetworkLayout;
  /** Of the URL. */
  readonly port: number;
  /** Those that the client has addresses of. */
  readonly families: readonly Family[];
  /** The client is a pod or a node. */
  readonly isInside: boolean;
}

/** The likeliest way of a client to the proxy; a text that says what is missing where there is none. What the Cluster says comes first,
 *  then addresses made for clients outside, then the gateway, then nodes. */
export function entranceOf(input: EntranceInput): Entrance | string {
  for (const find of WAYS) {
    const found = find(input).find(({ address }) => input.families.includes(familyOf(address)));
    if (found !== undefined) return found;
  }
  return missing(input);
}

type Way = (input: EntranceInput) => readonly Entrance[];

const WAYS: readonly Way[] = [
  byCluster,
  byLoadBalancer,
  byExternalIp,
  byGateway,
  byNodePort,
  byNode,
  byHostPort,
  byClusterIp,
];

function byCluster({ proxy, port }: EntranceInput): Entrance[] {
  const { origin } = proxy.provenance;
  return proxy.addresses.map((address) => ({ address, port, words: "as the Cluster says", origin }));
}

function byLoadBalancer({ proxy: { service }, port }: EntranceInput): Entrance[] {
  return (service?.loadBalancerIngress ?? []).map(({ address, field: origin }) => ({
    address,
    port,
    words: `the load balancer of ${nameOf(service)}`,
    origin,
  }));
}

function byExternalIp({ proxy: { service }, port }: EntranceInput): Entrance[] {
  return (service?.externalIps ?? []).map(({ value: address, field: origin }) => ({
    address,
    port,
    words: `an external IP of ${nameOf(service)}`,
    origin,
  }));
}

/** A gateway that forwards the port to the proxy: to a node port, or to one that it listens at. */
function byGateway({ proxy, specs, layout, port }: EntranceInput): Entrance[] {
  const { gateway } = specs.network ?? {};
  const forward = gateway?.forwards.find((each) => each.protocol === "tcp" && each.port === port);
  if (forward === undefined) return [];
  const target = parseAddress(forward.to);
  const own = nodePortsOf(proxy);
  const isOwnNodePort = own.includes(forward.toPort);
  const isInstance = proxy.instances.some(
    ({ addresses, host, listeners }) =>
      (target === undefined ? host === `node/${forward.to}` : addresses.includes(target)) &&
      listeners.some((each) => each.port === forward.toPort),
  );
  if (!isOwnNodePort && !isInstance) return [];
  const wan = layout.network.hosts.get("gateway")?.interfaces.find(({ name }) => name === "wan0");
  const words = `the gateway, which forwards port ${port} to ${forward.to}:${forward.toPort}`;
  return (wan?.addresses ?? [])
    .filter(({ scope }) => scope === "global")
    .map(({ address }) => ({ address, port, words, origin: forward.field }));
}

function nodePortsOf({ service }: IngressProxy): number[] {
  return (service?.ports ?? []).flatMap(({ nodePort }) => nodePort?.value ?? []);
}

/** A node port in the URL: any node will do. */
function byNodePort({ proxy, specs, port }: EntranceInput): Entrance[] {
  if (!nodePortsOf(proxy).includes(port)) return [];
  return specs.nodes.flatMap(({ meta, addresses }) =>
    addresses.map((address) => ({
      address,
      port,
      words: `node/${meta.name}: ${port} is a node port of ${nameOf(proxy.service)}`,
      origin: meta.field,
    })),
  );
}

/** A proxy in the network of its node listens at the node's address. */
function byNode({ proxy: { instances }, port }: EntranceInput): Entrance[] {
  return instances.flatMap(({ host, name, addresses, listeners }) =>
    host.startsWith("node/") && listeners.some((each) => each.port === port)
      ? addresses.map((address) => ({
          address,
          port,
          words: host === name ? `${host}, on which the proxy runs` : `${host}, in whose network ${name} is`,
          origin: undefined,
        }))
      : [],
  );
}

/** A port of a node that leads to the proxy's pod there. */
function byHostPort({ proxy: { instances }, specs, port }: EntranceInput): Entrance[] {
  return instances.flatMap(({ name, listeners, hostPorts }) =>
    hostPorts
      .filter((each) => each.port === port && listeners.some((listener) => listener.port === each.to))
      .flatMap(({ node, at }) => {
        const own = specs.nodes.find(({ meta }) => meta.name === node);
        const words = `node/${node}, whose host port ${port} leads to ${name}`;
        const addresses = at === undefined ? (own?.addresses ?? []) : [at];
        return addresses.map((address) => ({ address, port, words, origin: own?.meta.field }));
      }),
  );
}

/** The last resort, and only for clients inside. */
function byClusterIp({ proxy: { service }, port, isInside }: EntranceInput): Entrance[] {
  if (!isInside || service === undefined) return [];
  return service.clusterIps.map(({ value: address, field: origin }) => ({
    address,
    port,
    words: `the cluster IP of ${nameOf(service)}`,
    origin,
  }));
}

function missing({ proxy, families, port }: EntranceInput): string {
  const { service } = proxy;
  const nodePorts = nodePortsOf(proxy);
  if (nodePorts.length > 0)
    return `${nameOf(service)} has no address of its own, and port ${port} is none of its node ports: expected ${nodePorts.map((each) => `:${each}`).join(" or ")} in the URL, or an address in ingress.address of a Cluster`;
  const what = service === undefined ? "the ingress proxy" : `${nameOf(service)} (type ${service.type})`;
  return `no ${families.join(" or ")} address by which clients reach ${what} at port ${port} is known: expected one in ingress.address of a Cluster, or in the URL`;
}

function nameOf(service: IngressProxy["service"]): string {
  return service === undefined ? "no Service" : `Service ${service.meta.namespace}/${service.meta.name}`;
}
