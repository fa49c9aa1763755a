// @ts-check
/**
 * One layout, once, in the network namespace that this process was started in: `unshare -n node load-round.mjs TASK`.
 * The namespace and all that was loaded into it go when this process ends. Prints a `Round` as JSON.
 */
import { readFileSync } from "node:fs";
import { settledKernelMemory } from "./kernel-memory.mjs";
import { measure } from "./process.mjs";

/**
 * @typedef {import("./process.mjs").Run} Run
 * @typedef {import("./kernel-memory.mjs").KernelMemory} KernelMemory
 *
 * @typedef {object} Task
 * @property {string} table Family and name.
 * @property {string} file The whole ruleset.
 * @property {string} removal The transaction that takes one endpoint away.
 * @property {string} [firstRemoval] The same when something has to be made for it that then stays.
 * @property {string} [cleanup] What has to follow a removal some time later.
 * @property {string} addition The transaction that adds the endpoint again.
 * @property {number} changes How often to do both.
 * @property {number} limitSeconds For each step.
 *
 * @typedef {object} Round
 * @property {Run} load
 * @property {KernelMemory} [memory] That loading took.
 * @property {Run} [list]
 * @property {Run} [firstRemoval]
 * @property {Run[]} removals
 * @property {Run[]} cleanups
 * @property {Run[]} additions
 * @property {Run} [replace]
 * @property {Run} [drop] Deleting the table.
 * @property {KernelMemory} [leftover] What was not given back then: how far `memory` can be trusted.
 */

const task = /** @type {Task} */ (JSON.parse(process.argv[2] ?? "{}"));

/** @param {readonly string[]} args */
const nft = (...args) => measure("nft", args, task.limitSeconds);

/** @param {KernelMemory} from
 *  @param {KernelMemory} to
 *  @returns {KernelMemory} */
const growth = (from, to) => ({ slabMb: to.slabMb - from.slabMb, vmallocMb: to.vmallocMb - from.vmallocMb });

/** @returns {Promise<Round>} */
async function runRound() {
  readFileSync(task.file); // the page cache is warm for everybody
  const before = await settledKernelMemory();
  const load = await nft("-f", task.file);
  /** @type {Round} */
  const round = { load, removals: [], cleanups: [], additions: [] };
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
