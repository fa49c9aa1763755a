/**
 * How long it takes to prove two texts of a cluster equal: the nft text and the iptables text that are printed for it, as they
 * are read back.
 *
 *   npm run bench:compare -- [--sizes 100x10,1000x10,10000x10,5000x50] [--minutes 10] [--whole]
 *
 * One process writes the texts of a size, another one reads and compares them; seconds are those of reading and comparing
 * alone, the memory is the second process's at its peak. `--whole`: the same process then compares without leaving out what is
 * alike, and the ratio of both is that of CPU time. Exit code 1 when a pair is not proved equal.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { keepHeapSmall } from "../compiler/cli/heap.ts";
import { type CompareOptions, compare } from "../compiler/compare/compare.ts";
import { compile } from "../compiler/compile.ts";
import type { Report } from "../compiler/diagnostics.ts";
import { readIptables } from "../compiler/formats/iptables/read.ts";
import { readNft } from "../compiler/formats/nft/read.ts";
import { parseAddress } from "../compiler/net/address.ts";
import { parsePrefix } from "../compiler/net/prefix.ts";
import type { Config } from "../compiler/node/config.ts";
import { printIptables, printNft } from "../test/support/compile.ts";
import { CLUSTER_CIDR, makeCluster, NODE_IP, NODE_NAME, SERVICE_CIDR } from "./support/cluster.ts";
import { printJsonList } from "./support/manifests.ts";
import { printTable } from "./support/table.ts";

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "100x10,1000x10,10000x10,5000x50" },
    minutes: { type: "string", default: "10" },
    whole: { type: "boolean", default: false },
    /** For the processes that are started: a size to write, into a folder; a folder to compare. */
    write: { type: "string" },
    folder: { type: "string", default: "" },
    compare: { type: "string" },
  },
});

/** A finding would mean that something else was measured. */
const refuse: Report = ({ message }) => {
  throw new Error(message);
};

function configOf(): Config {
  const prefix = (text: string) => {
    const parsed = parsePrefix(text);
    if ("kind" in parsed) throw new Error(`${text} is no prefix`);
    return parsed;
  };
  const address = parseAddress(NODE_IP);
  if (address === undefined) throw new Error(`${NODE_IP} is no address`);
  return {
    nodeName: NODE_NAME,
    nodeIp: [address],
    nodeIps: [address],
    nodePortAddresses: ["primary"],
    clusterCidr: [prefix(CLUSTER_CIDR)],
    serviceCidrs: [prefix(SERVICE_CIDR)],
  };
}

/** Both texts of a cluster, as files. */
function writeTexts(size: string, folder: string): void {
  const [services = 0, endpoints = 0] = size.split("x").map(Number);
  const text = [...printJsonList(makeCluster({ services, endpoints }))].join("");
  const { compiled, diagnostics } = compile([{ name: "cluster.json", text }], configOf());
  if (compiled === undefined) throw new Error(diagnostics[0]?.message);
  writeFileSync(join(folder, "rules.nft"), printNft(compiled.program));
  writeFileSync(join(folder, "rules.v4"), printIptables(compiled.program, "ip"));
}

interface Figures {
  readonly reading: number;
  readonly comparing: number;
  readonly classes: number;
  readonly equal: boolean;
  readonly peakMb: number;
  /** CPU time of comparing as a whole, as a multiple of that of comparing. */
  readonly ratio?: number;
}

function compareTexts(folder: string): Figures {
  const source = (name: string) => ({ name, text: readFileSync(join(folder, name), "latin1") });
  const start = performance.now();
  const nft = readNft(source("rules.nft"), refuse);
  const iptables = readIptables(source("rules.v4"), refuse, { family: "ip" });
  const read = performance.now();
  keepHeapSmall();
  const addresses = configOf().nodeIps ?? [];
  const options: CompareOptions = { addresses, families: ["IPv4"] };
  const before = process.cpuUsage();
  const { boxes, differing, open } = compare(nft, iptables, options);
  const compared = performance.now();
  const used = process.cpuUsage(before).user;
  const peakMb = (process.resourceUsage().maxRSS * 1024) / 1e6;
  const between = process.cpuUsage();
  if (flags.whole) compare(nft, iptables, { ...options, symmetry: false });
  return {
    reading: (read - start) / 1000,
    comparing: (compared - read) / 1000,
    classes: boxes,
    equal: differing === 0 && open.length === 0,
    peakMb,
    ...(flags.whole ? { ratio: process.cpuUsage(between).user / used } : {}),
  };
}

/** This file once more, as a process of its own: what it prints. */
function runSelf(args: readonly string[]): string {
  const { status, signal, stdout } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
    timeout: Number(flags.minutes) * 60_000,
  });
  if (signal !== null) throw new Error(`more than ${flags.minutes} minutes`);
  if (status !== 0) throw new Error(`exit code ${status}`);
  return stdout;
}

function measureSize(size: string): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), "kpc-bench-compare-"));
  try {
    runSelf(["--write", size, "--folder", folder]);
    const figures = JSON.parse(runSelf(["--compare", folder, ...(flags.whole ? ["--whole"] : [])])) as Figures;
    if (!figures.equal) process.exitCode = 1;
    return [
      size,
      figures.reading.toFixed(2),
      figures.comparing.toFixed(2),
      figures.peakMb.toFixed(0),
      String(figures.classes),
      figures.ratio === undefined ? "" : figures.ratio.toFixed(1),
      figures.equal ? "equal" : "NOT PROVED",
    ];
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    process.exitCode = 1;
    return [size, error.message];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (flags.write !== undefined) {
  writeTexts(flags.write, flags.folder);
} else if (flags.compare !== undefined) {
  process.stdout.write(JSON.stringify(compareTexts(flags.compare)));
} else {
  process.stdout.write(
    printTable([
      ["Services x endpoints", "read s", "compare s", "peak MB", "classes", "whole / this", ""],
      ...flags.sizes.split(",").map(measureSize),
    ]),
  );
}
