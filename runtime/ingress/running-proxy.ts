/** A HAProxy that serves what the files last said. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type ProxyChange, proxyUpdate } from "../../compiler/formats/haproxy/changes.ts";
import { toolEnvironment } from "../kernel/namespace.ts";
import { askProxy, ProxyTrouble } from "./admin-socket.ts";
import { applyChanges } from "./apply-change.ts";
import { HaproxyProcess, ReloadRefused, RUN_CONFIG, runConfig, whyTooOld } from "./haproxy-process.ts";

/** Files of a configuration, by name. */
export type ProxyFiles = ReadonlyMap<string, string>;

/** Where files are kept: `folder` is an absolute path, `write` puts files there, all or none, and `draft` into a folder of its own that is gone
 *  when `use` has ended. */
export interface ProxyStore {
  readonly folder: string;
  readonly write: (files: ProxyFiles) => void;
  readonly draft: <T>(files: ProxyFiles, use: (folder: string) => T) => T;
}

/** What was done for an update. */
export type DoneUpdate =
  | { readonly kind: "started" | "restarted" | "unchanged" }
  | { readonly kind: "at-run-time"; readonly changes: readonly ProxyChange[] }
  | { readonly kind: "reloaded"; readonly because: string };

/** A server that gets no new requests, and is removed when it has no connection any more. */
interface Removal {
  readonly backend: string;
  readonly server: string;
}

/** What is on disk is what HAProxy runs with, but for servers that still have connections. */
export class RunningProxy {
  private readonly store: ProxyStore;
  private running: ProxyFiles | undefined;
  private haproxy: HaproxyProcess | undefined;
  /** False: a reload has failed, so HAProxy runs with files that are not known. */
  private isCertain = true;
  private readonly removals = new Map<string, Removal>();

  constructor(store: ProxyStore) {
    this.store = store;
  }

  /** Serves what `files` say from now on. A HAProxy that runs in the folder already is taken over. Rejects with ProxyTrouble where HAProxy
   *  refuses the files: then it serves what it did before. */
  async apply(files: ProxyFiles): Promise<DoneUpdate> {
    const wanted = new Map([...files, [RUN_CONFIG, runConfig(this.store.folder)]]);
    const { running, haproxy } = this;
    if (running === undefined || haproxy === undefined || !haproxy.isAlive()) return this.start(wanted);
    if (!this.isCertain) return this.reload(haproxy, wanted, "the reload before has failed");
    const busy = new Set([...this.removals.values()].map(({ backend }) => backend));
    const update = proxyUpdate(running, wanted, busy);
    if (update.kind === "reload") return this.reload(haproxy, update.files, update.because);
    if (update.changes.length === 0) return { kind: "unchanged" };
    try {
      await this.change(haproxy, update.changes);
    } catch (error) {
      if (!(error instanceof ProxyTrouble)) throw error;
      return this.reload(haproxy, wanted, error.message);
    }
    this.keep(update.files);
    return { kind: "at-run-time", changes: update.changes };
  }

  /** To be called now and then: removes servers that have no connection any more, and starts HAProxy again where it has ended. */
  async tend(): Promise<DoneUpdate> {
    const { running, haproxy } = this;
    if (running === undefined) return { kind: "unchanged" };
    if (haproxy === undefined || !haproxy.isAlive()) {
      await this.start(running);
      return { kind: "restarted" };
    }
    if (!haproxy.hasSocket()) return this.reload(haproxy, running, "its socket for commands was gone");
    for (const [name, removal] of this.removals)
      if (await removeIdle(haproxy.admin, removal)) this.removals.delete(name);
    return { kind: "unchanged" };
  }

  /** Connections have `milliseconds` to end. */
  async stop(milliseconds: number): Promise<void> {
    await this.haproxy?.stop(milliseconds);
  }

  private async start(files: ProxyFiles): Promise<DoneUpdate> {
    refuseOldHaproxy();
    this.check(files);
    this.keep(files);
    this.removals.clear();
    const found = HaproxyProcess.find(this.store.folder);
    this.haproxy = found ?? (await HaproxyProcess.start(this.store.folder));
    if (found === undefined) return { kind: "started" };
    await this.reloadAsItIs(found);
    return { kind: "reloaded", because: "it ran before kpc started" };
  }

