/** From written values to values of a type. */

import { BITS } from "../../ir/check.ts";
import { namesWith } from "../../ir/interval.ts";
import type { DataType, Interval, KeyPart, Value } from "../../ir/types.ts";
import { parseIpv4, parseIpv6 } from "../../net/address.ts";
import { parseProtocol } from "../../net/names.ts";
import { maskAddress, prefixRange } from "../../net/prefix.ts";
import { parseServicePort } from "../../net/service-names.ts";
import { meaningOf } from "../../words.ts";
import { FLAGS, OTHER_SYMBOLS, SYMBOLS } from "./keywords.ts";
import type { SyntaxNode } from "./syntax.ts";

/** A single value; undefined when it is none of the type. */
export function toValue(node: SyntaxNode, type: DataType): Value | undefined {
  if (node.kind === "binary") return combine(node, type);
  return node.kind === "value" ? parseValue(node.text, type) : undefined;
}

/** `syn | ack` is a value where each is one. */
function combine(node: Extract<SyntaxNode, { kind: "binary" }>, type: DataType): Value | undefined {
  const left = toValue(node.left, type);
  const right = toValue(node.right, type);
  if (typeof left !== "number" || typeof right !== "number") return undefined;
  switch (node.operator) {
    case "|":
      return (left | right) >>> 0;
    case "&":
      return (left & right) >>> 0;
    case "^":
      return (left ^ right) >>> 0;
    case "<<":
      return right > 31 ? 0 : (left << right) >>> 0;
    case ">>":
      return right > 31 ? 0 : left >>> right;
    default:
      return undefined;
  }
}

function parseValue(text: string, type: DataType): Value | undefined {
  switch (type) {
    case "ipv4_addr":
      return parseIpv4(text);
    case "ipv6_addr":
      return parseIpv6(text);
    case "ether_addr":
      return /^([0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2}$/.test(text)
        ? text.split(":").reduce((sum, octet) => sum * 256 + Number.parseInt(octet, 16), 0)
        : undefined;
    case "inet_proto":
      return parseProtocol(text);
    case "inet_service":
      return parseServicePort(text);
    case "iface_index":
      return text === "0" ? "" : text.replaceAll("\\*", "*"); // the number of none
    case "ifname":
      return text.replaceAll("\\*", "*");
    case "classid":
      return parseClassid(text);
    default:
      return parseSymbol(text, type) ?? parseNumber(text);
  }
}

function parseSymbol(text: string, type: DataType): number | undefined {
  const names = SYMBOLS[type] ?? FLAGS[type];
  for (const [value, name] of names ?? []) if (name === text) return value;
  return meaningOf(OTHER_SYMBOLS[type] ?? {}, text);
}

function parseNumber(text: string): number | undefined {
  if (!/^(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(text)) return undefined;
  const value = Number(text);
  return value <= 0xffffffff ? value : undefined;
}

function parseClassid(text: string): number | undefined {
  if (text === "none") return 0;
  if (text === "root") return 0xffffffff;
  const parts = /^([0-9a-fA-F]{1,4}):([0-9a-fA-F]{1,4})$/.exec(text);
  if (parts === null) return parseNumber(text);
  return (Number.parseInt(parts[1] ?? "", 16) * 0x10000 + Number.parseInt(parts[2] ?? "", 16)) >>> 0;
}

/** A value, a range, a block of addresses, names that begin alike. */
export function toInterval(node: SyntaxNode, type: DataType): Interval | undefined {
  if (node.kind === "range") {
    const from = toValue(node.from, type);
    const to = toValue(node.to, type);
    return from === undefined || to === undefined || from > to || typeof from === "string" ? undefined : { from, to };
  }
  if (node.kind === "slash") return toBlock(node, type);
  if (node.kind === "value" && type === "ifname" && /(^|[^\\])\*$/.test(node.text))
    return namesWith(node.text.slice(0, -1).replaceAll("\\*", "*"));
  const value = toValue(node, type);
  return value === undefined ? undefined : { from: value, to: value };
}

/** Host bits are masked away, as nft does. */
function toBlock({ value, right }: Extract<SyntaxNode, { kind: "slash" }>, type: DataType): Interval | undefined {
  const isAddress = type === "ipv4_addr" || type === "ipv6_addr";
  const bits = BITS[type];
  const address = toValue(value, type);
  const length = right.kind === "value" && /^[0-9]{1,3}$/.test(right.text) ? Number(right.text) : undefined;
  if (bits === 0 || address === undefined || length === undefined || length > bits) return undefined;
  if (!isAddress) {
    // nft lists masks over marks and other numbers so, where the bits are the first ones.
    const size = 2 ** (bits - length);
    const from = typeof address === "number" ? Math.floor(address / size) * size : undefined;
    return from === undefined ? undefined : { from, to: from + size - 1 };
  }
  type Addressed = Parameters<typeof maskAddress>[0];
  return prefixRange({ address: maskAddress(address as Addressed, length), length });
}

/** A part of an element's key: a value where it is one. */
export function toKeyPart(node: SyntaxNode, type: DataType): KeyPart | undefined {
  const interval = toInterval(node, type);
  return interval !== undefined && interval.from === interval.to ? interval.from : interval;
}
