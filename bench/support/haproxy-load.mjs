// @ts-check
/**
 * The CPU time that configurations of HAProxy take for the same requests, in a network namespace. Reads a line of JSON:
 *
 *   {folders, requests: [{host, path}], rounds}
 *
 * `folders` have a haproxy.cfg each, listening on port 80, whose servers are in 10.0.0.0/8 at port 8080: a HAProxy that answers 200 there. Each
 * round sends all requests to each, over connections that stay open. Answers with a line: for each folder the rounds, each
 * `{cpuMicroseconds, seconds, statuses}`; the first round warms up and is left out.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const CONNECTIONS = 32;

execFileSync("ip", ["link", "set", "lo", "up"]);
execFileSync("ip", ["route", "add", "local", "10.0.0.0/8", "dev", "lo"]);

/** @param {string} file */
function start(file) {
  return spawn("haproxy", ["-db", "-f", file], { stdio: "ignore" });
}

/** @param {number} port */
async function isUp(port) {
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

/** Microseconds that the threads of a process have run, in user space and in the kernel. @param {number | undefined} pid */
function cpuOf(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]),
  );
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1000;
}

/** @param {readonly string[]} texts @returns {Promise<Record<string, number>>} how many answers have each status */
async function sendAll(texts) {
  /** @type {Record<string, number>} */
  const statuses = {};
  let next = 0;
  const work = () =>
    new Promise((resolve, reject) => {
      const socket = connect(80, "127.0.0.1");
      let text = "";
      const send = () => {
        const request = texts[next++];
        if (request === undefined) {
          socket.destroy();
          resolve(undefined);
        } else socket.write(request, "latin1");
      };
      socket.setEncoding("latin1").on("connect", send);
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
    });
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  return statuses;
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
  const { folders, requests, rounds } = JSON.parse(line);
  const texts = requests.map(
    (/** @type {{ host: string, path: string }} */ { host, path }) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  );
  const results = folders.map(() => /** @type {object[]} */ ([]));
  for (let round = 0; round <= rounds; round++)
    for (const [i, each] of folders.entries()) {
      const proxy = start(join(each, "haproxy.cfg"));
      const ended = new Promise((resolve) => proxy.once("exit", resolve));
      await isUp(80);
      await sendAll(texts); // connections to the servers are open then
      const [cpu, time] = [cpuOf(proxy.pid), performance.now()];
      const statuses = await sendAll(texts);
      const seconds = (performance.now() - time) / 1000;
      if (round > 0) results[i].push({ cpuMicroseconds: cpuOf(proxy.pid) - cpu, seconds, statuses });
      proxy.kill("SIGKILL");
      await ended;
    }
  process.stdout.write(`${JSON.stringify(results)}\n`);
}
servers.kill("SIGKILL");
process.exit(0);
