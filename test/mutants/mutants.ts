/**
 * Mutants of the sources: each place of some folders is made wrong, and a test must notice.
 *
 *   npm run mutants -- compiler/lower [compiler/model …] [--file listeners.ts …] [--sample 300] [--seed 1] [--again OUTPUT] [--jobs 2] [--work 3000000]
 *
 * A mutant that no test notices is to stand in test/mutants/survivors/, below the reason why. `--sample N`: N mutants of each folder,
 * chosen by `--seed`. `--again OUTPUT`: those that survived in a run before, whose output is in that file. `--work N`: how many loops and calls all tests of one mutant may make. Exit code 1 where a survivor is not
 * listed, or a listed one does not survive.
 */

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { isMainThread } from "node:worker_threads";
import { mutateSources } from "./bundle.ts";
import { MutantJudge } from "./pool.ts";
import { folderFor, judgeMutants, MutantTests, recordTests, sampleOf, sourcesOf } from "./run.ts";
import { nameOfMutant, readSurvivors, showMutant, survivorsIn } from "./survivors.ts";
import { judgingTests, workFor } from "./tests.ts";
import { answerTasks } from "./worker.ts";

const ROOT = process.cwd();

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      file: { type: "string", multiple: true },
      sample: { type: "string" },
      seed: { type: "string", default: "1" },
      again: { type: "string" },
      jobs: { type: "string", default: "2" },
      work: { type: "string" },
    },
  });
  return { ...values, folders: positionals };
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const note = (line: string): void => void process.stderr.write(`${line}\n`);

/** Whether all survivors are listed, and all that are listed survive. */
async function judgeFolder(path: string, judges: readonly MutantJudge[]): Promise<boolean> {
  const { file, sample, seed, again, work } = options();
  const start = performance.now();
  const sources = mutateSources(ROOT, sourcesOf(ROOT, path));
  const folder = folderFor(ROOT, path);
  const recorded = await recordTests(ROOT, judgingTests(ROOT, path), sources, folder, judges, note);
  const seconds = (): string => ((performance.now() - start) / 1000).toFixed(0);
  note(`${path}: ${sources.mutants.length} mutants, reached by tests of ${recorded.length} files (${seconds()} s)`);
  const before = again === undefined ? undefined : survivorsIn(readFileSync(again, "utf8"));
  const all = [...sources.mutants.entries()]
    .filter(([, mutant]) => file === undefined || file.some((each) => mutant.file.endsWith(each)))
    .filter(([, mutant]) => before === undefined || before.has(nameOfMutant(mutant)))
    .map(([id]) => id);
  const ids = sample === undefined ? all : sampleOf(all, Number(sample), Number(seed));
  const listed = readSurvivors(`${ROOT}/test/mutants/survivors/${basename(path, ".ts")}.md`);
  let done = 0;
  const plans = new MutantTests(recorded, Number(work ?? workFor(path)));
  const judged = await judgeMutants(ids, sources, plans, judges, ({ id, killedBy }) => {
    const mutant = sources.mutants[id];
    if (killedBy === undefined && mutant !== undefined && !listed.has(nameOfMutant(mutant)))
      note(`survives: ${showMutant(mutant)}`);
    if (++done % 100 === 0) note(`${path}: ${done} of ${ids.length} (${seconds()} s)`);
  });

  const byFile = new Map<string, { killed: number; listed: number; all: number }>();
  const survivors = new Set<string>();
  const tested = new Set<string>();
  const unknown: string[] = [];
  for (const { id, killedBy, isReached } of judged) {
    const mutant = sources.mutants[id];
    if (mutant === undefined) continue;
    const name = nameOfMutant(mutant);
    tested.add(name);
    const counts = byFile.get(mutant.file) ?? { killed: 0, listed: 0, all: 0 };
    byFile.set(mutant.file, counts);
    counts.all++;
    if (killedBy !== undefined) {
      counts.killed++;
      continue;
    }
    survivors.add(name);
    if (listed.has(name)) counts.listed++;
    else unknown.push(`${showMutant(mutant)}${isReached ? "" : " (not reached)"}`);
  }
  const known = new Set(sources.mutants.map(nameOfMutant));
  const stale = [...listed.keys()].filter((name) => (tested.has(name) && !survivors.has(name)) || !known.has(name));

  const shown = (
    name: string,
    { killed, listed: reasoned, all: count }: { killed: number; listed: number; all: number },
  ) => print(`${name}: ${killed} of ${count} killed (${((100 * killed) / count).toFixed(1)} %), ${reasoned} listed`);
  for (const [name, counts] of byFile) shown(name, counts);
  const sum = (key: "killed" | "listed" | "all"): number =>
    [...byFile.values()].reduce((n, counts) => n + counts[key], 0);
  shown(path, { killed: sum("killed"), listed: sum("listed"), all: sum("all") });
  for (const line of unknown) print(`survivor: ${line}`);
  for (const name of stale) print(`listed, but no survivor: ${name}`);
  note(`${path}: ${seconds()} s`);
  return unknown.length === 0 && stale.length === 0;
}

if (isMainThread) {
  const { folders, jobs } = options();
  const judges = Array.from({ length: Number(jobs) }, () => new MutantJudge(new URL(import.meta.url)));
  let isWell = folders.length > 0;
  if (!isWell) note("usage: npm run mutants -- compiler/lower …");
  for (const path of folders) isWell = (await judgeFolder(path, judges)) && isWell;
  // A worker that a mutant keeps busy cannot be asked to stop.
  process.exit(isWell ? 0 : 1);
} else {
  answerTasks();
}
