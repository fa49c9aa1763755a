/** The engine with room for a batch of packets; in a memory of its own with room for two tables, one of them in use. */
import {
  CORRUPTED,
  LAYOUT_VERSION,
  LOADED,
  NOT_A_TABLE,
  OTHER_VERSION,
  OUT_OF_BOUNDS,
  PACKET_BYTES,
  RESULT_BYTES,
  TRUNCATED,
} from "../../assembly/layout.ts";
import type { PatchRun } from "../../compiler/formats/tables/patch.ts";
import { TableError } from "../table-error.ts";

/** What the engine's module exports (assembly/index.ts). */
export interface EngineExports {
  readonly memory: WebAssembly.Memory;
  readonly layoutVersion: () => number;
  readonly freeMemory: () => number;
  readonly load: (at: number, given: number) => number;
  readonly tableInUse: () => number;
  readonly adopt: (at: number) => void;
  readonly classify: (
    packet: number,
    given: number,
    length: number,
    interfaceClass: number,
    how: number,
    random: number,
    result: number,
  ) => number;
  readonly lastCode: () => number;
  readonly lastChoices: () => number;
  readonly lastFirstChoice: () => number;
  readonly classifyMany: (
    packets: number,
    count: number,
    interfaceClass: number,
    how: number,
    randoms: number,
    results: number,
  ) => number;
}

/** Packets that one call takes. */
export const BATCH = 4096;
/** Bytes of one packet that are looked at: an IPv6 packet has its ports behind its extension headers. */
const SINGLE_BYTES = 2048;

const PROBLEMS: Readonly<Record<number, string>> = {
  [NOT_A_TABLE]: "this is no table of kpc",
  [OTHER_VERSION]: `the table has another layout: expected version ${LAYOUT_VERSION}`,
  [TRUNCATED]: "the table is cut off",
  [CORRUPTED]: "the table is damaged: its checksum is another one",
  [OUT_OF_BOUNDS]: "the table is damaged: a part of it points out of it",
};

/** Where a packet came in, and how its endpoint is chosen: numbers as the engine takes them. */
export interface Circumstances {
  readonly interfaceClass: number;
  readonly how: number;
}

/** A packet's result as the engine gives it, with what it knows besides. */
export interface RawResult {
  readonly word: number;
  readonly endpoint: number;
  readonly code: number;
  /** How many endpoints there were to choose from, and the number of the first. */
  readonly choices: number;
  readonly firstChoice: number;
}

/** Bytes that an instance has for packets, results and random numbers. */
const BATCH_BYTES = BATCH * (PACKET_BYTES + RESULT_BYTES + 4);

/** An instance of the engine that has a table, or gets one. */
export class EngineInstance {
  protected readonly exports: EngineExports;
  private readonly packetsAt: number;
  private readonly resultsAt: number;
  private readonly randomsAt: number;

  /** `memory`: the one that the module imports. Throws `TableError` when the module is another engine. */
  constructor(module: WebAssembly.Module, memory?: WebAssembly.Memory) {
    const imports = memory === undefined ? {} : { env: { memory } };
    this.exports = new WebAssembly.Instance(module, imports).exports as unknown as EngineExports;
    if (this.exports.layoutVersion() !== LAYOUT_VERSION)
      throw new TableError(`the engine reads another layout: expected version ${LAYOUT_VERSION}`);
    this.packetsAt = this.exports.freeMemory();
    this.resultsAt = this.packetsAt + BATCH * PACKET_BYTES;
    this.randomsAt = this.resultsAt + BATCH * RESULT_BYTES;
  }

  /** Where the engine's own data ends. */
  get freeMemory(): number {
    return this.packetsAt;
  }

  /** Where nothing is any more. */
  get end(): number {
    return this.packetsAt + BATCH_BYTES;
  }

  /** Checks the table of `length` bytes at `at` in its memory, and takes it into use. Throws `TableError` when it is none. */
  check(at: number, length: number): void {
    const problem = this.exports.load(at, length);
    if (problem !== LOADED) throw new TableError(PROBLEMS[problem] ?? `error ${problem}`);
  }

  /** Takes a table into use that another instance has checked in the same memory. */
  adopt(at: number): void {
    this.exports.adopt(at);
  }

  /** Classifies one packet. */
  classify(packet: Uint8Array, { interfaceClass, how }: Circumstances, random: number): RawResult {
    const { memory, classify, lastCode, lastChoices, lastFirstChoice } = this.exports;
    const given = Math.min(packet.length, SINGLE_BYTES);
    new Uint8Array(memory.buffer).set(packet.subarray(0, given), this.packetsAt);
    const word = classify(this.packetsAt, given, packet.length, interfaceClass, how, random, this.resultsAt) >>> 0;
    const endpoint = new DataView(memory.buffer).getInt32(this.resultsAt + 4, true);
    return { word, endpoint, code: lastCode() >>> 0, choices: lastChoices(), firstChoice: lastFirstChoice() };
  }

  /** Where packets of the next batch go: slots of 64 bytes. The view is good until a table is loaded. */
  get packets(): Uint8Array {
    return new Uint8Array(this.exports.memory.buffer, this.packetsAt, BATCH * PACKET_BYTES);
  }

  /** A random number for each packet of the next batch, for choices by chance. */
  get randoms(): Uint32Array {
    return new Uint32Array(this.exports.memory.buffer, this.randomsAt, BATCH);
  }

  /** Classifies the first `count` slots. Gives two words for each, good until the next call. */
  classifyMany(count: number, { interfaceClass, how }: Circumstances): Uint32Array {
    const { memory, classifyMany } = this.exports;
    classifyMany(this.packetsAt, Math.min(count, BATCH), interfaceClass, how, this.randomsAt, this.resultsAt);
    return new Uint32Array(memory.buffer, this.resultsAt, Math.min(count, BATCH) * 2);
  }

  /** Classifies the first `count` slots one packet after the other: what `classifyMany` is held against. */
  classifyEach(count: number, { interfaceClass, how }: Circumstances): Uint32Array {
    const { memory, classify } = this.exports;
    for (let i = 0; i < count; i++) {
      const [packet, result] = [this.packetsAt + i * PACKET_BYTES, this.resultsAt + i * RESULT_BYTES];
      classify(packet, PACKET_BYTES, ENDLESS, interfaceClass, how, 0, result);
    }
    return new Uint32Array(memory.buffer, this.resultsAt, count * 2);
  }
}

/** The engine in a memory of its own. */
export class Matcher extends EngineInstance {
  private inUse: { readonly at: number; readonly end: number } | undefined;

  /** Takes a table into use; the one before stays in use until then, and when this throws `TableError`. */
  load(table: Uint8Array): void {
    const at = this.placeFor(table.length);
    const { memory } = this.exports;
    const missing = at + table.length - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
    new Uint8Array(memory.buffer).set(table, at);
    this.check(at, table.length);
    this.inUse = { at, end: at + table.length };
  }

  /** Changes words of the table in use. */
  patch(runs: readonly PatchRun[]): void {
    const memory = new Uint8Array(this.exports.memory.buffer);
    for (const { at, bytes } of runs) memory.set(bytes, (this.inUse?.at ?? 0) + at);
  }

  /** Room beside the table in use. */
  private placeFor(bytes: number): number {
    if (this.inUse === undefined || this.end + bytes <= this.inUse.at) return this.end;
    return Math.ceil(this.inUse.end / ALIGNMENT) * ALIGNMENT;
  }
}

/** Longer than any packet says it is. */
const ENDLESS = 0xffffffff;
const PAGE_BYTES = 65536;
const ALIGNMENT = 64;
