/**
 * What Ingresses of a large cluster take: to print them for HAProxy, to make a router of them, to route requests, and HAProxy's own time for a request,
 * beside a configuration by hand with the same routes.
 *
 *   npm run bench:ingress -- [--hosts 20000] [--paths 5] [--services 2000] [--rounds 5] [--requests 20000] [--no-haproxy]
 *
 * Times are CPU time in milliseconds, medians of the rounds. "router" is the table and createRouter on it. Routes per second are of one core: "spread"
 * goes through requests for all hosts, whose texts are made anew for each round; "hot" through 1,000 of them again and again.
 *
 * The configuration by hand looks up host and path as they come in one map of prefixes (`base,map_beg`): it has no exact paths, cuts no
 * ports and compares no elements. Both serve the same requests in turns; a ratio is the CPU time for a request by hand over ours, round by round.
 * Targets stand beside the figures and nothing is judged. Without haproxy, iproute2 and namespaces that part is left out, which is said.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compile } from "../compiler/compile.ts";
import { printHaproxy } from "../compiler/formats/haproxy/print.ts";
import { encodeRoutes } from "../compiler/formats/router/encode.ts";
import { required } from "../compiler/invariant.ts";
import type { HostRoutes } from "../compiler/ir/types.ts";
import { whyNoProxy } from "../runtime/haproxy/proxy-world.ts";
import { namespaceCommand, toolEnvironment } from "../runtime/kernel/namespace.ts";
import { createRouter } from "../runtime/router/index.ts";

const { values: flags } = parseArgs({
  options: {
    hosts: { type: "string", default: "20000" },
    paths: { type: "string", default: "5" },
    services: { type: "string", default: "2000" },
    rounds: { type: "string", default: "5" },
    requests: { type: "string", default: "20000" },
    "no-haproxy": { type: "boolean", default: false },
  },
});
const HOSTS = Number(flags.hosts);
const PATHS = Number(flags.paths);
const SERVICES = Number(flags.services);
const ROUNDS = Number(flags.rounds);

function cpu(): number {
  return process.cpuUsage().user / 1000;
}

function cpuOf(work: () => unknown): number {
  const before = cpu();
  work();
  return cpu() - before;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function say(what: string, figure: string, target = ""): void {
  console.log(`${what.padEnd(44)} ${figure.padStart(14)}  ${target}`.trimEnd());
}

// --- the cluster ---------------------------------------------------------------------------------------------------------

const hostName = (host: number): string => `app-${host}.team-${host % 100}.example.com`;
const pathOf = (path: number): string => (path === 0 ? "/" : `/api/v${path}/items`);

/** Ten hosts in an Ingress; each path of a host leads to another Service. */
function manifests(): string {
  const objects: object[] = [];
  for (let service = 0; service < SERVICES; service++) {
    const name = `s-${service}`;
    const address = `10.${1 + (service >> 16)}.${(service >> 8) & 255}.${service & 255}`;
    objects.push(
      { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { clusterIP: "None", ports: [{ port: 80 }] } },
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name, labels: { "kubernetes.io/service-name": name } },
        addressType: "IPv4",
        endpoints: [{ addresses: [address] }],
        ports: [{ port: 8080 }],
      },
    );
  }
  for (let first = 0; first < HOSTS; first += 10)
    objects.push({
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: { name: `i-${first}` },
      spec: {
        rules: Array.from({ length: Math.min(10, HOSTS - first) }, (_, i) => ({
          host: hostName(first + i),
          http: {
            paths: Array.from({ length: PATHS }, (_, path) => ({
              path: pathOf(path),
              pathType: path === 1 ? "Exact" : "Prefix",
              backend: { service: { name: `s-${((first + i) * PATHS + path) % SERVICES}`, port: { number: 80 } } },
            })),
          },
        })),
      },
    });
  return JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
}

const text = manifests();
let routes: readonly HostRoutes[] = [];
const compileTime = cpuOf(() => {
  const { compiled, diagnostics } = compile([{ name: "cluster.json", text }], {});
  routes = required(compiled, diagnostics[0]?.message ?? "no program").program.routes;
});
say(`${HOSTS} hosts, ${HOSTS * PATHS} paths`, `${(text.length / 1e6).toFixed(1)} MB`);
say("compile (read, check, resolve, lower), once", `${compileTime.toFixed(0)} ms`);

// --- printing and routing ------------------------------------------------------------------------------------------------

const rounds = <T>(work: () => T): T[] => Array.from({ length: ROUNDS }, work);
say("print for HAProxy", `${median(rounds(() => cpuOf(() => printHaproxy(routes)))).toFixed(0)} ms`, "target: 1000");
let table = encodeRoutes(routes);
const encode = rounds(() => cpuOf(() => (table = encodeRoutes(routes))));
const load = rounds(() => cpuOf(() => createRouter(table)));
say("router: table", `${median(encode).toFixed(0)} ms`, `${(table.length / 1e6).toFixed(1)} MB`);
say("router: createRouter", `${median(load).toFixed(0)} ms`);
say("router: both", `${(median(encode) + median(load)).toFixed(0)} ms`, "target: 300");

