/** A node with two interfaces, its routes, and the addresses that it masquerades with: as data, and as commands for the kernel. */
import { type Environment, environmentOf, type Route, type RouteQuery } from "../../compiler/evaluate/packet.ts";
import { required } from "../../compiler/invariant.ts";
import { type Address, type Family, familyOf, parseAddress } from "../../compiler/net/address.ts";

const address = (text: string): Address => required(parseAddress(text), `${text} is an address`);

/** By interface and family. */
const OWN: Readonly<Record<string, Readonly<Record<Family, Address>>>> = {
  eth0: { IPv4: address("192.168.0.2"), IPv6: address("2001:db8::2") },
  cni0: { IPv4: address("10.1.0.1"), IPv6: address("2001:db8:1::1") },
  lo: { IPv4: address("127.0.0.1"), IPv6: address("::1") },
};

const addressOf = (name: string, family: Family): Address | undefined => OWN[name]?.[family];

/** To pods by cni0, to all others by eth0; of a node that has `addresses`. */
function routesOf(addresses: ReadonlySet<Address>): (query: RouteQuery) => Route {
  return ({ tuple: { destination } }) => {
    const family = familyOf(destination);
    const isLoopback = typeof destination === "number" ? destination >>> 24 === 127 : destination === 1n;
    if (isLoopback || addresses.has(destination))
      // With IPv4 the first address that is not loopback's (inet_select_addr), with IPv6 that itself (RFC 6724, rule 1).
      return { kind: "local", masqueradeSource: family === "IPv4" ? addressOf("eth0", family) : destination };
    const isPod = typeof destination === "number" ? destination >>> 24 === 10 : destination >> 80n === 0x20010db80001n;
    const name = isPod ? "cni0" : "eth0";
    return { kind: "forward", interface: name, masqueradeSource: addressOf(name, family) };
  };
}

/** The node with more addresses of its own. */
export function nodeWith(addresses: readonly Address[]): Environment {
  const all = [...["eth0", "cni0"].flatMap((name) => Object.values(OWN[name] ?? {})), ...addresses];
  return { ...environmentOf(all), route: routesOf(new Set(all)), addressOf };
}

export const NODE: Environment = nodeWith([]);

/** What makes a node of `openTestNode` this one, for IPv4. */
export const ROUTES_SCRIPT = `set -e
ip addr add 10.1.0.1/32 dev cni0
ip neigh replace 169.254.0.2 dev cni0 nud permanent
ip route add 10.0.0.0/8 via 169.254.0.2 dev cni0 onlink
`;
