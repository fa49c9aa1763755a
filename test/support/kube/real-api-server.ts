/** The real API server: etcd and kube-apiserver on loopback, without a container and without root, in a folder that is thrown away. */
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { AccessDescription } from "../../../runtime/api/access-description.ts";
import { accessWithToken, call } from "../api-server/raw-request.ts";
import { kubeconfigOf } from "../kubeconfig.ts";
import { kubeBinary } from "./binaries.ts";

/** Who can come in: tokens, and the groups of who has them. `watcher` is nobody yet: a test gives it a role. */
const USERS = [
  ["admin", "system:masters"],
  ["system:kube-proxy", ""],
  ["watcher", ""],
] as const;

export type KubeUser = (typeof USERS)[number][0];

/** Where cluster IPs come from, one range of each family. */
export const SERVICE_RANGES = ["172.30.0.0/16", "fd00:10:96::/112"] as const;

/** Milliseconds in which a server has to start on a machine that is busy. */
const START_MS = 120_000;

export class RealApiServer {
  readonly url: string;
  /** Where the logs of the servers are. */
  readonly folder: string;
  private readonly ports: { readonly api: number; readonly etcd: number };
  private readonly ranges: string;
  private readonly children = new Map<"etcd" | "kube-apiserver", ChildProcess>();

  private constructor(folder: string, ports: { readonly api: number; readonly etcd: number }, ranges: string) {
    this.folder = folder;
    this.ports = ports;
    this.ranges = ranges;
    this.url = `https://127.0.0.1:${ports.api}`;
  }

  /** `ranges`: of cluster IPs, one of each family. */
  static async start(ranges = SERVICE_RANGES.join()): Promise<RealApiServer> {
    try {
      return await RealApiServer.startOnce(ranges);
    } catch {
      // Somebody else may have taken a port that was free.
      return RealApiServer.startOnce(ranges);
    }
  }

  private static async startOnce(ranges: string): Promise<RealApiServer> {
    const folder = mkdtempSync(join(tmpdir(), "kpc-kube-"));
    const [api, etcd] = await freePorts(2);
    const server = new RealApiServer(folder, { api: api as number, etcd: etcd as number }, ranges);
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    writeFileSync(join(folder, "sa.key"), privateKey.export({ type: "pkcs1", format: "pem" }));
    const tokens = USERS.map(([user, group]) => `${tokenOf(user)},${user},uid-of-${user},"${group}"\n`);
    writeFileSync(join(folder, "tokens.csv"), tokens.join(""));
    try {
      server.startEtcd();
      await server.startApi();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  access(user: KubeUser): AccessDescription {
    return accessWithToken(this.url, tokenOf(user), join(this.folder, "certs", "apiserver.crt"));
  }

  /** A kubeconfig, for programs; `server`: where they find it. */
  kubeconfig(user: KubeUser, server = this.url): string {
    const ca = readFileSync(join(this.folder, "certs", "apiserver.crt")).toString("base64");
    return kubeconfigOf({ server, "certificate-authority-data": ca }, { token: tokenOf(user) });
  }

  /** Ends the API server and starts it again: it knows no version of before. */
  async restart(): Promise<void> {
    await this.end("kube-apiserver");
    await this.startApi();
  }

  /** Makes etcd forget what was before its version `revision`. */
  async compact(revision: string): Promise<void> {
    await this.askEtcd("compaction", { revision, physical: true });
  }

  /** Writes objects by their keys in etcd (`/registry/endpointslices/NAMESPACE/NAME`) past the API server, which has not looked at them: a hundred
   *  times as fast. They must be whole, as the API server would have stored them. */
  async store(objects: readonly (readonly [key: string, object: object])[]): Promise<void> {
    for (let at = 0; at < objects.length; at += PUTS_AT_ONCE) {
      const puts = objects.slice(at, at + PUTS_AT_ONCE);
      const success = puts.map(([key, object]) => ({
        requestPut: { key: base64(key), value: base64(JSON.stringify(object)) },
      }));
      await this.askEtcd("txn", { success });
    }
  }

  private async askEtcd(what: "compaction" | "txn", question: object): Promise<void> {
    const url = `http://127.0.0.1:${this.ports.etcd}/v3/kv/${what}`;
    const response = await fetch(url, { method: "POST", body: JSON.stringify(question) });
    const text = await response.text();
    if (!response.ok) throw new Error(`etcd: ${text}`);
  }

  async stop(): Promise<void> {
    await this.end("kube-apiserver");
    await this.end("etcd");
    rmSync(this.folder, { recursive: true, force: true });
  }

  private startEtcd(): void {
    const client = `http://127.0.0.1:${this.ports.etcd}`;
    this.run("etcd", [
      ...["--data-dir", join(this.folder, "etcd"), "--unsafe-no-fsync"],
      ...[
        "--listen-client-urls",
        client,
        "--advertise-client-urls",
        client,
        "--listen-peer-urls",
        "http://127.0.0.1:0",
      ],
    ]);
  }

  private async startApi(): Promise<void> {
    const at = (name: string): string => join(this.folder, name);
    const child = this.run("kube-apiserver", [
      ...["--etcd-servers", `http://127.0.0.1:${this.ports.etcd}`, "--cert-dir", at("certs")],
      ...["--bind-address", "127.0.0.1", "--secure-port", String(this.ports.api)],
      // Without it the server looks for a default route. Nobody is told the address.
      ...["--advertise-address", "203.0.113.1", "--endpoint-reconciler-type", "none"],
      ...["--token-auth-file", at("tokens.csv"), "--authorization-mode", "RBAC"],
      ...["--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", at("sa.key")],
      ...["--service-account-signing-key-file", at("sa.key"), "--disable-admission-plugins", "ServiceAccount"],
      ...["--service-cluster-ip-range", this.ranges],
    ]);
    const end = Date.now() + START_MS;
    while (!(await this.isReady())) {
      if (child.exitCode !== null || Date.now() > end)
        throw new Error(`kube-apiserver does not start:\n${this.log("kube-apiserver")}`);
      await sleep(50);
    }
  }

  private async isReady(): Promise<boolean> {
    try {
      return (await call(this.access("admin"), "GET", "/readyz")).status === 200;
    } catch {
      return false; // nobody listens yet, or the certificate is not there
    }
  }

  /** The last lines that a server has printed. */
  private log(name: "etcd" | "kube-apiserver"): string {
    return readFileSync(join(this.folder, `${name}.log`), "utf8")
      .split("\n")
      .slice(-15)
      .join("\n");
  }

  /** It ends with this process, however that ends. */
  private run(name: "etcd" | "kube-apiserver", args: readonly string[]): ChildProcess {
    const child = spawn("setpriv", ["--pdeathsig", "KILL", kubeBinary(name), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const log = createWriteStream(join(this.folder, `${name}.log`), { flags: "a" });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.children.set(name, child);
    return child;
  }

  private async end(name: "etcd" | "kube-apiserver"): Promise<void> {
    const child = this.children.get(name);
    this.children.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "close");
  }
}

/** Of a transaction; etcd takes 128. */
const PUTS_AT_ONCE = 100;

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

function tokenOf(user: KubeUser): string {
  return `token-of-${user.replace(":", "-")}`;
}

/** Ports of loopback that nobody uses now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
