/**
 * How long it takes to read what a large host lists: kube-proxy's iptables rules as iptables-save prints them, and an
 * element-based ruleset as nft lists it.
 *
 *   npm run bench:read -- [--lines 700000] [--elements 100000] [--rounds 3]
 *
 * Each reading is a process of its own that reads the file, makes a program of it and says how many rules or elements that
 * has; seconds and peak memory are the whole process's. Rounds read once by shape, as kpc does, and once by the grammar alone; the
 * ratios are of CPU time and peak memory, the former over the latter. Needs GNU time for CPU time and memory.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Report } from "../compiler/diagnostics.ts";
import { readIptables } from "../compiler/formats/iptables/read.ts";
import { readNft } from "../compiler/formats/nft/read.ts";
import type { Program } from "../compiler/ir/types.ts";
import { makeListing, makeSave } from "./support/listings.ts";
import { measure } from "./support/process.ts";
import { summarise } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";

const { values: flags } = parseArgs({
  options: {
    lines: { type: "string", default: "700000" },
    elements: { type: "string", default: "100000" },
    rounds: { type: "string", default: "3" },
    /** A file to read, in the process that is measured. */
    read: { type: "string" },
    /** Whether that process reads by the grammar alone. */
    grammar: { type: "boolean", default: false },
  },
});

/** A finding would mean that something else was measured. */
const refuse: Report = ({ message }) => {
  throw new Error(message);
};

function countRules({ ruleset }: Program): number {
  return ruleset.tables.reduce((sum, { chains }) => sum + chains.reduce((all, { rules }) => all + rules.length, 0), 0);
}

function countElements({ ruleset }: Program): number {
  return ruleset.tables.reduce(
    (sum, { maps }) => sum + maps.reduce((all, { elements }) => all + elements.length, 0),
    0,
  );
}

function readOne(path: string): void {
  const source = { name: path, text: readFileSync(path, "latin1") };
  const count = path.endsWith(".nft")
    ? countElements(readNft(source, refuse, undefined, flags.grammar))
    : countRules(readIptables(source, refuse, { byGrammar: flags.grammar }));
  process.stdout.write(`${count}\n`);
}

interface Runs {
  readonly seconds: number[];
  readonly cpuSeconds: number[];
  readonly peakMb: number[];
}

async function measureFile(name: string, text: string): Promise<readonly string[]> {
  const path = join(tmpdir(), `kpc-bench-read-${process.pid}.${name === "nft" ? "nft" : "rules"}`);
  writeFileSync(path, text);
  try {
    const [byShape, byGrammar]: [Runs, Runs] = [
      { seconds: [], cpuSeconds: [], peakMb: [] },
      { seconds: [], cpuSeconds: [], peakMb: [] },
    ];
    for (let round = 0; round < Number(flags.rounds); round++)
      for (const [runs, flag] of [[byShape, []] as const, [byGrammar, ["--grammar"]] as const]) {
        const run = await measure(process.execPath, [fileURLToPath(import.meta.url), "--read", path, ...flag]);
        if (run.trouble !== undefined) return [name, run.trouble];
        runs.seconds.push(run.seconds);
        if (run.cpuSeconds !== undefined) runs.cpuSeconds.push(run.cpuSeconds);
        if (run.peakMb !== undefined) runs.peakMb.push(run.peakMb);
      }
    return [
      name,
      String(text.split("\n").length),
      (text.length / 1e6).toFixed(1),
      ...[byShape, byGrammar].flatMap(({ seconds, cpuSeconds, peakMb }) => [
        median(seconds).toFixed(2),
        median(cpuSeconds).toFixed(2),
        median(peakMb).toFixed(0),
      ]),
      (median(byShape.cpuSeconds) / median(byGrammar.cpuSeconds)).toFixed(2),
      (median(byShape.peakMb) / median(byGrammar.peakMb)).toFixed(2),
    ];
  } finally {
    rmSync(path);
  }
}

/** Not a number where nothing was measured. */
function median(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : summarise(values).median;
}

if (flags.read !== undefined) {
  readOne(flags.read);
} else {
  const rows = [
    [
      "text",
      "lines",
      "MB",
      "seconds",
      "CPU",
      "peak MB",
      "by grammar: seconds",
      "CPU",
      "peak MB",
      "ratio: CPU",
      "memory",
    ],
    await measureFile("iptables", makeSave(Number(flags.lines))),
    await measureFile("nft", makeListing(Number(flags.elements))),
  ];
  process.stdout.write(printTable(rows));
}
