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
  if (text.length > 45 || !text.includes(":")) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? "", true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const given = head.length + tail.length;
  if (halves.length === 1 ? given !== 8 : given > 7) return undefined;
  let value = 0n;
  for (const group of [...head, ...new Array<number>(8 - given).fill(0), ...tail])
    value = (value << 16n) | BigInt(group);
  return value as Ipv6;
}

/** The 16-bit groups of a colon-separated run; a dotted address counts as two, only at the end of the address. */
function groupsOf(run: string, atEnd: boolean): number[] | undefined {
  if (run === "") return [];
  const groups: number[] = [];
  const parts = run.split(":");
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      const dotted = atEnd && index === parts.length - 1 && !hasLeadingZero(part) ? parseIpv4(part) : undefined;
      if (dotted === undefined) return undefined;
      groups.push(dotted >>> 16, dotted & 0xffff);
    }
  }
  return groups;
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
