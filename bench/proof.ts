/**
 * What it takes to prove that rules do the same, and to read them: whole processes of the built `kpc`, each beside its target for a
 * quiet machine of two cores. Where the target is about a part of what a process does, as reading a file, "s" is that part, and "process s" the
 * whole, of the same run.
 *
 *   npm run bench:proof -- [--rows 1,4,7] [--rounds 3] [--scale 1]
 *
 * CPU seconds are those of user and system, of all threads; the memory is the process's at its peak. Both are medians. `--scale 0.1`: a tenth of the
 * Services, lines and elements. Needs GNU time. Exit code 1 when a process does not say what it should.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compare } from "../compiler/compare/compare.ts";
import type { Report } from "../compiler/diagnostics.ts";
import { readIptables } from "../compiler/formats/iptables/read.ts";
import { readNft } from "../compiler/formats/nft/read.ts";
import type { Program } from "../compiler/ir/types.ts";
import { type ListedService, makeCluster, NODE_FLAGS } from "./support/cluster.ts";
import { makeListing, makeSave, printSave } from "./support/listings.ts";
import { printJsonList } from "./support/manifests.ts";
import { mixFeatures } from "./support/mixed-features.ts";
import { measure, type ProcessRun } from "./support/process.ts";
import { summarise } from "./support/statistics.ts";
import { printTable } from "./support/table.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: "string" },
    rounds: { type: "string", default: "3" },
    scale: { type: "string", default: "1" },
    /** For the processes that are started: to read a file; to compare two and end, or to end before that. */
    inside: { type: "string" },
    /** The file that such a process writes the seconds of its parts to. */
    parts: { type: "string" },
  },
});

const KPC = resolve("dist/bin/kpc.cjs");
const SELF = fileURLToPath(import.meta.url);
const PARTS = "parts.json";

interface Row {
  readonly name: string;
  readonly seconds: number;
  readonly megabytes?: number;
  /** Writes files into the folder, and says with which arguments of Node the process is started. */
  readonly prepare: (folder: string) => Promise<readonly string[]>;
  /** The exit code that says that it found what is there. */
  readonly code?: number;
  /** What the target is about; absent: the whole process. */
  readonly part?: keyof Parts;
}

/** Seconds of a process that is started with `--inside`. */
interface Parts {
  readonly reading: number;
  readonly comparing: number;
}

const scaled = (count: number): number => Math.round(count * Number(flags.scale));

/** Both texts of a cluster, and what they are printed from. */
async function writeTexts(folder: string, objects: string, families: readonly ("ip" | "ip6")[]): Promise<string[]> {
  const manifests = join(folder, "cluster.json");
  writeFileSync(manifests, objects);
  const print = async (format: string, name: string): Promise<string> => {
    const file = join(folder, name);
    const args = [KPC, "compile", manifests, ...NODE_FLAGS, "-q", "-o", format];
    const run = await measure("/bin/sh", ["-c", `"$0" "$@" > ${JSON.stringify(file)}`, process.execPath, ...args]);
    if (run.trouble !== undefined) throw new Error(run.trouble);
    return file;
  };
  const nft = await print("nft", "rules.nft");
  const iptables: string[] = [];
  for (const family of families)
    iptables.push(await print(family === "ip" ? "iptables" : "ip6tables", family === "ip" ? "rules.v4" : "rules.v6"));
  return [manifests, nft, iptables.join(",")];
}

const listOf = (cluster: readonly ListedService[]): string => [...printJsonList(cluster)].join("");

const proof =
  (objects: () => string, families: readonly ("ip" | "ip6")[], family: string) =>
  async (folder: string): Promise<readonly string[]> => {
    const [, nft = "", iptables = ""] = await writeTexts(folder, objects(), families);
    return [KPC, "diff", nft, iptables, ...NODE_FLAGS, "--family", family];
  };

const sized = (services: number, endpoints: number): ListedService[] =>
  makeCluster({ services: scaled(services), endpoints });

