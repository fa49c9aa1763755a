/**
 * How long `kpc compile` takes and how much memory it needs, as a whole process, from manifests to nft text.
 *
 *   npm run bench:compile -- [--quick] [--json] [--runs N]
 *
 * It needs a built `dist/`. Targets stand beside the figures and nothing is judged: the exit code is 0.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Composer, Parser, parse } from "yaml";
import { type ClusterSize, makeCluster, NODE_NAME } from "./support/cluster.ts";
import { printJsonList, printYamlDocuments, printYamlList, writeChunks } from "./support/manifests.ts";
import { measure } from "./support/process.ts";
import { smallJson, smallYaml } from "./support/small.ts";
import { type Summary, summarise } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";

interface Result {
  readonly name: string;
  readonly inputMb: number;
  readonly seconds?: Summary;
  /** The highest of all runs. */
  readonly peakMb?: number;
  /** Our time over the yaml library's, pair by pair. */
  readonly ratio?: Summary;
  readonly librarySeconds?: Summary;
  readonly libraryPeakMb?: number;
  /** Objects are Services and endpoints. */
  readonly microsecondsPerObject?: number;
  readonly target: { readonly seconds?: number; readonly peakMb?: number; readonly ratio?: number };
  readonly trouble?: string;
}

const SELF = fileURLToPath(import.meta.url);
const CLI = fileURLToPath(new URL("../bin/kpc.cjs", import.meta.url)); // the bundle is in dist/scripts

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    runs: { type: "string", default: "5" },
    // Given by this file to itself: what the yaml library alone needs for values of a list, or of documents.
    "list-alone": { type: "string" },
    "documents-alone": { type: "string" },
  },
});
const RUNS = Math.max(1, Number(flags.runs));
const SMALL_RUNS = 15;
const LIMIT_SECONDS = 600;
/** The library needs long for large texts. */
const LARGE_YAML_RUNS = Math.min(RUNS, 2);

/** The target for 10,000 x 10, and what grows with it. */
const TARGET = { services: 10_000, endpoints: 10, seconds: 0.8, peakMb: 600 };

const objectsIn = ({ services, endpoints }: ClusterSize): number => services * (1 + endpoints);

function scaledTarget(size: ClusterSize): Result["target"] {
  const factor = objectsIn(size) / objectsIn(TARGET);
  return { seconds: TARGET.seconds * factor, peakMb: TARGET.peakMb * factor };
}

