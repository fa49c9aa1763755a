/**
 * How fast packets are classified, beside the same work done otherwise, and what tables cost.
 *
 *   npm run bench:classifier -- [--sizes 10,1000,10000,100000] [--families IPv4,IPv6,mixed]
 *     [--mixes uniform,zipf,half,miss] [--rounds 9] [--quick] [--json] [--against classifier.wasm]
 *
 * Packets come in bursts of 4,096 that have not been seen before: they are copied to where the engine expects them, untimed,
 * and classified by one call. All implementations take turns in one process, on the same bytes, and have the same results:
 * that is checked before anything is timed. A round's figure is the fastest of three slices of 16 bursts; figures are medians
 * of the rounds, ratios medians of the ratios of each round. Targets stand beside the figures and nothing is judged.
 *
 * `--against` measures nothing but the engine and another build of it, by turns, and takes the fastest round of each.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, workerData } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import { encodeTable } from "../compiler/formats/tables/encode.ts";
import { engineBytes } from "../runtime/classifier/inline.ts";
import { Bursts } from "./support/bursts.ts";
import { BURST, EngineMemory, type Implementation } from "./support/engine-memory.ts";
import { measureEngines } from "./support/engines.ts";
import { jsWays } from "./support/js-classifier.ts";
import {
  buildNative,
  NATIVE_FOLDER,
  NATIVE_SOURCE,
  type NativeClassifier,
  nativeWays,
} from "./support/native-classifier.ts";
import { type Scaled, scaleTo } from "./support/scale.ts";
import { type Summary, summarise } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";
import { type BuildFigures, measureBuild } from "./support/table-build.ts";
import { type Families, type Mix, makePool } from "./support/traffic.ts";
import { measureWorkers, type WorkerFigures, type WorkerTask, work } from "./support/two-workers.ts";

const POOL = 2 ** 18;
/** Packets a second that arrive by 100 Gbit Ethernet, if all have 64 bytes. */
const LINE_RATE = 148.8;
/** Calls of these sizes are compared. */
const BATCHES = [4, 16, 64, 256, 1024, BURST];

/** Something else that does the same. */
interface Rival {
  readonly label: string;
  readonly target: string;
  /** In several ways; the best one counts. */
  readonly ways: readonly Implementation[];
}

interface Row {
  readonly size: number;
  readonly families: Families;
  readonly mix: Mix;
  /** Nanoseconds for a packet. */
  readonly engine: Summary;
  readonly rivals: readonly {
    readonly label: string;
    readonly target: string;
    readonly way: string;
    readonly nanoseconds: Summary;
    /** Its time over the engine's. */
    readonly ratio: Summary;
  }[];
}

interface Spread {
  readonly size: number;
  readonly families: Families;
  /** The slowest mix's time over the fastest one's. */
  readonly spread: Summary;
}

function rivalsOf(memory: EngineMemory, native: NativeClassifier | undefined): Rival[] {
  return [
    ...(native === undefined ? [] : [{ label: "C", target: ">= 0.80", ways: nativeWays(native, memory) }]),
    { label: "JavaScript", target: ">= 4.00", ways: jsWays(memory) },
  ];
}

/** All mixes of a size, by turns. */
function measureMixes(
  scaled: Scaled,
  memory: EngineMemory,
  rivals: readonly Rival[],
  families: Families,
  mixes: readonly Mix[],
  rounds: number,
): { readonly rows: readonly Row[]; readonly spread: Summary } {
  const all = [memory, ...rivals.flatMap(({ ways }) => ways)] as const;
  const runs = mixes.map((mix) => {
    const bursts = new Bursts(memory, makePool(scaled, mix, families, POOL));
    bursts.compare(all);
    return { mix, bursts, found: new Map(all.map((each) => [each, [] as number[]])) };
  });
  for (let round = 0; round <= rounds; round++) {
    for (const { bursts, found } of runs) {
      for (const [implementation, nanoseconds] of found) {
        const measured = bursts.measure((count) => implementation.classifyMany(count));
        if (round > 0) nanoseconds.push(measured); // the first round warms up
      }
    }
  }
  const rows = runs.map(({ mix, found }): Row => {
    const engine = found.get(memory) as number[];
    const best = rivals.map(({ label, target, ways }) => {
      const [fastest] = ways
        .map((way) => ({ way: way.name, rounds: found.get(way) as number[] }))
        .sort((a, b) => summarise(a.rounds).median - summarise(b.rounds).median);
      const { way, rounds: own } = fastest as { way: string; rounds: number[] };
      return { label, target, way, nanoseconds: summarise(own), ratio: summarise(ratios(own, engine)) };
    });
    return { size: scaled.services.length, families, mix, engine: summarise(engine), rivals: best };
  });
  const engines = runs.map(({ found }) => found.get(memory) as number[]);
  const spreads = Array.from({ length: rounds }, (_, round) => {
    const ofRound = engines.map((each) => each[round] as number);
    return Math.max(...ofRound) / Math.min(...ofRound);
  });
  return { rows, spread: summarise(spreads) };
}

