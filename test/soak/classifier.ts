/**
 * The classifier held against the reference, for as long as one likes: random clusters, packets by the million.
 *
 *   npm run soak:classifier -- [--packets 50000000] [--seed N] [--workers 2] [--questions 400] [--each 256] [--seconds 0]
 *
 * The reference is asked some `--questions` to each cluster, and each of its answers is held against about `--each` packets
 * in batches, with other source ports and in other dresses, and every dress alone with all the endpoints that chance may
 * give it. With `--seconds` it ends then, however many packets that were.
 *
 * Exit code 1 when anything disagrees: the cluster, its seed and its packets are printed; and when more than a few clusters
 * have no table.
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import fc from "fast-check";
import { VERDICT_NAMES } from "../../compiler/formats/tables/words.ts";
import { engineBytes } from "../../runtime/classifier/inline.ts";
import { Matcher } from "../../runtime/classifier/matcher.ts";
import { type ClusterInput, cluster } from "../support/arbitraries.ts";
import { type Findings, soakCluster, type Thoroughness } from "../support/classifier-soak.ts";
import { featuresOf } from "../support/features.ts";
import { listCounts, runWorkers, sayNowAndThen, seedOf } from "../support/soak-workers.ts";

interface Options extends Thoroughness {
  readonly packets: number;
  readonly seed: number;
  /** When it ends at the latest, in milliseconds since 1970. */
  readonly end: number;
}

/** What a worker has to say of one cluster. */
interface Report extends Findings {
  readonly features: readonly string[];
  readonly failure?: { readonly cluster: ClusterInput; readonly seed: number };
}

// --- a worker ------------------------------------------------------------------------------------------------------------

/** Clusters that are made from one seed. */
const CHUNK = 50;

/** One engine for all clusters: each table takes the place of the one before. */
function work({ packets, seed, end, ...thoroughness }: Options): void {
  const matcher = new Matcher(new WebAssembly.Module(engineBytes()));
  let judged = 0;
  for (let chunk = 0; judged < packets; chunk++) {
    for (const world of fc.sample(cluster, { seed: (seed + chunk * 7919) | 0, numRuns: CHUNK })) {
      if (judged >= packets || Date.now() >= end) return;
      const own = (seed + judged) | 0;
      const findings = soakCluster(world, matcher, own, thoroughness);
      judged += findings.packets;
      const report: Report = {
        ...findings,
        features: featuresOf(world),
        ...(findings.mismatches === 0 ? {} : { failure: { cluster: world, seed: own } }),
      };
      parentPort?.postMessage(report);
    }
  }
}

/** One cluster in so many may have no table, and one more. */
const FEW = 50;

// --- all together --------------------------------------------------------------------------------------------------------

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      packets: { type: "string", default: "50000000" },
      seed: { type: "string", default: String(Date.now() % 2 ** 31) },
      workers: { type: "string", default: String(availableParallelism()) },
      questions: { type: "string", default: "400" },
      each: { type: "string", default: "256" },
      seconds: { type: "string", default: "0" },
    },
  });
  const workers = Number(values.workers);
  const seed = Number(values.seed);
  const seconds = Number(values.seconds);
  const total = { clusters: 0, unsupported: 0, questions: 0, packets: 0, mismatches: 0 };
  const unsupported = new Map<string, number>();
  const features = new Map<string, number>();
  const dresses = new Map<string, number>();
  const verdicts = new Map<string, number>();
  const count = (into: Map<string, number>, entries: Iterable<readonly [string, number]>): void => {
    for (const [key, number] of entries) into.set(key, (into.get(key) ?? 0) + number);
  };
  const start = performance.now();
  const say = sayNowAndThen(
    () => `${total.clusters} clusters, ${total.packets} packets, ${total.mismatches} mismatches`,
  );
  const hear = (report: Report): void => {
    total.clusters++;
    if (report.unsupported !== undefined) {
      total.unsupported++;
      count(unsupported, [[report.unsupported, 1]]);
    }
    total.questions += report.questions;
    total.packets += report.packets;
    total.mismatches += report.mismatches;
    count(
      features,
      report.features.map((name) => [name, 1]),
    );
    count(dresses, report.dresses);
    count(
      verdicts,
      VERDICT_NAMES.map((name, i) => [name, report.verdicts[i] ?? 0]),
    );
    if (report.failure !== undefined)
      process.stdout.write(`${JSON.stringify({ ...report.failure, examples: report.examples })}\n`);
    say();
  };
  process.stderr.write(`seed ${seed}, ${workers} workers\n`);
  const options = Array.from(
    { length: workers },
    (_, index): Options => ({
      packets: Math.ceil(Number(values.packets) / workers),
      seed: seedOf(seed, index),
      questions: Number(values.questions),
      each: Number(values.each),
      end: seconds === 0 ? Number.POSITIVE_INFINITY : Date.now() + seconds * 1000,
    }),
  );
  await runWorkers(fileURLToPath(import.meta.url), options, hear);
  const took = (performance.now() - start) / 1000;
  process.stdout.write(
    `clusters with\n${listCounts(features)}packets in the dress\n${listCounts(dresses)}packets that are\n${listCounts(verdicts)}` +
      (total.unsupported === 0 ? "" : `clusters that no table holds\n${listCounts(unsupported)}`) +
      `${total.clusters} clusters, ${total.questions} questions, ${total.packets} packets: ${total.mismatches} mismatches\n` +
      `${took.toFixed(0)} s, ${Math.round(total.packets / took)} packets a second (${workers} workers)\n`,
  );
  // What no table holds is refused, with a reason: that has to stay rare.
  return total.mismatches === 0 && total.packets > 0 && total.unsupported <= 1 + total.clusters / FEW ? 0 : 1;
}

if (isMainThread) process.exitCode = await main();
else work(workerData as Options);
