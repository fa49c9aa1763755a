/** A table of routes in memory: checked once, then read without checks. */

import * as L from "../../compiler/formats/router/layout.ts";
import { checksumOf, IS_LITTLE_ENDIAN } from "../../compiler/formats/tables/bytes.ts";
import { TableError } from "../table-error.ts";
import { checkTable, unitsOfName } from "./check-table.ts";

export class RouterTable {
  /** The whole table; offsets of the layout count these. */
  readonly words: Int32Array;
  /** The whole table as units of 16 bits: two in a word. */
  readonly units: Uint16Array;

  /** Throws `TableError` for bytes that are no table, or not one that was written as a whole. */
  constructor(bytes: Uint8Array) {
    if (bytes.length < L.R_HEADER_WORDS * 4) throw new TableError("this is no table of routes of kpc");
    // A copy of its own buffer: slice() of a Buffer of Node.js shares the memory.
    const own = new Uint8Array(bytes);
    const view = new DataView(own.buffer);
    const header = (word: number): number => view.getUint32(word * 4, true);
    if (header(L.R_MAGIC) !== L.ROUTER_MAGIC) throw new TableError("this is no table of routes of kpc");
    const version = header(L.R_VERSION);
    if (version !== L.ROUTER_VERSION)
      throw new TableError(
        `the table has another layout: expected version ${L.ROUTER_VERSION}, found ${version}; print it again with this version of kpc`,
      );
    if (header(L.R_LENGTH) !== own.length || own.length % 4 !== 0) throw new TableError("the table is cut off");
    if (header(L.R_CHECKSUM) !== checksumOf(own, (L.R_CHECKSUM + 1) * 4))
      throw new TableError("the table is damaged: its checksum is another one");
    this.words = IS_LITTLE_ENDIAN
      ? new Int32Array(own.buffer)
      : Int32Array.from({ length: own.length / 4 }, (_, i) => view.getInt32(i * 4, true));
    this.units = IS_LITTLE_ENDIAN
      ? new Uint16Array(own.buffer)
      : Uint16Array.from({ length: own.length / 2 }, (_, i) => view.getUint16(i * 2, true));
    checkTable(this);
  }

  /** A text by its number. */
  text(number: number): string {
    const { words } = this;
    const at = (words[L.R_TEXTS] as number) + number * L.TEXT_WORDS;
    const start = (words[L.R_UNITS] as number) * 2 + (words[at + L.TEXT_AT] as number);
    return this.textAt(start, words[at + L.TEXT_LENGTH] as number);
  }

  /** The name of a record; empty for the first one. */
  name(record: number): string {
    return this.textAt((record + L.NAME_UNITS) * 2, unitsOfName(this.words[record + L.NAME_LENGTH] as number));
  }

  private textAt(start: number, length: number): string {
    const end = start + length;
    let text = "";
    // No more arguments at a time than any engine takes.
    for (let i = start; i < end; i += UNITS_AT_ONCE)
      text += String.fromCharCode(...this.units.subarray(i, Math.min(end, i + UNITS_AT_ONCE)));
    return text;
  }
}

const UNITS_AT_ONCE = 4096;
