/** What the routing table says of an address. */
import { ADDRESS_TYPE } from "../ir/constants.ts";
import { type Address, type Family, familyOf, literalAddress } from "../net/address.ts";
import { after, Ranges, subtract, unite } from "./ranges.ts";

/** The addresses of a type. */
interface Typed {
  readonly type: number;
  readonly addresses: Ranges;
}

/** Blocks of addresses of other types than unicast. */
const BLOCKS = [
  block(ADDRESS_TYPE.local, "127.0.0.0", "127.255.255.255"),
  block(ADDRESS_TYPE.multicast, "224.0.0.0", "239.255.255.255"),
  block(ADDRESS_TYPE.broadcast, "255.255.255.255", "255.255.255.255"),
  block(ADDRESS_TYPE.local, "::1", "::1"),
  block(ADDRESS_TYPE.multicast, "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
];

function block(type: number, first: string, last: string): Typed & { readonly family: Family } {
  const [from, to] = [literalAddress(first), literalAddress(last)];
  return { family: familyOf(from), type, addresses: new Ranges([from, after(to)]) };
}

const EVERY: Readonly<Record<Family, Ranges>> = {
  IPv4: new Ranges([0, 2 ** 32]),
  IPv6: new Ranges([0n, 1n << 128n]),
};

export function allAddresses(family: Family): Ranges {
  return EVERY[family];
}

/** The type of `address` on a node that has `localAddresses`. */
export function addressTypeOf(
  address: Address,
  { localAddresses }: { readonly localAddresses: ReadonlySet<Address> },
): number {
  if (localAddresses.has(address)) return ADDRESS_TYPE.local;
  if (typeof address === "number" && address >>> 24 < 127) return ADDRESS_TYPE.unicast; // most are
  const family = familyOf(address);
  const found = BLOCKS.find((each) => each.family === family && each.addresses.has(address));
  return found?.type ?? ADDRESS_TYPE.unicast;
}

const KNOWN = new WeakMap<ReadonlySet<Address>, Map<Family, readonly Typed[]>>();

/** All addresses of a family by their type, on a node that has `localAddresses`. */
export function addressTypes(family: Family, localAddresses: ReadonlySet<Address>): readonly Typed[] {
  const byFamily = KNOWN.get(localAddresses) ?? new Map<Family, readonly Typed[]>();
  KNOWN.set(localAddresses, byFamily);
  const types = byFamily.get(family) ?? findTypes(family, localAddresses);
  byFamily.set(family, types);
  return types;
}

function findTypes(family: Family, localAddresses: ReadonlySet<Address>): Typed[] {
  const own = [...localAddresses].filter((address) => familyOf(address) === family).map((each) => Ranges.of(each));
  const local = unite(own);
  const byType = new Map<number, Ranges[]>([[ADDRESS_TYPE.local, own]]);
  for (const { type, addresses, family: of } of BLOCKS)
    if (of === family) byType.set(type, [...(byType.get(type) ?? []), subtract(addresses, local)]);
  const special = [...byType].map(([type, ranges]) => ({ type, addresses: unite(ranges) }));
  const others = subtract(EVERY[family], unite(special.map(({ addresses }) => addresses)));
  return [...special, { type: ADDRESS_TYPE.unicast, addresses: others }];
}
