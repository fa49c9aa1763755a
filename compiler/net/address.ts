import { required } from "../invariant.ts";
import type { Brand } from "./brand.ts";

/** IPv4 address as an unsigned 32-bit number, host order. */
export type Ipv4 = Brand<number, "Ipv4">;
/** IPv6 address as an unsigned 128-bit number, host order. */
export type Ipv6 = Brand<bigint, "Ipv6">;
/** An address; `familyOf` tells which family. */
export type Address = Ipv4 | Ipv6;
/** An IP family, in the spelling of `ipFamilies`. */
export type Family = "IPv4" | "IPv6";

export const FAMILIES = ["IPv4", "IPv6"] as const satisfies readonly Family[];

/** Bits of an address of `family`. */
export function addressBits(family: Family): 32 | 128 {
  return family === "IPv4" ? 32 : 128;
}

/** The family of `address`. */
export function familyOf(address: Address): Family {
  return typeof address === "number" ? "IPv4" : "IPv6";
}

/** The first address of each family in `addresses`. */
export function firstOfEachFamily(addresses: readonly Address[]): readonly Address[] {
  return FAMILIES.flatMap((family) => addresses.find((address) => familyOf(address) === family) ?? []);
}

/** Whether `address` is in 127.0.0.0/8. */
export function isLoopbackNet(address: Address): boolean {
  return typeof address === "number" && address >>> 24 === 127;
}

/** Whether `address` is in 127.0.0.0/8, or ::1. */
export function isLoopback(address: Address): boolean {
  return isLoopbackNet(address) || address === 1n;
}

/** Whether `address` is one of fe80::/10, which counts on one wire only. */
export function isLinkLocal(address: Address): boolean {
  return typeof address === "bigint" && address >> 118n === 0x3fan;
}

/** The dotted address in `text`, or undefined. Octets are decimal also with leading zeros (`010.0.0.1` is 10.0.0.1),
 *  as Kubernetes reads them: inet_aton would read octal. `hasLeadingZero` tells such a spelling. */
export function parseIpv4(text: string): Ipv4 | undefined {
  let value = 0;
  let octet = -1; // -1: no digit of this octet yet
  let octets = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      if (octet < 0 || octets === 3) return undefined;
      value = value * 256 + octet;
      octet = -1;
      octets++;
    } else if (code >= 48 && code <= 57) {
      octet = Math.max(octet, 0) * 10 + code - 48;
      if (octet > 255 || text.length > 64) return undefined;
    } else {
      return undefined;
    }
  }
  return octet < 0 || octets !== 3 ? undefined : ((value * 256 + octet) as Ipv4);
}

/** Whether an octet of the IPv4 address `text` is written with a leading zero. */
export function hasLeadingZero(text: string): boolean {
  return /(^|\.)0[0-9]/.test(text);
}

/** The IPv6 address in `text` (RFC 4291 forms, dotted tail included; no zone), or undefined. */
export function parseIpv6(text: string): Ipv6 | undefined {
  const { length } = text;
  if (length > 45) return undefined;
  const groups = GROUPS;
  let count = 0;
  /** How many groups stand before "::"; -1: it stands nowhere. */
  let gap = -1;
  let i = 0;
  if (text.startsWith("::")) {
    gap = 0;
    i = 2;
  }
  while (i < length) {
    if (count === 8) return undefined;
    const first = i;
    let value = 0;
    for (; i < length && i - first < 5; i++) {
      const digit = hexDigit(text.charCodeAt(i));
      if (digit < 0) break;
      value = value * 16 + digit;
    }
    const digits = i - first;
    if (digits === 0 || digits > 4) return undefined;
    const next = text.charCodeAt(i);
    if (next === POINT) {
      // It counts as two groups, and ends the address.
      const tail = text.slice(first);
      const dotted = count > 6 || hasLeadingZero(tail) ? undefined : parseIpv4(tail);
      if (dotted === undefined) return undefined;
      groups[count++] = dotted >>> 16;
      groups[count++] = dotted & 0xffff;
      break;
    }
    groups[count++] = value;
    if (i === length) break;
    if (next !== COLON || ++i === length) return undefined;
    if (text.charCodeAt(i) !== COLON) continue;
    if (gap >= 0) return undefined;
    gap = count;
    i++;
  }
  if (gap < 0 ? count !== 8 : count > 7) return undefined;
  if (gap >= 0) {
    groups.copyWithin(8 - count + gap, gap, count);
    groups.fill(0, gap, 8 - count + gap);
  }
  // Each part is exact as a number.
  return ipv6Of(wideOf(0), wideOf(3), at32(6));
}

