/**
 * How fast an agent follows a change, starts and repairs, and what memory it holds, as a process of its own with an API server that tells of
 * a cluster of each size.
 *
 *   npm run bench:agent -- [--sizes 1000x10,10000x10] [--changes 200] [--output nft|iptables-nft|iptables-legacy]
 *     [--damage all,nat,chain,rule] [--json]
 *
 * It needs root, nft, unshare (util-linux), perl and a built `dist/`. Each size has a network namespace of its own. The API server is a process of its own.
 * A start is from the start of the process to the log line after the last transaction; lists are zipped before it begins, and in a second start while the
 * agent waits, on the same processors: a real API server zips for each who asks, on processors of its own. CPU time of a start is that of the agent with
 * all its threads, and of what it starts. A change is an EndpointSlice of which one endpoint has another address; its time is from the write to the commit
 * in the kernel, of which iptables-legacy does not tell (`--changes 0`). A repair is from the end of the command that does damage to the log line after it.
 * `all`: all rules are gone; of iptables also `nat`: those of its table nat; `chain`: those of one chain of the agent; `rule`: the jump of PREROUTING.
 * Targets stand beside the figures and nothing is judged.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { kubeconfigOf } from "../test/support/kubeconfig.ts";
import { NODE_FLAGS } from "./support/cluster.ts";
import { ClusterServer, serveCluster } from "./support/cluster-server.ts";
import { CommitTimes } from "./support/commit-times.ts";
import { printTable } from "./support/table.ts";

const SELF = fileURLToPath(import.meta.url);
const CLI = fileURLToPath(new URL("../bin/kpc.cjs", import.meta.url)); // the bundle is in dist/scripts

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "1000x10,10000x10" },
    changes: { type: "string", default: "200" },
    output: { type: "string", default: "nft" },
    damage: { type: "string", default: "all" },
    json: { type: "boolean", default: false },
    // Given by this file to itself: the size that it measures in its network namespace, or serves, and whether lists are zipped before.
    inside: { type: "string" },
    serve: { type: "string" },
    kept: { type: "boolean", default: false },
  },
});

interface Figures {
  readonly size: string;
  readonly startSeconds: number;
  /** Of a start in which the server zips meanwhile. */
  readonly slowerStartSeconds: number;
  readonly startCpuSeconds: number;
  readonly changeMs: { readonly p50: number; readonly p99: number };
  /** Of one change: of the agent itself, and of processes that it started and that have ended. */
  readonly changeCpuMs: { readonly agent: number; readonly tools: number };
  /** By damage. */
  readonly repairSeconds: Readonly<Record<string, number>>;
  readonly agentMb: { readonly steady: number; readonly peak: number };
  readonly childrenMb: number;
  readonly idleCpuPercent: number;
  readonly load: number;
}

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function measure(size: string): Promise<Figures> {
  execFileSync("ip", ["link", "set", "lo", "up"]);
  const slower = await withAgent(size, [], ({ startSeconds }) => Promise.resolve(startSeconds));
  doDamage("all");
  return await withAgent(size, ["--kept"], async ({ api, pid, startSeconds, until }) => {
    const processes = [pid, ...childrenOf(pid)];
    const startCpuSeconds = processes.reduce((sum: number, each) => sum + cpuSecondsOf(each), 0);
    await sleep(2500);
    const [ownBefore, endedBefore] = [cpuSecondsOf(pid), cpuSecondsOfEnded(pid)];
    const changeMs = await measureChanges(api, Number(flags.changes));
    const perChange = 1000 / Math.max(1, Number(flags.changes));
    const changeCpuMs = {
      agent: (cpuSecondsOf(pid) - ownBefore) * perChange,
      tools: (cpuSecondsOfEnded(pid) - endedBefore) * perChange,
    };
    // V8 collects garbage once in a while, for a tenth of a second: in a shorter time that is most of it, or left out.
    const cpuBefore = cpuSecondsOf(pid);
    await sleep(30_000);
    const idleCpuPercent = ((cpuSecondsOf(pid) - cpuBefore) / 30) * 100;
    const repairSeconds: Record<string, number> = {};
    for (const what of flags.damage.split(",")) {
      doDamage(what);
      const done = performance.now();
      await until(/restored the tables/);
      repairSeconds[what] = (performance.now() - done) / 1000;
      await sleep(3000);
    }
    return {
      size,
      startSeconds,
      slowerStartSeconds: slower,
      startCpuSeconds,
      changeMs,
      changeCpuMs,
      repairSeconds,
      agentMb: { steady: memoryOf(pid, "VmRSS"), peak: memoryOf(pid, "VmHWM") },
      childrenMb: childrenOf(pid).reduce((sum, each) => sum + memoryOf(each, "VmRSS"), 0),
      idleCpuPercent,
      load: loadavg()[0] ?? 0,
    };
  });
}

interface StartedAgent {
  readonly api: ClusterServer;
  readonly pid: number | undefined;
  readonly startSeconds: number;
  /** Resolves when the agent logs what `pattern` finds. */
  readonly until: (pattern: RegExp) => Promise<void>;
}

