// @ts-check
/**
 * How long `kpc compile` takes and how much memory it needs, as a whole process, from manifests to nft text.
 *
 *   node bench/compile.mjs [--quick] [--json] [--runs N]
 *
 * It needs a built `dist/`. Targets stand beside the figures and nothing is judged: the exit code is 0.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeCluster, NODE_NAME } from "./support/cluster.mjs";
import { printJsonList, printYamlDocuments, printYamlList, writeChunks } from "./support/manifests.mjs";
import { measure } from "./support/process.mjs";
import { smallJson, smallYaml } from "./support/small.mjs";
import { summarise } from "./support/statistics.mjs";
import { printTable } from "./support/table.mjs";

/**
 * @typedef {import("./support/statistics.mjs").Summary} Summary
 *
 * @typedef {object} Result
 * @property {string} name
 * @property {number} inputMb
 * @property {Summary} [seconds]
 * @property {number} [peakMb] The highest of all runs.
 * @property {Summary} [ratio] Our time over the yaml library's, pair by pair.
 * @property {Summary} [librarySeconds]
 * @property {number} [libraryPeakMb]
 * @property {number} [microsecondsPerObject] Objects are Services and endpoints.
 * @property {{ seconds?: number, peakMb?: number, ratio?: number }} target
 * @property {string} [trouble]
 */

const CLI = fileURLToPath(new URL("../dist/bin/kpc.cjs", import.meta.url));
const READ_YAML = fileURLToPath(new URL("./support/read-yaml.mjs", import.meta.url));

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    runs: { type: "string", default: "5" },
  },
});
const RUNS = Math.max(1, Number(flags.runs));
const SMALL_RUNS = 15;
const LIMIT_SECONDS = 600;
const BIG_YAML_BYTES = 50e6;

/** The target for 10,000 x 10, and what grows with it. */
const TARGET = { services: 10_000, endpoints: 10, seconds: 1.5, peakMb: 600 };

/** @param {{ services: number, endpoints: number }} size */
const objectsIn = ({ services, endpoints }) => services * (1 + endpoints);

/** @param {{ services: number, endpoints: number }} size */
function scaledTarget(size) {
  const factor = objectsIn(size) / objectsIn(TARGET);
  return { seconds: TARGET.seconds * factor, peakMb: TARGET.peakMb * factor };
}

