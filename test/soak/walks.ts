/**
 * Walks held against the kernel: random clusters with something out of order are made of network namespaces, and random flows in them.
 *
 *   npm run soak:walks -- [--pairs 10000] [--minutes 10] [--seed N] [--jobs 6] [--flows 30] [--updates 1000]
 *
 * A pair is a cluster and a flow. The first packet and the first answer must pass the hosts and interfaces of the predicted walk, in its
 * directions, with its addresses, ports and times to live, and end as predicted. The soak ends with the first of both bounds. `--jobs N`:
 * labs that stand at the same time; most of their time goes into waiting for answers that do not come.
 *
 * Before that, `--updates` times the rules of all nodes of a small cluster are replaced while its pods talk: no packet may be left
 * untranslated, and no connection lost.
 *
 * Needs what kernel tests need. Exit code 1 when anything disagrees: the cluster, the flow and the difference are printed.
 */
import { parseArgs } from "node:util";
import { kernelMissing } from "../support/kernel.ts";
import { updateUnderLoad } from "../support/lab-updates.ts";
import { type WrongWalk, wrongWalks } from "../support/lab-walks.ts";

const { values } = parseArgs({
  options: {
    pairs: { type: "string", default: "10000" },
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    jobs: { type: "string", default: "6" },
    flows: { type: "string", default: "30" },
    updates: { type: "string", default: "1000" },
  },
});
if (kernelMissing !== undefined) process.exit(1);

const FLOWS = Number(values.flows);
const clusters = Math.ceil(Number(values.pairs) / FLOWS);
const first = Number(values.seed);
const wrong: WrongWalk[] = [];
let begun = 0;
let done = 0;

async function work(): Promise<void> {
  while (begun < clusters && performance.now() < end) {
    const seed = first + begun++;
    for (const each of await wrongWalks(seed, FLOWS)) {
      wrong.push(each);
      console.log(`WRONG: seed ${each.seed}: ${each.mutated}\n    ${each.flow}\n    ${each.what}`);
    }
    done += FLOWS;
  }
}

const updates = Number(values.updates);
let areUpdatesFine = true;
if (updates > 0) {
  const { served, lost, untranslated, lines, connection } = await updateUnderLoad(updates);
  areUpdatesFine = lost === 0 && untranslated.length === 0 && connection === "open";
  console.log(
    `${updates} updates of all nodes: ${served} connections served, ${lost} lost, ${untranslated.length} addresses untranslated, ` +
      `${lines} lines over one connection, which is ${connection} in the end`,
  );
}

const end = performance.now() + Number(values.minutes) * 60_000;
const start = performance.now();
await Promise.all(Array.from({ length: Number(values.jobs) }, work));
const seconds = (performance.now() - start) / 1000;
console.log(
  `${done} pairs of ${begun} clusters from seed ${first}: ${wrong.length} disagree ` +
    `(${seconds.toFixed(0)} s, ${(done / seconds).toFixed(1)} pairs a second)`,
);
process.exitCode = wrong.length === 0 && areUpdatesFine ? 0 : 1;
