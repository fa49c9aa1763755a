/** A HAProxy with a folder of configuration: started, or found running; reloaded without closing its ports. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { toolEnvironment } from "../kernel/namespace.ts";
import { askProxy, ProxyTrouble } from "./admin-socket.ts";

/** Files of the folder beside those that `kpc compile -o haproxy` writes. */
const OWN = { config: "run.cfg", admin: "admin.sock", master: "master.sock", pid: "haproxy.pid" } as const;

/** Bytes of a socket's path: what sockaddr_un holds, less the ending that HAProxy gives it while it reloads. */
const MAX_SOCKET_PATH = 90;

/** Milliseconds that HAProxy may take to read its configuration. */
const START_MS = 60_000;

/** The lines of `run.cfg` for a HAProxy in `folder`; beside `haproxy.cfg`, for the runtime API. Throws ProxyTrouble where the path of the
 *  folder is too long for a socket. */
export function runConfig(folder: string): string {
  const path = join(folder, OWN.admin);
  const [special] = /[^\w./@:+=~^-]/.exec(path.replaceAll(/[^\p{Cc} -~]/gu, "_")) ?? [];
  if (special !== undefined)
    throw new ProxyTrouble(
      `the path of ${path} has ${JSON.stringify(special)}, which means something to HAProxy: choose another folder`,
    );
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH)
    throw new ProxyTrouble(`the path of ${path} is longer than ${MAX_SOCKET_PATH} bytes: sockets need a shorter one`);
  return `global\n  stats socket ${path} mode 600 level admin expose-fd listeners\n`;
}

export const RUN_CONFIG = OWN.config;

/** HAProxy serves on with the files that it had. */
export class ReloadRefused extends ProxyTrouble {}

/** The oldest version of which kpc uses the runtime API. */
const OLDEST = [2, 6] as const;

/** Why the HAProxy that is installed cannot be used; undefined: it can. `said`: what `haproxy -v` prints. */
export function whyTooOld(said: string): string | undefined {
  const [, version, major, minor] = /^HA-?Proxy version ((\d+)\.(\d+)\S*)/m.exec(said) ?? [];
  if (version === undefined) return `haproxy -v tells no version: ${said.split("\n")[0]}`;
  const isOld = Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1]);
  return isOld ? `HAProxy ${version} is installed: expected ${OLDEST.join(".")} or later` : undefined;
}

/** Its master process. It runs on when kpc ends without `stop`. */
export class HaproxyProcess {
  readonly admin: string;
  /** Of the master process. */
  private readonly pid: number;
  /** When it was started: another process may get its number once it has ended. */
  private readonly since: string | undefined;

  private readonly folder: string;
  /** The last lines that it has printed about what keeps it from serving; empty for one that an earlier kpc has started. */
  private readonly complaints: string[] = [];

  private constructor(folder: string, pid: number) {
    this.folder = folder;
    this.pid = pid;
    this.since = startOf(pid);
    this.admin = join(folder, OWN.admin);
  }

  /** The one that runs in `folder`, an absolute path, since an earlier kpc; undefined: there is none. */
  static find(folder: string): HaproxyProcess | undefined {
    const pid = Number(readIfThere(join(folder, OWN.pid)));
    if (!Number.isInteger(pid) || pid <= 1) return undefined;
    const words = readIfThere(`/proc/${pid}/cmdline`).split("\0");
    return words.includes(join(folder, OWN.config)) ? new HaproxyProcess(folder, pid) : undefined;
  }

