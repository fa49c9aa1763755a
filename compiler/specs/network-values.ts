/** Addresses, blocks and the like in files of kpc's own kinds. What an API server would store with a warning is an error here:
 *  these files are written by hand, for kpc. */
import {
  asArray,
  asInteger,
  asString,
  type Context,
  reportDuplicate,
  reportField,
  reportInvalid,
} from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { type Address, hasLeadingZero, isIpv4Mapped, parseAddress } from "../net/address.ts";
import { isInterfaceName } from "../net/interface-name.ts";
import { type Prefix, parsePrefix, printPrefix } from "../net/prefix.ts";
import type { Located } from "./located.ts";

/** The address at `field`. */
export function asAddress(context: Context, field: Field | undefined): Address | undefined {
  const text = asString(context, field);
  if (text === undefined || field === undefined) return undefined;
  const address = parseAddress(text);
  if (address === undefined) {
    const hint = parseAddress(text.split("/")[0] ?? "") === undefined ? "" : ", without a prefix length";
    reportInvalid(context, field, `must be an IP address, such as 192.168.0.2 or fd00::2${hint}`);
  } else if (isIpv4Mapped(address)) {
    reportInvalid(context, field, "must be an IPv4 or an IPv6 address, not an IPv4-mapped one");
    return undefined;
  } else if (typeof address === "number" && hasLeadingZero(text)) {
    reportInvalid(context, field, "must be an IP address without leading zeros", "leading-zeros");
    return undefined;
  }
  return address;
}

/** The block at `field`. Host bits are not masked away: reports the block that was meant, probably. */
export function asPrefix(context: Context, field: Field | undefined): Prefix | undefined {
  const text = asString(context, field);
  if (text === undefined || field === undefined) return undefined;
  const prefix = parsePrefix(text);
  if (!("kind" in prefix)) return prefix;
  const hint =
    prefix.kind === "host-bits"
      ? `must not have bits set beyond the prefix length, such as ${printPrefix(prefix.masked)}`
      : "must be a CIDR, such as 10.244.0.0/16";
  reportInvalid(context, field, hint);
  return undefined;
}

/** The interface name at `field`. */
export function asInterfaceName(context: Context, field: Field | undefined): string | undefined {
  const name = asString(context, field);
  if (name === undefined || field === undefined || isInterfaceName(name)) return name;
  reportInvalid(
    context,
    field,
    "must be an interface name: at most 15 characters, no spaces, slashes, colons or quotes",
  );
  return undefined;
}

/** A whole number from `least` to `most`. */
export function asIntegerIn(
  context: Context,
  field: Field | undefined,
  least: number,
  most: number,
): number | undefined {
  const value = asInteger(context, field);
  if (value === undefined || field === undefined || (value >= least && value <= most)) return value;
  reportInvalid(context, field, `must be between ${least} and ${most}, inclusive`);
  return undefined;
}

/** Bytes of a packet: IPv4 needs links that take 68 (RFC 791). */
export function asMtu(context: Context, field: Field | undefined): Located<number> | undefined {
  return located(field, (at) => asIntegerIn(context, at, 68, 65_536));
}

/** What `decode` makes of `field`, with its place. */
export function located<T>(field: Field | undefined, decode: (field: Field) => T | undefined): Located<T> | undefined {
  const value = field === undefined ? undefined : decode(field);
  return value === undefined || field === undefined ? undefined : { value, field };
}

/** The values of a member that is one text or a list of texts, whichever of its names (`cidr`, `cidrs`) it has. Reports two
 *  equal values, and both names at once. */
export function asOneOrMore<T>(
  context: Context,
  parent: Field,
  names: readonly string[],
  decode: (context: Context, field: Field) => T | undefined,
): readonly Located<T>[] {
  const [given, second] = names.flatMap((name) => parent.get(name) ?? []);
  if (second !== undefined)
    reportField(context, second, "forbidden-field", `Forbidden: expected ${names.join(" or ")}, found both`);
  const fields = given === undefined ? [] : typeof given.value === "string" ? [given] : asArray(context, given);
  const firsts = new Map<unknown, Field>();
  return fields.flatMap((field): readonly Located<T>[] => {
    const value = decode(context, field);
    if (value === undefined) return [];
    const first = firsts.get(field.value);
    if (first === undefined) firsts.set(field.value, field);
    else reportDuplicate(context, field, first);
    return [{ value, field }];
  });
}
