/** Addresses and the blocks that a Cluster names. */
import { type Address, familyOf } from "../net/address.ts";
import { type Prefix, prefixContains, prefixFamily } from "../net/prefix.ts";
import type { Located } from "../specs/located.ts";

/** Whether there are blocks of the family of `address`, and none holds it. */
export function isOutside(address: Address, blocks: readonly Located<Prefix>[]): boolean {
  const own = blocks.filter(({ value }) => prefixFamily(value) === familyOf(address));
  return own.length > 0 && !own.some(({ value }) => prefixContains(value, address));
}