/** What `use` gives of an agent that has started, with an API server of its own. */
async function withAgent<Given>(
  size: string,
  serverFlags: readonly string[],
  use: (agent: StartedAgent) => Promise<Given>,
): Promise<Given> {
  const api = await ClusterServer.start([SELF, "--serve", size, ...serverFlags]);
  const folder = mkdtempSync(join(tmpdir(), "kpc-bench-agent-"));
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, kubeconfigOf({ server: api.url }));
  const begun = performance.now();
  const agent = spawn(process.execPath, [CLI, "agent", "--kubeconfig", kubeconfig, "-o", flags.output, ...NODE_FLAGS], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise((resolve) => agent.on("exit", resolve));
  let log = "";
  let wake = (): void => undefined;
  agent.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
    wake();
  });
  const until = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(log)) {
      if (agent.exitCode !== null) throw new Error(`the agent has ended: ${log}`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    // What was waited for is not found again.
    log = "";
  };
  try {
    await until(/the rules of \S+ are right/);
    const startSeconds = (performance.now() - begun) / 1000;
    return await use({ api, pid: agent.pid, startSeconds, until });
  } finally {
    agent.kill("SIGTERM");
    await ended;
    api.stop();
    rmSync(folder, { recursive: true });
  }
}

/** `what`: as `--damage` names it. */
function doDamage(what: string): void {
  const tool = flags.output;
  const nat = `${tool} -t nat`;
  const all = tool.endsWith("legacy")
    ? ["mangle", "filter", "nat"].map((table) => `${tool} -t ${table} -F; ${tool} -t ${table} -X`).join("; ")
    : "nft flush ruleset";
  const chain = `${nat} -S | sed -n 's/^-N \\(KPC-pick\\S*\\).*/\\1/p' | head -n 1`;
  const commands = new Map([
    ["all", all],
    ["nat", `${nat} -F`],
    ["chain", `${nat} -F $(${chain})`],
    ["rule", `${nat} -D PREROUTING 1`],
  ]);
  const command = commands.get(what);
  if (command === undefined) throw new Error(`--damage ${what}: expected ${[...commands.keys()].join(", ")}`);
  execFileSync("sh", ["-c", command]);
}

/** From the write of a slice to the commit. */
async function measureChanges(api: ClusterServer, count: number): Promise<Figures["changeMs"]> {
  const commits = await CommitTimes.start();
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const committed = commits.next();
    const written = await api.change(i);
    times.push(Number((await committed) - written) / 1e6);
    await sleep(70);
  }
  commits.stop();
  times.sort((a, b) => a - b);
  const at = (part: number): number => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

/** In 10^6 bytes. */
function memoryOf(pid: number | undefined, what: "VmRSS" | "VmHWM"): number {
  const [, kilobytes] = new RegExp(`${what}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return (Number(kilobytes) * 1024) / 1e6;
}

function childrenOf(pid: number | undefined): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
}

/** In user mode and in the kernel. */
function cpuSecondsOf(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The same of processes that a process has started, and that have ended. */
function cpuSecondsOfEnded(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

function report(all: readonly Figures[]): void {
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(all)}\n`);
    return;
  }
  const rows = all.map((each) => [
    each.size,
    `${each.startSeconds.toFixed(2)} s`,
    `${each.slowerStartSeconds.toFixed(2)} s`,
    `${each.startCpuSeconds.toFixed(2)} s`,
    `${each.changeMs.p50.toFixed(1)} / ${each.changeMs.p99.toFixed(1)} ms`,
    `${each.changeCpuMs.agent.toFixed(1)} + ${each.changeCpuMs.tools.toFixed(1)} ms`,
    Object.values(each.repairSeconds)
      .map((seconds) => `${seconds.toFixed(2)} s`)
      .join(", "),
    `${each.agentMb.steady.toFixed(0)} / ${each.agentMb.peak.toFixed(0)} MB`,
    `${each.childrenMb.toFixed(0)} MB`,
    `${each.idleCpuPercent.toFixed(1)} %`,
    each.load.toFixed(1),
  ]);
  const head = [
    "size",
    "start",
    "server zips",
    "its CPU",
    "change p50 / p99",
    "CPU: agent + tools",
    "repair",
    "agent RSS / peak",
    "nft and helper",
    "idle CPU",
    "load",
  ];
  const targets = ["target 1k", "0.5 s", "", "", "2 / 10 ms", "", "1.5 s", "90 / 110 MB", "20 MB", "0.5 %", ""];
  const larger = ["target 10k", "3 s", "", "", "4 / 20 ms", "", "3 s", "120 / 150 MB", "40 MB", "0.5 %", ""];
  process.stdout.write(`${printTable([head, ...rows, targets, larger])}\n`);
}

if (flags.serve !== undefined) await serveCluster(flags.serve, flags.kept);
else if (flags.inside !== undefined) {
  process.stdout.write(JSON.stringify(await measure(flags.inside)));
  process.exit(0);
} else report(flags.sizes.split(",").map(measureInside));

function measureInside(size: string): Figures {
  const args = [
    "-n",
    process.execPath,
    SELF,
    "--inside",
    size,
    "--changes",
    flags.changes,
    "--output",
    flags.output,
    "--damage",
    flags.damage,
  ];
  const { status, stdout } = spawnSync("unshare", args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if (status !== 0) throw new Error(`${size} could not be measured`);
  return JSON.parse(stdout) as Figures;
}
