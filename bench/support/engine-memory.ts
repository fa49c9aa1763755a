/** The engine with one table, in a memory whose places are known: other implementations work on the same bytes. */
import { ALIGNMENT, CHOOSE_FLOW, LOADED, PACKET_BYTES, RESULT_BYTES } from "../../assembly/layout.ts";
import { engineBytes } from "../../runtime/classifier/inline.ts";
import type { EngineExports } from "../../runtime/classifier/matcher.ts";

/** Packets in a burst. */
export const BURST = 4096;
/** Packets come in by an interface that no rule mentions. */
export const INTERFACE_KIND = 1;
/** Longer than any packet says it is. */
const ENDLESS = 0xffffffff;
const PAGE_BYTES = 65536;

/** Everything that classifies a burst: the first packets of `packets`, with results in `results`. */
export interface Implementation {
  readonly name: string;
  readonly classifyMany: (count: number) => void;
}

export class EngineMemory implements Implementation {
  readonly name: string;
  /** The whole memory. */
  readonly bytes: Uint8Array;
  readonly packets: Uint8Array;
  readonly results: Uint32Array;
  readonly packetsAt: number;
  readonly resultsAt: number;
  readonly tableAt: number;
  private readonly exports: EngineExports;

  /** Room for `slots` packets. `engine`: another module than the one that was built. */
  constructor(table: Uint8Array, slots = BURST, engine?: Uint8Array<ArrayBuffer>) {
    this.name = engine === undefined ? "wasm" : "the other engine";
    const module = new WebAssembly.Module(engine ?? engineBytes());
    this.exports = new WebAssembly.Instance(module).exports as unknown as EngineExports;
    const { memory, freeMemory, load } = this.exports;
    this.packetsAt = freeMemory();
    this.resultsAt = this.packetsAt + slots * PACKET_BYTES;
    this.tableAt = Math.ceil((this.resultsAt + slots * RESULT_BYTES) / ALIGNMENT) * ALIGNMENT;
    const missing = this.tableAt + table.length - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
    this.bytes = new Uint8Array(memory.buffer);
    this.bytes.set(table, this.tableAt);
    const problem = load(this.tableAt, table.length);
    if (problem !== LOADED) throw new Error(`the engine does not take the table: ${problem}`);
    this.packets = new Uint8Array(memory.buffer, this.packetsAt, slots * PACKET_BYTES);
    this.results = new Uint32Array(memory.buffer, this.resultsAt, slots * 2);
  }

  classifyMany(count: number): void {
    this.classifySome(0, count);
  }

  /** Classifies `count` packets from slot `first` on. */
  classifySome(first: number, count: number): void {
    this.exports.classifyMany(
      this.packetsAt + first * PACKET_BYTES,
      count,
      INTERFACE_KIND,
      CHOOSE_FLOW,
      0,
      this.resultsAt + first * RESULT_BYTES,
    );
  }

  /** Classifies the packet of a slot by itself. */
  classifyOne(slot: number): void {
    this.exports.classify(
      this.packetsAt + slot * PACKET_BYTES,
      PACKET_BYTES,
      ENDLESS,
      INTERFACE_KIND,
      CHOOSE_FLOW,
      0,
      this.resultsAt + slot * RESULT_BYTES,
    );
  }
}
