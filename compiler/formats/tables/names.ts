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

/** `labels`: that of the row in each slot. */
export function printNames(names: Omit<Names, "labels">, labels: readonly (string | undefined)[]): Uint8Array {
  let text = `${JSON.stringify(names).slice(0, -1)},"labels":[`;
  let separator = "";
  for (let slot = 0; slot < labels.length; slot++) {
    const label = labels[slot];
    if (label === undefined) continue;
    text += `${separator}[${slot},${quote(label)}]`;
    separator = ",";
  }
  return new TextEncoder().encode(`${text}]}`);
}

/** Most labels are names, in which nothing has to be escaped. */
function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

const PLAIN = /^[ !#-[\]-~]*$/;

/** Throws for bytes that `printNames` has not made. */
export function parseNames(bytes: Uint8Array): Names {
  const names: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  if (typeof names !== "object" || names === null || !("labels" in names) || !Array.isArray(names.labels))
    throw new Error("the names are not what a table has");
  return names as Names;
}
