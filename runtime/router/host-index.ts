/** Finds the record of a host by a name as it came, without making another text of it. */

import { bucketOf, HASH_START, hashWith, shiftFor, WILDCARD_BITS } from "../../compiler/formats/router/hash.ts";
import * as L from "../../compiler/formats/router/layout.ts";
import { unitsOfName } from "./check-table.ts";
import type { RouterTable } from "./table.ts";

/** Records with names of hosts, which it reads where they are in the table. */
export class HostIndex {
  /** The record of all names that have none. */
  readonly others: number;
  private readonly words: Int32Array;
  private readonly units: Uint16Array;
  /** Where the name that is looked for stands in lower case. Reading a text again would take longer. */
  private readonly room = new Uint16Array(256);
  private readonly buckets: number;
  private readonly shift: number;

  /** `records` and `buckets` are parts of the table. */
  constructor({ words, units }: RouterTable, records: number, buckets: number) {
    this.words = words;
    this.units = units;
    this.others = words[records] as number;
    this.buckets = words[buckets] as number;
    this.shift = shiftFor((words[buckets + 1] as number) - 1);
  }

  /** The record for a Host header, of which port, a dot at the end and the case of letters do not count: that of its name, else that of the wildcard
   *  for its first label, else that of all others, which have addresses in brackets, too. */
  find(header: string): number {
    const name = this.roomFor(header.length);
    let end = header.length;
    let last = end - 1;
    let hash = HASH_START;
    let [dot, hashFromDot, unit] = [0, 0, 0];
    for (let i = last; i >= 0; i--) {
      unit = header.charCodeAt(i);
      if (unit === COLON) {
        // What was read until now is a port.
        [end, last, hash, dot] = [i, i - 1, HASH_START, 0];
      } else if (unit === DOT && i === last) {
        [end, last] = [i, -1];
      } else {
        unit = lowerCase(unit);
        name[i] = unit;
        hash = hashWith(hash, unit);
        if (unit === DOT) [dot, hashFromDot] = [i, hash];
      }
    }
    return end === 0 || unit === OPEN_BRACKET ? this.others : this.findHashed(name, end, hash, dot, hashFromDot);
  }

  /** The number of a host by a name that is one already but for its case. */
  findName(text: string): number {
    const { length } = text;
    const name = this.roomFor(length);
    let hash = HASH_START;
    let [dot, hashFromDot] = [0, 0];
    for (let i = length - 1; i >= 0; i--) {
      const unit = lowerCase(text.charCodeAt(i));
      name[i] = unit;
      hash = hashWith(hash, unit);
      if (unit === DOT) [dot, hashFromDot] = [i, hash];
    }
    return this.findHashed(name, length, hash, dot, hashFromDot);
  }

  private roomFor(length: number): Uint16Array {
    return length <= this.room.length ? this.room : new Uint16Array(length);
  }

  /** `hash` is that of the units of `name` before `end`, `hashFromDot` that of those from the first dot on; `dot` is 0 where there is none behind the
   *  first unit. */
  private findHashed(name: Uint16Array, end: number, hash: number, dot: number, hashFromDot: number): number {
    const precise = this.lookUp(hash, name, 0, end, 0);
    if (precise !== 0) return precise;
    return (dot === 0 ? 0 : this.lookUp(hashFromDot ^ WILDCARD_BITS, name, dot, end, 1)) || this.others;
  }

  /** The record of units `from` to `end` of `name`, which hash to `hash`; `wildcard`: 1 for that of a wildcard; 0: there is none. */
  private lookUp(hash: number, name: Uint16Array, from: number, end: number, wildcard: number): number {
    const { words, units, others } = this;
    const bucket = this.buckets + bucketOf(hash, this.shift);
    const behind = others + (words[bucket + 1] as number);
    const wanted = (end - from) * 2 + wildcard;
    for (let at = others + (words[bucket] as number); at < behind; ) {
      const length = words[at + L.NAME_LENGTH] as number;
      if (length === wanted && words[at + L.NAME_HASH] === hash) {
        const offset = (at + L.NAME_UNITS) * 2 + wildcard - from;
        let i = from;
        while (i < end && name[i] === units[offset + i]) i++;
        if (i === end) return at;
      }
      at += L.NAME_UNITS + ((unitsOfName(length) + 1) >> 1);
    }
    return 0;
  }
}

/** An ASCII letter in lower case; other units stay. */
function lowerCase(unit: number): number {
  return unit >= 65 && unit <= 90 ? unit | 32 : unit;
}

const DOT = 46;
const COLON = 58;
const OPEN_BRACKET = 91;