function ratios(over: readonly number[], under: readonly number[]): number[] {
  return over.map((each, i) => each / (under[i] as number));
}

interface Call {
  readonly packets: number;
  readonly nanoseconds: Summary;
  /** The time of the largest batch over this one's. */
  readonly share: Summary;
}

/** One packet at a time, and batches. */
function measureCalls(scaled: Scaled, memory: EngineMemory, rounds: number): Call[] {
  const bursts = new Bursts(memory, makePool(scaled, "uniform", "IPv4", POOL));
  const calls = [
    {
      packets: 1,
      found: [] as number[],
      run: () => {
        for (let slot = 0; slot < BURST; slot++) memory.classifyOne(slot);
      },
    },
    ...BATCHES.map((packets) => ({
      packets,
      found: [] as number[],
      run: () => {
        for (let slot = 0; slot < BURST; slot += packets) memory.classifySome(slot, packets);
      },
    })),
  ];
  for (let round = 0; round <= rounds; round++) {
    for (const { run, found } of calls) {
      const nanoseconds = bursts.measure(run);
      if (round > 0) found.push(nanoseconds);
    }
  }
  const largest = calls.at(-1)?.found ?? [];
  return calls.map(({ packets, found }) => ({
    packets,
    nanoseconds: summarise(found),
    share: summarise(ratios(largest, found)),
  }));
}

interface Results {
  readonly rows: readonly Row[];
  readonly spreads: readonly Spread[];
  readonly calls: readonly (Call & { readonly size: number })[];
  readonly workers: readonly (WorkerFigures & { readonly size: number })[];
  readonly builds: readonly (BuildFigures & { readonly size: number })[];
}

async function measureSize(
  size: number,
  families: readonly Families[],
  mixes: readonly Mix[],
  rounds: number,
): Promise<Results> {
  process.stderr.write(`${size} Services\n`);
  const scaled = scaleTo(size);
  const table = encodeTable(scaled.tabulation, "");
  const memory = new EngineMemory(table);
  const native = buildNative(NATIVE_SOURCE, NATIVE_FOLDER);
  if (typeof native === "string") process.stderr.write(`without C: ${native}\n`);
  const rivals = rivalsOf(memory, typeof native === "string" ? undefined : native);
  const measured = families.map((each) => ({
    families: each,
    ...measureMixes(scaled, memory, rivals, each, mixes, rounds),
  }));
  const task: WorkerTask = { table, packets: makePool(scaled, "uniform", "IPv4", POOL) };
  return {
    rows: measured.flatMap(({ rows }) => rows),
    spreads: measured.map(({ families: each, spread }) => ({ size, families: each, spread })),
    calls: measureCalls(scaled, memory, rounds).map((call) => ({ size, ...call })),
    workers: [{ size, ...(await measureWorkers(FILE, task)) }],
    builds: [{ size, ...measureBuild(scaled.tabulation, rounds) }],
  };
}

const FILE = fileURLToPath(import.meta.url);

/** Each size in a process of its own: JavaScript is compiled for the table that it meets first. */
function measureApart(size: number, args: readonly string[]): Results {
  const { status, stdout } = spawnSync(process.execPath, [FILE, ...args, "--sizes", `${size}`, "--json"], {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`${size} Services could not be measured`);
  return JSON.parse(stdout) as Results;
}

async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      sizes: { type: "string" },
      families: { type: "string" },
      mixes: { type: "string" },
      rounds: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      against: { type: "string" },
    },
  });
  const { sizes, families, mixes, rounds } = { ...(flags.quick ? QUICK : FULL), ...flags };
  if (flags.against !== undefined) {
    const other = readFileSync(flags.against);
    for (const size of sizes.split(",").map(Number)) printEngines(size, other, families, mixes, Number(rounds));
    return;
  }
  const [first, ...others] = sizes.split(",").map(Number) as [number, ...number[]];
  const rest = ["--families", families, "--mixes", mixes, "--rounds", rounds];
  const all =
    others.length > 0
      ? [first, ...others].map((size) => measureApart(size, rest))
      : [await measureSize(first, families.split(",") as Families[], mixes.split(",") as Mix[], Number(rounds))];
  const results: Results = {
    rows: all.flatMap(({ rows }) => rows),
    spreads: all.flatMap(({ spreads }) => spreads),
    calls: all.flatMap(({ calls }) => calls),
    workers: all.flatMap(({ workers }) => workers),
    builds: all.flatMap(({ builds }) => builds),
  };
  const module = engineBytes();
  const engine = { bytes: module.length, gzipBytes: gzipSync(module, { level: 9 }).length };
  process.stdout.write(
    flags.json
      ? `${JSON.stringify({ node: process.version, rounds, engine, ...results }, null, 2)}\n`
      : `${print(results)}\nThe engine has ${count(engine.bytes)} bytes, ${count(engine.gzipBytes)} compressed.\n`,
  );
}

