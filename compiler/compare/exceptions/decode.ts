/** Declared differences as files hold them. */

import {
  asArray,
  asObject,
  asOneOf,
  asString,
  asStringOrArray,
  type Context,
  reportInvalid,
  reportMissing,
  reportType,
} from "../../documents/decode.ts";
import type { Field } from "../../documents/field.ts";
import { decodeListDocument } from "../../documents/list-document.ts";
import { checkMembers } from "../../documents/unknown-members.ts";
import type { CtState } from "../../evaluate/packet.ts";
import { PROTOCOL_NAMES } from "../../ir/constants.ts";
import { API_VERSION } from "../../json-output.ts";
import { type Address, FAMILIES, type Family, familyOf, parseAddress } from "../../net/address.ts";
import { canNameInterface } from "../../net/interface-name.ts";
import { parsePrefix, prefixRange, printPrefix } from "../../net/prefix.ts";
import type { RangeField } from "../../packets/packet-set.ts";
import { joinRanges, type Range } from "../box.ts";
import { type DeclaredDistribution, overlap, readDistribution } from "./distribution.ts";
import type { Declaration } from "./types.ts";
import type { ValueField, Where } from "./where.ts";

export const KIND = "Differences";

/** The members that say which addresses and ports are meant. */
export const RANGE_MEMBERS = {
  source: "saddr",
  sourcePort: "sport",
  destination: "daddr",
  destinationPort: "dport",
  natDestination: "toaddr",
  natDestinationPort: "toport",
} as const satisfies Readonly<Record<string, RangeField>>;

/** Those that name marks, and the status of connections as a number. */
export const VALUE_MEMBERS = {
  mark: "mark",
  ctMark: "ctmark",
  ctStatus: "ctstatus",
} as const satisfies Readonly<Record<string, ValueField>>;

const MEMBERS = new Set([
  ...[
    "reason",
    "family",
    "protocol",
    "inInterface",
    "ctState",
    ...Object.keys(VALUE_MEMBERS),
    ...Object.keys(RANGE_MEMBERS),
  ],
  ...["left", "right", "assumptions"],
]);

/** The differences in a document. Reports what is wrong, and leaves that out. */
export function decodeDeclarations(context: Context, node: Field): Declaration[] {
  const document = { apiVersion: API_VERSION, kind: KIND, list: "differences" };
  return decodeListDocument(context, node, document, (item) => decodeDeclaration(context, item));
}

function decodeDeclaration(context: Context, node: Field): Declaration | undefined {
  if (asObject(context, node) === undefined) return undefined;
  checkMembers(context, node, MEMBERS);
  const left = decodeDistribution(context, node, "left");
  const right = decodeDistribution(context, node, "right");
  if (left !== undefined && right !== undefined && overlap(left, right))
    reportInvalid(context, node.member("right"), "must differ from left in the digits that are written");
  const assumptions = node.get("assumptions");
  const where = decodeWhere(context, node);
  const reason = asString(context, node.get("reason"));
  if (left === undefined || right === undefined) return undefined;
  return {
    where,
    left,
    right,
    assumptions:
      assumptions === undefined
        ? undefined
        : asArray(context, assumptions)
            .flatMap((item) => asString(context, item) ?? [])
            .sort(),
    reason,
    origin: node,
  };
}

function decodeDistribution(context: Context, node: Field, key: "left" | "right"): DeclaredDistribution | undefined {
  const value = node.get(key);
  if (value === undefined) {
    reportMissing(context, node, key, "what happens to these packets, as kpc diff prints it");
    return undefined;
  }
  const texts = asStringOrArray(context, value).flatMap((item) => asString(context, item) ?? []);
  if (texts.length === 0 && !Array.isArray(value.value)) return undefined; // told already
  const distribution = readDistribution(texts);
  if (typeof distribution !== "string") return distribution;
  reportInvalid(context, value, distribution);
  return undefined;
}

function decodeWhere(context: Context, node: Field): Where {
  const saddr = decodeAddresses(context, node.get("source"));
  const daddr = decodeAddresses(context, node.get("destination"));
  const sport = decodePorts(context, node.get("sourcePort"));
  const dport = decodePorts(context, node.get("destinationPort"));
  const toaddr = decodeAddresses(context, node.get("natDestination"));
  const toport = decodePorts(context, node.get("natDestinationPort"));
  const values = Object.entries(VALUE_MEMBERS).map(
    ([member, field]) => [field, decodeList(context, node, member, decodeBits)] as const,
  );
  return {
    family: decodeFamily(context, node, [...saddr, ...daddr, ...toaddr]),
    protocols: decodeList(context, node, "protocol", decodeProtocol),
    interfaces: decodeList(context, node, "inInterface", decodeInterface),
    ctStates: decodeList(context, node, "ctState", decodeCtState),
    values: Object.fromEntries(values.filter(([, wanted]) => wanted !== undefined)),
    ranges: Object.fromEntries(
      Object.entries({ saddr, daddr, sport, dport, toaddr, toport })
        .filter(([, ranges]) => ranges.length > 0)
        .map(([field, ranges]) => [field, joinRanges(ranges.map(({ range }) => range))]),
    ),
  };
}

