/** A table that several threads classify by, and that is replaced while they do. */
import { H_CHECKSUM } from "../../assembly/layout.ts";
import { checkBytes, checkOptions, type OptionKind } from "../../compiler/arguments.ts";
import { type PatchRun, readPatch } from "../../compiler/formats/tables/patch.ts";
import { TableView } from "../../compiler/formats/tables/view.ts";
import { TableError } from "../table-error.ts";
import { type EngineInput, loadEngineBytes } from "./load-engine.ts";
import { EngineInstance } from "./matcher.ts";
import { engineAt, MOST_WORKERS, PAGE_BYTES, PublishedTables, type SharedPlace, tablesAt } from "./shared-memory.ts";

export interface ShareOptions {
  /** How many threads may join: 1 to 100. Default: 4. */
  readonly workers?: number;
  /** Bytes of the largest table that may come. Default: twice those of the first, and 1 MiB. */
  readonly room?: number;
  /** The engine, classifier-shared.wasm of this package, where it is not to be found beside this module: a URL, a response to `fetch`,
   *  its bytes, or a promise of one of them. */
  readonly module?: EngineInput | Promise<EngineInput>;
}

const OPTIONS = { workers: "count", room: "count", module: "any" } as const satisfies Readonly<
  Record<keyof ShareOptions, OptionKind>
>;

/** Puts a table into memory that threads share. Where browsers do not let pages share memory, this throws. Throws `TableError` when
 *  `table` is none, `RangeError` for numbers out of range, and `TypeError` for other wrong arguments. */
export async function shareTable(table: Uint8Array, options: ShareOptions = {}): Promise<SharedTable> {
  checkBytes(table, "table");
  checkOptions(options, OPTIONS);
  const { workers = 4, room = 2 * table.length + 2 ** 20, module = ENGINE } = options;
  if (!Number.isInteger(workers) || workers < 1 || workers > MOST_WORKERS)
    throw new RangeError(`options.workers: expected 1 to ${MOST_WORKERS}, found ${workers}`);
  return new SharedTable(await loadEngineBytes(await module), table, workers, room);
}

const ENGINE = new URL("../../assembly/classifier-shared.wasm", import.meta.url);

/** Where a table may be. */
interface Region {
  readonly at: number;
  /** The number of the table that was published from it; 0: none. */
  number: number;
  /** How many of `patches` are in it; undefined: it has another table. */
  patched: number | undefined;
}

export class SharedTable {
  private readonly memory: WebAssembly.Memory;
  private readonly published: PublishedTables;
  private readonly checking: EngineInstance;
  private readonly engine: Uint8Array<ArrayBuffer>;
  private readonly moves: Uint32Array;
  private readonly workers: number;
  private readonly room: number;
  /** One more than can be in use at once. */
  private readonly regions: readonly Region[];
  /** The table that counts, and what was changed since it was replaced as a whole. */
  private table: Uint8Array = new Uint8Array();
  private patches: (readonly PatchRun[])[] = [];
  private places = 0;

  constructor(engine: Uint8Array, table: Uint8Array, workers: number, room: number) {
    this.workers = workers;
    this.room = Math.ceil(Math.max(room, table.length) / PAGE_BYTES) * PAGE_BYTES;
    const from = tablesAt(workers);
    this.regions = Array.from({ length: workers + 2 }, (_, i) => ({
      at: from + i * this.room,
      number: 0,
      patched: undefined,
    }));
    const pages = Math.max(LEAST_PAGES, (from + this.regions.length * this.room) / PAGE_BYTES);
    if (pages > MOST_PAGES)
      throw new RangeError(`options.room: ${workers + 2} tables of ${room} bytes are more than 4 GiB`);
    // Pages that nobody writes to take no memory.
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.published = new PublishedTables(this.memory);
    this.engine = new Uint8Array(engine);
    const [moves] = WebAssembly.Module.customSections(new WebAssembly.Module(this.engine), "moves");
    if (moves === undefined)
      throw new TypeError("options.module: expected classifier-shared.wasm, found another engine");
    this.moves = new Uint32Array(moves);
    this.checking = new EngineInstance(this.moduleAt(0), this.memory);
    this.replace(table);
  }

  /** A place for one thread. Throws `RangeError` when all have been given away. */
  place(): SharedPlace {
    if (this.places === this.workers)
      throw new RangeError(`options.workers: there are places for ${this.workers} threads`);
    this.places++;
    return { memory: this.memory, module: this.moduleAt(this.places), place: this.places };
  }

  /** Lets all threads go over to another table with their next call. Throws `TableError` when it is none; then the one before stays. */
  replace(table: Uint8Array): void {
    checkBytes(table, "table");
    if (table.length > this.room)
      throw new RangeError(`options.room: the table has ${table.length} bytes, there is room for ${this.room}`);
    const region = this.freeRegion();
    this.write(region, table);
    this.checking.check(region.at, table.length);
    this.table = new Uint8Array(table);
    this.patches = [];
    for (const each of this.regions) each.patched = undefined;
    region.patched = 0;
    region.number = this.published.publish(region.at, table.length);
  }

  /** The same with a patch of `FollowedTable`; all its patches have to be given, in their order. Throws `TableError` when it is none,
   *  or one for another table; then nothing has changed. */
  patch(patch: Uint8Array): void {
    checkBytes(patch, "patch");
    const read = readPatch(patch, this.table.length);
    if (typeof read === "string") throw new TableError(read);
    if (read.from !== new TableView(this.table).word(H_CHECKSUM))
      throw new TableError("the patch is for another table: a patch is missing, or out of order");
    for (const { at, bytes } of read.runs) this.table.set(bytes, at);
    this.patches.push(read.runs);
    const region = this.freeRegion();
    const missing = region.patched === undefined ? undefined : this.patches.slice(region.patched);
    if (missing === undefined || missing.length > MOST_PATCHES) this.write(region, this.table);
    else {
      const bytes = new Uint8Array(this.memory.buffer, region.at, this.table.length);
      for (const runs of missing) for (const run of runs) bytes.set(run.bytes, run.at);
    }
    region.patched = this.patches.length;
    region.number = this.published.publish(region.at, this.table.length);
    if (this.patches.length >= 4 * MOST_PATCHES) this.forgetPatches();
  }

  /** Then only regions that have all of them can be patched. */
  private forgetPatches(): void {
    for (const region of this.regions) region.patched = region.patched === this.patches.length ? 0 : undefined;
    this.patches = [];
  }

  private write(region: Region, table: Uint8Array): void {
    region.patched = undefined;
    new Uint8Array(this.memory.buffer, region.at, table.length).set(table);
  }

  /** A region that nobody reads. There is one more than threads, and one for the table that counts: if all seem to be read, a thread has
   *  gone from one to another meanwhile. */
  private freeRegion(): Region {
    while (true) {
      const region = this.regions.find(({ number }) => number === 0 || !this.published.isRead(number, this.workers));
      if (region !== undefined) return region;
    }
  }

  private moduleAt(place: number): WebAssembly.Module {
    return new WebAssembly.Module(engineAt(this.engine, this.moves, place));
  }
}

/** What the engine's module asks for. */
const LEAST_PAGES = 96;
const MOST_PAGES = 65536;
/** Of more patches a copy of the table is cheaper. */
const MOST_PATCHES = 256;
