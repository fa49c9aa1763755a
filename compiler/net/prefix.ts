import { invariant } from "../invariant.ts";
import {
  type Address,
  addressBits,
  type Family,
  familyOf,
  type Ipv4,
  type Ipv6,
  parseAddress,
  printAddress,
} from "./address.ts";

/** An address block: `address` has no bit set behind `length`. */
export interface Prefix {
  readonly address: Address;
  /** Leading bits that count, 0–32 or 0–128. */
  readonly length: number;
}

/** What is wrong with a text that should be a prefix. */
export type PrefixProblem =
  | { readonly kind: "not-a-prefix" }
  | { readonly kind: "host-bits" /** the block that holds the written address */; readonly masked: Prefix };

/** The prefix written `a.b.c.d/n` or `x::/n` in `text`, or what is wrong with it. Host bits are not masked away in
 *  silence: the caller decides. */
export function parsePrefix(text: string): Prefix | PrefixProblem {
  const slash = text.indexOf("/");
  const address = slash < 0 ? undefined : parseAddress(text.slice(0, slash));
  const lengthText = text.slice(slash + 1);
  if (address === undefined || !/^[0-9]{1,3}$/.test(lengthText)) return { kind: "not-a-prefix" };
  const length = Number(lengthText);
  if (length > addressBits(familyOf(address))) return { kind: "not-a-prefix" };
  const masked = maskAddress(address, length);
  return masked === address ? { address, length } : { kind: "host-bits", masked: { address: masked, length } };
}

/** The prefix in `text`, which stands in the code: throws where it is none. */
export function literalPrefix(text: string): Prefix {
  const prefix = parsePrefix(text);
  invariant(!("kind" in prefix), `${text} is a prefix`);
  return prefix;
}

/** `address` with all bits behind the first `length` cleared. */
export function maskAddress(address: Address, length: number): Address {
  if (typeof address === "number") return (length === 0 ? 0 : (address & (-1 << (32 - length))) >>> 0) as Ipv4;
  const host = BigInt(128 - length);
  return ((address >> host) << host) as Ipv6;
}

/** The one-address block of `address`. */
export function hostPrefix(address: Address): Prefix {
  return { address, length: addressBits(familyOf(address)) };
}

/** Lowest and highest address of `prefix`. */
export function prefixRange(prefix: Prefix): { readonly from: Address; readonly to: Address } {
  const { address, length } = prefix;
  if (typeof address === "number") {
    return { from: address, to: (address + 2 ** (32 - length) - 1) as Ipv4 };
  }
  return { from: address, to: (address + (1n << BigInt(128 - length)) - 1n) as Ipv6 };
}

/** Whether `prefix` holds `address`; never across families. */
export function prefixContains(prefix: Prefix, address: Address): boolean {
  if (typeof prefix.address !== typeof address) return false;
  return maskAddress(address, prefix.length) === prefix.address;
}

/** Whether every address of `inner` is one of `outer`. */
export function prefixHolds(outer: Prefix, inner: Prefix): boolean {
  return outer.length <= inner.length && prefixContains(outer, inner.address);
}

/** Whether two blocks have an address in common: then one holds the other. */
export function prefixesOverlap(a: Prefix, b: Prefix): boolean {
  return prefixHolds(a, b) || prefixHolds(b, a);
}

/** The family of `prefix`. */
export function prefixFamily(prefix: Prefix): Family {
  return familyOf(prefix.address);
}

/** `a.b.c.d/n`. */
export function printPrefix(prefix: Prefix): string {
  return `${printAddress(prefix.address)}/${prefix.length}`;
}