  private async reload(haproxy: HaproxyProcess, files: ProxyFiles, because: string): Promise<DoneUpdate> {
    this.check(files);
    const before = this.running;
    this.keep(files);
    try {
      await this.reloadAsItIs(haproxy);
    } catch (error) {
      if (!(error instanceof ReloadRefused) || before === undefined) throw error;
      // Such as a port that another process has: nothing has changed.
      this.keep(before);
      this.isCertain = true;
      throw error;
    }
    this.removals.clear();
    return { kind: "reloaded", because };
  }

  private async reloadAsItIs(haproxy: HaproxyProcess): Promise<void> {
    this.isCertain = false;
    this.haproxy = await haproxy.reload();
    this.isCertain = true;
  }

  private async change({ admin }: HaproxyProcess, changes: readonly ProxyChange[]): Promise<void> {
    // A server that was to go and comes back is there still.
    const isBack = (change: ProxyChange): boolean => change.kind === "add-server" && this.removals.has(nameOf(change));
    const back = changes.filter(isBack);
    const others = changes.filter((change) => !isBack(change));
    for (const change of back) {
      if (change.kind !== "add-server") continue;
      this.removals.delete(nameOf(change));
      // It may have had another weight.
      const weight = / weight (\d+)/.exec(` ${change.settings}`)?.[1] ?? 1;
      await askProxy(admin, `set server ${nameOf(change)} weight ${weight}`);
      await askProxy(admin, `set server ${nameOf(change)} state ready`);
    }
    await applyChanges(admin, others);
    for (const change of others) if (change.kind === "remove-server") this.removals.set(nameOf(change), change);
  }

  private keep(files: ProxyFiles): void {
    this.store.write(files);
    this.running = files;
  }

  /** Throws ProxyTrouble with HAProxy's words where it refuses the files. */
  private check(files: ProxyFiles): void {
    const { error, status, stderr } = this.store.draft(files, (folder) =>
      spawnSync("haproxy", ["-c", "-q", "-f", join(folder, "haproxy.cfg")], {
        env: toolEnvironment(),
        encoding: "utf8",
      }),
    );
    if (error !== undefined) throw new ProxyTrouble(notStarted(error));
    if (status !== 0) throw new ProxyTrouble(`haproxy refuses the configuration: ${stderr.trim()}`);
  }
}

/** Throws ProxyTrouble where HAProxy is missing, or older than what kpc uses of it. */
function refuseOldHaproxy(): void {
  const { error, stdout } = spawnSync("haproxy", ["-v"], { env: toolEnvironment(), encoding: "utf8" });
  if (error !== undefined) throw new ProxyTrouble(notStarted(error));
  const reason = whyTooOld(stdout);
  if (reason !== undefined) throw new ProxyTrouble(reason);
}

function notStarted(error: NodeJS.ErrnoException): string {
  return error.code === "ENOENT"
    ? "HAProxy is not installed: expected the program haproxy"
    : `haproxy: ${error.message}`;
}

function nameOf({ backend, server }: Removal): string {
  return `${backend}/${server}`;
}

/** Whether it is gone. */
async function removeIdle(admin: string, removal: Removal): Promise<boolean> {
  const name = nameOf(removal);
  const [, used] = /^\S+ \S+ (?:\S+ ){4}(\d+)/m.exec(await connectionsOf(admin, removal)) ?? [];
  if (used !== undefined && used !== "0") return false;
  await askProxy(admin, `set server ${name} state maint`);
  const said = await askProxy(admin, `del server ${name}`);
  return said === "Server deleted." || said === "No such server.";
}

async function connectionsOf(admin: string, { backend, server }: Removal): Promise<string> {
  const told = await askProxy(admin, `show servers conn ${backend}`);
  return told.split("\n").find((line) => line.startsWith(`${backend}/${server} `)) ?? "";
}
