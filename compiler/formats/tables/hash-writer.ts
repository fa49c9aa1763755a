/** Rows that come and go in a table's perfect hash. A row that finds no place moves those of its bucket. */
import * as L from "../../../assembly/layout.ts";
import { bucketIn, MAX_PILOT, mixOf, slotAt } from "./perfect-hash.ts";
import type { WordWriter } from "./writer.ts";

/** What of a slot goes with its row. */
interface Slot {
  readonly entry: readonly number[];
  readonly about: readonly number[];
}

const ENTRY_WORDS = L.ENTRY_BYTES / 4;
const ABOUT_WORDS = L.ABOUT_BYTES / 4;
const NOTHING = L.KEY_NOTHING >>> 0;
const EMPTY: Slot = { entry: [NOTHING, NOTHING, 0, 0], about: [0, 0, 0] };
const NONE = -1;

export class HashWriter {
  private readonly table: WordWriter;
  private readonly seed: number;
  private readonly bucketMask: number;
  private readonly slotMask: number;
  private readonly pilotsAt: number;
  private readonly entriesAt: number;
  private readonly aboutAt: number;
  /** The first slot of each bucket, and behind each slot the next one of its bucket. */
  private readonly firsts: Int32Array;
  private readonly nexts: Int32Array;

  constructor(table: WordWriter) {
    this.table = table;
    this.seed = table.word(L.H_SEED);
    this.bucketMask = table.word(L.H_BUCKET_MASK);
    this.slotMask = table.word(L.H_SLOT_MASK);
    this.pilotsAt = table.word(L.H_PILOTS);
    this.entriesAt = table.word(L.H_ENTRIES);
    this.aboutAt = table.word(L.H_ABOUT);
    this.firsts = new Int32Array(this.bucketMask + 1).fill(NONE);
    this.nexts = new Int32Array(this.slotMask + 1).fill(NONE);
    for (let slot = 0; slot <= this.slotMask; slot++) {
      const [key0, key1] = this.keyAt(slot);
      if (key1 !== NOTHING || key0 !== NOTHING) this.link(slot, this.bucketOf(key0, key1));
    }
  }

  entryAt(slot: number): number {
    return this.entriesAt + slot * L.ENTRY_BYTES;
  }

  aboutRecord(slot: number): number {
    return this.aboutAt + slot * L.ABOUT_BYTES;
  }

  /** The slot of a key; undefined when there is none. */
  find(key0: number, key1: number): number | undefined {
    const slot = slotAt(mixOf(key0, key1, this.seed), this.pilotOf(this.bucketOf(key0, key1)), this.slotMask);
    const [found0, found1] = this.keyAt(slot);
    return found0 === key0 >>> 0 && found1 === key1 >>> 0 ? slot : undefined;
  }

  /** Adds a row whose key is not there; false: no pilot spreads its bucket over free slots. */
  add(entry: readonly number[], about: readonly number[]): boolean {
    const [key0, key1] = entry as [number, number];
    const bucket = this.bucketOf(key0, key1);
    const mix = mixOf(key0, key1, this.seed);
    const slot = slotAt(mix, this.pilotOf(bucket), this.slotMask);
    if (this.isFree(slot)) {
      this.write(slot, { entry, about });
      this.link(slot, bucket);
      return true;
    }
    const old = this.slotsOf(bucket);
    const rows = [...old.map((each) => this.read(each)), { entry, about }];
    const mixes = rows.map((row) => mixOf(row.entry[0] as number, row.entry[1] as number, this.seed));
    const pilot = this.findPilot(mixes, old);
    if (pilot === undefined) return false;
    for (const each of old) this.write(each, EMPTY);
    this.firsts[bucket] = NONE;
    for (const [i, row] of rows.entries()) {
      const to = slotAt(mixes[i] as number, pilot, this.slotMask);
      this.write(to, row);
      this.link(to, bucket);
    }
    this.table.setHalf(this.pilotsAt + 2 * bucket, pilot);
    return true;
  }

  remove(slot: number): void {
    const bucket = this.bucketOf(...this.keyAt(slot));
    const others = this.slotsOf(bucket).filter((each) => each !== slot);
    this.firsts[bucket] = NONE;
    for (const each of others) this.link(each, bucket);
    this.write(slot, EMPTY);
  }

  /** The first factor that sends all to slots that differ, and are free or of `own`. */
  private findPilot(mixes: readonly number[], own: readonly number[]): number | undefined {
    const taken: number[] = [];
    for (let pilot = 1; pilot <= MAX_PILOT; pilot += 2) {
      taken.length = 0;
      for (const mix of mixes) {
        const slot = slotAt(mix, pilot, this.slotMask);
        if (taken.includes(slot) || !(this.isFree(slot) || own.includes(slot))) break;
        taken.push(slot);
      }
      if (taken.length === mixes.length) return pilot;
    }
    return undefined;
  }

  private bucketOf(key0: number, key1: number): number {
    return bucketIn(key0, key1, this.seed, this.bucketMask);
  }

  private pilotOf(bucket: number): number {
    return this.table.half(this.pilotsAt + 2 * bucket);
  }

  private keyAt(slot: number): [number, number] {
    const at = this.entryAt(slot);
    return [this.table.word(at), this.table.word(at + L.ENTRY_KEY1)];
  }

  private isFree(slot: number): boolean {
    const [key0, key1] = this.keyAt(slot);
    return key0 === NOTHING && key1 === NOTHING;
  }

  private link(slot: number, bucket: number): void {
    this.nexts[slot] = this.firsts[bucket] as number;
    this.firsts[bucket] = slot;
  }

  private slotsOf(bucket: number): number[] {
    const slots: number[] = [];
    for (let slot = this.firsts[bucket] as number; slot !== NONE; slot = this.nexts[slot] as number) slots.push(slot);
    return slots;
  }

  private read(slot: number): Slot {
    const words = (at: number, count: number): number[] =>
      Array.from({ length: count }, (_, i) => this.table.word(at + i * 4));
    return { entry: words(this.entryAt(slot), ENTRY_WORDS), about: words(this.aboutRecord(slot), ABOUT_WORDS) };
  }

  private write(slot: number, { entry, about }: Slot): void {
    for (const [i, word] of entry.entries()) this.table.setWord(this.entryAt(slot) + i * 4, word);
    for (const [i, word] of about.entries()) this.table.setWord(this.aboutRecord(slot) + i * 4, word);
  }
}
