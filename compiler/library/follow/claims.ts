/** Which Services have which addresses and node ports, and where endpoints are: Services that meet depend on each other. */
import type { Address } from "../../net/address.ts";
import type { ServicePortView } from "../../node/view.ts";
import type { ServiceSpec } from "../../specs/types.ts";
import { AddressSet } from "./address-set.ts";
import { type ServiceSpecs, serviceKey } from "./owners.ts";

/** Several Services. */
const SEVERAL = "";

export class Claims {
  private readonly addresses = new Map<Address, string>();
  /** By protocol and port. */
  private readonly nodePorts = new Map<string, string>();
  /** Endpoints that are, or have been. */
  private readonly endpoints = new AddressSet();
  /** Ports of those at the node's own addresses, and of node ports. */
  private readonly localEndpointPorts = new Set<number>();
  /** The numbers of node ports that are, or have been, and of the other ports of Services: rules that ask for a node port are passed by
   *  packets to a cluster IP at a port of that number. */
  private readonly nodePortNumbers = new Map<number, string>();
  private readonly portNumbers = new Map<number, string>();
  private readonly isLocal: (address: Address) => boolean;
  /** Of the Services of the beginning some have addresses of the node, or addresses or node ports where endpoints are: what packets there
   *  meet may change with any Service. `add` lets no more of them in. */
  readonly doMeet: boolean;

  /** All of `specs`; `isLocal`: whether an address is the node's own. */
  constructor(specs: ServiceSpecs, isLocal: (address: Address) => boolean) {
    this.isLocal = isLocal;
    for (const service of specs.services) {
      for (const address of addressesOf(service)) claim(this.addresses, address, serviceKey(service.meta));
      for (const { key } of nodePortsOf(service)) claim(this.nodePorts, key, serviceKey(service.meta));
      this.claimNumbers(service);
    }
    for (const { address, ports } of endpointsIn(specs)) this.addEndpoint(address, ports);
    this.doMeet =
      [...this.addresses.keys()].some((address) => isLocal(address) || this.endpoints.has(address)) ||
      [...this.localEndpointPorts].some((port) => this.nodePortNumbers.has(port));
  }

  /** Whether no row of the Service that `ports` are of depends on another one. */
  isAlone(ports: readonly ServicePortView[]): boolean {
    return ports.every((port) => {
      const { clusterIp, externalIps, loadBalancerIps } = port;
      const located = [...externalIps, ...loadBalancerIps].map(({ address }) => address);
      return (
        [clusterIp, ...located].every((address) => this.addresses.get(address) !== SEVERAL) &&
        !this.doNumbersMeet(serviceKey(port), port.port, port.nodePort)
      );
    });
  }

  /** Takes the claims of `specs` back; false: some of them are not theirs alone. */
  remove(specs: ServiceSpecs): boolean {
    return specs.services.every((service) => {
      const owner = serviceKey(service.meta);
      return (
        !this.doesMeetInNumbers(service) &&
        addressesOf(service).every((address) => unclaim(this.addresses, address, owner)) &&
        nodePortsOf(service).every(({ key }) => unclaim(this.nodePorts, key, owner))
      );
    });
  }

  /** Adds the claims of `specs`; false: others have some of them, or send packets there. */
  add(specs: ServiceSpecs): boolean {
    const own = new Set(specs.services.map(({ meta }) => serviceKey(meta)));
    for (const service of specs.services) {
      const owner = serviceKey(service.meta);
      this.claimNumbers(service);
      if (this.doesMeetInNumbers(service)) return false;
      for (const address of addressesOf(service)) {
        if (this.endpoints.has(address) || this.isLocal(address)) return false;
        if (claim(this.addresses, address, owner) !== owner) return false;
      }
      for (const { key, port } of nodePortsOf(service)) {
        if (this.localEndpointPorts.has(port) || claim(this.nodePorts, key, owner) !== owner) return false;
      }
    }
    for (const { address, ports } of endpointsIn(specs)) {
      const owner = this.addresses.get(address);
      if (owner !== undefined && !own.has(owner)) return false;
      if (this.isLocal(address) && ports.some((port) => this.nodePortNumbers.has(port))) return false;
      this.addEndpoint(address, ports);
    }
    return true;
  }

  private claimNumbers({ meta, ports }: ServiceSpec): void {
    for (const { port, nodePort } of ports) {
      claim(this.portNumbers, port, serviceKey(meta));
      if (nodePort !== undefined) claim(this.nodePortNumbers, nodePort.value, serviceKey(meta));
    }
  }

  private doesMeetInNumbers({ meta, ports }: ServiceSpec): boolean {
    return ports.some(({ port, nodePort }) => this.doNumbersMeet(serviceKey(meta), port, nodePort?.value));
  }

  /** Whether another Service has a node port or a port of the number of the other kind. */
  private doNumbersMeet(owner: string, port: number, nodePort: number | undefined): boolean {
    const isOfOthers = (owners: ReadonlyMap<number, string>, number: number | undefined): boolean =>
      number !== undefined && (owners.get(number) ?? owner) !== owner;
    return isOfOthers(this.nodePortNumbers, port) || isOfOthers(this.portNumbers, nodePort);
  }

  private addEndpoint(address: Address, ports: readonly number[]): void {
    this.endpoints.add(address);
    if (this.isLocal(address)) for (const port of ports) this.localEndpointPorts.add(port);
  }
}

/** Gives who has it then. */
function claim<Key>(claims: Map<Key, string>, key: Key, owner: string): string {
  const known = claims.get(key) ?? owner;
  const now = known === owner ? owner : SEVERAL;
  claims.set(key, now);
  return now;
}

/** False: it is not of `owner` alone. A Service may have an address twice. */
function unclaim<Key>(claims: Map<Key, string>, key: Key, owner: string): boolean {
  const known = claims.get(key);
  if (known === undefined) return true;
  if (known !== owner) return false;
  claims.delete(key);
  return true;
}

function addressesOf({ clusterIps, externalIps, loadBalancerIngress }: ServiceSpec): Address[] {
  return [
    ...clusterIps.map(({ value }) => value),
    ...externalIps.map(({ value }) => value),
    ...loadBalancerIngress.map(({ address }) => address),
  ];
}

function nodePortsOf({ ports }: ServiceSpec): { readonly key: string; readonly port: number }[] {
  return ports.flatMap(({ protocol, nodePort }) =>
    nodePort === undefined ? [] : [{ key: `${protocol} ${nodePort.value}`, port: nodePort.value }],
  );
}

function* endpointsIn(
  specs: ServiceSpecs,
): Generator<{ readonly address: Address; readonly ports: readonly number[] }> {
  for (const { endpoints, ports } of specs.endpointSlices) {
    const numbers = ports.flatMap(({ port }) => port ?? []);
    for (const { addresses } of endpoints) for (const address of addresses) yield { address, ports: numbers };
  }
  for (const { subsets } of specs.endpoints) {
    for (const { addresses, notReadyAddresses, ports } of subsets) {
      const numbers = ports.flatMap(({ port }) => port ?? []);
      for (const { address } of [...addresses, ...notReadyAddresses]) yield { address, ports: numbers };
    }
  }
}
