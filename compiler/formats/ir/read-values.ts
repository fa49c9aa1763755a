/** Values of the IR's JSON. */
import { BITS } from "../../ir/check.ts";
import type { DataType, KeyPart, Value } from "../../ir/types.ts";
import { parseIpv4, parseIpv6 } from "../../net/address.ts";
import { fail, object, oneOf, type Reader, whole } from "./shape.ts";

export const dataType = oneOf<DataType>(BITS);

/** A value of a type. Addresses are text; so is what has 128 bits where the type is not known. */
export function valueReader(type: DataType): Reader<Value> {
  return (json) => {
    const { value } = json;
    if (typeof value === "number") return whole()(json);
    if (typeof value !== "string") return fail(json, "a number or text");
    if (type === "ipv4_addr") return parseIpv4(value) ?? fail(json, "an IPv4 address");
    return type === "ifname" ? value : (parseIpv6(value) ?? value);
  };
}

export function partReader(type: DataType): Reader<KeyPart> {
  const value = valueReader(type);
  const interval = object<{ from: Value; to: Value }>({ from: value, to: value });
  return (json) => (typeof json.value === "object" ? interval(json) : value(json));
}
