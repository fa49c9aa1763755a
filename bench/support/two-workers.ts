/** What a second worker adds: each has the engine in a memory of its own, with the same table. */
import { parentPort, Worker } from "node:worker_threads";
import { BURST, EngineMemory } from "./engine-memory.ts";

/** Slots that a worker goes over again and again: packets, results and a table of 1,000 Services stay in its caches. */
const SLOTS = 4 * BURST;
const WINDOW_MILLISECONDS = 12;
const WINDOWS = 80;

/** What a worker is started with. */
export interface WorkerTask {
  readonly table: Uint8Array;
  /** At least SLOTS packets. */
  readonly packets: Uint8Array;
}

export interface WorkerFigures {
  /** Million packets a second. */
  readonly one: number;
  readonly two: number;
  readonly ratio: number;
}

/** The worker's side: for each number that it is sent it classifies for a while, and answers how many packets it was. */
export function work({ table, packets }: WorkerTask): void {
  const memory = new EngineMemory(table, SLOTS);
  memory.packets.set(packets.subarray(0, memory.packets.length));
  let slot = 0;
  parentPort?.on("message", (milliseconds: number) => {
    const end = performance.now() + milliseconds;
    let count = 0;
    const start = performance.now();
    let now = start;
    for (; now < end; now = performance.now()) {
      memory.classifySome(slot, BURST);
      slot = (slot + BURST) % SLOTS;
      count += BURST;
    }
    parentPort?.postMessage(count / (now - start) / 1000);
  });
}

/** Windows of one worker and of both take turns. Of the rates of all windows nine in ten are lower: what disturbs a window
 *  makes it slower. `file` calls `work` as a worker. */
export async function measureWorkers(file: string, task: WorkerTask): Promise<WorkerFigures> {
  const workers = [0, 1].map(() => new Worker(file, { workerData: task }));
  const rate = (worker: Worker, milliseconds: number): Promise<number> =>
    new Promise((resolve) => {
      worker.once("message", resolve);
      worker.postMessage(milliseconds);
    });
  const [first, second] = workers as [Worker, Worker];
  for (const worker of workers) await rate(worker, 100);
  const one: number[] = [];
  const two: number[] = [];
  for (let window = 0; window < WINDOWS; window++) {
    one.push(await rate(window % 2 === 0 ? first : second, WINDOW_MILLISECONDS));
    const both = await Promise.all(workers.map((worker) => rate(worker, WINDOW_MILLISECONDS)));
    two.push(both.reduce((sum, each) => sum + each, 0));
  }
  for (const worker of workers) await worker.terminate();
  const high = (rates: readonly number[]): number =>
    rates.toSorted((a, b) => a - b)[Math.floor(rates.length * 0.9)] ?? 0;
  return { one: high(one), two: high(two), ratio: high(two) / high(one) };
}
