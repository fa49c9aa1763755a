/** Values that nft 1.0.6 refuses although its grammar takes them: none of their type, or not in its bits. */

import { type HEADER_TYPES, typeOf } from "../../ir/expression-type.ts";
import type { DataType, TableFamily } from "../../ir/types.ts";
import { parseIpv4, parseIpv6 } from "../../net/address.ts";
import { toField } from "./fields.ts";
import { FLAGS, SYMBOLS } from "./keywords.ts";
import type { StatementNode, SyntaxNode } from "./syntax.ts";
import { DAYS } from "./times.ts";
import { toValue } from "./to-values.ts";

/** Why nft refuses a value that `statement` compares a field with. */
export function valuesRefused(statement: StatementNode, family: TableFamily): string | undefined {
  if (statement.kind !== "match" || statement.left.kind !== "field") return undefined;
  const { words } = statement.left;
  const key = words.filter((word) => word !== "meta").join(" ");
  const fib = words[0] === "fib" ? fibRefused(words) : undefined;
  if (fib !== undefined) return fib;
  if (key === "hour" || key === "day" || key === "time" || key === "ct label") {
    const [message, test] = OWN_WORDS[key];
    return valuesOf(statement.right).some((node) => node.kind === "value" && !test(node.text)) ? message : undefined;
  }
  const field = toField(words, family);
  if (field.kind === "opaque") return undefined;
  const type = typeOf(field, family);
  const bits = HEADER_BITS[words.join(" ")] ?? NUMBER_BITS[type];
  for (const node of valuesOf(statement.right)) {
    const message = valueRefused(node, type, bits);
    if (message !== undefined) return message;
  }
  return undefined;
}

/** The single values, ranges and blocks in `node`. */
export function valuesOf(node: SyntaxNode): readonly SyntaxNode[] {
  switch (node.kind) {
    case "set":
      return node.elements.flatMap(({ key }) => valuesOf(key));
    case "list":
      return node.items.flatMap(valuesOf);
    case "binary":
      return node.operator === "<<" || node.operator === ">>" ? [] : [...valuesOf(node.left), ...valuesOf(node.right)];
    case "value":
    case "range":
    case "slash":
      return [node];
    default:
      // Others are no values that have a type.
      return [];
  }
}

function valueRefused(node: SyntaxNode, type: DataType, bits: number | undefined): string | undefined {
  if (node.kind === "range") {
    const [from, to] = [toValue(node.from, type), toValue(node.to, type)];
    if (from !== undefined && to !== undefined && from > to)
      return "expected a range from the lower to the higher value";
    return valueRefused(node.from, type, bits) ?? valueRefused(node.to, type, bits);
  }
  if (node.kind === "slash") {
    const most = type === "ipv4_addr" ? 32 : type === "ipv6_addr" ? 128 : undefined;
    const length = node.right.kind === "value" && /^\d+$/.test(node.right.text) ? Number(node.right.text) : 0;
    if (most !== undefined && length > most) return `expected a prefix length from 0 to ${most}, found ${length}`;
    return most === undefined ? undefined : valueRefused(node.value, type, bits);
  }
  if (node.kind !== "value") return undefined;
  const { text } = node;
  if (type === "ipv4_addr" || type === "ipv6_addr") return addressRefused(text, type);
  if (/^(0x[0-9a-fA-F]+|\d+)$/.test(text)) {
    return bits !== undefined && Number(text) >= 2 ** bits
      ? `expected a number from 0 to ${2 ** bits - 1}, found ${text}`
      : undefined;
  }
  if (type === "ifname")
    return text.length > 16 ? `expected a name of at most 16 characters, found ${text}` : undefined;
  // Names of other types are those of the host's files: what they stand for, or whether they are there, is not known here.
  if (!CLOSED_TYPES.has(type) || toValue(node, type) !== undefined) return undefined;
  return expectedOneOf([...(SYMBOLS[type] ?? FLAGS[type] ?? new Map<number, string>()).values()], text);
}

/** Anything else may be the name of a host, which nft looks up. */
function addressRefused(text: string, type: "ipv4_addr" | "ipv6_addr"): string | undefined {
  if (type === "ipv6_addr")
    return parseIpv4(text) === undefined ? undefined : `expected an IPv6 address, found ${text}`;
  const looksLikeOne = /^[\d.]+$/.test(text) || text.includes(":");
  return looksLikeOne && !/^\d+$/.test(text) && parseIpv4(text) === undefined
    ? `expected an IPv4 address, found ${text}${parseIpv6(text) === undefined ? "" : ", which is of IPv6"}`
    : undefined;
}

/** Types whose names are all known: nft has them, not the host's files. */
const CLOSED_TYPES: ReadonlySet<DataType> = new Set([
  "ct_state",
  "ct_status",
  "ct_dir",
  "tcp_flag",
  "pkt_type",
  "fib_addrtype",
  "nf_proto",
]);

const NUMBER_BITS: Readonly<Partial<Record<DataType, number>>> = {
  inet_proto: 8,
  inet_service: 16,
  mark: 32,
  icmp_type: 8,
  icmpv6_type: 8,
  icmp_code: 8,
  icmpv6_code: 8,
  dscp: 6,
};

/** Fields of the header whose type is a plain number. */
const HEADER_BITS: Readonly<Record<string, number>> = {
  "ip length": 16,
  "ip ttl": 8,
  "ip6 length": 16,
  "ip6 hoplimit": 8,
} satisfies Partial<Record<keyof typeof HEADER_TYPES, number>>;

/** Keys that have no field of their own: what is expected of them, and whether a word is that. */
const OWN_WORDS: Readonly<
  Record<"hour" | "day" | "time" | "ct label", readonly [message: string, test: (text: string) => boolean]>
> = {
  hour: [
    "expected a time of day, such as 16:00",
    (text) => !text.includes(":") || /^([01]?\d|2[0-3]):[0-5]?\d(:([0-5]?\d|60))?$/.test(text),
  ],
  day: [
    `expected a day: ${DAYS.join(", ")}, or a number from 0 to 6`,
    (text) => (/^\d+$/.test(text) ? Number(text) <= 6 : DAYS.some((day) => day.toLowerCase() === text.toLowerCase())),
  ],
  time: [
    "expected a date, such as 2025-01-31 or 2025-01-31 16:00:00",
    (text) => !text.includes("-") || /^\d{4}-(0?[1-9]|1[0-2])-(0?[1-9]|[12]\d|3[01])\b/.test(text),
  ],
  "ct label": ["expected a label from 0 to 127", (text) => !/^\d+$/.test(text) || Number(text) <= 127],
};

/** `fib FLAGS RESULT`. */
function fibRefused(words: readonly string[]): string | undefined {
  const flags = words.slice(1, -1);
  if (flags.includes("saddr") === flags.includes("daddr")) return "expected either saddr or daddr in fib";
  return flags.includes("iif") && flags.includes("oif") ? "expected either iif or oif in fib" : undefined;
}

/** What is told where a word is none of those that there are. */
export function expectedOneOf(names: readonly string[], found: string): string {
  return `expected one of ${names.join(", ")}, found ${found}`;
}