/** One value, or a list of them; undefined where the member is absent. That of an interface may be null. */
function decodeList<T extends string | number | null>(
  context: Context,
  node: Field,
  key: string,
  decode: (context: Context, item: Field) => T | undefined,
): readonly T[] | undefined {
  if (!Object.hasOwn(node.value as object, key)) return undefined;
  const member = node.member(key);
  const items = Array.isArray(member.value) ? member.items() : [member];
  if (items.length === 0) reportInvalid(context, member, "must have an item, or be left out, which means any");
  return items.flatMap((item) => {
    const value = decode(context, item);
    return value === undefined ? [] : [value];
  });
}

const PROTOCOLS: ReadonlyMap<string, number> = new Map([...PROTOCOL_NAMES].map(([number, name]) => [name, number]));

function decodeProtocol(context: Context, item: Field): number | undefined {
  const { value } = item;
  const number = typeof value === "string" ? PROTOCOLS.get(value) : value;
  if (typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= 255) return number;
  reportInvalid(
    context,
    item,
    `must be a number from 0 to 255 (253: any that no rule names), or one of ${[...PROTOCOLS.keys()].join(", ")}`,
  );
  return undefined;
}

const CT_STATES = ["new", "related", "established", "reply", "related-reply", "invalid", "untracked"] as const;

function decodeCtState(context: Context, item: Field): CtState | undefined {
  return asOneOf(context, item, CT_STATES);
}

function decodeBits(context: Context, item: Field): number | undefined {
  const { value } = item;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffffffff) return value;
  reportInvalid(context, item, "must be a number from 0 to 0xffffffff, such as 0x4000");
  return undefined;
}

function decodeInterface(context: Context, item: Field): string | null | undefined {
  const { value } = item;
  if (value === null) return null;
  if (typeof value === "string" && isInterface(value)) return value;
  reportInvalid(
    context,
    item,
    'must be the name of an interface, "*" (one that no rule names), "eth*" (one that rules mean by that prefix only), or null (sent by the node itself)',
  );
  return undefined;
}

/** Whether it is as `printInterface` spells interfaces. */
function isInterface(text: string): boolean {
  const [, quoted] = /^"(.*)"$/.exec(text) ?? [];
  return text === "*" || canNameInterface(quoted?.replace(/\\(.)/g, "$1") ?? text.replace(/\*$/, ""));
}

interface Found {
  readonly range: Range;
  readonly item: Field;
}

/** The family that is named, or that of the addresses. Reports addresses of another one. */
function decodeFamily(context: Context, node: Field, addresses: readonly Found[]): Family | undefined {
  const named = asOneOf(context, node.get("family"), FAMILIES);
  const [first] = addresses;
  const family = named ?? (first === undefined ? undefined : familyOf(first.range.from as Address));
  for (const { range, item } of addresses)
    if (familyOf(range.from as Address) !== family)
      reportInvalid(context, item, `must be of the family of the others here, ${family}`);
  return family;
}

function decodeAddresses(context: Context, node: Field | undefined): Found[] {
  return decodeRanges(context, node, (text) => {
    const prefix = parsePrefix(text);
    if (!("kind" in prefix)) return prefixRange(prefix);
    if (prefix.kind === "host-bits")
      return `must not have bits set beyond the prefix length, such as ${printPrefix(prefix.masked)}`;
    const ends = text.split("-").map((part) => parseAddress(part.trim()));
    const [from, to] = [ends[0], ends.at(-1)];
    if (from === undefined || to === undefined || ends.length > 2 || typeof from !== typeof to)
      return "must be an address, a CIDR, or a range such as 10.0.0.1-10.0.0.9";
    return to >= from ? { from, to } : BACKWARDS;
  });
}

function decodePorts(context: Context, node: Field | undefined): Found[] {
  return decodeRanges(context, node, (text) => {
    const [, low = "", high = low] = /^(\d{1,5})(?:\s*-\s*(\d{1,5}))?$/.exec(text) ?? [];
    const [from, to] = [Number(low), Number(high)];
    if (low === "" || Math.max(from, to) > 65535) return "must be a port from 0 to 65535, or a range such as 8000-8010";
    return to >= from ? { from, to } : BACKWARDS;
  });
}

const BACKWARDS = "must have its lower end first";

/** The ranges in one value or a list; `read` says what is wrong with a text that is none. */
function decodeRanges(context: Context, node: Field | undefined, read: (text: string) => Range | string): Found[] {
  if (node === undefined) return [];
  const items = Array.isArray(node.value) ? node.items() : [node];
  if (items.length === 0) reportInvalid(context, node, "must have an item, or be left out, which means any");
  return items.flatMap((item) => {
    const { value } = item;
    if (typeof value !== "string" && typeof value !== "number") {
      reportType(context, item, "string");
      return [];
    }
    const range = read(String(value).trim());
    if (typeof range !== "string") return [{ range, item }];
    reportInvalid(context, item, range);
    return [];
  });
}
