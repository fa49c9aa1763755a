/**
 * What our nft text costs to load, hold and change in the kernel, against kube-proxy's layout of the same Services.
 *
 *   npm run bench:load -- [--sizes 1000x10,10000x10,5000x50] [--spread] [--rounds 5] [--budget 300] [--limit 600] [--json]
 *
 * With --spread the Services of a size like 1000x10 have from 1 to 19 endpoints, 10 on average.
 *
 * It needs root, nft, unshare (util-linux) and a built `dist/`. Each round takes both layouts in turn, each in a new
 * network namespace; a layout that has used up its budget of seconds at a size gets no further round there. A step that
 * takes longer than the limit is stopped and reported as such.
 *
 * Slab and vmalloc are the machine's, settled, after loading minus before (support/kernel-memory.ts). Changing one
 * endpoint is a transaction of its own: for kpc the difference of two compilations as element commands, and the first
 * time perhaps a chain that picks from so many endpoints; for kube-proxy its rewrite of the chains concerned, and later
 * the deletion of the endpoint's chain. Replacing is loading the same file over itself.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type ClusterSize, makeCluster, NODE_FLAGS, withoutOneEndpoint } from "./support/cluster.ts";
import { elementDiff } from "./support/element-diff.ts";
import { printAddition, printCleanup, printFullSync, printRemoval } from "./support/kube-proxy-nft.ts";
import type { LoadRound, LoadTask } from "./support/load-round.ts";
import { printJsonList, writeChunks } from "./support/manifests.ts";
import type { ProcessRun } from "./support/process.ts";
import { summarise } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";

type Layout = Omit<LoadTask, "changes" | "limitSeconds">;

/** The same of both layouts. */
interface Both<T> {
  readonly kubeProxy: T;
  readonly kpc: T;
}

/** One measure of one layout. */
interface Figure {
  /** The median. */
  readonly value: number | undefined;
  readonly runs: number;
  readonly trouble?: string;
}

interface Row extends Both<Figure> {
  readonly name: string;
  readonly digits: number;
  readonly ratio: number | undefined;
  readonly target: string;
}

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "1000x10,10000x10,5000x50" },
    rounds: { type: "string", default: "5" },
    budget: { type: "string", default: "300" },
    limit: { type: "string", default: "600" },
    spread: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const ROUNDS = Number(flags.rounds);
const BUDGET_SECONDS = Number(flags.budget);
const LIMIT_SECONDS = Number(flags.limit);
const CHANGES = 5;
/** Less memory than this is as much the machine's as ours. */
const SMALLEST_MB = 0.5;

const ROOT = new URL("../..", import.meta.url); // the bundle is in dist/scripts
const CLI = fileURLToPath(new URL("dist/bin/kpc.cjs", ROOT));

/** How many times less kpc has to need, by size. */
const TARGETS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "1000x10": { load: ">= 5", peak: ">= 3", slab: ">= 4", remove: ">= 3", add: ">= 3" },
  "10000x10": { load: ">= 80", peak: ">= 3.5", slab: ">= 4", remove: ">= 40", add: ">= 40" },
};

