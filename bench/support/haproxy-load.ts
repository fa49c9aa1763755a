/**
 * The CPU time that configurations of HAProxy take for the same requests, in a network namespace. Reads a line of JSON:
 *
 *   {folders, requests: [{host, path}], rounds}
 *
 * `folders` have a haproxy.cfg each, listening on port 80, whose servers are in 10.0.0.0/8 at port 8080: a HAProxy that answers 200 there. They run
 * side by side, at ports of their own, with one thread and without health checks, which take their time whether or not there are requests. Each round
 * sends all requests to each over connections that stay open, by turns of a few hundred: so all meet the same machine. Answers with a line: for each
 * folder the turns, each `{requests, cpuMicroseconds, seconds, statuses}`; those of a round to warm up are left out.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

export interface LoadRequest {
  readonly folders: readonly string[];
  readonly requests: readonly { readonly host: string; readonly path: string }[];
  readonly rounds: number;
}

export interface LoadTurn {
  readonly requests: number;
  readonly cpuMicroseconds: number;
  readonly seconds: number;
  readonly statuses: Readonly<Record<string, number>>;
}

const CONNECTIONS = 32;
const TURN = 500;

execFileSync("ip", ["link", "set", "lo", "up"]);
execFileSync("ip", ["route", "add", "local", "10.0.0.0/8", "dev", "lo"]);

function start(file: string): ChildProcess {
  return spawn("haproxy", ["-db", "-f", file], { stdio: "ignore" });
}

async function isUp(port: number): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    const isOpen = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (isOpen) return;
    await sleep(20);
  }
  throw new Error(`nothing listens on port ${port}`);
}

/** Microseconds that the threads of a process have run, in user space and in the kernel. */
function cpuOf(pid: number | undefined): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]),
  );
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1000;
}

function openAll(port: number): Promise<Socket[]> {
  const open = () =>
    new Promise<Socket>((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => resolve(socket.setEncoding("latin1")));
      socket.once("error", reject);
    });
  return Promise.all(Array.from({ length: CONNECTIONS }, open));
}

/** Counts in `statuses` how many answers have each. */
async function sendAll(
  sockets: readonly Socket[],
  texts: readonly string[],
  statuses: Record<string, number>,
): Promise<void> {
  let next = 0;
  const work = (socket: Socket) =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) throw new Error("HAProxy has closed a connection");
      let text = "";
      const send = () => {
        const request = texts[next++];
        if (request !== undefined) return void socket.write(request, "latin1");
        socket.removeAllListeners();
        resolve(undefined);
      };
      socket.on("data", (chunk) => {
        text += chunk;
        // No answer has a body.
        if (!text.endsWith("\r\n\r\n")) return;
        const status = text.slice(9, 12);
        statuses[status] = (statuses[status] ?? 0) + 1;
        text = "";
        send();
      });
      socket.on("error", reject);
      socket.on("close", () => reject(new Error("HAProxy closed a connection")));
      send();
    });
  await Promise.all(sockets.map(work));
}

const folder = mkdtempSync(join(tmpdir(), "kpc-load-"));
const server = join(folder, "server.cfg");
writeFileSync(
  server,
  "defaults\n  mode http\n  timeout connect 5s\n  timeout client 600s\n  timeout server 600s\nfrontend f\n  bind :8080\n  http-request return status 200\n",
);
const servers = start(server);
await isUp(8080);
for await (const line of createInterface({ input: process.stdin })) {
  const { folders, requests, rounds } = JSON.parse(line) as LoadRequest;
  const texts = requests.map(({ host, path }) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const proxies = await Promise.all(
    folders.map(async (each, i) => {
      const port = 8000 + i;
      const config = readFileSync(join(each, "haproxy.cfg"), "utf8")
        .replace(/^(\s*bind .*):80\b/gm, `$1:${port}`)
        .replace(/^global$/m, "$&\n  nbthread 1")
        .replace(/^\s*default-server check .*$/gm, "")
        // Connections wait for the turns of others.
        .replace(/^\s*timeout (?:client|http-request) .*$/gm, "")
        .replace(/^defaults$/m, "$&\n  timeout client 600s");
      const file = join(each, "load.cfg");
      writeFileSync(file, config);
      const proxy = start(file);
      await isUp(port);
      return { proxy, sockets: await openAll(port) };
    }),
  );
  const results = folders.map((): LoadTurn[] => []);
  for (let round = 0; round <= rounds; round++)
    for (let at = 0; at < texts.length; at += TURN)
      for (const [i, { proxy, sockets }] of proxies.entries()) {
        const statuses: Record<string, number> = {};
        const turn = texts.slice(at, at + TURN);
        const [cpu, time] = [cpuOf(proxy.pid), performance.now()];
        await sendAll(sockets, turn, statuses);
        const seconds = (performance.now() - time) / 1000;
        const cpuMicroseconds = cpuOf(proxy.pid) - cpu;
        if (round > 0) results[i]?.push({ requests: turn.length, cpuMicroseconds, seconds, statuses });
      }
  for (const { proxy } of proxies) proxy.kill("SIGKILL");
  process.stdout.write(`${JSON.stringify(results)}\n`);
}
servers.kill("SIGKILL");
process.exit(0);
