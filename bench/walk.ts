/**
 * How long walks through a described cluster take: the first trace, the matrix of all clients and Services, and the whole processes of
 * `kpc trace` and `kpc matrix`.
 *
 *   npm run bench:walk -- [--sizes 5x100x50,50x1000x100] [--rounds 3] [--base FOLDER]
 *
 * A size is NODESxPODSxSERVICES. Times are the process's CPU time in milliseconds, medians of the rounds, each with a cluster
 * described anew: "first walk" compiles the rules of the nodes on the way. "walks" are the packets that the matrix follows, "MB"
 * what the process has in memory at the end.
 *
 * Whole processes run in turns with the start of Node.js, and with those of an older build of kpc in FOLDER. Ratios are to that
 * start, round by round: other load of the machine changes them less than times. They need a built `dist/`. Targets stand beside
 * the figures and nothing is judged.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { required } from "../compiler/invariant.ts";
import { matrixOf } from "../compiler/matrix/matrix.ts";
import { describeGrid, gridText, serviceAddress } from "../test/support/grid-cluster.ts";
import { measure } from "./support/process.ts";
import { summarise } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "5x100x50,50x1000x100" },
    rounds: { type: "string", default: "3" },
    base: { type: "string" },
  },
});

function cpuOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  return process.cpuUsage(before).user / 1000;
}

function median(values: readonly number[]): string {
  return ([...values].sort((a, b) => a - b)[values.length >> 1] ?? 0).toFixed(0);
}

for (const size of flags.sizes.split(",")) {
  const [nodes = 1, pods = 1, services = 1] = size.split("x").map(Number);
  const [first, matrix]: [number[], number[]] = [[], []];
  let walks = 0;
  for (let round = 0; round < Number(flags.rounds); round++) {
    const described = describeGrid({ nodes, pods, services });
    const flow = {
      protocol: 6,
      source: undefined,
      sourcePort: 40000,
      destination: serviceAddress(0),
      destinationPort: 80,
    };
    first.push(cpuOf(() => described.walker.walk({ ...flow, from: "pod/d/p0" })));
    matrix.push(
      cpuOf(() => {
        walks = matrixOf(described).walks;
      }),
    );
  }
  const memory = process.memoryUsage().rss >> 20;
  console.log(`${size}: first walk ${median(first)}, matrix ${median(matrix)} (${walks} walks), ${memory} MB`);
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url)); // the bundle is in dist/scripts
const BUILDS = [
  { build: "", root: ROOT },
  ...(flags.base === undefined ? [] : [{ build: "base: ", root: resolve(flags.base) }]),
];
const folder = mkdtempSync(join(tmpdir(), "kpc-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const LARGE = join(folder, "cluster.json");
writeFileSync(LARGE, gridText({ nodes: 50, pods: 1000, services: 100 }));
const SMALL = join(folder, "small.json");
writeFileSync(SMALL, gridText({ nodes: 5, pods: 100, services: 50 }));

const shop = ["manifests", "cluster.yaml"].map((name) => join(ROOT, "examples/shop", name));
const settings = ["-c", join(ROOT, "examples/shop/kpc.yaml")];

/** What is measured of each build: `target` is a ratio to the start of Node.js, or seconds. */
const QUESTIONS = [
  { name: "shop: trace", target: "4.0 x", args: ["trace", "tcp web-1 > svc/api:http", ...shop, ...settings] },
  {
    name: "shop: trace of one node",
    target: "",
    args: ["trace", "tcp 10.244.1.10 > 10.96.0.20:80", ...shop, ...settings, "--node", "node-1"],
  },
  { name: "shop: compile", target: "", args: ["compile", "-q", ...shop, ...settings, "--node", "node-1"] },
  { name: "5x100x50: matrix", target: "2 s", args: ["matrix", "-q", SMALL] },
  { name: "50x1000x100: matrix", target: "10 s, 400 MB", args: ["matrix", "-q", LARGE] },
  { name: "50x1000x100: check", target: "5 s", args: ["check", "-q", LARGE] },
  { name: "50x1000x100: trace", target: "1 s, 400 MB", args: ["trace", "tcp pod/d/p0 > svc/d/s0:80", LARGE] },
];

const START = { name: "start of Node.js", target: "", args: ["-e", "0"] };
const COMMANDS = [
  START,
  ...QUESTIONS.flatMap(({ name, target, args }) =>
    BUILDS.map(({ build, root }) => ({
      ...{ name: `${build}${name}`, target },
      args: [join(root, "dist/bin/kpc.cjs"), ...args],
    })),
  ),
];

interface WholeRun {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMb: number;
}

/** Of each round, the run of each command; the first round, which fills caches of files, is not among them. */
const wholeRounds: WholeRun[][] = [];
for (let round = -1; round < Number(flags.rounds); round++) {
  const runs: WholeRun[] = [];
  for (const { name, args } of COMMANDS) {
    const { seconds, cpuSeconds = Number.NaN, peakMb = Number.NaN, trouble } = await measure(process.execPath, args);
    if (trouble !== undefined) throw new Error(`${name}: ${trouble}`);
    runs.push({ seconds, cpuSeconds, peakMb });
  }
  if (round >= 0) wholeRounds.push(runs);
}

/** The median of the rounds; `start`: of the start of Node.js in the same round. */
function medianOf(command: number, figure: (run: WholeRun, start: WholeRun) => number): number {
  const figures = wholeRounds.map((runs) =>
    figure(required(runs[command], "each command ran"), required(runs[0], "the start of Node.js is the first command")),
  );
  return summarise(figures).median;
}

const rows = COMMANDS.map(({ name, target }, i) => [
  name,
  (medianOf(i, ({ seconds }) => seconds) * 1000).toFixed(0),
  (medianOf(i, ({ cpuSeconds }) => cpuSeconds) * 1000).toFixed(0),
  medianOf(i, (run, start) => run.seconds / start.seconds).toFixed(1),
  medianOf(i, (run, start) => run.cpuSeconds / start.cpuSeconds).toFixed(1),
  medianOf(i, ({ peakMb }) => peakMb).toFixed(0),
  target,
]);
console.log(printTable([["whole process", "ms", "CPU ms", "x start", "x start, CPU", "peak MB", "target"], ...rows]));