const FULL = {
  sizes: "10,1000,10000,100000",
  families: "IPv4,IPv6,mixed",
  mixes: "uniform,zipf,half,miss",
  rounds: "9",
};
const QUICK = { sizes: "10,1000", families: "IPv4,mixed", mixes: "uniform,half", rounds: "3" };

function printEngines(
  size: number,
  other: Uint8Array<ArrayBuffer>,
  families: string,
  mixes: string,
  rounds: number,
): void {
  const scaled = scaleTo(size);
  const table = encodeTable(scaled.tabulation, "");
  const rows = families
    .split(",")
    .flatMap((family) =>
      mixes.split(",").map((mix) => measureEngines(scaled, table, other, family as Families, mix as Mix, rounds)),
    );
  const head = ["Services", "packets", "mix", "ns/packet", "other, ns", "other / engine", "least / least"];
  const body = rows.map(({ families: family, mix, least, otherLeast, ratio }) => [
    count(size),
    family,
    mix,
    least.toFixed(2),
    otherLeast.toFixed(2),
    range(ratio, 2),
    (otherLeast / least).toFixed(3),
  ]);
  process.stdout.write(`\n${printTable([head, ...body])}`);
}

// --- reports -------------------------------------------------------------------------------------------------------------

function print(results: Results): string {
  return [
    ...printRows(results.rows),
    `\n${printTable([
      ["Services", "packets", "slowest mix / fastest", "target"],
      ...results.spreads.map(({ size, families, spread }) => [
        count(size),
        families,
        range(spread, 2),
        size <= 10_000 ? "<= 1.10" : "-",
      ]),
    ])}`,
    `\n${printTable([
      ["Services", "packets in a call", "ns/packet", "M/s", "of the largest"],
      ...results.calls.map(({ size, packets, nanoseconds, share }) => [
        count(size),
        count(packets),
        range(nanoseconds, 2),
        perSecond(nanoseconds),
        `${(share.median * 100).toFixed(0)} %`,
      ]),
    ])}`,
    `\n${printTable([
      ["Services", "one worker, M/s", "two, M/s", "two / one", "target"],
      ...results.workers.map(({ size, one, two, ratio }) => [
        count(size),
        one.toFixed(0),
        two.toFixed(0),
        ratio.toFixed(2),
        ">= 1.90",
      ]),
    ])}`,
    ...printBuilds(results.builds),
  ].join("");
}

function printRows(rows: readonly Row[]): string[] {
  const rivals = rows[0]?.rivals ?? [];
  const head = [
    "Services",
    "packets",
    "mix",
    "ns/packet",
    "M/s",
    "target",
    ...rivals.flatMap(({ label }) => [`${label}, ns`, `${label} / engine`, "target"]),
  ];
  const body = rows.map(({ size, families, mix, engine, rivals: found }) => [
    count(size),
    families,
    mix,
    range(engine, 2),
    perSecond(engine),
    size > 100_000 ? "-" : size === 1000 ? `${LINE_RATE}, at best ${LINE_RATE * 2}` : `${LINE_RATE}`,
    ...found.flatMap(({ label, target, way, nanoseconds, ratio }) => [
      `${range(nanoseconds, 2)}${way === label ? "" : ` ${way}`}`,
      range(ratio, 2),
      target,
    ]),
  ]);
  return [`\n${printTable([head, ...body])}`];
}

function printBuilds(builds: Results["builds"]): string[] {
  const names = builds[0]?.parts.map(([name]) => name) ?? [];
  const head = ["Services", ...names.map((name) => `${name}, ms`), "a patch, ms", "keys", "bytes/key", "bytes/Service"];
  const target = ["target", "<= 150 at 100,000", ...names.slice(1).map(() => "-"), "<= 1", "-", "<= 36", "-"];
  const body = builds.map(({ size, keys, bytes, bytesPerKey, parts, patch }) => [
    count(size),
    ...parts.map(([, milliseconds]) => range(milliseconds, 1)),
    range(patch, 3),
    count(keys),
    bytesPerKey.toFixed(1),
    (bytes / size).toFixed(0),
  ]);
  return [`\n${printTable([head, ...body, target])}`];
}

function count(number: number): string {
  return number.toLocaleString("en");
}

function range({ median, min, max }: Summary, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`;
}

function perSecond({ median }: Summary): string {
  return (1000 / median).toFixed(0);
}

if (isMainThread) await main();
else work(workerData as WorkerTask);
