/** The subnet that joins the nodes, where nothing says it. */
import { type Address, type Family, familyOf } from "../net/address.ts";
import { maskAddress, type Prefix, prefixContains } from "../net/prefix.ts";
import type { ClusterNode } from "./hosts.ts";

/** The longest block that is taken for a subnet of nodes. */
const LONGEST: Readonly<Record<Family, number>> = { IPv4: 24, IPv6: 64 };

/** The address of each node by which others reach it, of those that have one of the family. */
export function addressesInUnderlay(nodes: readonly ClusterNode[], family: Family): readonly Address[] {
  return nodes.flatMap(({ addresses }) => addresses.find((address) => familyOf(address) === family) ?? []);
}

/** The smallest block that holds these addresses; undefined: there is none. */
export function inferredUnderlay(nodes: readonly ClusterNode[], family: Family): Prefix | undefined {
  const addresses = addressesInUnderlay(nodes, family);
  const [first] = addresses;
  if (first === undefined) return undefined;
  let length = LONGEST[family];
  const blockOf = (): Prefix => ({ address: maskAddress(first, length), length });
  while (!addresses.every((each) => prefixContains(blockOf(), each))) length--;
  return blockOf();
}
