/**
 * An agent as a process of its own, which is killed at random moments, as are the programs that it runs, while objects change and others edit the
 * rules; memory and room on the disk get scarce, the clock jumps, and the process stands still for a while. After each mishap the kernel has soon
 * what compile makes of the objects.
 *
 *   npm run soak:agent -- [--kills 100] [--seed 1] [--patience 30] [--output nft|iptables-nft|iptables-legacy]
 *
 * It needs root, nft, perl, unshare, prlimit, for other outputs iptables, and a built `dist/`.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { printChange } from "../../compiler/formats/nft/print-change.ts";
import { unreachable } from "../../compiler/invariant.ts";
import { IPTABLES_BACKENDS } from "../../runtime/agent/iptables-host.ts";
import { readLiveTables } from "../../runtime/table/live-tables.ts";
import { Netfilter } from "../../runtime/table/netfilter.ts";
import { FakeApiServer } from "../support/api-server/fake-api-server.ts";
import type { Manifest } from "../support/arbitraries.ts";
import { type AgentEvent, compiledTables, history, keyOf, ruleKindOf } from "../support/events.ts";
import { differencesBesideSpares } from "../support/live-agent.ts";
import { differenceOfIptables } from "../support/live-iptables.ts";
import { MemoryGroup, SmallDisk, starve } from "../support/scarcity.ts";
import { API_PATHS } from "../support/served-objects.ts";

const SELF = fileURLToPath(import.meta.url);
const CLI = fileURLToPath(new URL("../bin/kpc.cjs", import.meta.url)); // the bundle is in dist/scripts

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    // Seconds after which tables that differ are left wrong: more where others use the processors, too.
    patience: { type: "string", default: "30" },
    output: { type: "string", default: "nft" },
    // Given by this file to itself, in its network namespace.
    inside: { type: "boolean", default: false },
  },
});

const CONFIG = { nodeName: "node-a", mode: "nftables" } as const;

/** The slowest repairs that are told one by one. */
const SHOWN = 5;

const PATIENCE_MS = 1000 * Number(values.patience);

const BACKEND = IPTABLES_BACKENDS.find((backend) => values.output === `iptables-${backend}`);

/** Loaded into the agent: its clock of the day jumps with each signal, an hour ahead and two back. */
const JUMPING_CLOCK = `
  const real = Date.now;
  let ahead = 0;
  Date.now = () => real() + ahead;
  process.on("SIGUSR2", () => { ahead = ahead > 0 ? -3600e3 : 3600e3; });
`;

const NFT_FOREIGN = [
  "flush ruleset",
  "delete table ip kpc",
  "flush map ip kpc services",
  "add element ip kpc hairpin { 10.66.6.6 . 10.66.6.6 }",
  // Nothing that keeps a new agent from the API server.
  "insert rule ip kpc services ip daddr 10.66.6.6 drop",
  "add table ip kpc { flags dormant; }",
].map((command) => ["nft", command]);

const IPTABLES_FOREIGN = [
  "-t nat -F",
  "-t nat -F KPC-services",
  "-t nat -D PREROUTING -j KPC-NAT-PREROUTING",
  "-t nat -I OUTPUT -j KPC-NAT-OUTPUT",
  "-t nat -I KPC-NAT-OUTPUT -d 10.66.6.6 -j ACCEPT",
  "-t filter -N KPC-theirs",
].map((command) => [`iptables-${BACKEND}`, ...command.split(" ")]);

const FOREIGN = BACKEND === undefined ? NFT_FOREIGN : IPTABLES_FOREIGN;

const MISHAPS = [
  "kill the agent",
  "kill a child",
  "starve a child",
  "limit memory",
  "fill the disk",
  "empty the disk",
  "let the clock jump",
  "stop for a while",
  "foreign",
] as const;