interface Asked {
  readonly host: string;
  readonly path: string;
}

/** Random requests whose texts are as those that a server has read: of their own, flat, and not hashed yet. */
function requestsMade(count: number, hosts: number): Asked[] {
  const flat = (made: string): string => Buffer.from(made).toString("latin1");
  return Array.from({ length: count }, () => ({
    host: flat(hostName(Math.floor(Math.random() * hosts))),
    path: flat(`${pathOf(Math.floor(Math.random() * PATHS))}${Math.random() < 0.5 ? "" : "/42?q=1"}`),
  }));
}

const router = createRouter(table);
for (let host = 0; host < HOSTS; host++)
  for (let path = 0; path < PATHS; path++) router.route({ host: hostName(host), path: pathOf(path) });
let routed = 0;
function rate(requests: readonly Asked[], times: number): number {
  const time = cpuOf(() => {
    for (let i = 0; i < times; i++)
      for (const request of requests) if (router.route(request).backend !== undefined) routed++;
  });
  return (requests.length * times) / time / 1000;
}
const best = (values: readonly number[]): string => `${Math.max(...values).toFixed(2)} M/s`;
const spread = rounds(() => rate(requestsMade(200_000, HOSTS), 1));
const hot = rounds(() => rate(requestsMade(1000, HOSTS), 500));
say("routes, spread: median", `${median(spread).toFixed(2)} M/s`, `best: ${best(spread)}; target: 3`);
say("routes, hot: median", `${median(hot).toFixed(2)} M/s`, `best: ${best(hot)}`);
if (routed === 0) throw new Error("no request was routed to a backend");

// --- HAProxy -------------------------------------------------------------------------------------------------------------

/** The same routes as one map of prefixes, for files in `folder`. */
function byHand(files: ReadonlyMap<string, string>, folder: string): Map<string, string> {
  const own = required(files.get("haproxy.cfg"), "haproxy.cfg");
  const backends = own.slice(own.indexOf("\nbackend "));
  const defaults = own.slice(own.indexOf("\nglobal"), own.indexOf("\nfrontend"));
  const frontend = `\nfrontend http\n  bind :80\n  use_backend %[base,map_beg(${folder}/routes.map,status-404)]\n`;
  const rows = routes.flatMap(({ host, paths }) =>
    paths.map(({ path, target }) => {
      const backend = target.kind === "status" ? `status-${target.status}` : target.backend.replace(/[/:]/g, ".");
      return `${host}${path} ${backend}\n`;
    }),
  );
  return new Map([
    ["haproxy.cfg", `${defaults}${frontend}${backends}`],
    ["routes.map", rows.join("")],
  ]);
}

interface LoadRound {
  readonly cpuMicroseconds: number;
  readonly seconds: number;
  readonly statuses: Readonly<Record<string, number>>;
}

async function loadHaproxy(): Promise<void> {
  const { files } = printHaproxy(routes);
  const folders = [() => files, (folder: string) => byHand(files, folder)].map((make) => {
    const folder = mkdtempSync(join(tmpdir(), "kpc-bench-"));
    for (const [name, content] of make(folder)) writeFileSync(join(folder, name), content);
    return folder;
  });
  const script = fileURLToPath(new URL("../../bench/support/haproxy-load.mjs", import.meta.url));
  const [program, ...args] = namespaceCommand([process.execPath, script]);
  const child = spawn(program, args, { env: toolEnvironment(), stdio: ["pipe", "pipe", "inherit"] });
  const count = Number(flags.requests);
  child.stdin.end(`${JSON.stringify({ folders, requests: requestsMade(count, HOSTS), rounds: ROUNDS })}\n`);
  let answer = "";
  for await (const line of createInterface({ input: child.stdout })) answer = line;
  for (const folder of folders) rmSync(folder, { recursive: true });
  const [ours = [], hand = []] = JSON.parse(answer) as LoadRound[][];
  for (const [name, measured] of [
    ["HAProxy, kpc's files", ours],
    ["HAProxy, by hand", hand],
  ] as const) {
    const micros = median(measured.map(({ cpuMicroseconds }) => cpuMicroseconds / count));
    const perSecond = median(measured.map(({ seconds }) => count / seconds));
    say(
      name,
      `${micros.toFixed(1)} us CPU`,
      `${perSecond.toFixed(0)} requests/s; ${JSON.stringify(measured[0]?.statuses)}`,
    );
  }
  const ratios = ours.map(({ cpuMicroseconds }, i) => (hand[i]?.cpuMicroseconds ?? Number.NaN) / cpuMicroseconds);
  say(
    "ratio: requests per CPU time, ours / by hand",
    median(ratios).toFixed(2),
    `target: 0.9; rounds: ${ratios.map((each) => each.toFixed(2)).join(" ")}`,
  );
}

const reason = flags["no-haproxy"] ? "--no-haproxy" : whyNoProxy();
if (reason === undefined) await loadHaproxy();
else console.log(`HAProxy is left out: ${reason}`);
