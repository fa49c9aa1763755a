/** What tables say to people: JSON, which the engine does not read. */
import type { Interfaces } from "../../tabulate/types.ts";

export interface TableNames {
  /** What the table was made from. */
  readonly source: string;
  readonly interfaces: Interfaces;
  /** By the numbers in codes. */
  readonly reasons: readonly string[];
}

export function printNames(names: TableNames): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(names));
}

/** Throws for bytes that `printNames` has not made. */
export function parseNames(bytes: Uint8Array): TableNames {
  const names: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  if (typeof names !== "object" || names === null || !("reasons" in names) || !Array.isArray(names.reasons))
    throw new Error("the names are not what a table has");
  return names as TableNames;
}
