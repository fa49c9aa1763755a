/** What tables say to people: JSON, which the engine does not read. */
import type { Interfaces } from "../../tabulate/types.ts";

export interface Names {
  /** What the table was made from. */
  readonly source: string;
  readonly interfaces: Interfaces;
  /** By the numbers in codes. */
  readonly reasons: readonly string[];
  /** The Service port of each row, by slot: sorted. */
  readonly labels: readonly (readonly [slot: number, label: string])[];
}

export function printNames(names: Names): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(names));
}

/** Throws for bytes that `printNames` has not made. */
export function parseNames(bytes: Uint8Array): Names {
  const names: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  if (typeof names !== "object" || names === null || !("labels" in names) || !Array.isArray(names.labels))
    throw new Error("the names are not what a table has");
  return names as Names;
}
