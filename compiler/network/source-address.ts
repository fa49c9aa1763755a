/** The source address that the kernel gives a packet of its own, and one that it masquerades (Linux: inet_select_addr). */
import type { Address } from "../net/address.ts";
import { maskAddress } from "../net/prefix.ts";
import type { Interface, InterfaceAddress, Scope } from "./types.ts";

const WIDTH: Readonly<Record<Scope, number>> = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 };

/** The IPv4 source behind `name` for a packet whose next hop is `nextHop`: the first address of the interface whose subnet holds the
 *  next hop, or else its first one; secondary addresses and those that do not reach `scope` do not count. Without any, the first of
 *  another interface, up or down. */
export function selectSource(
  interfaces: readonly Interface[],
  name: string,
  nextHop: Address | undefined,
  scope: Scope,
): Address | undefined {
  const own = interfaces.find((each) => each.name === name)?.addresses.filter((each) => isFit(each, scope)) ?? [];
  const near =
    own.find((each) => nextHop === undefined || isIn(nextHop, each.peer ?? each.address, each.length)) ?? own[0];
  if (near !== undefined) return near.address;
  for (const { addresses } of interfaces) {
    const other = addresses.find((each) => each.scope !== "link" && isFit(each, scope));
    if (other !== undefined) return other.address;
  }
  return undefined;
}

function isFit({ address, scope, isSecondary }: InterfaceAddress, wanted: Scope): boolean {
  // A loopback address of scope host reaches no further than a route of scope host.
  return typeof address === "number" && isSecondary !== true && WIDTH[scope] <= WIDTH[wanted];
}

function isIn(address: Address, subnet: Address, length: number): boolean {
  return maskAddress(address, length) === maskAddress(subnet, length);
}
