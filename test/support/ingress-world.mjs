// @ts-check
/**
 * A network namespace with servers at all addresses of 10.1.0.0/16, port 8080, a HAProxy that is updated again and again, and clients that
 * ask it all the time. Reads one line of JSON, `{folder, states, clients}`: `states` are `{files, urls, backends}`, the files
 * of a proxy, the backend and the certificate that belong to each URL, and the endpoints of each backend. Answers with a line of JSON: see `HaproxyUpdates`.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { connect as connectTls } from "node:tls";
import { askProxy } from "../../dist/runtime/ingress/admin-socket.js";
import { RunningProxy } from "../../dist/runtime/ingress/running-proxy.js";

execFileSync("ip", ["link", "set", "lo", "up"]);
execFileSync("ip", ["addr", "add", "10.1.0.0/16", "dev", "lo"]);
const server = createServer((request, response) => {
  response.setHeader("x-server", String(request.socket.localAddress));
  // Now and then a request is under way while its server is removed.
  setTimeout(() => response.end(), Math.random() < 0.05 ? 50 : 0);
});
await new Promise((resolve) => server.listen(8080, "0.0.0.0", () => resolve(undefined)));

/** @param {import("node:net").Socket} socket @param {string} host @param {string} path @returns {Promise<string>} */
function ask(socket, host, path) {
  return new Promise((resolve, reject) => {
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  });
}

/** What HAProxy answers: `10.1.2.3`, `status 404`, or what went wrong. With TLS also whose certificate it shows.
 *  @param {string} host @param {string} path @param {boolean} isTls @returns {Promise<{ answer: string, shown?: string }>} */
async function askOnce(host, path, isTls) {
  try {
    const socket = isTls
      ? connectTls({ host: "127.0.0.1", port: 443, servername: host, rejectUnauthorized: false })
      : connect(80, "127.0.0.1");
    let shown;
    if (isTls) {
      await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
      shown = /** @type {import("node:tls").TLSSocket} */ (socket).getPeerCertificate().fingerprint256;
    }
    const text = await ask(socket, host, path);
    const server = /^x-server: (.*?)\r$/m.exec(text)?.[1];
    return { answer: server ?? `status ${/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]}`, ...(shown && { shown }) };
  } catch (error) {
    return { answer: `failed: ${error instanceof Error ? error.message : error}` };
  }
}

const [line = ""] =
  (await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next()).value?.split("\n") ?? [];
const { folder, states, clients } = JSON.parse(line);

const proxy = new RunningProxy({
  folder,
  write: (files) => writeAll(files, folder),
  draft: (files, use) => {
    const draft = mkdtempSync(join(folder, "draft-"));
    try {
      writeAll(files, draft);
      return use(draft);
    } finally {
      rmSync(draft, { recursive: true });
    }
  },
});

/** @param {ReadonlyMap<string, string>} files @param {string} into */
function writeAll(files, into) {
  mkdirSync(into, { recursive: true });
  for (const [name, text] of files) writeFileSync(join(into, name), text);
}

const filesOf = (/** @type {number} */ state) => new Map(/** @type {[string, string][]} */ (states[state].files));

/** The state that is certain, and the latest that can be. */
let [done, begun] = [0, 0];
let isOver = false;
const counts = { requests: 0, tls: 0, "at-run-time": 0, reloaded: 0, unchanged: 0 };
/** @type {string[]} */
const wrong = [];
/** @type {string[]} */
const reloads = [];

await proxy.apply(filesOf(0));

async function client() {
  while (!isOver) {
    const urls = states[done].urls;
    const { host, path, isTls } = urls[Math.floor(Math.random() * urls.length)];
    const first = done;
    const { answer, shown } = await askOnce(host, path, isTls);
    counts.requests++;
    if (isTls) counts.tls++;
    const range = states.slice(first, begun + 1);
    const possible = range.map((/** @type {any} */ state) =>
      state.urls.find((/** @type {any} */ url) => url.host === host && url.path === path && url.isTls === isTls),
    );
    // The backend of one of these states, and an endpoint that it has in one of them.
    const isRight = possible.some(
      (/** @type {any} */ { backend }) =>
        backend === answer || range.some((/** @type {any} */ { backends }) => backends[backend]?.includes(answer)),
    );
    const isOwn = shown === undefined || possible.some((/** @type {any} */ url) => url.certificate === shown);
    if (!isRight || !isOwn)
      wrong.push(`${first}-${begun}: ${host}${path}: ${answer}${isOwn ? "" : " with a wrong certificate"}`);
  }
}

const asking = Array.from({ length: clients }, client);
for (let state = 1; state < states.length; state++) {
  begun = state;
  const update = await proxy.apply(filesOf(state));
  done = state;
  counts[/** @type {"reloaded"} */ (update.kind)]++;
  if (update.kind === "reloaded") reloads.push(update.because);
  await proxy.tend();
  // Clients meet the state, too.
  await new Promise((resolve) => setTimeout(resolve, 2));
}
isOver = true;
await Promise.all(asking);
for (let i = 0; i < 200; i++) {
  await proxy.tend();
  await new Promise((resolve) => setTimeout(resolve, 10));
}
const admin = join(folder, "admin.sock");
const maps = ["routes", "redirects", "backends"].map((name) => `${name}.map`).filter((name) => filesOf(0).has(name));
const runs = {
  maps: await Promise.all(
    maps.map(async (name) => {
      const rows = (await askProxy(admin, `show map ${name}`)).split("\n").map((row) => row.replace(/^0x\w+ /, ""));
      return rows.filter((row) => row !== "").sort();
    }),
  ),
  servers: (await askProxy(admin, "show servers state"))
    .split("\n")
    .flatMap((row) => {
      const words = row.split(" ");
      return /^\d+$/.test(words[0] ?? "") && words.length > 10 ? [`${words[1]}/${words[3]} ${words[4]}`] : [];
    })
    .sort(),
};
const disk = {
  maps: maps.map((name) =>
    readFileSync(join(folder, name), "utf8")
      .split("\n")
      .filter((row) => row !== "")
      .sort(),
  ),
  config: readFileSync(join(folder, "haproxy.cfg"), "utf8"),
};
await proxy.stop(1000);
process.stdout.write(`${JSON.stringify({ counts, reloads, wrong, runs, disk })}\n`);
process.exit(0);
