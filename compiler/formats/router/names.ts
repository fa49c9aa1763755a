/** Records with the names of hosts, which are found by a hash of the name. */
import { bucketOf, HASH_START, hashWith, shiftFor, WILDCARD_BITS } from "./hash.ts";
import { NAME_HASH, NAME_LENGTH, NAME_UNITS } from "./layout.ts";
import { WordList } from "./words.ts";

/** Whether a name is a wildcard for one label. */
function isWildcard(name: string): boolean {
  return name.length > 1 && name.startsWith("*.");
}

/** Records and their buckets, as the table has them. */
export interface SortedRecords {
  readonly records: Uint32Array;
  readonly buckets: Uint32Array;
}

/** Records that begin with a name. */
export class NameList {
  private readonly words = new WordList();
  /** Where each record begins. */
  private readonly starts: number[] = [];

  /** Adds the record of a name that is not there yet, with its two words; the first record is for all other names, and its name is empty. */
  add(name: string, first: number, second: number): void {
    const { words } = this;
    const wildcard = isWildcard(name) ? 1 : 0;
    const { length } = name;
    const at = words.reserve(NAME_UNITS + ((length + 1) >> 1));
    let hash = HASH_START;
    for (let i = length - 1; i >= wildcard; i--) hash = hashWith(hash, name.charCodeAt(i));
    words.set(at + NAME_HASH, hash ^ (wildcard * WILDCARD_BITS));
    words.set(at + NAME_LENGTH, (length - wildcard) * 2 + wildcard);
    words.set(at + NAME_LENGTH + 1, first);
    words.set(at + NAME_LENGTH + 2, second);
    for (let i = 0; i < length; i++) words.setUnit(at + NAME_UNITS, i, name.charCodeAt(i));
    this.starts.push(at);
  }

  /** All records, sorted by their buckets, of which there are at least as many; those of one bucket stay in their order. */
  sorted(): SortedRecords {
    const { starts } = this;
    const from = this.words.view();
    const count = starts.length;
    const size = 2 ** Math.max(1, Math.ceil(Math.log2(count)));
    const shift = shiftFor(size);
    const buckets = new Uint32Array(size + 1);
    const endOf = (record: number): number => (record + 1 < count ? (starts[record + 1] as number) : from.length);
    for (let i = 1; i < count; i++) {
      const at = starts[i] as number;
      const next = bucketOf(from[at + NAME_HASH] as number, shift) + 1;
      buckets[next] = (buckets[next] as number) + endOf(i) - at;
    }
    buckets[0] = endOf(0);
    for (let i = 1; i <= size; i++) buckets[i] = (buckets[i] as number) + (buckets[i - 1] as number);
    const records = new Uint32Array(from.length);
    records.set(from.subarray(0, endOf(0)));
    const free = buckets.slice();
    for (let i = 1; i < count; i++) {
      const [at, end] = [starts[i] as number, endOf(i)];
      const bucket = bucketOf(from[at + NAME_HASH] as number, shift);
      const to = free[bucket] as number;
      free[bucket] = to + end - at;
      for (let word = at; word < end; word++) records[to + word - at] = from[word] as number;
    }
    return { records, buckets };
  }
}
