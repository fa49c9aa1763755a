/** Parts of a network, and of rules, as text in which names and addresses of its own host stand as tokens: parts that are equal but for
 *  whose they are have one text. */
import { partHolds } from "../ir/interval.ts";
import type { Value } from "../ir/types.ts";

/** Tokens for the names and addresses of one host. */
export interface OwnTokens {
  /** Names, addresses. */
  readonly values: { get(value: unknown): string | undefined };
  /** Blocks in which no other host has an address, from the first one to the last one. */
  readonly blocks: readonly { readonly from: Value; readonly to: Value; readonly token: string }[];
  /** Whether a host has the address: a block's token is for others only. */
  readonly isTaken: (address: Value) => boolean;
}

/** What tells where something is from, and not what it does. */
const LEFT_OUT: ReadonlySet<string> = new Set(["provenance", "settings", "origin", "comment"]);

/** `value` as text, without places. */
export function shapeOf(value: unknown, tokens: OwnTokens): string {
  switch (typeof value) {
    case "string":
      return tokens.values.get(value) ?? `${value.length}"${value}"`;
    case "number":
      return tokens.values.get(value) ?? blockToken(value, tokens) ?? String(value);
    case "bigint":
      return tokens.values.get(value) ?? blockToken(value, tokens) ?? `${value}n`;
    case "object":
      return value === null ? "null" : partsShape(value, tokens);
    default:
      // True, false, or nothing.
      return String(value);
  }
}

function partsShape(value: object, tokens: OwnTokens): string {
  if (Array.isArray(value) || value instanceof Map || value instanceof Set) {
    let text = "[";
    for (const part of value) text += `${shapeOf(part, tokens)},`;
    return `${text}]`;
  }
  if ("from" in value && "to" in value && value.from !== value.to) return intervalShape(value.from, value.to, tokens);
  let text = "{";
  for (const [member, part] of Object.entries(value))
    if (part !== undefined && !LEFT_OUT.has(member)) text += `${member}:${shapeOf(part, tokens)},`;
  return `${text}}`;
}

/** The host's own block, or the interval as it is: whose ends its own addresses are does not matter, but who is in it. */
function intervalShape(from: unknown, to: unknown, { blocks }: OwnTokens): string {
  const block = blocks.find((each) => each.from === from && each.to === to);
  return block?.token ?? `${typeof from} ${from}-${to}`;
}

/** An address that nobody has, such as a broadcast address, is told by where it is in the block. */
function blockToken(part: number | bigint, { blocks, isTaken }: OwnTokens): string | undefined {
  for (const block of blocks)
    if (partHolds(block, part) && !isTaken(part)) return `${block.token} ${BigInt(part) - BigInt(block.from)}`;
  return undefined;
}