  /** Starts one, and waits until it serves. Rejects with ProxyTrouble where it does not. */
  static async start(folder: string): Promise<HaproxyProcess> {
    const at = (name: string): string => join(folder, name);
    const sockets = ["-S", `${at(OWN.master)},mode,600,level,admin`, "-p", at(OWN.pid)];
    const child = spawn("haproxy", ["-W", ...sockets, "-f", at("haproxy.cfg"), "-f", at(OWN.config)], {
      env: toolEnvironment(),
      stdio: ["ignore", "inherit", "pipe"],
      detached: true, // an interrupt of the terminal is for kpc, which then stops it
    });
    let failed: string | undefined;
    child.once("error", ({ message }) => {
      failed = message;
    });
    child.once("exit", () => {
      failed ??= "it has ended";
    });
    const started = new HaproxyProcess(folder, child.pid ?? NO_PROCESS);
    const { complaints } = started;
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaints.push(...text.split("\n").filter((line) => line.includes("[ALERT]")));
      complaints.splice(0, complaints.length - MOST_COMPLAINTS);
    });
    child.unref();
    await started.untilWorker(undefined, () => failed && `haproxy: ${[failed, ...complaints].join("\n")}`);
    return started;
  }

  /** Starts a new worker process with the files as they are; the old one serves its connections to their end. Gives the HAProxy that serves from
   *  then on: another one, where this one does not answer at its socket any more. Rejects with ProxyTrouble where the new one does not serve. */
  async reload(): Promise<HaproxyProcess> {
    const before = await this.worker();
    if (before === undefined) return this.replace();
    const reloads = (await this.reloads())?.all;
    this.complaints.length = 0;
    this.signal("SIGUSR2");
    await this.untilWorker(before, async () => {
      if (!this.isAlive()) return "haproxy has ended";
      const now = await this.reloads();
      if (reloads === undefined || now === undefined || now.all <= reloads || now.failed === 0) return undefined;
      throw new ReloadRefused(["haproxy does not start with the new configuration", ...this.complaints].join("\n"));
    });
    // Until the old one has closed its ports, it may take new connections, too.
    const until = Date.now() + CLOSE_MS;
    while (isListening(before) && Date.now() < until) await sleep(5);
    return this;
  }

  /** Starts another one, which listens at the same ports; then this one gets no new connections. */
  private async replace(): Promise<HaproxyProcess> {
    const next = await HaproxyProcess.start(this.folder);
    this.signal("SIGUSR1");
    return next;
  }

  /** Whether its socket is where it was. */
  hasSocket(): boolean {
    return statSync(this.admin, { throwIfNoEntry: false })?.isSocket() === true;
  }

  isAlive(): boolean {
    return this.since !== undefined && startOf(this.pid) === this.since;
  }

  /** No new connections; those that are there have `milliseconds` to end. */
  async stop(milliseconds: number): Promise<void> {
    if (!this.isAlive()) return;
    this.signal("SIGUSR1");
    const until = Date.now() + milliseconds;
    while (this.isAlive() && Date.now() < until) await sleep(20);
    this.signal("SIGTERM");
    while (this.isAlive()) await sleep(20);
  }

  private signal(name: NodeJS.Signals): void {
    if (!this.isAlive()) return;
    try {
      process.kill(this.pid, name);
    } catch (error) {
      if (this.isAlive()) throw error;
    }
  }

  /** How often it was reloaded, and how often that has failed since it last did not; undefined: it does not say. */
  private async reloads(): Promise<{ readonly all: number; readonly failed: number } | undefined> {
    try {
      const told = await askProxy(join(this.folder, OWN.master), "show proc\nquit"); // it stays open otherwise
      const [, all, failed] = /^\d+\s+master\s+(\d+) \[failed: (\d+)\]/m.exec(told) ?? [];
      return all === undefined ? undefined : { all: Number(all), failed: Number(failed) };
    } catch (error) {
      if (error instanceof ProxyTrouble) return undefined;
      throw error;
    }
  }

  /** The process that serves; undefined: none does. */
  private async worker(): Promise<string | undefined> {
    try {
      const told = await askProxy(this.admin, "show info");
      return /^Pid: (\d+)$/m.exec(told)?.[1];
    } catch (error) {
      if (error instanceof ProxyTrouble) return undefined;
      throw error;
    }
  }

  /** Waits for a worker that is not `before`. */
  private async untilWorker(
    before: string | undefined,
    whyNot: () => string | undefined | Promise<string | undefined>,
  ): Promise<void> {
    const until = Date.now() + START_MS;
    for (;;) {
      const now = await this.worker();
      if (now !== undefined && now !== before) return;
      const reason =
        (await whyNot()) ?? (Date.now() > until ? `haproxy does not serve after ${START_MS / 1000} s` : undefined);
      if (reason !== undefined) throw new ProxyTrouble(reason);
      await sleep(10);
    }
  }
}

/** When a process was started, in ticks since the machine was (proc(5)'s stat); undefined: it has ended, though nobody may have asked how. */
function startOf(pid: number): string | undefined {
  const text = readIfThere(`/proc/${pid}/stat`);
  // The name of the program is in brackets, and may have some itself.
  const words = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return words[0] === "Z" || words[0] === "X" ? undefined : words[19];
}

/** Milliseconds that an old worker may take to close its ports. */
const CLOSE_MS = 5000;

/** Whether the process has a port of TCP open. */
function isListening(pid: string): boolean {
  const rows = ["tcp", "tcp6"].flatMap((name) => readIfThere(`/proc/${pid}/net/${name}`).split("\n"));
  const listening = new Set(
    rows
      .map((row) => row.trim().split(/\s+/))
      .flatMap((words) => (words[3] === LISTEN ? [`socket:[${words[9]}]`] : [])),
  );
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => listening.has(linkOf(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return false; // it has ended
  }
}

/** A state of proc(5)'s net/tcp. */
const LISTEN = "0A";

/** Empty where it was closed since. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** No process has this number. */
const NO_PROCESS = 2 ** 30;

/** Lines that are kept of what HAProxy says. */
const MOST_COMPLAINTS = 5;

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
