/**
 * One layout, once, in the network namespace that this process was started in: `unshare -n node test/run.mjs bench/support/load-round.ts TASK`.
 * The namespace and all that was loaded into it go when this process ends. Prints a `LoadRound` as JSON.
 */
import { readFileSync } from "node:fs";
import { type KernelMemory, settledKernelMemory } from "./kernel-memory.ts";
import { measure, type ProcessRun } from "./process.ts";

export interface LoadTask {
  /** Family and name. */
  readonly table: string;
  /** The whole ruleset. */
  readonly file: string;
  /** The transaction that takes one endpoint away. */
  readonly removal: string;
  /** The same when something has to be made for it that then stays. */
  readonly firstRemoval?: string;
  /** What has to follow a removal some time later. */
  readonly cleanup?: string;
  /** The transaction that adds the endpoint again. */
  readonly addition: string;
  /** How often to do both. */
  readonly changes: number;
  /** For each step. */
  readonly limitSeconds: number;
}

export interface LoadRound {
  readonly load: ProcessRun;
  /** That loading took. */
  memory?: KernelMemory;
  list?: ProcessRun;
  firstRemoval?: ProcessRun;
  readonly removals: ProcessRun[];
  readonly cleanups: ProcessRun[];
  readonly additions: ProcessRun[];
  replace?: ProcessRun;
  /** Deleting the table. */
  drop?: ProcessRun;
  /** What was not given back then: how far `memory` can be trusted. */
  leftover?: KernelMemory;
}

const task = JSON.parse(process.argv[2] ?? "{}") as LoadTask;

const nft = (...args: readonly string[]) => measure("nft", args, task.limitSeconds);

const growth = (from: KernelMemory, to: KernelMemory): KernelMemory => ({
  slabMb: to.slabMb - from.slabMb,
  vmallocMb: to.vmallocMb - from.vmallocMb,
});

async function runRound(): Promise<LoadRound> {
  readFileSync(task.file); // the page cache is warm for everybody
  const before = await settledKernelMemory();
  const load = await nft("-f", task.file);
  const round: LoadRound = { load, removals: [], cleanups: [], additions: [] };
  if (load.trouble !== undefined) return round;
  round.memory = growth(before, await settledKernelMemory());
  round.list = await nft("list", "ruleset");
  if (task.firstRemoval !== undefined) {
    round.firstRemoval = await nft("-f", task.firstRemoval);
    await nft("-f", task.addition);
  }
  for (let change = 0; change < task.changes; change++) {
    round.removals.push(await nft("-f", task.removal));
    if (task.cleanup !== undefined) round.cleanups.push(await nft("-f", task.cleanup));
    round.additions.push(await nft("-f", task.addition));
  }
  round.replace = await nft("-f", task.file);
  round.drop = await nft("delete", "table", ...task.table.split(" "));
  if (round.drop.trouble === undefined) round.leftover = growth(before, await settledKernelMemory());
  return round;
}

process.stdout.write(JSON.stringify(await runRound()));
