/** What tables say to people: JSON, which the engine does not read. */
import type { Interfaces } from "../../tabulate/types.ts";

export interface TableNames {
  /** What the table was made from. */
  readonly source: string;
  readonly interfaces: Interfaces;
  /** By the numbers in codes. */
  readonly reasons: readonly string[];
  /** The Service port of each row, by slot. */
  readonly labels: readonly (readonly [slot: number, label: string])[];
}

/** `slots`: that of each row. */
export function printNames(
  names: Omit<TableNames, "labels">,
  rows: readonly Labelled[],
  slots: Uint32Array,
): Uint8Array {
  return printPlainNames(names, rows, slots) ?? printAnyNames(names, rows, slots);
}

interface Labelled {
  readonly label: string;
}

function printAnyNames(names: Omit<TableNames, "labels">, rows: readonly Labelled[], slots: Uint32Array): Uint8Array {
  const labels = rows.map(({ label }, i) => [slots[i], label]);
  return new TextEncoder().encode(JSON.stringify({ ...names, labels }));
}

/** The same for labels in which nothing has to be escaped: they are names mostly, and many. Undefined for others. */
function printPlainNames(
  names: Omit<TableNames, "labels">,
  rows: readonly Labelled[],
  slots: Uint32Array,
): Uint8Array | undefined {
  const head = new TextEncoder().encode(`${JSON.stringify(names).slice(0, -1)},"labels":[`);
  let room = head.length + 2;
  for (const { label } of rows) room += MOST_AROUND_LABEL + label.length;
  const bytes = new Uint8Array(room);
  bytes.set(head);
  let at = head.length;
  for (let row = 0; row < rows.length; row++) {
    const { label } = rows[row] as Labelled;
    if (row > 0) bytes[at++] = COMMA;
    bytes[at++] = OPENING;
    at = writeNumber(bytes, at, slots[row] as number);
    bytes[at++] = COMMA;
    bytes[at++] = QUOTE;
    for (let i = 0; i < label.length; i++) {
      const code = label.charCodeAt(i);
      if (code < SPACE || code > TILDE || code === QUOTE || code === BACKSLASH) return undefined;
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    bytes[at++] = CLOSING;
  }
  bytes[at++] = CLOSING;
  bytes[at++] = CLOSING_BRACE;
  return bytes.subarray(0, at);
}

/** A comma, brackets, quotes, a slot. */
const MOST_AROUND_LABEL = 14;
const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const DIGIT_ZERO = 48;
const OPENING = 91;
const BACKSLASH = 92;
const CLOSING = 93;
const CLOSING_BRACE = 125;
const TILDE = 126;

/** Writes a number; gives the end. */
function writeNumber(bytes: Uint8Array, at: number, number: number): number {
  let end = at + 1;
  for (let rest = number; rest > 9; rest = Math.trunc(rest / 10)) end++;
  for (let digit = end - 1, rest = number; digit >= at; digit--, rest = Math.trunc(rest / 10))
    bytes[digit] = DIGIT_ZERO + (rest % 10);
  return end;
}

/** Throws for bytes that `printNames` has not made. */
export function parseNames(bytes: Uint8Array): TableNames {
  const names: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  if (typeof names !== "object" || names === null || !("labels" in names) || !Array.isArray(names.labels))
    throw new Error("the names are not what a table has");
  return names as TableNames;
}
