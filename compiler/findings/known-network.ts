/** What findings ask of a network: who has an address, whose pods are where, what an address stands for. */
import type { Origin } from "../diagnostics.ts";
import { type Address, type Family, familyOf, printAddress } from "../net/address.ts";
import { type Prefix, prefixContains } from "../net/prefix.ts";
import type { Host, HostInterface, InterfaceRef, Network } from "../network/network.ts";
import { indexOf, type LocatedInterface, type NetworkIndex } from "../network/network-index.ts";
import { lookUpRoute } from "../network/route-lookup.ts";
import type { PolicyRule, RefusingRoute, TableRoute } from "../network/types.ts";
import { Segments } from "../walk/segments.ts";

/** What the network alone does not tell. */
export interface ClusterAddresses {
  /** Blocks of all pods. */
  readonly podCidrs: readonly Prefix[];
  /** Those of the pods of a node, by its host. */
  readonly blocks: ReadonlyMap<string, readonly Prefix[]>;
  readonly services: readonly ServiceAddress[];
  readonly ports: readonly ServedPort[];
}

/** A port by which a Service with endpoints is asked for. */
export interface ServedPort {
  /** `namespace/name`. */
  readonly service: string;
  /** IANA number. */
  readonly protocol: number;
  readonly family: Family;
  /** Cluster IP and external addresses. */
  readonly addresses: readonly Address[];
  readonly port: number;
  readonly nodePort: number | undefined;
  /** externalTrafficPolicy, where it has an effect. */
  readonly policy: "Cluster" | "Local";
  readonly healthCheckNodePort: number | undefined;
  /** Names of nodes with a ready endpoint. */
  readonly localNodes: ReadonlySet<string>;
  readonly origin: Origin;
}

/** An address of the Service `namespace/name`. */
export interface ServiceAddress {
  readonly address: Address;
  readonly service: string;
  /** `external`: of a load balancer, or an external IP. */
  readonly kind: "cluster" | "external";
  /** Of a load balancer to which all nodes are unhealthy: none has a ready endpoint, and the policy is Local. */
  readonly isUnserved: boolean;
  readonly origin: Origin;
}

/** A network, with the hosts of its addresses looked up once. */
export class KnownNetwork {
  readonly network: Network;
  readonly addresses: ClusterAddresses;
  private readonly index: NetworkIndex;
  private readonly services: ReadonlyMap<Address, ServiceAddress>;
  private readonly served = new Map<string, ServedPort>();
  private readonly segments: Segments;

  constructor(network: Network, addresses: ClusterAddresses) {
    this.network = network;
    this.addresses = addresses;
    this.index = indexOf(network);
    this.segments = new Segments(network);
    this.services = new Map(addresses.services.map((each) => [each.address, each]));
    for (const each of addresses.ports) {
      const places: readonly (readonly [Address | Family, number | undefined])[] = [
        ...each.addresses.map((address) => [address, each.port] as const),
        [each.family, each.nodePort],
      ];
      for (const [at, port] of places) {
        const key = `${at} ${port} ${each.protocol}`;
        if (port !== undefined && !this.served.has(key)) this.served.set(key, each);
      }
    }
  }

  get podCidrs(): readonly Prefix[] {
    return this.addresses.podCidrs;
  }

  host(name: string): Host | undefined {
    return this.network.hosts.get(name);
  }

  /** The first host that has the address. */
  ownerOf(address: Address): LocatedInterface | undefined {
    return this.index.ownerOf(address);
  }

  serviceOf(address: Address): ServiceAddress | undefined {
    return this.services.get(address);
  }

  /** What Services do at an address and port: theirs, or a node port of a node or router. */
  servedPort(address: Address, port: number, protocol: number): ServedPort | undefined {
    const kind = this.index.ownerOf(address)?.host.role.kind;
    const isNodes = kind === "node" || kind === "gateway";
    return (
      this.served.get(`${address} ${port} ${protocol}`) ??
      (isNodes ? this.served.get(`${familyOf(address)} ${port} ${protocol}`) : undefined)
    );
  }

  /** The host of the pod's node; of a node, itself; undefined for what is around the nodes. */
  nodeOf({ role, name }: Host): Host | undefined {
    if (role.kind === "pod") return this.network.hosts.get(`node/${role.node}`);
    return role.kind === "node" ? this.network.hosts.get(name) : undefined;
  }

  isOfPod(address: Address): boolean {
    return (
      this.index.ownerOf(address)?.host.role.kind === "pod" ||
      this.podCidrs.some((cidr) => prefixContains(cidr, address))
    );
  }

  /** The other end of the wire. */
  peerOf(host: string, name: string): InterfaceRef | undefined {
    return this.index.peerOf({ host, interface: name });
  }

  /** The route by which a packet of the host to `address` would leave. */
  routeTo(host: Host, address: Address): TableRoute | undefined {
    const key = { destination: address, source: undefined, mark: 0, inInterface: undefined };
    const found = lookUpRoute(host.routing[familyOf(address)], key);
    return found.kind === "route" ? found.route : undefined;
  }

  /** What refuses packets of the host's own to `address`, before they have a source. */
  refusalOf(
    host: Host,
    address: Address,
  ): { readonly kind: RefusingRoute; readonly by: TableRoute | PolicyRule } | undefined {
    const key = { destination: address, source: undefined, mark: 0, inInterface: undefined };
    const found = lookUpRoute(host.routing[familyOf(address)], key);
    return found.kind === "route" || found.kind === "none" ? undefined : found;
  }

  /** By another one than a default route. */
  hasRouteTo(host: Host, address: Address): boolean {
    return (this.routeTo(host, address)?.prefix.length ?? 0) > 0;
  }

  /** Whether somebody answers behind the host's route to `address`. */
  isReached(host: Host, address: Address): boolean {
    return (this.routeTo(host, address)?.hops ?? []).some((hop) => {
      const out = host.interfaces.find(({ name }) => name === hop.interface);
      if (out?.tunnel !== undefined) return out.tunnel.remotes.has(hop.gateway ?? address);
      const from = { host: host.name, interface: hop.interface };
      return this.segments.answererFor(hop.gateway ?? address, from) !== undefined;
    });
  }

  /** The gateway, as `host` hears it by its interface `name`. */
  gatewayBeside(host: Host, name: string): { readonly host: Host; readonly interface: HostInterface } | undefined {
    const neighbours = this.segments.neighboursOf({ host: host.name, interface: name });
    return neighbours.find(({ host: { role } }) => role.kind === "gateway");
  }

  /** The address of a node by which others reach it: one that is no pod's gateway. */
  underlayAddress(node: Host, family: Family): Address | undefined {
    return node.interfaces
      .filter(({ kind }) => kind === "ethernet")
      .flatMap(({ addresses }) => addresses)
      .find(({ address, scope }) => scope === "global" && familyOf(address) === family && !this.isOfPod(address))
      ?.address;
  }

  /** `10.96.0.30 (shop/web)`, `10.244.1.10 (pod/shop/web-1)`. */
  named(address: Address): string {
    const name = this.services.get(address)?.service ?? this.index.ownerOf(address)?.host.name;
    return name === undefined ? printAddress(address) : `${printAddress(address)} (${name})`;
  }
}
