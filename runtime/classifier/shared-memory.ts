/** One memory in which several threads have an engine each, and tables that all of them read. */

/** What a thread needs to classify in the memory: to be posted to one worker, which has it for itself. */
export interface SharedPlace {
  readonly memory: WebAssembly.Memory;
  /** The engine, with its own data at this place. */
  readonly module: WebAssembly.Module;
  readonly place: number;
}

//   0         1 MiB            2 MiB + place MiB …   behind the places
//   | nothing | words of below | engines             | tables … |
const MEGABYTE = 2 ** 20;
const CONTROL_AT = MEGABYTE;
const PLACES_AT = 2 * MEGABYTE;
export const PAGE_BYTES = 65536;
/** The engine can be moved below 128 MiB. */
export const MOST_WORKERS = 100;

/** How often a table has been published; the first has number 1. */
const NUMBER = 0;
/** Where the last tables are, and how long: two words each, by the lowest bits of their numbers. */
const TABLES = 16;
const KEPT_TABLES = 8;
/** The number of the table that the engine at each place may be reading; 0: none. */
const READING = 64;

/** A published table. */
export interface PublishedTable {
  readonly number: number;
  readonly at: number;
  readonly length: number;
}

/** The words by which threads agree about tables. */
export class PublishedTables {
  private readonly words: Int32Array;

  constructor(memory: WebAssembly.Memory) {
    this.words = new Int32Array(memory.buffer, CONTROL_AT, READING + MOST_WORKERS + 1);
  }

  /** The number of the table that counts. */
  get number(): number {
    return Atomics.load(this.words, NUMBER);
  }

  /** Lets all go over to a table. One thread does this. */
  publish(at: number, length: number): number {
    const number = this.number + 1;
    const word = TABLES + 2 * (number % KEPT_TABLES);
    Atomics.store(this.words, word, at);
    Atomics.store(this.words, word + 1, length);
    Atomics.store(this.words, NUMBER, number);
    return number;
  }

  /** The table that counts. From here on until the next call for `place`, nobody writes where it is. */
  enter(place: number): PublishedTable {
    while (true) {
      const { number } = this;
      Atomics.store(this.words, READING + place, number);
      const word = TABLES + 2 * (number % KEPT_TABLES);
      const at = Atomics.load(this.words, word) >>> 0;
      const length = Atomics.load(this.words, word + 1) >>> 0;
      // Another one may have been published before it was said that this one is read: then its bytes may be gone.
      if (this.number === number) return { number, at, length };
    }
  }

  /** Whether the table of a number may be read by anybody. */
  isRead(number: number, workers: number): boolean {
    for (let place = 1; place <= workers; place++)
      if (Atomics.load(this.words, READING + place) === number) return true;
    return number === this.number;
  }
}

/** Where tables begin, with this many workers. */
export function tablesAt(workers: number): number {
  return PLACES_AT + (workers + 1) * MEGABYTE;
}

/** `engine` with its data at a place: its list of moves says where it names its data. */
export function engineAt(engine: Uint8Array<ArrayBuffer>, moves: Uint32Array, place: number): Uint8Array<ArrayBuffer> {
  const moved = new Uint8Array(engine);
  for (const at of moves) {
    let value = place * MEGABYTE;
    for (let i = 0; i < 4; i++) value += ((moved[at + i] as number) & 127) * 2 ** (7 * i);
    for (let i = 0; i < 4; i++) moved[at + i] = (Math.floor(value / 2 ** (7 * i)) & 127) | (i < 3 ? 128 : 0);
  }
  return moved;
}
