/** Names of what has an address, from the manifests given. */

import type { Address } from "../net/address.ts";
import { PROTOCOL_NUMBERS, type Protocol } from "../net/protocol.ts";
import type { NodeContext } from "../node/settings.ts";
import type { EndpointSpec, ServiceSpec, Specs } from "../specs/types.ts";

/** An address and port as a packet has them; `protocol` is an IANA number. */
export interface Peer {
  readonly address: Address;
  readonly port: number;
  readonly protocol: number;
}

/** What has an address. Names of namespaced objects are NAMESPACE/NAME. */
export interface PeerNames {
  readonly pod?: string;
  /** The node that has the address, or on which the pod is. */
  readonly node?: string;
  /** `NAMESPACE/NAME:PORT`, of a Service that this address and port are a frontend of. */
  readonly service?: string;
}

/** The names that the objects of the input, and the node whose rules are followed, give to addresses. */
export class AddressNames {
  private readonly pods = new Map<Address, PeerNames>();
  private readonly nodes = new Map<Address, string>();
  private readonly services: readonly ServiceSpec[];
  /** The node whose rules are followed. */
  readonly node: string | undefined;

  constructor({ pods, endpointSlices, services, nodes }: Specs, { name, addresses }: NodeContext) {
    this.node = name;
    this.services = services;
    for (const node of nodes) for (const address of node.addresses) this.nodes.set(address, node.meta.name);
    if (name !== undefined) for (const address of addresses) this.nodes.set(address, name);
    for (const { meta, endpoints } of endpointSlices)
      for (const endpoint of endpoints) this.addEndpoint(endpoint, meta.namespace);
    for (const { meta, podIps, nodeName } of pods)
      for (const address of podIps)
        this.pods.set(address, { pod: `${meta.namespace}/${meta.name}`, ...nodeNamed(nodeName) });
  }

  private addEndpoint({ addresses: [address], nodeName, field: node }: EndpointSpec, namespace: string): void {
    const target = node.get("targetRef");
    const [kind, name] = [target?.get("kind")?.value, target?.get("name")?.value];
    const pod = kind === "Pod" && typeof name === "string" ? { pod: `${namespace}/${name}` } : {};
    if (address !== undefined) this.pods.set(address, { ...pod, ...nodeNamed(nodeName) });
  }

  /** What has the address of `peer`; empty where nothing is known. A pod in its node's network has both names. */
  of(peer: Peer): PeerNames {
    const node = this.nodes.get(peer.address);
    const found = this.serviceAt(peer);
    return {
      ...(node === undefined ? {} : { node }),
      ...this.pods.get(peer.address),
      ...(found === undefined ? {} : { service: `${found.service}:${found.port}` }),
    };
  }

  /** Whether `address` is one of a pod on the node whose rules are followed. */
  isPodHere(address: Address): boolean {
    const pod = this.pods.get(address);
    return pod !== undefined && pod.node !== undefined && pod.node === this.node;
  }

  /** The Service that this address and port are a frontend of, as `NAMESPACE/NAME`, and the name or number of its port. */
  serviceAt({
    address,
    port,
    protocol,
  }: Peer): { readonly service: string; readonly port: string | number } | undefined {
    const isNode = this.nodes.has(address);
    for (const service of this.services) {
      const { meta, ports } = service;
      const isOwn = frontendsOf(service).includes(address);
      for (const each of ports) {
        if (numberOf(each.protocol) !== protocol) continue;
        if ((isOwn && each.port === port) || (isNode && each.nodePort?.value === port))
          return { service: `${meta.namespace}/${meta.name}`, port: each.name === "" ? each.port : each.name };
      }
    }
    return undefined;
  }
}

function numberOf(protocol: Protocol): number {
  return PROTOCOL_NUMBERS[protocol];
}

function frontendsOf({ clusterIps, externalIps, loadBalancerIngress }: ServiceSpec): readonly Address[] {
  return [
    ...[...clusterIps, ...externalIps].map(({ value }) => value),
    ...loadBalancerIngress.map(({ address }) => address),
  ];
}

function nodeNamed(node: string | undefined): Pick<PeerNames, "node"> {
  return node === undefined ? {} : { node };
}

/** `pod NAMESPACE/NAME on NODE`, `Service NAMESPACE/NAME:PORT`, `node NAME`; empty where nothing is known. */
export function printNames({ pod, node, service }: PeerNames): string {
  const words = [
    ...(service === undefined ? [] : [`Service ${service}`]),
    ...(pod === undefined ? [] : [`pod ${pod}`]),
    ...(node === undefined ? [] : [pod === undefined && service === undefined ? `node ${node}` : `on ${node}`]),
  ];
  return words.join(" ");
}
