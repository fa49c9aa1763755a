/** Which Services a set of destinations is of. */

import type { Box } from "../../compare/box.ts";
import { type Address, FAMILIES, type Family, familyOf, isLoopback } from "../../net/address.ts";
import { firstNotBefore } from "../../order.ts";
import { frontendKey, type ServiceFrontend } from "./frontends.ts";

/** The name of the Service port that a destination is; undefined where there is none. */
export type NameOf = (protocol: number, address: Address, port: number) => string | undefined;

/** The frontends of one family and protocol. */
interface Listing {
  /** Sorted by address. */
  readonly byAddress: ServiceFrontend[];
  /** The frontends of each port, sorted by address. */
  readonly byPort: Map<number, ServiceFrontend[]>;
  /** Node ports and health-check ports, by port. */
  readonly onNode: Map<number, ServiceFrontend>;
}

/** Names by destination. Ports of the node count on `addresses`, the node's, and on loopback. */
export class ServiceNames {
  readonly families: readonly Family[];
  private readonly byKey: ReadonlyMap<string, ServiceFrontend>;
  private readonly byAddress = new Map<Address, ServiceFrontend>();
  private readonly byService = new Map<string, ServiceFrontend[]>();
  private readonly listings = new Map<string, Listing>();
  private readonly addresses: readonly Address[];

  constructor(frontends: readonly ServiceFrontend[], addresses: readonly Address[]) {
    this.addresses = addresses;
    this.byKey = new Map(frontends.map((frontend) => [frontendKey(frontend), frontend]));
    this.families = FAMILIES.filter((family) => frontends.some((frontend) => frontend.family === family));
    const sorted = [...frontends].sort((a, b) => ((a.address ?? 0) < (b.address ?? 0) ? -1 : 1));
    for (const frontend of sorted) this.enter(frontend);
  }

  readonly nameOf: NameOf = (protocol, address, port) => {
    const family = familyOf(address);
    const found =
      this.byKey.get(frontendKey({ protocol, family, address, port })) ??
      (this.addresses.includes(address) || isLoopback(address)
        ? this.byKey.get(frontendKey({ protocol, family, address: undefined, port }))
        : undefined);
    return found === undefined || found.role !== "health check port"
      ? found?.service
      : `${found.service}, health check port`;
  };

  /** The frontends of a Service port. */
  of(service: string): readonly ServiceFrontend[] {
    return this.byService.get(service) ?? [];
  }

  /** A frontend at an address. */
  ownerOf(address: Address): ServiceFrontend | undefined {
    return this.byAddress.get(address);
  }

  has(frontend: ServiceFrontend): boolean {
    return this.byKey.has(frontendKey(frontend));
  }

  /** All frontends with a destination in `box`. */
  within({ daddr, dport }: Box, protocol: number, family: Family): ServiceFrontend[] {
    const listing = this.listings.get(`${protocol} ${family}`);
    if (listing === undefined) return [];
    const isOnePort = dport.from === dport.to;
    const list = isOnePort ? (listing.byPort.get(Number(dport.from)) ?? []) : listing.byAddress;
    const found: ServiceFrontend[] = [];
    for (let i = firstFrom(list, daddr.from); i < list.length; i++) {
      const frontend = list[i] as ServiceFrontend;
      if ((frontend.address as Address) > daddr.to) break;
      if (frontend.port >= dport.from && frontend.port <= dport.to) found.push(frontend);
    }
    const [low, high] = LOOPBACK[family];
    const isHere =
      (daddr.from <= high && daddr.to >= low) ||
      this.addresses.some((each) => familyOf(each) === family && each >= daddr.from && each <= daddr.to);
    if (!isHere) return found;
    const onNode = isOnePort ? [listing.onNode.get(Number(dport.from))] : [...listing.onNode.values()];
    return [
      ...found,
      ...onNode.filter((each) => each !== undefined && each.port >= dport.from && each.port <= dport.to),
    ] as ServiceFrontend[];
  }

  private enter(frontend: ServiceFrontend): void {
    const ofService = this.byService.get(frontend.service);
    if (ofService === undefined) this.byService.set(frontend.service, [frontend]);
    else ofService.push(frontend);
    const { protocol, family, address, port } = frontend;
    const key = `${protocol} ${family}`;
    const listing: Listing = this.listings.get(key) ?? { byAddress: [], byPort: new Map(), onNode: new Map() };
    this.listings.set(key, listing);
    if (address === undefined) {
      listing.onNode.set(port, frontend);
      return;
    }
    if (!this.byAddress.has(address)) this.byAddress.set(address, frontend);
    listing.byAddress.push(frontend);
    const samePort = listing.byPort.get(port);
    if (samePort === undefined) listing.byPort.set(port, [frontend]);
    else samePort.push(frontend);
  }
}

/** The index of the first frontend of a sorted list whose address is at least `from`. */
function firstFrom(list: readonly ServiceFrontend[], from: number | bigint): number {
  return firstNotBefore(0, list.length, (i) => (list[i]?.address as Address) < from);
}

const LOOPBACK: Readonly<Record<Family, readonly [number | bigint, number | bigint]>> = {
  IPv4: [0x7f000000, 0x7fffffff],
  IPv6: [1n, 1n],
};
