/** By which interface a node reaches an address: its routes to single addresses, its neighbours, its bridges' forwarding tables. */
import { type Address, addressBits, familyOf } from "../net/address.ts";
import type { HostFacts } from "./facts.ts";

/** The last interface on the way, so the port where a bridge leads there. */
export function interfacesBehind({ routes, neighbours, forwarding, links }: HostFacts): ReadonlyMap<Address, string> {
  const found = new Map<Address, string>();
  for (const { route } of routes) {
    const [hop, more] = route.hops;
    const { address, length } = route.prefix;
    if (route.kind !== "unicast" || hop === undefined || more !== undefined || hop.gateway !== undefined) continue;
    if (length === addressBits(familyOf(address))) found.set(address, hop.interface);
  }
  const known = new Set(links.map(({ name }) => name));
  for (const { address, interface: name, mac } of neighbours) {
    const port = forwarding.find((each) => each.mac === mac && each.interface !== name && each.remote === undefined);
    const last = port?.interface ?? name;
    if (known.has(last)) found.set(address, last);
  }
  return found;
}
