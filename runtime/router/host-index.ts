/** Finds the record of a host by a header as it came, without making another text of it. */
import * as L from "../../compiler/formats/router/layout.ts";
import type { RouterTable } from "./table.ts";

/** Records by what their names, or the ends of these, hash to: four numbers for each. */
interface Slots {
  readonly numbers: Int32Array;
  readonly mask: number;
}

// The hash, the record (0: the slot is free), and the units of what is hashed: the first one, and how many.
const SLOT_HASH = 0;
const SLOT_RECORD = 1;
const SLOT_UNITS = 2;
const SLOT_COUNT = 3;
const SLOT_NUMBERS = 4;

export class HostIndex {
  /** The record of all hosts that have none. */
  readonly others: number;
  private readonly units: Uint16Array;
  private readonly names: Slots;
  /** Those with a wildcard, by what follows it. */
  private readonly suffixes: Slots;

  constructor({ words, units }: RouterTable) {
    this.others = words[L.R_HOSTS] as number;
    this.units = units;
    const count = (words[L.R_HOSTS + 1] as number) - 1;
    this.names = slotsFor(count);
    this.suffixes = slotsFor(count);
    for (let i = 1; i <= count; i++) {
      const record = this.others + i * L.HOST_WORDS;
      const text = (words[L.R_TEXTS] as number) + (words[record + L.HOST_NAME] as number) * L.TEXT_WORDS;
      const [at, length] = [words[text + L.TEXT_AT] as number, words[text + L.TEXT_LENGTH] as number];
      this.add(this.names, record, at, length);
      if (length > 1 && units[at] === ASTERISK && units[at + 1] === DOT)
        this.add(this.suffixes, record, at + 1, length - 1);
    }
  }

  /** The record for a Host header, of which port, a dot at the end and the case of letters do not count: that of its name, else that of the wildcard
   *  for its first label, else that of all others, which have addresses in brackets, too. */
  find(header: string): number {
    let hash = HASH_START;
    let before = hash;
    let end = 0;
    for (; end < header.length; end++) {
      const unit = header.charCodeAt(end);
      if (unit === COLON) break;
      before = hash;
      hash = Math.imul(hash ^ lowerCase(unit), HASH_FACTOR);
    }
    if (end > 0 && header.charCodeAt(end - 1) === DOT) {
      end--;
      hash = before;
    }
    if (end === 0 || header.charCodeAt(0) === OPEN_BRACKET) return this.others;
    const precise = this.lookUp(this.names, hash, header, 0, end);
    if (precise !== 0) return precise;
    const dot = header.indexOf(".");
    if (dot < 1 || dot >= end) return this.others;
    hash = HASH_START;
    for (let i = dot; i < end; i++) hash = Math.imul(hash ^ lowerCase(header.charCodeAt(i)), HASH_FACTOR);
    const wildcard = this.lookUp(this.suffixes, hash, header, dot, end);
    return wildcard === 0 ? this.others : wildcard;
  }

  /** The record of units `from` to `end` of `header`, which hash to `hash`; 0: there is none. */
  private lookUp({ numbers, mask }: Slots, hash: number, header: string, from: number, end: number): number {
    for (let slot = spread(hash) & mask; ; slot = (slot + 1) & mask) {
      const at = slot * SLOT_NUMBERS;
      const record = numbers[at + SLOT_RECORD] as number;
      if (record === 0) return 0;
      if (numbers[at + SLOT_HASH] !== hash || numbers[at + SLOT_COUNT] !== end - from) continue;
      const offset = (numbers[at + SLOT_UNITS] as number) - from;
      let i = from;
      while (i < end && lowerCase(header.charCodeAt(i)) === this.units[offset + i]) i++;
      if (i === end) return record;
    }
  }

  private add({ numbers, mask }: Slots, record: number, units: number, count: number): void {
    let hash = HASH_START;
    for (let i = 0; i < count; i++) hash = Math.imul(hash ^ (this.units[units + i] as number), HASH_FACTOR);
    let slot = spread(hash) & mask;
    while (numbers[slot * SLOT_NUMBERS + SLOT_RECORD] !== 0) slot = (slot + 1) & mask;
    const at = slot * SLOT_NUMBERS;
    numbers[at + SLOT_HASH] = hash;
    numbers[at + SLOT_RECORD] = record;
    numbers[at + SLOT_UNITS] = units;
    numbers[at + SLOT_COUNT] = count;
  }
}

/** Free slots, twice as many as there are records at least. */
function slotsFor(records: number): Slots {
  const slots = 2 ** Math.ceil(Math.log2(records * 2 + 2));
  return { numbers: new Int32Array(slots * SLOT_NUMBERS), mask: slots - 1 };
}

/** High bits of a hash count as much as low ones. */
function spread(hash: number): number {
  return hash ^ (hash >>> 15);
}

/** An ASCII letter in lower case; other units stay. */
function lowerCase(unit: number): number {
  return unit >= 65 && unit <= 90 ? unit | 32 : unit;
}

const HASH_START = 0x811c9dc5 | 0;
const HASH_FACTOR = 0x01000193;
const ASTERISK = 42;
const DOT = 46;
const COLON = 58;
const OPEN_BRACKET = 91;