const folder = mkdtempSync(join(tmpdir(), "kpc-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const results: Result[] = [];

function note(result: Result): void {
  results.push(result);
  if (!flags.json) process.stderr.write(`${result.name}: done${result.trouble ? ` (${result.trouble})` : ""}\n`);
}

const compile = (file: string) => measure(process.execPath, [CLI, "compile", file, "--node", NODE_NAME], LIMIT_SECONDS);

/** The figures of `runs` compilations, after one that is not counted. */
async function measureCompile(file: string, runs = RUNS): Promise<Partial<Result>> {
  const seconds: number[] = [];
  let peakMb = 0;
  for (let run = runs > 1 ? -1 : 0; run < runs; run++) {
    const one = await compile(file);
    if (one.trouble !== undefined) return { trouble: one.trouble, ...(one.peakMb ? { peakMb: one.peakMb } : {}) };
    peakMb = Math.max(peakMb, one.peakMb ?? Number.NaN);
    if (run >= 0) seconds.push(one.seconds);
  }
  return { seconds: summarise(seconds), peakMb };
}

/** Ours and the library's turn by turn, after one pair that is not counted. */
async function measureAgainstLibrary(file: string, shape: "list" | "documents", runs = RUNS): Promise<Partial<Result>> {
  const ours: number[] = [];
  const theirs: number[] = [];
  const ratios: number[] = [];
  let [peakMb, libraryPeakMb] = [0, 0];
  for (let run = -1; run < runs; run++) {
    const our = await compile(file);
    const their = await measure(process.execPath, [SELF, `--${shape}-alone`, file], LIMIT_SECONDS);
    const trouble = our.trouble ?? their.trouble;
    if (trouble !== undefined) return { trouble };
    peakMb = Math.max(peakMb, our.peakMb ?? Number.NaN);
    libraryPeakMb = Math.max(libraryPeakMb, their.peakMb ?? Number.NaN);
    if (run < 0) continue;
    ours.push(our.seconds);
    theirs.push(their.seconds);
    ratios.push(our.seconds / their.seconds);
  }
  return {
    seconds: summarise(ours),
    librarySeconds: summarise(theirs),
    ratio: summarise(ratios),
    peakMb,
    libraryPeakMb,
  };
}

/** The share of a small compilation that is not ours: starting Node.js on this machine, as busy as it is now. */
async function measureNode(): Promise<void> {
  const seconds: number[] = [];
  let peakMb = 0;
  for (let run = 0; run < Math.max(RUNS, SMALL_RUNS); run++) {
    const one = await measure(process.execPath, ["--eval", ""], LIMIT_SECONDS);
    peakMb = Math.max(peakMb, one.peakMb ?? Number.NaN);
    seconds.push(one.seconds);
  }
  note({ name: "node alone", inputMb: 0, target: {}, seconds: summarise(seconds), peakMb });
}

async function measureSmall(): Promise<void> {
  for (const [name, text] of [
    ["small.yaml", smallYaml()],
    ["small.json", smallJson()],
  ] as const) {
    const file = join(folder, name);
    writeFileSync(file, text);
    const figures = await measureCompile(file, Math.max(RUNS, SMALL_RUNS));
    note({ name: `10 services, ${name}`, inputMb: text.length / 1e6, target: { seconds: 0.15 }, ...figures });
  }
}

async function measureJson(size: ClusterSize, target: Result["target"]): Promise<void> {
  const file = join(folder, "list.json");
  const inputMb = writeChunks(file, printJsonList(makeCluster(size))) / 1e6;
  const figures = await measureCompile(file);
  const { seconds } = figures;
  const perObject = seconds === undefined ? {} : { microsecondsPerObject: (seconds.median * 1e6) / objectsIn(size) };
  note({ name: `${nameOf(size)} JSON`, inputMb, target, ...figures, ...perObject });
  rmSync(file);
}

async function measureYaml(size: ClusterSize): Promise<void> {
  const cluster = makeCluster(size);
  for (const [shape, print] of SHAPES) {
    const file = join(folder, "list.yaml");
    const inputMb = writeChunks(file, print(cluster)) / 1e6;
    const figures = await measureAgainstLibrary(file, shape);
    note({ name: `${nameOf(size)} YAML, ${shape}`, inputMb, target: YAML_TARGET, ...figures });
    rmSync(file);
  }
}

const YAML_TARGET = { ratio: 0.6 };

const SHAPES = [
  ["list", printYamlList],
  ["documents", printYamlDocuments],
] as const;

/** A List of this size is too much for the library: its tree does not fit into the heap that Node.js has by default. */
async function measureLargeYaml(size: ClusterSize): Promise<void> {
  const cluster = makeCluster(size);
  for (const [shape, print] of SHAPES) {
    const file = join(folder, "large.yaml");
    const inputMb = writeChunks(file, print(cluster)) / 1e6;
    const name = `${nameOf(size)} YAML, ${shape}`;
    if (shape === "list") note({ name, inputMb, target: {}, ...(await measureCompile(file)) });
    else note({ name, inputMb, target: YAML_TARGET, ...(await measureAgainstLibrary(file, shape, LARGE_YAML_RUNS)) });
    rmSync(file);
  }
}

function nameOf({ services, endpoints }: ClusterSize): string {
  return `${services.toLocaleString("en")} x ${endpoints}`;
}

function show(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? "-" : value.toFixed(digits);
}

function showRange(summary: Summary | undefined, digits: number): string {
  if (summary === undefined) return "-";
  return `${summary.median.toFixed(digits)} (${summary.min.toFixed(digits)}-${summary.max.toFixed(digits)})`;
}

function showTarget({ seconds, peakMb, ratio }: Result["target"]): string {
  const parts = [
    seconds === undefined ? "" : `<= ${seconds.toFixed(2)} s`,
    peakMb === undefined ? "" : `<= ${peakMb.toFixed(0)} MB`,
    ratio === undefined ? "" : `<= ${ratio} x yaml`,
  ];
  return parts.filter((part) => part !== "").join(", ") || "-";
}

function toRow(result: Result): string[] {
  const { name, inputMb, seconds, peakMb, ratio, librarySeconds, microsecondsPerObject, target, trouble } = result;
  return [
    name,
    show(inputMb, inputMb < 1 ? 3 : 1),
    trouble ?? showRange(seconds, 3),
    show(peakMb, 0),
    show(microsecondsPerObject, 1),
    show(librarySeconds?.median, 3),
    showRange(ratio, 2),
    showTarget(target),
  ];
}

async function measureAll(): Promise<void> {
  await measureNode();
  await measureSmall();
  await measureJson({ services: 1000, endpoints: 10 }, {});
  if (!flags.quick) {
    await measureJson(TARGET, { seconds: TARGET.seconds, peakMb: TARGET.peakMb });
    const large = { services: 5000, endpoints: 50 };
    await measureJson(large, scaledTarget(large));
    await measureYaml({ services: 1000, endpoints: 10 });
    await measureLargeYaml(TARGET);
  }

  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ node: process.version, runs: RUNS, results }, null, 2)}\n`);
  } else {
    const head = ["input", "MB", "kpc compile, s", "peak MB", "us/object", "yaml alone, s", "kpc / yaml", "target"];
    process.stdout.write(`\n${printTable([head, ...results.map(toRow)])}`);
    process.stdout.write(
      `\nMedians (least-most) of ${RUNS} whole processes after a warm-up; small inputs ${Math.max(RUNS, SMALL_RUNS)}, ${LARGE_YAML_RUNS} where the yaml library reads a large input.\nAn object is a Service or an endpoint. "yaml alone" reads the values of the same file, document by document, turn by turn with kpc.\n`,
    );
  }
}

if (flags["list-alone"] !== undefined) {
  parse(readFileSync(flags["list-alone"], "utf8"));
} else if (flags["documents-alone"] !== undefined) {
  const tokens = new Parser().parse(readFileSync(flags["documents-alone"], "utf8"));
  for (const document of new Composer().compose(tokens)) document.toJS();
} else {
  await measureAll();
}
