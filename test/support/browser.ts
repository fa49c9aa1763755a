/** Pages in a headless Chromium, which say what they have found out by a request. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a server has under a path. */
export interface ServedFiles {
  readonly type: "text/html" | "text/javascript" | "application/json" | "application/wasm" | "application/octet-stream";
  readonly body: string | Uint8Array;
}

/** What a page has found out, and what it has asked its server for. */
export interface PageRun {
  readonly result: unknown;
  readonly requests: readonly string[];
}

/** Runs `script`, a module that ends in `report(…)`, in a page of its own. `serve` has what it asks for. */
export async function runPage(script: string, serve: (path: string) => ServedFiles | undefined): Promise<PageRun> {
  const requests: string[] = [];
  let hear: (result: unknown) => void = () => undefined;
  const heard = new Promise((resolve) => {
    hear = resolve;
  });
  const server = createServer(async (request, response) => {
    const path = request.url ?? "";
    if (request.method === "POST") {
      hear(JSON.parse(await bodyOf(request)));
      response.end();
      return;
    }
    if (path === "/favicon.ico") return void response.writeHead(404).end();
    requests.push(path);
    const served = path === "/" ? page(script) : serve(path);
    if (served === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": served.type }).end(served.body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const profile = await mkdtemp(join(tmpdir(), "kpc-browser-"));
  // A group of its own: it ends with all the processes that it has started.
  const browser = spawn(BROWSER, [...FLAGS, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`], {
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const said: string[] = [];
  browser.stderr.setEncoding("utf8").on("data", (text: string) => said.push(text));
  const ended = once(browser, "exit");
  try {
    const result = await Promise.race([heard, ended.then(() => fail(`the browser has ended: ${said.join("")}`))]);
    return { result, requests };
  } finally {
    if (browser.pid !== undefined && browser.exitCode === null) process.kill(-browser.pid, "SIGKILL");
    await ended;
    server.closeAllConnections();
    server.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

export const BROWSER = "/usr/bin/chromium";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A page that runs a module, and tells its server what the module reports, or what has gone wrong. */
function page(script: string): ServedFiles {
  const body = `<!doctype html>
<title>kpc</title>
<script>
  const report = (result) => fetch("/result", { method: "POST", body: JSON.stringify(result) });
  addEventListener("error", ({ message }) => report({ error: message }));
  addEventListener("unhandledrejection", ({ reason }) => report({ error: String(reason) }));
</script>
<script type="module">${script}</script>
`;
  return { type: "text/html", body };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: string[] = [];
  for await (const part of request.setEncoding("utf8")) parts.push(String(part));
  return parts.join("");
}

function fail(message: string): never {
  throw new Error(message);
}

/** Why no page can be run here; undefined when one can. Printed once, so that a run says what it left out. */
export const browserMissing: string | undefined = findMissing();

function findMissing(): string | undefined {
  const { error, status, stderr } = spawnSync(BROWSER, ["--version"], { encoding: "utf8" });
  if (error === undefined && status === 0) return undefined;
  const reason = error === undefined ? stderr.trim() : `${BROWSER} is not installed (apt-get install chromium)`;
  process.stderr.write(`browser tests are left out: ${reason}\n`);
  return reason;
}