const folder = mkdtempSync(join(tmpdir(), "kpc-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

// --- files -------------------------------------------------------------------------------------------------------------

/** Runs kpc with its output in `output`. */
function compile(input: string, format: string, output: string): void {
  const args = [CLI, "compile", input, ...NODE_FLAGS, "-o", format];
  execFileSync(process.execPath, args, { stdio: ["ignore", openSync(output, "w"), "inherit"] });
}

function writeFiles(size: ClusterSize): Both<Layout> & { readonly changedElements: number } {
  const path = (name: string) => join(folder, name);
  const cluster = makeCluster(size);
  const smaller = withoutOneEndpoint(cluster);
  writeChunks(path("before.json"), printJsonList(cluster));
  writeChunks(path("after.json"), printJsonList(smaller.cluster));
  compile(path("before.json"), "nft", path("kpc.nft"));
  for (const name of ["before", "after"]) compile(path(`${name}.json`), "ir", path(`${name}.ir`));
  const [before, after] = (["before.ir", "after.ir"] as const).map((name) =>
    JSON.parse(readFileSync(path(name), "utf8")),
  );
  const removal = elementDiff(before, after);
  writeFileSync(path("kpc-first-remove.nft"), removal.chains + removal.elements);
  writeFileSync(path("kpc-remove.nft"), removal.elements);
  writeFileSync(path("kpc-add.nft"), elementDiff(after, before).elements);
  for (const name of ["before.json", "after.json", "before.ir", "after.ir"]) rmSync(path(name));

  writeChunks(path("kube-proxy.nft"), printFullSync(cluster));
  writeFileSync(path("kube-proxy-remove.nft"), printRemoval(smaller.service, smaller.endpoint));
  writeFileSync(path("kube-proxy-cleanup.nft"), printCleanup(smaller.service, smaller.endpoint));
  writeFileSync(path("kube-proxy-add.nft"), printAddition(smaller.service, smaller.endpoint));
  return {
    kubeProxy: {
      table: "ip kube-proxy",
      file: path("kube-proxy.nft"),
      removal: path("kube-proxy-remove.nft"),
      cleanup: path("kube-proxy-cleanup.nft"),
      addition: path("kube-proxy-add.nft"),
    },
    kpc: {
      table: "ip kpc",
      file: path("kpc.nft"),
      removal: path("kpc-remove.nft"),
      ...(removal.chains === "" ? {} : { firstRemoval: path("kpc-first-remove.nft") }),
      addition: path("kpc-add.nft"),
    },
    changedElements: removal.deleted + removal.added,
  };
}

// --- rounds ------------------------------------------------------------------------------------------------------------

function runRound(layout: Layout): LoadRound {
  const task = JSON.stringify({ ...layout, changes: CHANGES, limitSeconds: LIMIT_SECONDS });
  const output = execFileSync(
    "unshare",
    ["-n", process.execPath, "test/run.mjs", "bench/support/load-round.ts", task],
    {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  return JSON.parse(output.toString()) as LoadRound;
}

function runRounds(layouts: Both<Layout>): Both<LoadRound[]> {
  const rounds = { kubeProxy: [] as LoadRound[], kpc: [] as LoadRound[] };
  const spent = { kubeProxy: 0, kpc: 0 };
  for (let round = 1; round <= ROUNDS; round++) {
    for (const name of ["kpc", "kubeProxy"] as const) {
      if (spent[name] > BUDGET_SECONDS) continue;
      const start = performance.now();
      const result = runRound(layouts[name]);
      spent[name] += (performance.now() - start) / 1000;
      rounds[name].push(result);
      say(`  round ${round}, ${name}: load ${result.load.trouble ?? `${result.load.seconds.toFixed(3)} s`}`);
    }
  }
  return rounds;
}

// --- figures -----------------------------------------------------------------------------------------------------------

function figureOf(
  runs: readonly (ProcessRun | undefined)[],
  pick: (run: ProcessRun) => number | undefined = ({ seconds }) => seconds,
): Figure {
  const done = runs.filter((run) => run !== undefined);
  const trouble = done.find((run) => run.trouble !== undefined)?.trouble;
  if (trouble !== undefined) return { value: undefined, runs: done.length, trouble };
  return figure(done.flatMap((run) => pick(run) ?? []));
}

function figure(values: readonly number[]): Figure {
  return values.length === 0 ? { value: undefined, runs: 0 } : { value: summarise(values).median, runs: values.length };
}

function toRows(rounds: Both<LoadRound[]>, layouts: Both<Layout>, targets: Readonly<Record<string, string>>): Row[] {
  const row = (
    name: string,
    digits: number,
    target: string,
    measureOf: (list: readonly LoadRound[], layout: Layout) => Figure,
  ) => {
    const kubeProxy = measureOf(rounds.kubeProxy, layouts.kubeProxy);
    const kpc = measureOf(rounds.kpc, layouts.kpc);
    const ratio = name.startsWith("not given back") ? undefined : ratioOf(kubeProxy.value, kpc.value, name);
    return { name, digits, kubeProxy, kpc, ratio, target: targets[target] ?? "-" };
  };
  const milliseconds = ({ seconds }: ProcessRun) => seconds * 1000;
  return [
    row("file, KiB", 0, "", (_, { file }) => figure([statSync(file).size / 1024])),
    row("nft -f, s", 3, "load", (list) => figureOf(list.map(({ load }) => load))),
    row("nft peak memory, MB", 0, "peak", (list) =>
      figureOf(
        list.map(({ load }) => load),
        ({ peakMb }) => peakMb,
      ),
    ),
    row("kernel slab, MB", 1, "slab", (list) => figure(list.flatMap(({ memory }) => memory?.slabMb ?? []))),
    row("kernel vmalloc, MB", 1, "", (list) => figure(list.flatMap(({ memory }) => memory?.vmallocMb ?? []))),
    row("slab + vmalloc, MB", 1, "", (list) =>
      figure(list.flatMap(({ memory }) => (memory ? memory.slabMb + memory.vmallocMb : []))),
    ),
    row("not given back, MB", 1, "", (list) =>
      figure(list.flatMap(({ leftover }) => (leftover ? leftover.slabMb + leftover.vmallocMb : []))),
    ),
    row("remove one endpoint, ms", 1, "remove", (list) =>
      figureOf(
        list.flatMap(({ removals }) => removals),
        milliseconds,
      ),
    ),
    row("  and clean up later, ms", 1, "", (list) =>
      figureOf(
        list.flatMap(({ cleanups }) => cleanups),
        milliseconds,
      ),
    ),
    row("  or make a chain for it, ms", 1, "", (list) =>
      figureOf(
        list.map(({ firstRemoval }) => firstRemoval),
        milliseconds,
      ),
    ),
    row("add one endpoint, ms", 1, "add", (list) =>
      figureOf(
        list.flatMap(({ additions }) => additions),
        milliseconds,
      ),
    ),
    row("replace everything, s", 3, "", (list) => figureOf(list.map(({ replace }) => replace))),
    row("nft peak memory then, MB", 0, "", (list) =>
      figureOf(
        list.map(({ replace }) => replace),
        ({ peakMb }) => peakMb,
      ),
    ),
    row("nft list ruleset, s", 3, "", (list) => figureOf(list.map((round) => round.list))),
    row("delete the table, s", 3, "", (list) => figureOf(list.map(({ drop }) => drop))),
  ];
}

function ratioOf(kubeProxy: number | undefined, kpc: number | undefined, name: string): number | undefined {
  if (kubeProxy === undefined || kpc === undefined) return undefined;
  return name.endsWith(", MB") && kpc < SMALLEST_MB ? undefined : kubeProxy / kpc;
}

function showFigure({ value, runs, trouble }: Figure, digits: number): string {
  if (trouble !== undefined) return trouble;
  return value === undefined ? "-" : `${value.toFixed(digits)} (${runs})`;
}

/** A step that was stopped took at least the limit. */
function showRatio({ name, ratio, kubeProxy, kpc }: Row): string {
  if (ratio !== undefined) return ratio.toFixed(ratio < 10 ? 2 : 0);
  if (kubeProxy.trouble?.startsWith(">") && kpc.value !== undefined && name.endsWith(" s")) {
    return `> ${(LIMIT_SECONDS / kpc.value).toFixed(0)}`;
  }
  return "-";
}

// --- all sizes ---------------------------------------------------------------------------------------------------------

if (process.getuid?.() !== 0) {
  say("bench:load needs root: an unprivileged nft cannot load transactions of this size");
  process.exit(1);
}
const nftVersion = execFileSync("nft", ["--version"]).toString().trim();
const report = [];
for (const text of flags.sizes.split(",")) {
  const [services = 0, endpoints = 0] = text.split("x").map(Number);
  say(`${text}: writing files`);
  const { kubeProxy, kpc, changedElements } = writeFiles({ services, endpoints, spread: flags.spread });
  const rows = toRows(runRounds({ kubeProxy, kpc }), { kubeProxy, kpc }, TARGETS[text] ?? {});
  report.push({ size: text, spread: flags.spread, changedElements, rows });
  if (flags.json) continue;
  const cells = rows.map((row) => [
    row.name,
    showFigure(row.kubeProxy, row.digits),
    showFigure(row.kpc, row.digits),
    showRatio(row),
    row.target,
  ]);
  process.stdout.write(
    `\n${services} Services x ${flags.spread ? `1 to ${2 * endpoints - 1}` : endpoints} endpoints (${nftVersion}, Linux ${release()}); median (runs)\n` +
      `changing one endpoint deletes and adds ${changedElements} elements of kpc\n\n` +
      `${printTable([["", "kube-proxy", "kpc", "kube-proxy / kpc", "target"], ...cells])}`,
  );
}
if (flags.json) process.stdout.write(`${JSON.stringify({ nft: nftVersion, kernel: release(), report }, null, 2)}\n`);