const ROWS: readonly Row[] = [
  {
    name: "nft = iptables, 10,000 x 10",
    ...{ seconds: 3, megabytes: 500 },
    prepare: proof(() => listOf(sized(10_000, 10)), ["ip"], "IPv4"),
  },
  {
    name: "nft = iptables, node ports, affinity, dual stack",
    seconds: 5,
    prepare: proof(() => mixFeatures(listOf(sized(10_000, 10))), ["ip", "ip6"], "IPv4,IPv6"),
  },
  {
    name: "nft = iptables, 5,000 x 50",
    ...{ seconds: 6, megabytes: 1000 },
    prepare: proof(() => listOf(sized(5000, 50)), ["ip"], "IPv4"),
  },
  {
    name: "one endpoint of 100,000 changed, after reading",
    ...{ seconds: 1, part: "comparing" },
    prepare: async (folder) => {
      const [, , iptables = ""] = await writeTexts(folder, listOf(sized(10_000, 10)), ["ip"]);
      const text = readFileSync(iptables, "latin1");
      const at = text.indexOf("--to-destination", text.length >> 1);
      const changed = join(folder, "changed.v4");
      writeFileSync(
        changed,
        `${text.slice(0, at)}--to-destination 10.250.0.1:8080${text.slice(text.indexOf("\n", at))}`,
      );
      return [SELF, "--inside", "compare", "--parts", join(folder, PARTS), iptables, changed];
    },
  },
  {
    name: "700,000 lines of iptables-save, read",
    ...{ seconds: 2, part: "reading" },
    prepare: async (folder) => {
      const file = join(folder, "save.v4");
      writeFileSync(file, makeSave(scaled(700_000)));
      return [SELF, "--inside", "read", "--parts", join(folder, PARTS), file];
    },
  },
  {
    name: "1,000,000 elements of nft, read",
    ...{ seconds: 1, megabytes: 500, part: "reading" },
    prepare: async (folder) => {
      const file = join(folder, "list.nft");
      writeFileSync(file, makeListing(scaled(1_000_000)));
      return [SELF, "--inside", "read", "--parts", join(folder, PARTS), file];
    },
  },
  {
    name: "kpc verify, 10,000 x 10",
    seconds: 4,
    prepare: async (folder) => {
      const [manifests = "", nft = ""] = await writeTexts(folder, listOf(sized(10_000, 10)), []);
      return [KPC, "verify", manifests, "--against", nft, ...NODE_FLAGS, "--family", "IPv4"];
    },
  },
  {
    name: "kpc verify, kube-proxy's iptables rules of 5,000 x 10",
    seconds: 15,
    prepare: async (folder) => {
      const cluster = sized(5000, 10);
      const [manifests, save] = [join(folder, "cluster.json"), join(folder, "save.v4")];
      writeFileSync(manifests, listOf(cluster));
      writeFileSync(save, printSave(cluster));
      return [KPC, "verify", manifests, "--against", save, ...NODE_FLAGS, "--family", "IPv4"];
    },
  },
];

async function measureRow(
  { name, seconds, megabytes, prepare, code = 0, part }: Row,
  i: number,
): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), "kpc-bench-proof-"));
  try {
    const args = await prepare(folder);
    const runs: (ProcessRun & { readonly measured: number })[] = [];
    for (let round = 0; round < Number(flags.rounds); round++) {
      const run = await measure(process.execPath, args);
      if (run.trouble !== undefined) throw new Error(`${run.trouble} (expected exit code ${code})`);
      const parts = part && (JSON.parse(readFileSync(join(folder, PARTS), "utf8")) as Parts);
      runs.push({ ...run, measured: part === undefined || parts === undefined ? run.seconds : parts[part] });
    }
    const median = (figureOf: (run: (typeof runs)[number]) => number | undefined): number =>
      summarise(runs.map((run) => figureOf(run) ?? Number.NaN)).median;
    return [
      ...[String(i + 1), name, median((run) => run.measured).toFixed(2), seconds.toFixed(0)],
      ...[median((run) => run.seconds).toFixed(2), median((run) => run.cpuSeconds).toFixed(2)],
      median((run) => run.peakMb).toFixed(0),
      megabytes === undefined ? "" : String(megabytes),
    ];
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    process.exitCode = 1;
    return [String(i + 1), name, error.message];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// --- inside of processes that are measured ---------------------------------------------------------------------------------

/** A finding would mean that something else was measured. */
const refuse: Report = ({ message }) => {
  throw new Error(message);
};

function read(path: string): Program {
  const source = { name: path, text: readFileSync(path, "latin1") };
  return path.endsWith(".nft") ? readNft(source, refuse) : readIptables(source, refuse, { family: "ip" });
}

function inside(what: string): Parts {
  const start = performance.now();
  const [left, right] = positionals.map(read);
  const afterReading = performance.now();
  if (what === "compare" && left !== undefined && right !== undefined) {
    const { regions, open } = compare(left, right, { addresses: [], families: ["IPv4"] });
    if (regions.length === 0 || open.length > 0) throw new Error("found nothing");
  }
  return { reading: (afterReading - start) / 1e3, comparing: (performance.now() - afterReading) / 1e3 };
}

if (flags.inside !== undefined) {
  const parts = inside(flags.inside);
  if (flags.parts !== undefined) writeFileSync(flags.parts, JSON.stringify(parts));
} else {
  const asked = flags.rows?.split(",").map(Number);
  const rows: (readonly string[])[] = [["row", "", "s", "target s", "process s", "CPU s", "peak MB", "target MB"]];
  const before = loadavg();
  for (const [i, row] of ROWS.entries())
    if (asked === undefined || asked.includes(i + 1)) rows.push(await measureRow(row, i));
  process.stdout.write(
    `${printTable(rows)}load of the machine before and after: ${[before, loadavg()].map(([one = 0]) => one.toFixed(1)).join(", ")}\n`,
  );
}