class Soak {
  private readonly objects = new Map<string, Manifest>();
  private readonly netfilter = new Netfilter();
  private readonly api: FakeApiServer;
  private readonly folder = mkdtempSync(join(tmpdir(), "kpc-soak-"));
  private readonly disk = new SmallDisk();
  private readonly memory = MemoryGroup.make(`kpc-soak-${process.pid}`);
  /** Of mishaps, how often each happened. */
  readonly befell = new Map<string, number>();
  private agent: ChildProcess | undefined;
  private state: number;
  /** The end of what agents have said. */
  private log = "";
  /** Of each time that it ended by itself, its exit code and the last line of what it said. */
  readonly ended: string[] = [];
  wrong = 0;
  /** Mishaps since the kernel was last right, and how long it took until it was, of each time. */
  private since: string[] = [];
  readonly repairs: { readonly seconds: number; readonly after: readonly string[] }[] = [];

  constructor(api: FakeApiServer, seed: number) {
    this.api = api;
    this.state = seed;
    const [cluster, user] = ["soak", "soak"];
    writeFileSync(join(this.folder, "clock.cjs"), JUMPING_CLOCK);
    writeFileSync(
      join(this.folder, "kubeconfig"),
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "soak",
        clusters: [{ name: cluster, cluster: { server: api.url } }],
        users: [{ name: user, user: {} }],
        contexts: [{ name: "soak", context: { cluster, user } }],
      }),
    );
  }

  get limitsMemory(): boolean {
    return this.memory !== undefined;
  }

  /** A number below `count`. */
  pick(count: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * count);
  }

  start(): void {
    const settings = ["--node", CONFIG.nodeName, "--mode", CONFIG.mode, "-o", values.output];
    const args = [
      "-r",
      join(this.folder, "clock.cjs"),
      CLI,
      "agent",
      "-q",
      "--kubeconfig",
      join(this.folder, "kubeconfig"),
      ...settings,
    ];
    const agent = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    agent.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      this.log = `${this.log}${text}`.slice(-2000);
    });
    // As a kubelet does, where it ends by itself.
    agent.once("exit", (code) => {
      if (this.agent !== agent) return;
      if (code !== null) this.ended.push(`exit code ${code}: ${said.trim().split("\n").at(-1)}`);
      this.start();
    });
    this.agent = agent;
  }

  take(event: AgentEvent): void {
    if (event.kind === "update") return;
    const { object } = event;
    const [path, key] = [API_PATHS[ruleKindOf(object)], keyOf(object)];
    if (event.kind === "put") {
      this.objects.set(key, object);
      this.api.store.put(path, object as never);
    } else {
      this.objects.delete(key);
      this.api.store.delete(path, key.slice(key.indexOf(" ") + 1));
    }
  }

  async befall(): Promise<void> {
    const what = MISHAPS[this.pick(MISHAPS.length)] ?? "foreign";
    this.befell.set(what, (this.befell.get(what) ?? 0) + 1);
    this.since.push(what);
    const children = childrenOf(this.agent?.pid);
    const child = children[this.pick(Math.max(1, children.length))];
    switch (what) {
      case "kill the agent": {
        const gone = new Promise((resolve) => this.agent?.once("exit", resolve));
        this.agent?.kill("SIGKILL");
        await gone;
        break;
      }
      case "kill a child":
        if (child !== undefined) kill(child);
        break;
      case "starve a child":
        if (child !== undefined) starve(child);
        break;
      case "limit memory":
        await this.limitMemory(this.pick(2) === 0 ? this.agent?.pid : child);
        break;
      case "fill the disk":
        this.disk.fill();
        break;
      case "empty the disk":
        this.disk.empty();
        break;
      case "let the clock jump":
        this.agent?.kill("SIGUSR2");
        break;
      case "stop for a while":
        this.agent?.kill("SIGSTOP");
        await new Promise((resolve) => setTimeout(resolve, this.pick(1500)));
        this.agent?.kill("SIGCONT");
        break;
      case "foreign": {
        // One that cannot be done does nothing.
        const [program = "", ...args] = FOREIGN[this.pick(FOREIGN.length)] ?? [];
        spawnSync(program, args);
        break;
      }
      default:
        unreachable(what);
    }
  }

  /** For a moment a process may have little more than it has. */
  private async limitMemory(pid: number | undefined): Promise<void> {
    const { memory } = this;
    if (memory === undefined || pid === undefined) return;
    try {
      memory.take(pid);
    } catch {
      return; // it has ended
    }
    memory.tighten(this.pick(500_000));
    await new Promise((resolve) => setTimeout(resolve, this.pick(500)));
    memory.relax();
  }

  /** Waits until the kernel has what it should; tells how it differs where it does not in time. */
  async settle(what: string): Promise<void> {
    const begun = performance.now();
    const wanted = compiledTables(CONFIG, this.objects.values()) ?? [];
    for (;;) {
      const found =
        BACKEND === undefined
          ? differencesBesideSpares(await readLiveTables(this.netfilter), wanted)
              .map(printChange)
              .join("")
          : differenceOfIptables(
              (family) => execFileSync(`${family}tables-${BACKEND}-save`, { encoding: "utf8" }),
              wanted,
            );
      const lasted = performance.now() - begun;
      if (found === "") {
        this.repairs.push({ seconds: lasted / 1000, after: this.since });
        this.since = [];
        return;
      }
      if (lasted > PATIENCE_MS) {
        this.wrong++;
        process.stdout.write(
          `${what}: the kernel still differs:\n${found.slice(0, 2000)}\nthe agent said:\n${this.log}\n`,
        );
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async end(): Promise<void> {
    const { agent } = this;
    this.agent = undefined;
    agent?.kill("SIGKILL");
    await this.memory?.close();
    this.netfilter.close();
    this.disk.close();
    await this.api.stop();
    rmSync(this.folder, { recursive: true });
  }
}

function childrenOf(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return []; // it has ended
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

async function run(): Promise<number> {
  execFileSync("ip", ["link", "set", "lo", "up"]);
  const kills = Number(values.kills);
  const soak = new Soak(await FakeApiServer.start(), Number(values.seed));
  soak.start();
  let done = 0;
  let events = 0;
  for (let seed = Number(values.seed); done < kills; seed++)
    for (const each of fc.sample(history(false, 200), { numRuns: 1, seed })) {
      for (const event of each.events) {
        soak.take(event);
        events++;
        if (done >= kills || soak.pick(10) > 0) continue;
        // Some mishaps meet an agent in the middle of its work.
        if (soak.pick(2) === 0) await new Promise((resolve) => setTimeout(resolve, soak.pick(60)));
        await soak.befall();
        done++;
        if (soak.pick(3) === 0) await soak.settle(`seed ${seed}, mishap ${done}`);
      }
      await soak.settle(`seed ${seed}`);
    }
  const befell = [...soak.befell].map(([what, count]) => `${what} ${count}`).join(", ");
  process.stdout.write(`${befell}${soak.limitsMemory ? "" : "; no cgroup of memory can be made here"}\n`);
  await soak.end();
  soak.repairs.sort((a, b) => b.seconds - a.seconds);
  for (const { seconds, after } of soak.repairs.slice(0, SHOWN))
    process.stdout.write(`${seconds.toFixed(1)} s after: ${after.join(", ")}\n`);
  const slowest = `${(soak.repairs[0]?.seconds ?? 0).toFixed(1)} s`;
  process.stdout.write(
    `${done} mishaps, ${events} events: ${soak.wrong} left wrong, slowest repair ${slowest}, ended by itself ${soak.ended.length} times\n`,
  );
  for (const each of soak.ended) process.stdout.write(`${each}\n`);
  return soak.wrong === 0 ? 0 : 1;
}

if (values.inside) process.exit(await run());
else {
  const args = [
    "-nm",
    process.execPath,
    SELF,
    "--inside",
    "--kills",
    values.kills,
    "--seed",
    values.seed,
    "--patience",
    values.patience,
    "--output",
    values.output,
  ];
  const { status, signal, error } = spawnSync("unshare", args, { stdio: "inherit" });
  // What happens to the agent is not to happen to the soak in silence.
  if (status === null) process.stderr.write(`the soak: ${error?.message ?? `ended by ${signal}`}\n`);
  process.exitCode = status ?? 1;
}
