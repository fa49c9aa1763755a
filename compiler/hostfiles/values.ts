/** Values of iproute2's JSON: members that a version lacks are undefined, those of a wrong type are reported. */
import { asArray, asString, type Context, reportInvalid, reportMissing, reportType } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { isObject } from "../documents/show.ts";
import { type Address, addressBits, type Family, familyOf, parseAddress } from "../net/address.ts";
import { maskAddress, type Prefix } from "../net/prefix.ts";

/** The address that a text is. */
export function asAddress(context: Context, field: Field | undefined): Address | undefined {
  const text = asString(context, field);
  if (text === undefined || field === undefined) return undefined;
  const address = parseAddress(text);
  if (address === undefined) reportInvalid(context, field, "expected an IP address");
  return address;
}

/** Iproute2 prints some numbers as texts: "0x10", "100". */
export function asNumber(context: Context, field: Field | undefined): number | undefined {
  if (field === undefined) return undefined;
  const { value } = field;
  const number =
    typeof value === "string" && /^(?:0x[0-9a-f]+|\d+)$/i.test(value)
      ? Number(value)
      : typeof value === "number"
        ? value
        : -1;
  if (Number.isInteger(number) && number >= 0) return number;
  if (typeof value === "string" || typeof value === "number") reportInvalid(context, field, "expected a whole number");
  else reportType(context, field, "integer");
  return undefined;
}

/** A name that iproute2 prints as a number where it has no name for it. */
export function asNameOrNumber(context: Context, field: Field | undefined): string | undefined {
  if (typeof field?.value !== "number") return asString(context, field);
  const number = asNumber(context, field);
  return number === undefined ? undefined : String(number);
}

/** A route table: its name, also where it is printed as a number. */
export function asTable(context: Context, field: Field | undefined): string | undefined {
  const text = asNameOrNumber(context, field);
  return text === undefined ? undefined : (TABLES.get(text) ?? text);
}

const TABLES: ReadonlyMap<string, string> = new Map([
  ["253", "default"],
  ["254", "main"],
  ["255", "local"],
]);

/** The texts of a list. */
export function asTexts(context: Context, field: Field | undefined): readonly string[] {
  return asArray(context, field).flatMap((each) => asString(context, each) ?? []);
}

/** An address block as routes have it: `default`, or an address with or without a length. `family` counts for `default`. */
export function asPrefix(context: Context, field: Field, family: Family): Prefix | undefined {
  const text = asString(context, field);
  if (text === undefined) return undefined;
  if (text === "default") return { address: zeroOf(family), length: 0 };
  const [, before = "", after] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = before === "0" ? zeroOf(family) : parseAddress(before);
  const bits = address === undefined ? 0 : addressBits(familyOf(address));
  const length = after === undefined ? bits : Number(after);
  if (address === undefined || length > bits) {
    reportInvalid(context, field, "expected default, an IP address or an address block such as 10.0.0.0/8");
    return undefined;
  }
  return { address: maskAddress(address, length), length };
}

/** `0.0.0.0` or `::`. */
export function zeroOf(family: Family): Address {
  return maskAddress((family === "IPv4" ? 0 : 0n) as Address, 0);
}

/** The objects of a list, each with its member `key`; where that is missing, it is reported. Some versions of iproute2 print an empty
 *  object for what a filter left out. */
export function withMember(
  context: Context,
  entries: readonly Field[],
  key: string,
): readonly { readonly entry: Field; readonly member: Field }[] {
  return entries.flatMap((entry) => {
    const member = entry.get(key);
    if (member !== undefined) return [{ entry, member }];
    if (!isObject(entry.value)) reportType(context, entry, "object");
    else if (Object.keys(entry.value).length > 0) reportMissing(context, entry, key);
    return [];
  });
}

/** Whether an object has the member, null or not, but not false: iproute2 prints flags as members that are null. */
export function hasMember({ value }: Field, key: string): boolean {
  return isObject(value) && Object.hasOwn(value, key) && value[key] !== false;
}
