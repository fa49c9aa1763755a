/** Names of addresses in a whole network, as the ends of flows have them. */
import type { Tuple } from "../../evaluate/connection.ts";
import { type Address, printAddress, printAddressPort } from "../../net/address.ts";
import type { Host, Network } from "../../network/network.ts";
import { indexOf, type NetworkIndex } from "../../network/network-index.ts";
import type { Specs } from "../../specs/types.ts";
import { AddressNames } from "../names.ts";

export class WalkNames {
  /** For the words that a trace of one node has. */
  readonly addresses: AddressNames;
  private readonly index: NetworkIndex;

  constructor(specs: Specs, network: Network) {
    this.addresses = new AddressNames(specs, { name: undefined, addresses: [], zone: undefined });
    this.index = indexOf(network);
  }

  /** `pod/shop/web-1`, `svc/shop/web:http`; `node/node-1, svc/shop/web:http` for a node port; undefined where nothing is known. */
  of(address: Address, port: number, protocol: number): string | undefined {
    const { service } = this.addresses.of({ address, port, protocol });
    const host = this.index.ownerOf(address)?.host.name;
    const names = [...(host === undefined ? [] : [host]), ...(service === undefined ? [] : [`svc/${service}`])];
    return names.length === 0 ? undefined : names.join(", ");
  }

  /** `shop/web`, where the address and port are a frontend of that Service. */
  serviceAt(address: Address, port: number, protocol: number): string | undefined {
    return this.addresses.serviceAt({ address, port, protocol })?.service;
  }

  /** An end of a packet, without a port where the protocol has none. */
  print(address: Address, port: number): string {
    return port === 0 ? printAddress(address) : printAddressPort(address, port);
  }

  /** An end of a packet, and the name of what has the address. */
  printNamed(address: Address, port: number, protocol: number): string {
    const name = this.of(address, port, protocol);
    const text = this.print(address, port);
    return name === undefined ? text : `${text} (${name})`;
  }
}

/** What a walk is told with. */
export interface TellingContext {
  readonly names: WalkNames;
  /** IANA number. */
  readonly protocol: number;
  readonly hosts: ReadonlyMap<string, Host>;
  /** Rules that led to others are told, too, and from where facts are inferred. */
  readonly isVerbose: boolean;
}

export function tupleText(
  { source, sourcePort, destination, destinationPort }: Tuple,
  { names }: Pick<TellingContext, "names">,
): string {
  return `${names.print(source, sourcePort)} > ${names.print(destination, destinationPort)}`;
}
