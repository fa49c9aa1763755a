/** Packets arrive in bursts that nobody has seen: what is repeated is learnt by branch predictors, and stays in caches. */
import { PACKET_BYTES } from "../../assembly/layout.ts";
import { BURST, type EngineMemory, type Implementation } from "./engine-memory.ts";

const BURST_BYTES = BURST * PACKET_BYTES;
const WARM_UP_BURSTS = 8;
const SLICE_BURSTS = 16;
const SLICES = 3;

export class Bursts {
  private readonly memory: EngineMemory;
  private readonly pool: Uint8Array;
  private at = 0;

  constructor(memory: EngineMemory, pool: Uint8Array) {
    this.memory = memory;
    this.pool = pool;
  }

  /** Copies the next burst to where packets are classified. */
  private arrive(): void {
    this.memory.packets.set(this.pool.subarray(this.at, this.at + BURST_BYTES));
    this.at = (this.at + BURST_BYTES) % this.pool.length;
  }

  /** Nanoseconds for a packet: of a few slices the fastest one, because what disturbs a measurement makes it slower. */
  measure(classify: (count: number) => void): number {
    for (let i = 0; i < WARM_UP_BURSTS; i++) {
      this.arrive();
      classify(BURST);
    }
    let least = Number.POSITIVE_INFINITY;
    for (let slice = 0; slice < SLICES; slice++) {
      let milliseconds = 0;
      for (let i = 0; i < SLICE_BURSTS; i++) {
        this.arrive();
        const start = performance.now();
        classify(BURST);
        milliseconds += performance.now() - start;
      }
      least = Math.min(least, (milliseconds * 1e6) / (SLICE_BURSTS * BURST));
    }
    return least;
  }

  /** Throws unless the results of all are those of the first, for every packet of the pool. */
  compare([first, ...others]: readonly [Implementation, ...Implementation[]]): void {
    const { results, packets } = this.memory;
    for (let burst = 0; burst < this.pool.length; burst += BURST_BYTES) {
      this.arrive();
      first.classifyMany(BURST);
      const wanted = results.slice();
      for (const other of others) {
        results.fill(0x55555555);
        other.classifyMany(BURST);
        const wrong = wanted.findIndex((word, i) => results[i] !== word);
        if (wrong < 0) continue;
        const slot = wrong >> 1;
        const hex = (words: Uint32Array): string =>
          [...words.subarray(slot * 2, slot * 2 + 2)].map((word) => word.toString(16)).join(" ");
        const packet = Buffer.from(packets.subarray(slot * PACKET_BYTES, (slot + 1) * PACKET_BYTES)).toString("hex");
        throw new Error(`${packet}: ${first.name} ${hex(wanted)}, ${other.name} ${hex(results)}`);
      }
    }
  }
}
