/** Kernel memory of the whole machine, from /proc/meminfo: nothing accounts for one network namespace alone. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** In 10^6 bytes. */
export interface KernelMemory {
  readonly slabMb: number;
  readonly vmallocMb: number;
}

const SAMPLE_MS = 500;
const STEADY_SAMPLES = 5;
const STEADY_MB = 0.25;
const GIVE_UP_MS = 60_000;

/** The memory once it has come to rest: freed objects go through RCU and work queues, and dirty pages hold slab too. At
 *  rest means five samples, half a second apart, within 0.25 MB; after a minute the last sample counts. */
export async function settledKernelMemory(): Promise<KernelMemory> {
  execFileSync("sync");
  const samples = [readKernelMemory()];
  for (let waited = 0; waited < GIVE_UP_MS; waited += SAMPLE_MS) {
    await sleep(SAMPLE_MS);
    samples.push(readKernelMemory());
    const last = samples.slice(-STEADY_SAMPLES).map(({ slabMb, vmallocMb }) => slabMb + vmallocMb);
    if (last.length === STEADY_SAMPLES && Math.max(...last) - Math.min(...last) <= STEADY_MB) break;
  }
  return samples.at(-1) as KernelMemory;
}

function readKernelMemory(): KernelMemory {
  const text = readFileSync("/proc/meminfo", "utf8");
  const read = (name: string) => (Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1]) * 1024) / 1e6;
  return { slabMb: read("SReclaimable") + read("SUnreclaim"), vmallocMb: read("VmallocUsed") };
}
