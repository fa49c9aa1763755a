/** The subnets of the nodes, and the router in them. */
import { type Address, addressBits, FAMILIES, type Family, familyOf } from "../net/address.ts";
import { maskAddress, prefixContains, prefixFamily } from "../net/prefix.ts";
import type { LayoutInput, Underlay } from "./types.ts";

/** The longest block that is taken for a subnet of nodes, where none is given. */
const LONGEST: Readonly<Record<Family, number>> = { IPv4: 24, IPv6: 64 };

/** The subnet of each family in which nodes have addresses. */
export function underlaysOf({ nodes, network }: LayoutInput): Partial<Record<Family, Underlay>> {
  const found: Partial<Record<Family, Underlay>> = {};
  for (const family of FAMILIES) {
    const addresses = nodes.flatMap((node) => node.addresses.find((address) => familyOf(address) === family) ?? []);
    const [first] = addresses;
    if (first === undefined) continue;
    const given = network?.underlay?.cidrs.find(({ value }) => prefixFamily(value) === family);
    const cidr = given?.value ?? smallestBlock(first, addresses, family);
    const gateway = network?.gateway?.inside.find(({ value }) => familyOf(value) === family);
    found[family] = {
      cidr,
      gateway: gateway?.value ?? firstFree(cidr.address, addresses),
      origin: given?.field,
      inferred: given === undefined ? "the smallest block that holds the addresses of all nodes" : undefined,
    };
  }
  return found;
}

function smallestBlock(first: Address, addresses: readonly Address[], family: Family): Underlay["cidr"] {
  let length = Math.min(LONGEST[family], addressBits(family));
  const holdsAll = (): boolean =>
    addresses.every((each) => prefixContains({ address: maskAddress(first, length), length }, each));
  while (!holdsAll()) length--;
  return { address: maskAddress(first, length), length };
}

/** The first address of a block that no node has. */
export function firstFree(block: Address, taken: readonly Address[]): Address {
  let offset = 1;
  while (taken.includes(plus(block, offset))) offset++;
  return plus(block, offset);
}

/** The address `offset` behind `address`. */
export function plus(address: Address, offset: number): Address {
  return (typeof address === "number" ? address + offset : address + BigInt(offset)) as Address;
}
