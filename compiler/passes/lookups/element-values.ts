/** What elements of maps hold. */
import { invariant } from "../../invariant.ts";
import type { MapElement, NatTarget, Value } from "../../ir/types.ts";

/** Whether an element holds data, not a verdict. */
export function isData(value: MapElement["value"]): value is readonly Value[] {
  return Array.isArray(value);
}

/** Where an element of a map of addresses, and perhaps ports, leads. */
export function literalOf({ value }: MapElement): NatTarget {
  invariant(isData(value), "a translation map holds addresses and ports");
  const [address, port] = value;
  return {
    kind: "literal",
    ...(address === undefined ? {} : { addresses: { from: address, to: address } }),
    ...(port === undefined ? {} : { ports: { from: port, to: port } }),
  };
}

/** The one value that an element holds. */
export function dataOf({ value }: MapElement): Value {
  invariant(isData(value) && value[0] !== undefined, "a data map holds values");
  return value[0];
}
