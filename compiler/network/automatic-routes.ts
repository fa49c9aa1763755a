/** What Linux makes by itself: the policy rules that a host starts with, and routes for the addresses of interfaces (fib_add_ifaddr, addrconf_prefix_route). */
import { type Address, addressBits, type Family, familyOf, type Ipv4 } from "../net/address.ts";
import { hostPrefix, maskAddress, type Prefix } from "../net/prefix.ts";
import type { HostInterface } from "./network.ts";
import type { PolicyRule, RouteKind, Scope, TableRoute } from "./types.ts";

/** The policy rules that a host starts with. */
export const FIRST_RULES: Readonly<Record<Family, readonly PolicyRule[]>> = {
  IPv4: [ruleFor(0, "local"), ruleFor(32766, "main"), ruleFor(32767, "default")],
  IPv6: [ruleFor(0, "local"), ruleFor(32766, "main")],
};

function ruleFor(priority: number, table: string): PolicyRule {
  return { priority, action: { kind: "table", table } };
}

/** The routes for the addresses of an interface, also of one that is down: those of kind unicast are of the table main, all others of the table local. Without
 *  those of anycast and multicast. */
export function automaticRoutes(own: HostInterface, family: Family): readonly TableRoute[] {
  const make = (kind: RouteKind, prefix: Prefix, scope: Scope, preferredSource?: Address): TableRoute => ({
    kind,
    prefix,
    metric: family === "IPv6" && kind === "unicast" ? 256 : 0,
    scope,
    hops: [{ interface: own.name, weight: 1 }],
    ...(preferredSource === undefined ? {} : { preferredSource }),
    isAutomatic: true,
    provenance: own.provenance,
  });
  const addresses = own.addresses.filter(({ address }) => familyOf(address) === family);
  return addresses.flatMap(({ address, length, peer, isSecondary }): TableRoute[] => {
    const subnet: Prefix = { address: maskAddress(peer ?? address, length), length };
    if (typeof address !== "number") {
      if (!own.isUp) return [];
      const local = make("local", hostPrefix(address), "global");
      return own.kind === "loopback" ? [local] : [local, make("unicast", subnet, "global")];
    }
    // A secondary address stands behind the first one of its subnet.
    const first = addresses.find(
      (each) => each.length === length && maskAddress(each.address, length) === subnet.address,
    );
    const local = make("local", hostPrefix(address), "host", isSecondary === true ? first?.address : address);
    if (!own.isUp || isSecondary === true || (length === addressBits(family) && peer === undefined)) return [local];
    const near =
      own.kind === "loopback" ? make("local", subnet, "host", address) : make("unicast", subnet, "link", address);
    if (length >= 31) return [local, near];
    const last = (((subnet.address as number) | (0xffffffff >>> length)) >>> 0) as Ipv4;
    return [local, near, make("broadcast", hostPrefix(last), "link", address)];
  });
}
