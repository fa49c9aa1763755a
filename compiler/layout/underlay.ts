/** The subnets of the nodes, and the router in them. */
import { addressesInUnderlay, inferredUnderlay } from "../model/underlay.ts";
import { type Address, FAMILIES, type Family, familyOf } from "../net/address.ts";
import { prefixFamily } from "../net/prefix.ts";
import type { LayoutInput, Underlay } from "./types.ts";

/** The subnet of each family in which nodes have addresses. */
export function underlaysOf({ nodes, network }: LayoutInput): Partial<Record<Family, Underlay>> {
  const found: Partial<Record<Family, Underlay>> = {};
  for (const family of FAMILIES) {
    const addresses = addressesInUnderlay(nodes, family);
    const given = network?.underlay?.cidrs.find(({ value }) => prefixFamily(value) === family);
    const cidr = given?.value ?? inferredUnderlay(nodes, family);
    if (cidr === undefined || addresses.length === 0) continue;
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