/** The last addresses that were made, each in a slot by its last groups: a table names most of its addresses several times, one soon
 *  after the other, and each is an object of its own. */
const MADE: (Ipv6 | undefined)[] = new Array<undefined>(1024).fill(undefined);
/** By slot, the three parts of its address. */
const PARTS = new Float64Array(3 * MADE.length);

/** Of 48, 48 and 32 bits. */
function ipv6Of(high: number, middle: number, low: number): Ipv6 {
  const slot = (low ^ (low >>> 10) ^ (low >>> 20)) & (MADE.length - 1);
  const made = MADE[slot];
  const at = 3 * slot;
  if (made !== undefined && PARTS[at + 2] === low && PARTS[at + 1] === middle && PARTS[at] === high) return made;
  const outer = (BigInt(high) << 80n) | BigInt(low);
  const address = (middle === 0 ? outer : outer | (BigInt(middle) << 32n)) as Ipv6;
  MADE[slot] = address;
  PARTS[at] = high;
  PARTS[at + 1] = middle;
  PARTS[at + 2] = low;
  return address;
}

/** Those of the address that is parsed. */
const GROUPS = new Uint16Array(8);

/** The three groups from `i` on, of 48 bits. */
function wideOf(i: number): number {
  return (GROUPS[i] as number) * 2 ** 32 + at32(i + 1);
}

/** The two groups from `i` on, of 32 bits. */
function at32(i: number): number {
  return (GROUPS[i] as number) * 2 ** 16 + (GROUPS[i + 1] as number);
}

const POINT = 46;
const COLON = 58;

/** -1: it is none. */
function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** The address in `text`, of either family, or undefined. */
export function parseAddress(text: string): Address | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** The address in `text`, which stands in the code: throws where it is none. */
export function literalAddress(text: string): Address {
  return required(parseAddress(text), `${text} is an address`);
}

/** Whether `address` is an IPv4-mapped IPv6 address, `::ffff:a.b.c.d`. */
export function isIpv4Mapped(address: Address): boolean {
  return typeof address === "bigint" && address >> 32n === 0xffffn;
}

/** Dotted decimal. */
export function printIpv4(address: Ipv4): string {
  return (
    at(OCTETS_WITH_POINT, address >>> 24) +
    at(OCTETS_WITH_POINT, address >>> 16) +
    at(OCTETS_WITH_POINT, address >>> 8) +
    at(OCTETS, address)
  );
}

/** Of the last octet of `bits`. */
function at(texts: readonly string[], bits: number): string {
  return texts[bits & 255] as string;
}

/** Printed once: an address is put together in half the time. */
const OCTETS: readonly string[] = Array.from({ length: 256 }, (_, octet) => String(octet));
const OCTETS_WITH_POINT: readonly string[] = OCTETS.map((octet) => `${octet}.`);

/** The RFC 5952 form: lower case, the longest run of two or more zero groups shortened, the first of equal ones. */
export function printIpv6(address: Ipv6): string {
  if (isIpv4Mapped(address)) return `::ffff:${printIpv4(Number(address & 0xffffffffn) as Ipv4)}`;
  const hex = address.toString(16).padStart(32, "0");
  const groups = Array.from({ length: 8 }, (_, i) => hex.slice(i * 4, i * 4 + 4).replace(/^0{1,3}/, ""));
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === "0") length++;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(":");
  return `${groups.slice(0, best.start).join(":")}::${groups.slice(best.start + best.length).join(":")}`;
}

/** `address` in the usual spelling of its family. */
export function printAddress(address: Address): string {
  return typeof address === "number" ? printIpv4(address) : printIpv6(address);
}

/** `10.0.0.1:80` or `[fd00::1]:80`. */
export function printAddressPort(address: Address, port: number): string {
  return typeof address === "number" ? `${printIpv4(address)}:${port}` : `[${printIpv6(address)}]:${port}`;
}