const folder = mkdtempSync(join(tmpdir(), "kpc-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** @type {Result[]} */
const results = [];

/** @param {Result} result */
function note(result) {
  results.push(result);
  if (!flags.json) process.stderr.write(`${result.name}: done${result.trouble ? ` (${result.trouble})` : ""}\n`);
}

/** @param {string} file */
const compile = (file) => measure(process.execPath, [CLI, "compile", file, "--node", NODE_NAME], LIMIT_SECONDS);

/** The figures of `runs` compilations, after one that is not counted.
 * @param {string} file
 * @param {number} [runs] */
async function measureCompile(file, runs = RUNS) {
  const seconds = [];
  let peakMb = 0;
  for (let run = runs > 1 ? -1 : 0; run < runs; run++) {
    const one = await compile(file);
    if (one.trouble !== undefined) return { trouble: one.trouble, ...(one.peakMb ? { peakMb: one.peakMb } : {}) };
    peakMb = Math.max(peakMb, one.peakMb ?? Number.NaN);
    if (run >= 0) seconds.push(one.seconds);
  }
  return { seconds: summarise(seconds), peakMb };
}

/** Ours and the library's turn by turn, after one pair that is not counted.
 * @param {string} file
 * @param {"list" | "documents"} shape
 * @returns {Promise<Partial<Result>>} */
async function measureAgainstLibrary(file, shape) {
  const [ours, theirs, ratios] = [
    /** @type {number[]} */ ([]),
    /** @type {number[]} */ ([]),
    /** @type {number[]} */ ([]),
  ];
  let [peakMb, libraryPeakMb] = [0, 0];
  for (let run = -1; run < RUNS; run++) {
    const our = await compile(file);
    const their = await measure(process.execPath, [READ_YAML, file, shape], LIMIT_SECONDS);
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
async function measureNode() {
  const seconds = [];
  let peakMb = 0;
  for (let run = 0; run < Math.max(RUNS, SMALL_RUNS); run++) {
    const one = await measure(process.execPath, ["--eval", ""], LIMIT_SECONDS);
    peakMb = Math.max(peakMb, one.peakMb ?? Number.NaN);
    seconds.push(one.seconds);
  }
  note({ name: "node alone", inputMb: 0, target: {}, seconds: summarise(seconds), peakMb });
}

async function measureSmall() {
  for (const [name, text] of /** @type {const} */ ([
    ["small.yaml", smallYaml()],
    ["small.json", smallJson()],
  ])) {
    const file = join(folder, name);
    writeFileSync(file, text);
    const figures = await measureCompile(file, Math.max(RUNS, SMALL_RUNS));
    note({ name: `10 services, ${name}`, inputMb: text.length / 1e6, target: { seconds: 0.15 }, ...figures });
  }
}

/** @param {{ services: number, endpoints: number }} size
 *  @param {Result["target"]} target */
async function measureJson(size, target) {
  const file = join(folder, "list.json");
  const inputMb = writeChunks(file, printJsonList(makeCluster(size))) / 1e6;
  const figures = await measureCompile(file);
  const { seconds } = figures;
  const perObject = seconds === undefined ? {} : { microsecondsPerObject: (seconds.median * 1e6) / objectsIn(size) };
  note({ name: `${nameOf(size)} JSON`, inputMb, target, ...figures, ...perObject });
  rmSync(file);
}

/** @param {{ services: number, endpoints: number }} size */
async function measureYaml(size) {
  const cluster = makeCluster(size);
  for (const [shape, print] of SHAPES) {
    const file = join(folder, "list.yaml");
    const inputMb = writeChunks(file, print(cluster)) / 1e6;
    const figures = await measureAgainstLibrary(file, shape);
    note({ name: `${nameOf(size)} YAML, ${shape}`, inputMb, target: { ratio: 1.3 }, ...figures });
    rmSync(file);
  }
}

const SHAPES = /** @type {const} */ ([
  ["list", printYamlList],
  ["documents", printYamlDocuments],
]);

/** Whether 50 MB of YAML get through at all with the heap that Node.js has by default. */
async function measureBigYaml() {
  for (const [shape, print] of SHAPES) {
    const file = join(folder, "big.yaml");
    const sample = writeChunks(file, print(makeCluster({ services: 100, endpoints: 10 })));
    const services = Math.ceil((BIG_YAML_BYTES / sample) * 100);
    const inputMb = writeChunks(file, print(makeCluster({ services, endpoints: 10 }))) / 1e6;
    const figures = await measureCompile(file, 1);
    note({ name: `${nameOf({ services, endpoints: 10 })} YAML, ${shape}`, inputMb, target: {}, ...figures });
    rmSync(file);
  }
}

/** @param {{ services: number, endpoints: number }} size */
function nameOf({ services, endpoints }) {
  return `${services.toLocaleString("en")} x ${endpoints}`;
}

/** @param {number | undefined} value
 *  @param {number} digits
 *  @param {string} [unit] */
function show(value, digits, unit = "") {
  return value === undefined || Number.isNaN(value) ? "-" : `${value.toFixed(digits)}${unit}`;
}

/** @param {Summary | undefined} summary
 *  @param {number} digits */
function showRange(summary, digits) {
  if (summary === undefined) return "-";
  return `${summary.median.toFixed(digits)} (${summary.min.toFixed(digits)}-${summary.max.toFixed(digits)})`;
}

/** @param {Result["target"]} target */
function showTarget({ seconds, peakMb, ratio }) {
  const parts = [
    seconds === undefined ? "" : `<= ${seconds.toFixed(2)} s`,
    peakMb === undefined ? "" : `<= ${peakMb.toFixed(0)} MB`,
    ratio === undefined ? "" : `<= ${ratio} x yaml`,
  ];
  return parts.filter((part) => part !== "").join(", ") || "-";
}

/** @param {Result} result */
function toRow({ name, inputMb, seconds, peakMb, ratio, librarySeconds, microsecondsPerObject, target, trouble }) {
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

await measureNode();
await measureSmall();
await measureJson({ services: 1000, endpoints: 10 }, {});
if (!flags.quick) {
  await measureJson(TARGET, { seconds: TARGET.seconds, peakMb: TARGET.peakMb });
  const large = { services: 5000, endpoints: 50 };
  await measureJson(large, scaledTarget(large));
  await measureYaml({ services: 1000, endpoints: 10 });
  await measureBigYaml();
}

if (flags.json) {
  process.stdout.write(`${JSON.stringify({ node: process.version, runs: RUNS, results }, null, 2)}\n`);
} else {
  const head = ["input", "MB", "kpc compile, s", "peak MB", "us/object", "yaml alone, s", "kpc / yaml", "target"];
  process.stdout.write(`\n${printTable([head, ...results.map(toRow)])}`);
  process.stdout.write(
    `\nMedians (least-most) of ${RUNS} whole processes after a warm-up; small inputs ${Math.max(RUNS, SMALL_RUNS)}, inputs of 50 MB once.\nAn object is a Service or an endpoint. "yaml alone" reads the values of the same file, turn by turn with kpc.\n`,
  );
}
