/**
 * How long `kpc compile --all-nodes` takes, as a whole process, from manifests to a file of nft text for each of 50 nodes:
 * 1,000 Services with 10 endpoints each, in one resolution. With `--base FOLDER`, an older build of kpc, `kpc compile --node` of
 * both builds turn by turn.
 *
 *   npm run bench:all-nodes -- [--json] [--runs N] [--base FOLDER]
 *
 * It needs a built `dist/`. Targets stand beside the figures and nothing is judged: the exit code is 0.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeCluster, NODE_NAME } from "./support/cluster.ts";
import { printJsonList, writeChunks } from "./support/manifests.ts";
import { printNodes } from "./support/nodes.ts";
import { measure, type ProcessRun } from "./support/process.ts";
import { type Summary, summarise } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    runs: { type: "string", default: "5" },
    base: { type: "string" },
  },
});
const RUNS = Math.max(1, Number(flags.runs));
const NODES = 50;
const SIZE = { services: 1000, endpoints: 10 };

const OURS = fileURLToPath(new URL("../bin/kpc.cjs", import.meta.url)); // the bundle is in dist/scripts
const BASE = flags.base === undefined ? undefined : resolve(flags.base, "dist/bin/kpc.cjs");

const folder = mkdtempSync(join(tmpdir(), "kpc-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const services = join(folder, "services.json");
const nodes = join(folder, "nodes.json");
writeChunks(services, printJsonList(makeCluster(SIZE)));
writeChunks(nodes, [printNodes(NODES)]);

/** What is measured, in the order of each round. */
const commands = [
  {
    name: `${NODES} nodes, --all-nodes`,
    target: 3,
    args: [OURS, ...manifests(), "--all-nodes", "-d", join(folder, "rules")],
  },
  { name: "one node of them", args: [OURS, ...manifests(), "--node", NODE_NAME] },
  ...(BASE === undefined ? [] : [{ name: "one node, base", args: [BASE, ...manifests(), "--node", NODE_NAME] }]),
];

function manifests(): string[] {
  return ["compile", services, nodes, "-q"];
}

/** Rounds of all commands, after one that is not counted. */
const rounds: ProcessRun[][] = [];
for (let round = -1; round < RUNS; round++) {
  const runs = [];
  for (const { name, args } of commands) {
    const run = await measure(process.execPath, args);
    if (run.trouble !== undefined) throw new Error(`${name}: ${run.trouble}`);
    runs.push(run);
  }
  if (round >= 0) rounds.push(runs);
}

function figuresOf(figure: (run: ProcessRun) => number | undefined, command: number): Summary {
  return summarise(rounds.map((runs) => figure(runs[command] as ProcessRun) ?? NaN));
}

const results = commands.map(({ name, target }, i) => ({
  name,
  seconds: figuresOf(({ seconds }) => seconds, i),
  cpuSeconds: figuresOf(({ cpuSeconds }) => cpuSeconds, i),
  peakMb: figuresOf(({ peakMb }) => peakMb, i).max,
  target,
}));

/** Of this build over the older one, round by round. */
function ratioOf(figure: "seconds" | "cpuSeconds"): Summary {
  return summarise(rounds.map((runs) => (runs[1]?.[figure] ?? NaN) / (runs[2]?.[figure] ?? NaN)));
}
const ratios = BASE === undefined ? undefined : { seconds: ratioOf("seconds"), cpuSeconds: ratioOf("cpuSeconds") };

function show({ median, min, max }: Summary): string {
  return `${median.toFixed(3)} (${min.toFixed(3)}-${max.toFixed(3)})`;
}

if (flags.json) {
  process.stdout.write(`${JSON.stringify({ node: process.version, runs: RUNS, results, ratios }, null, 2)}\n`);
} else {
  const head = ["kpc compile", "s", "CPU s", "peak MB", "target"];
  const rows = results.map(({ name, seconds, cpuSeconds, peakMb, target }) => {
    return [name, show(seconds), show(cpuSeconds), peakMb.toFixed(0), target === undefined ? "-" : `<= ${target} s`];
  });
  process.stdout.write(`${printTable([head, ...rows])}\n`);
  if (ratios !== undefined)
    process.stdout.write(`one node, this build / base: ${show(ratios.seconds)}, CPU ${show(ratios.cpuSeconds)}\n`);
  process.stdout.write(`Medians (least-most) of ${RUNS} whole processes after one that is not counted.\n`);
}
