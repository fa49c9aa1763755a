/** Values and keys in nft's spelling. */
import { intervalAsPrefix, prefixOfNames } from "../../ir/interval.ts";
import type { DataType, Interval, KeyPart, Value } from "../../ir/types.ts";
import { type Ipv4, type Ipv6, printIpv4, printIpv6 } from "../../net/address.ts";
import { printPrefix } from "../../net/prefix.ts";
import { FLAGS, SYMBOLS } from "./keywords.ts";

/** The names of the bits of `mask`, or undefined when one has none. */
export function flagNames(mask: number, type: DataType): string[] | undefined {
  const flags = FLAGS[type];
  if (flags === undefined) return undefined;
  const names = [...flags].filter(([bit]) => (mask & bit) !== 0);
  const covered = names.reduce((sum, [bit]) => sum | bit, 0);
  return covered === mask ? names.map(([, name]) => name) : undefined;
}

/** A single value. */
export function printValue(value: Value, type: DataType): string {
  if (typeof value === "string") return `"${value.replaceAll("*", "\\*")}"`;
  if (typeof value === "bigint") return printCompatible(value as Ipv6);
  // Nearly all elements are made of these, which have no symbols.
  if (type === "ipv4_addr") return printIpv4(value as Ipv4);
  if (type === "inet_service") return String(value);
  const symbol = SYMBOLS[type]?.get(value) ?? FLAGS[type]?.get(value);
  if (symbol !== undefined) return symbol;
  switch (type) {
    case "classid":
      return printClassid(value);
    case "mark":
      return `0x${value.toString(16).padStart(8, "0")}`;
    case "ct_state":
    case "ct_status":
    case "tcp_flag":
    case "dscp":
      return `0x${value.toString(16)}`;
    case "ether_addr":
      return value
        .toString(16)
        .padStart(12, "0")
        .replace(/(..)(?=.)/g, "$1:");
    case "ether_type":
      return `0x${value.toString(16).padStart(4, "0")}`;
    default:
      return String(value);
  }
}

/** An address with 96 leading zero bits is listed as the C library writes it: with the IPv4 address that it once stood for. */
function printCompatible(address: Ipv6): string {
  return address >> 32n === 0n && address > 0xffffn ? `::${printIpv4(Number(address) as Ipv4)}` : printIpv6(address);
}

/** Traffic control's `major:minor`, in hexadecimal; two values have words. */
function printClassid(value: number): string {
  if (value === 0) return "none";
  if (value === 0xffffffff) return "root";
  return `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`;
}

/** An interval: a prefix where it is one, else `from-to`. */
export function printInterval(interval: Interval, type: DataType): string {
  if (interval.from === interval.to) return printValue(interval.from, type);
  const beginning = prefixOfNames(interval);
  if (beginning !== undefined) return `"${beginning.replaceAll("*", "\\*")}*"`;
  const prefix = intervalAsPrefix(interval, type);
  return prefix === undefined ? `${printEnd(interval.from, type)}-${printEnd(interval.to, type)}` : printPrefix(prefix);
}

/** One end of a range: nft has no ranges of names. */
function printEnd(value: Value, type: DataType): string {
  return typeof value === "number" && SYMBOLS[type] !== undefined ? String(value) : printValue(value, type);
}

/** The components of an element's key or value, which have `types`. */
export function printKey(key: readonly KeyPart[], types: readonly DataType[]): string {
  let text = "";
  for (let i = 0; i < key.length; i++) {
    const part = key[i] as KeyPart;
    const type = types[i] as DataType;
    if (i > 0) text += " . ";
    text += typeof part === "object" ? printInterval(part, type) : printValue(part, type);
  }
  return text;
}
