/** A table of routes in memory: checked once, then read without checks. */

import * as L from "../../compiler/formats/router/layout.ts";
import { checksumOf, IS_LITTLE_ENDIAN } from "../../compiler/formats/tables/bytes.ts";
import { TableError } from "../table-error.ts";

/** Where each part of a table begins, and how many records it has. */
const PARTS = [
  { at: L.R_HOSTS, record: L.HOST_WORDS },
  { at: L.R_NODES, record: L.NODE_WORDS },
  { at: L.R_DECISIONS, record: L.DECISION_WORDS },
  { at: L.R_TARGETS, record: L.TARGET_WORDS },
  { at: L.R_ENDPOINTS, record: L.ENDPOINT_WORDS },
  { at: L.R_TLS_HOSTS, record: L.TLS_HOST_WORDS },
  { at: L.R_TEXTS, record: L.TEXT_WORDS },
] as const;

export class RouterTable {
  /** The whole table; offsets of the layout count these. */
  readonly words: Int32Array;
  /** The units of its texts. */
  readonly units: Uint16Array;

  /** Throws `TableError` for bytes that are no table, or not one that was written as a whole. */
  constructor(bytes: Uint8Array) {
    if (bytes.length < L.R_HEADER_WORDS * 4) throw new TableError("this is no table of routes of kpc");
    // A copy of its own buffer: slice() of a Buffer of Node.js shares the memory.
    const own = new Uint8Array(bytes);
    const view = new DataView(own.buffer);
    const header = (word: number): number => view.getUint32(word * 4, true);
    if (header(L.R_MAGIC) !== L.ROUTER_MAGIC) throw new TableError("this is no table of routes of kpc");
    if (header(L.R_VERSION) !== L.ROUTER_VERSION)
      throw new TableError(`the table has another layout: expected version ${L.ROUTER_VERSION}`);
    if (header(L.R_LENGTH) !== own.length || own.length % 4 !== 0) throw new TableError("the table is cut off");
    if (header(L.R_CHECKSUM) !== checksumOf(own, (L.R_CHECKSUM + 1) * 4))
      throw new TableError("the table is damaged: its checksum is another one");
    this.words = IS_LITTLE_ENDIAN
      ? new Int32Array(own.buffer)
      : Int32Array.from({ length: own.length / 4 }, (_, i) => view.getInt32(i * 4, true));
    const [unitsAt, unitCount] = [header(L.R_UNITS), header(L.R_UNITS + 1)];
    if (unitsAt * 4 + unitCount * 2 > own.length) throw damaged();
    this.units = IS_LITTLE_ENDIAN
      ? new Uint16Array(own.buffer, unitsAt * 4, unitCount)
      : Uint16Array.from({ length: unitCount }, (_, i) => view.getUint16(unitsAt * 4 + i * 2, true));
    this.checkParts();
    this.checkHosts();
    this.checkNodes();
    this.checkRecords();
  }

  private word(at: number): number {
    return this.words[at] as number;
  }

  /** A number below `count`, or the table is damaged. */
  private check(number: number, count: number): void {
    if (number < 0 || number >= count) throw damaged();
  }

  private checkParts(): void {
    for (const { at, record } of PARTS) {
      const [start, count] = [this.word(at), this.word(at + 1)];
      if (start < L.R_HEADER_WORDS || count < 0 || start + count * record > this.words.length) throw damaged();
    }
    this.check(0, this.count(L.R_HOSTS));
    this.check(0, this.count(L.R_TLS_HOSTS));
    for (const text of [L.R_SOURCE, L.R_LISTENERS]) this.check(this.word(text), this.count(L.R_TEXTS));
  }

  /** How many records a part has. */
  private count(part: number): number {
    return this.word(part + 1);
  }

  private checkHosts(): void {
    const decisions = this.count(L.R_DECISIONS);
    this.each(L.R_HOSTS, L.HOST_WORDS, (at) => {
      this.check(this.word(at + L.HOST_NAME), this.count(L.R_TEXTS));
      this.checkChildren(this.word(at + L.HOST_CHILDREN), this.word(at + L.HOST_CHILDREN_COUNT));
      for (const each of [L.HOST_BELOW, L.HOST_ELSEWHERE, L.HOST_EMPTY]) this.check(this.word(at + each), decisions);
    });
  }

  private checkChildren(first: number, count: number): void {
    if (first < 0 || count < 0 || first + count > this.count(L.R_NODES)) throw damaged();
  }

  /** That a look-up stays in the table. It ends with the path: each node has a unit of it. */
  private checkNodes(): void {
    const decisions = this.count(L.R_DECISIONS);
    this.each(L.R_NODES, L.NODE_WORDS, (at) => {
      const units = this.word(at + L.NODE_UNITS_COUNT);
      if (units < 1) throw damaged();
      this.checkUnits(this.word(at + L.NODE_UNITS), units);
      this.checkChildren(this.word(at + L.NODE_CHILDREN), this.word(at + L.NODE_CHILDREN_COUNT));
      this.check(this.word(at + L.NODE_BELOW), decisions + 1);
      this.check(this.word(at + L.NODE_EXACT), decisions + 1);
    });
  }

  private checkRecords(): void {
    this.each(L.R_DECISIONS, L.DECISION_WORDS, (at) => {
      this.check(this.word(at + L.DECISION_TARGET), this.count(L.R_TARGETS));
      for (const text of [L.DECISION_HOST, L.DECISION_PATH, L.DECISION_FILE])
        this.check(this.word(at + text), this.count(L.R_TEXTS));
    });
    this.each(L.R_TARGETS, L.TARGET_WORDS, (at) => {
      this.check(this.word(at + L.TARGET_TEXT), this.count(L.R_TEXTS));
      const [first, count] = [this.word(at + L.TARGET_ENDPOINTS), this.word(at + L.TARGET_ENDPOINTS_COUNT)];
      if (first < 0 || count < 0 || first + count > this.count(L.R_ENDPOINTS)) throw damaged();
    });
    this.each(L.R_TLS_HOSTS, L.TLS_HOST_WORDS, (at) => {
      for (const text of [L.TLS_HOST_NAME, L.TLS_HOST_CERTIFICATE])
        this.check(this.word(at + text), this.count(L.R_TEXTS));
    });
    this.each(L.R_TEXTS, L.TEXT_WORDS, (at) =>
      this.checkUnits(this.word(at + L.TEXT_AT), this.word(at + L.TEXT_LENGTH)),
    );
  }

  private each(part: number, record: number, check: (at: number) => void): void {
    const start = this.word(part);
    const end = start + this.count(part) * record;
    for (let at = start; at < end; at += record) check(at);
  }

  private checkUnits(at: number, length: number): void {
    if (at < 0 || length < 0 || at + length > this.units.length) throw damaged();
  }

  /** A text by its number. */
  text(number: number): string {
    const at = this.word(L.R_TEXTS) + number * L.TEXT_WORDS;
    const start = this.word(at + L.TEXT_AT);
    const end = start + this.word(at + L.TEXT_LENGTH);
    let text = "";
    // No more arguments at a time than any engine takes.
    for (let i = start; i < end; i += UNITS_AT_ONCE)
      text += String.fromCharCode(...this.units.subarray(i, Math.min(end, i + UNITS_AT_ONCE)));
    return text;
  }
}

const UNITS_AT_ONCE = 4096;

function damaged(): TableError {
  return new TableError("the table is damaged: a part of it points out of it");
}
