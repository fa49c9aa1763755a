/** All hosts of a described network, what joins them, and from where each fact is known. */
import type { Address, Family } from "../net/address.ts";
import type { Provenance } from "./provenance.ts";
import type { InterfaceAddress, InterfaceSysctls, RoutingTables } from "./types.ts";

export interface Network {
  readonly hosts: ReadonlyMap<string, Host>;
  readonly links: readonly Link[];
}

/** Whatever has a network namespace of its own. The containers of a pod share one. */
export interface Host {
  /** `node/n1`, `pod/shop/web-1`, `switch`, `gateway`, `outside/client`, `lb/shop/partners`. */
  readonly name: string;
  readonly role: HostRole;
  /** In the order of their indexes. */
  readonly interfaces: readonly HostInterface[];
  /** Its interfaces are those above, with the sysctls of the family. */
  readonly routing: Readonly<Record<Family, RoutingTables>>;
  /** Bridges give packets to the rules of the family: net.bridge.bridge-nf-call-iptables, -ip6tables. */
  readonly bridgeNetfilter: Readonly<Record<Family, boolean>>;
  /** Ports that something is known to listen on; undefined: any. */
  readonly listeners: readonly Listener[] | undefined;
  readonly proxies: readonly ProxyFrontend[];
  /** From where the host is known, and settings by their names, such as `net.ipv4.ip_forward`, or `pods.hairpin` of a Cluster document. */
  readonly provenance: Provenance;
  readonly settings: Readonly<Record<string, HostSetting>>;
}

/** From where a setting of a host is known. */
export interface HostSetting extends Provenance {
  /** As it stands there. */
  readonly value?: string;
}

export type HostRole =
  | { readonly kind: "node"; readonly node: string }
  | { readonly kind: "pod"; readonly namespace: string; readonly pod: string; readonly node: string }
  | { readonly kind: "switch" | "gateway" | "outside" }
  /** A load balancer of the Service `namespace/name`. */
  | { readonly kind: "load-balancer"; readonly service: string };

/** An address and port at which a program takes connections, and makes one of its own for each to one of `targets`. */
export interface ProxyFrontend {
  readonly address: Address;
  /** IANA number. */
  readonly protocol: number;
  readonly port: number;
  readonly targets: readonly ProxyTarget[];
  /** Each connection that it makes begins with the client's address (PROXY protocol). */
  readonly tellsClient?: true;
  /** Each connection that it takes has to begin so. */
  readonly isTold?: true;
  /** It reads requests; undefined: only addresses and ports count. */
  readonly http?: HttpTreatment;
}

/** What a proxy does with an HTTP request: it passes it on with the client's address in X-Forwarded-For, or answers it itself. */
export type HttpTreatment =
  /** `answers`: it answers a part of the requests itself. */
  | { readonly kind: "forwarded"; readonly answers?: readonly (ProxyAnswer & { readonly weight: number })[] }
  | ({ readonly kind: "answered" } & ProxyAnswer);

/** `status` undefined: there is no HTTP answer, as where a TLS handshake fails. */
export interface ProxyAnswer {
  readonly status: number | undefined;
  readonly reason: string;
}

export interface ProxyTarget {
  /** A host's name. */
  readonly host: string;
  readonly address: Address;
  readonly port: number;
  /** Its part of the connections, beside those of the others and of answers; absent: 1. */
  readonly weight?: number;
}

/** An interface of a host, for both families. */
export interface HostInterface {
  readonly name: string;
  readonly kind: "loopback" | "ethernet" | "bridge" | "vxlan" | "ipip";
  readonly isUp: boolean;
  /** It is up, routes by it count, and nothing that leaves by it arrives: a cable is out, the other end of a veth is down. */
  readonly lacksCarrier?: true;
  /** Bytes. */
  readonly mtu: number;
  /** In the order in which the kernel lists them. */
  readonly addresses: readonly InterfaceAddress[];
  readonly sysctls: Readonly<Record<Family, InterfaceSysctls>>;
  /** It answers ARP for addresses that the host routes elsewhere (proxy_arp). */
  readonly proxyArp: boolean;
  /** The bridge that it is a port of. */
  readonly port?: BridgePort;
  readonly tunnel?: Tunnel;
  readonly provenance: Provenance;
}

export interface BridgePort {
  readonly bridge: string;
  /** Packets may leave by the port that they came in by. */
  readonly hairpin: boolean;
  /** Ports of this kind do not reach each other. */
  readonly isolated: boolean;
  /** False while the port is blocked or disabled. */
  readonly isForwarding: boolean;
  readonly provenance?: Provenance;
}

/** Packets to a next hop travel in packets from `local` to the outer address of that. */
export interface Tunnel {
  readonly local: Address;
  /** UDP port of VXLAN; undefined: IPIP. */
  readonly port?: number;
  /** Next hop, as text, to outer destination. */
  readonly remotes: ReadonlyMap<Address, Address>;
  readonly provenance?: Provenance;
}

/** A wire between two interfaces. A switch is a host of its own. */
export interface Link {
  readonly ends: readonly [InterfaceRef, InterfaceRef];
  readonly provenance: Provenance;
}

export interface InterfaceRef {
  /** A host's name. */
  readonly host: string;
  readonly interface: string;
}

/** A port that a program of the host listens on. */
export interface Listener {
  /** IANA number. */
  readonly protocol: number;
  readonly port: number;
  /** A container's name, or what else listens. */
  readonly by: string;
  /** Undefined: on all addresses. */
  readonly address?: Address;
}
