/** What elements of maps hold. */
import { invariant } from "../../invariant.ts";
import type { MapElement, NatTarget, Value } from "../../ir/types.ts";

/** Whether an element holds data, not a verdict. */
export function isData(value: MapElement["value"]): value is readonly Value[] {
  return Array.isArray(value);
}

/** Where an element of a map of addresses, and perhaps ports, leads. */
export function literalOf(element: MapElement): NatTarget {
  const address = dataOf(element);
  const port = valuesOf(element)[1];
  return {
    kind: "literal",
    addresses: { from: address, to: address },
    ...(port === undefined ? {} : { ports: { from: port, to: port } }),
  };
}

/** The first value that an element holds. */
export function dataOf(element: MapElement): Value {
  const [first] = valuesOf(element);
  invariant(first !== undefined, "elements of data maps hold values");
  return first;
}

function valuesOf({ value }: MapElement): readonly Value[] {
  invariant(isData(value), "elements of data maps hold no verdicts");
  return value;
}
