/** What soaks with several workers have in common. */
import { Worker } from "node:worker_threads";

/** Runs `file` in a worker for each of `data`, until all have ended; hears what they report. Throws what one of them throws. */
export async function runWorkers<Report>(
  file: string,
  data: readonly unknown[],
  hear: (report: Report) => void,
): Promise<void> {
  await Promise.all(
    data.map((workerData) => {
      const worker = new Worker(file, { workerData });
      worker.on("message", hear);
      return new Promise<void>((resolve, reject) => {
        worker.on("error", reject);
        worker.on("exit", () => resolve());
      });
    }),
  );
}

/** Seeds of workers lie far apart: those of their clusters do not meet. */
export function seedOf(seed: number, worker: number): number {
  return seed + worker * 104_729;
}

/** How often each thing was seen, in alphabetical order. */
export function listCounts(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, number]) => `  ${String(number).padStart(9)}  ${name}\n`)
    .join("");
}

/** Says how far a soak has come, when it is called, but no more often than every half minute. */
export function sayNowAndThen(howFar: () => string): () => void {
  let said = performance.now();
  return () => {
    if (performance.now() - said < 30_000) return;
    said = performance.now();
    process.stderr.write(`${howFar()}\n`);
  };
}
