/** Rows of rules or elements that are alike but for values: who knows where these stand needs no object for each row. */
import type { Value } from "./types.ts";

/** Where a value of a row stands, in the object that `peek` gives for rows of its form. */
export interface RowHole {
  readonly of: object;
  readonly key: string | number;
  /** Values that always are the same have one slot. */
  readonly slot: number;
}

export interface FormedRows {
  /** A number that rows share that differ in the values of their slots alone, each of which is of one type in all of them. -1: the row is
   *  no other's like. */
  readonly formOf: (row: number) => number;
  readonly holesOf: (form: number) => readonly RowHole[];
  readonly valueOf: (row: number, slot: number) => Value;
}

/** What is made once for each form of rows. */
export class PerForm<Of> {
  private readonly known = new Map<FormedRows, (Of | undefined)[]>();
  private last: FormedRows | undefined;
  private ofLast: (Of | undefined)[] = [];

  /** Undefined: nothing was set. */
  get(rows: FormedRows, form: number): Of | undefined {
    if (rows !== this.last) this.enter(rows);
    return this.ofLast[form];
  }

  set(rows: FormedRows, form: number, made: Of): void {
    if (rows !== this.last) this.enter(rows);
    this.ofLast[form] = made;
  }

  private enter(rows: FormedRows): void {
    const known = this.known.get(rows) ?? [];
    this.known.set(rows, known);
    this.last = rows;
    this.ofLast = known;
  }
}
