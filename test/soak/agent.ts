/**
 * An agent as a process of its own, which is killed at random moments, as are its nft and its helper, while objects change and others edit the
 * tables: after each mishap the kernel has soon what compile makes of the objects.
 *
 *   npm run soak:agent -- [--kills 100] [--seed 1] [--patience 30]
 *
 * It needs root, nft, perl and unshare, and a built `dist/`.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { printChange } from "../../compiler/formats/nft/print-change.ts";
import { readLiveTables } from "../../runtime/table/live-tables.ts";
import { Netfilter } from "../../runtime/table/netfilter.ts";
import { FakeApiServer } from "../support/api-server/fake-api-server.ts";
import type { Manifest } from "../support/arbitraries.ts";
import { type AgentEvent, compiledTables, history, keyOf, ruleKindOf } from "../support/events.ts";
import { API_PATHS, differencesBesideSpares } from "../support/live-agent.ts";

const SELF = fileURLToPath(import.meta.url);
const CLI = fileURLToPath(new URL("../bin/kpc.cjs", import.meta.url)); // the bundle is in dist/scripts

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    // Seconds after which tables that differ are left wrong: more where others use the processors, too.
    patience: { type: "string", default: "30" },
    // Given by this file to itself, in its network namespace.
    inside: { type: "boolean", default: false },
  },
});

const CONFIG = { nodeName: "node-a", mode: "nftables" } as const;

const PATIENCE_MS = 1000 * Number(values.patience);

const FOREIGN = [
  "flush ruleset",
  "delete table ip kpc",
  "flush map ip kpc services",
  "add element ip kpc hairpin { 10.66.6.6 . 10.66.6.6 }",
  // Nothing that keeps a new agent from the API server.
  "insert rule ip kpc services ip daddr 10.66.6.6 drop",
  "add table ip kpc { flags dormant; }",
];

class Soak {
  private readonly objects = new Map<string, Manifest>();
  private readonly netfilter = new Netfilter();
  private readonly api: FakeApiServer;
  private readonly folder = mkdtempSync(join(tmpdir(), "kpc-soak-"));
  private agent: ChildProcess | undefined;
  private state: number;
  /** The end of what agents have said. */
  private log = "";
  /** How often it ended by itself. */
  ended = 0;
  slowest = 0;
  wrong = 0;

  constructor(api: FakeApiServer, seed: number) {
    this.api = api;
    this.state = seed;
    const [cluster, user] = ["soak", "soak"];
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

  /** A number below `count`. */
  pick(count: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * count);
  }

  start(): void {
    const settings = ["--node", CONFIG.nodeName, "--mode", CONFIG.mode];
    const args = [CLI, "agent", "-q", "--kubeconfig", join(this.folder, "kubeconfig"), ...settings];
    const agent = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
    agent.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.log = `${this.log}${text}`.slice(-2000);
    });
    // As a kubelet does, where it ends by itself.
    agent.once("exit", (code) => {
      if (this.agent !== agent || code === null) return;
      this.ended++;
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
    const children = childrenOf(this.agent?.pid);
    switch (this.pick(4)) {
      case 0: {
        const gone = new Promise((resolve) => this.agent?.once("exit", resolve));
        this.agent?.kill("SIGKILL");
        await gone; // its code is null
        this.start();
        break;
      }
      case 1:
      case 2: {
        const pid = children[this.pick(Math.max(1, children.length))];
        if (pid !== undefined) kill(pid);
        break;
      }
      default:
        // One that cannot be done does nothing.
        spawnSync("nft", [FOREIGN[this.pick(FOREIGN.length)] ?? ""]);
    }
  }

  /** Waits until the kernel has what it should; tells how it differs where it does not in time. */
  async settle(what: string): Promise<void> {
    const begun = performance.now();
    const wanted = compiledTables(CONFIG, this.objects.values()) ?? [];
    for (;;) {
      const found = differencesBesideSpares(await readLiveTables(this.netfilter), wanted)
        .map(printChange)
        .join("");
      const lasted = performance.now() - begun;
      if (found === "") {
        this.slowest = Math.max(this.slowest, lasted);
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
    this.netfilter.close();
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
  await soak.end();
  const slowest = `${(soak.slowest / 1000).toFixed(1)} s`;
  process.stdout.write(
    `${done} mishaps, ${events} events: ${soak.wrong} left wrong, slowest repair ${slowest}, ended by itself ${soak.ended} times\n`,
  );
  return soak.wrong === 0 ? 0 : 1;
}

if (values.inside) process.exit(await run());
else {
  const args = [
    "-n",
    process.execPath,
    SELF,
    "--inside",
    "--kills",
    values.kills,
    "--seed",
    values.seed,
    "--patience",
    values.patience,
  ];
  process.exitCode = spawnSync("unshare", args, { stdio: "inherit" }).status ?? 1;
}
