/**
 * The reference held against the kernel, for as long as one likes: random clusters, every text, packets by the thousand.
 *
 *   npm run soak -- [--packets 200000] [--updates 0] [--seed N] [--step 25] [--workers 2]
 *
 * A packet counts once, however many judges it goes before. Each cluster gets packets to all that its Services claim and
 * to the neighbours, and every `--step`th of some 12,000 packets that could mean something to any cluster. With
 * `--updates`, rules are replaced so often in all under a flood of new connections, each of which has to be translated.
 *
 * Needs what kernel tests need. Exit code 1 when anything disagrees: the cluster and its packets are printed.
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import fc from "fast-check";
import { MODES } from "../../compiler/node/settings.ts";
import { type ClusterInput, cluster } from "../support/arbitraries.ts";
import { mustCompile } from "../support/compile.ts";
import {
  type Disagreement,
  findDisagreements,
  JUDGES,
  judgedFor,
  openTestNode,
  predictAll,
} from "../support/differential.ts";
import { featuresOf } from "../support/features.ts";
import { packetsAtServices, packetsFor } from "../support/packets.ts";
import { listCounts, runWorkers, sayNowAndThen, seedOf } from "../support/soak-workers.ts";
import { floodThroughUpdates, versions } from "../support/updates.ts";

interface Options {
  readonly packets: number;
  readonly seed: number;
  readonly step: number;
}

/** What a worker has to say of one cluster. */
interface Report {
  readonly packets: number;
  readonly probes: number;
  readonly features: readonly string[];
  readonly verdicts: readonly string[];
  readonly failure?: { readonly cluster: ClusterInput; readonly disagreements: readonly Disagreement[] };
}

// --- a worker ------------------------------------------------------------------------------------------------------------

/** Clusters that are made from one seed. */
const CHUNK = 50;

async function work({ packets, seed, step }: Options): Promise<void> {
  const prober = await openTestNode();
  let judged = 0;
  for (let chunk = 0; judged < packets; chunk++) {
    for (const world of fc.sample(cluster, { seed: (seed + chunk * 7919) | 0, numRuns: CHUNK })) {
      if (judged >= packets) break;
      const before = prober.sent;
      const predictions = predictAll(world, [...packetsAtServices(world), ...packetsFor(world, judged % step, step)]);
      const { program } = mustCompile(world);
      const disagreements: Disagreement[] = [];
      for (const judge of JUDGES)
        disagreements.push(...(await findDisagreements(prober, judge, judgedFor(judge, program), predictions)));
      judged += predictions.length;
      const report: Report = {
        packets: predictions.length,
        probes: prober.sent - before,
        features: featuresOf(world),
        verdicts: predictions.map(({ outcome }) => outcome.verdict),
        ...(disagreements.length === 0 ? {} : { failure: { cluster: world, disagreements } }),
      };
      parentPort?.postMessage(report);
    }
  }
  await prober.close();
}

// --- all together --------------------------------------------------------------------------------------------------------

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      packets: { type: "string", default: "200000" },
      seed: { type: "string", default: String(Date.now() % 2 ** 31) },
      step: { type: "string", default: "25" },
      updates: { type: "string", default: "0" },
      workers: { type: "string", default: String(availableParallelism()) },
    },
  });
  const workers = Number(values.workers);
  const seed = Number(values.seed);
  const total = { clusters: 0, packets: 0, probes: 0, failures: 0 };
  const features = new Map<string, number>();
  const verdicts = new Map<string, number>();
  const count = (into: Map<string, number>, keys: readonly string[]): void => {
    for (const key of keys) into.set(key, (into.get(key) ?? 0) + 1);
  };
  const start = performance.now();
  const say = sayNowAndThen(
    () => `${total.clusters} clusters, ${total.packets} packets, ${total.failures} disagreements`,
  );
  const hear = ({ packets, probes, failure, ...found }: Report): void => {
    total.clusters++;
    total.packets += packets;
    total.probes += probes;
    count(features, found.features);
    count(verdicts, found.verdicts);
    if (failure !== undefined) {
      total.failures += failure.disagreements.length;
      process.stdout.write(`${JSON.stringify(failure)}\n`);
    }
    say();
  };
  process.stderr.write(`seed ${seed}, ${workers} workers\n`);
  const options = Array.from(
    { length: workers },
    (_, index): Options => ({
      packets: Math.ceil(Number(values.packets) / workers),
      seed: seedOf(seed, index),
      step: Number(values.step),
    }),
  );
  await runWorkers(fileURLToPath(import.meta.url), options, hear);
  const seconds = (performance.now() - start) / 1000;
  process.stdout.write(
    `clusters with\n${listCounts(features)}packets that are\n${listCounts(verdicts)}` +
      `${total.clusters} clusters, ${total.packets} packets before ${JUDGES.length} judges: ${total.failures} disagreements\n` +
      `${total.probes} probes in ${seconds.toFixed(0)} s, ${(total.probes / seconds).toFixed(0)} a second (${workers} workers)\n`,
  );
  const lost = await flood(Number(values.updates));
  return total.failures === 0 && lost === 0 ? 0 : 1;
}

/** Replaces rules `updates` times in all, in every judge's way. Gives how many connections were not translated. */
async function flood(updates: number): Promise<number> {
  if (updates === 0) return 0;
  const each = Math.ceil(updates / (JUDGES.length * MODES.length));
  let lost = 0;
  process.stdout.write("new connections while rules are replaced\n");
  for (const judge of JUDGES) {
    for (const mode of MODES) {
      const prober = await openTestNode();
      const { sent, translated } = await floodThroughUpdates(prober, judge, versions(mode), each);
      await prober.close();
      lost += sent - translated;
      process.stdout.write(
        `  ${judge}, ${mode} mode: ${each} updates, ${sent} connections, ${sent - translated} lost\n`,
      );
    }
  }
  return lost;
}

if (isMainThread) process.exitCode = await main();
else await work(workerData as Options);
