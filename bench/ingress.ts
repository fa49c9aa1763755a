/**
 * What Ingresses of a large cluster take: to print them for HAProxy, to make a router of them, to route requests, and HAProxy's own time for a request,
 * beside a configuration by hand with the same routes.
 *
 *   npm run bench:ingress -- [--hosts 20000] [--paths 5] [--services 2000] [--rounds 5] [--requests 20000] [--no-haproxy]
 *
 * Times are CPU time of all threads in milliseconds, medians of the rounds. "router" is the table and createRouter on it, from routes that are
 * compiled; the first time it also looks up where each path stands in the manifests.
 *
 * Routes per second are of one core, when each route was asked for once. Requests are for all hosts at random, and their texts are parts of heads that
 * were read just before: no string is met twice. "mixed" are three requests in ten for exact paths, four for prefixes, and one each for a wildcard, for
 * a host that no rule names, and for a path that only the fallback of its host takes. Such look-ups wait for memory, and a machine that does other
 * work makes them slower than anything else. `Map.get` of the host on requests of the same kind tells how much: a router cannot do less.
 *
 * The configuration by hand looks up host and path as they come in one map of prefixes (`base,map_beg`): it has no exact paths, cuts no
 * ports and compares no elements. Both serve the same requests by turns; a ratio is the CPU time of a turn by hand over that of ours.
 * Targets stand beside the figures and nothing is judged. Without haproxy, iproute2 and namespaces that part is left out, which is said.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { compile } from "../compiler/compile.ts";
import { printHaproxy } from "../compiler/formats/haproxy/print.ts";
import { encodeRoutes } from "../compiler/formats/router/encode.ts";
import { required } from "../compiler/invariant.ts";
import type { HostRoutes } from "../compiler/ir/routes.ts";
import { whyNoProxy } from "../runtime/haproxy/proxy-world.ts";
import { namespaceCommand, toolEnvironment } from "../runtime/kernel/namespace.ts";
import { createRouter } from "../runtime/router/index.ts";
import type { LoadRequest, LoadTurn } from "./support/haproxy-load.ts";
import {
  type AskedUrl,
  anyKind,
  type IngressSizes,
  ingressManifests,
  requestsRead,
  type UrlKind,
} from "./support/ingress-cluster.ts";

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
const SIZES: IngressSizes = {
  hosts: Number(flags.hosts),
  paths: Number(flags.paths),
  services: Number(flags.services),
};
const ROUNDS = Number(flags.rounds);

function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
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

const text = ingressManifests(SIZES);
let routes: readonly HostRoutes[] = [];
const compileTime = cpuOf(() => {
  const { compiled, diagnostics } = compile([{ name: "cluster.json", text }], {});
  routes = required(compiled, diagnostics[0]?.message ?? "no program").program.routes;
});
say(`${SIZES.hosts} hosts, ${SIZES.hosts * SIZES.paths} paths`, `${(text.length / 1e6).toFixed(1)} MB`);
say("compile (read, check, resolve, lower), once", `${compileTime.toFixed(0)} ms`);

// --- printing and routing ------------------------------------------------------------------------------------------------

const rounds = <T>(work: () => T): T[] => Array.from({ length: ROUNDS }, work);
say("print for HAProxy", `${median(rounds(() => cpuOf(() => printHaproxy(routes)))).toFixed(0)} ms`, "target: 1000");
let table: Uint8Array = new Uint8Array();
const encode = rounds(() => cpuOf(() => (table = encodeRoutes(routes))));
const open = rounds(() => cpuOf(() => createRouter(table)));
const first = (encode[0] ?? 0) + (open[0] ?? 0);
say("router: table", `${median(encode).toFixed(0)} ms`, `${(table.length / 1e6).toFixed(1)} MB`);
say("router: createRouter", `${median(open).toFixed(0)} ms`);
say(
  "router: both",
  `${(median(encode) + median(open)).toFixed(0)} ms`,
  `target: 300; the first time: ${first.toFixed(0)}`,
);

const router = createRouter(table);
for (const { host = "a", paths } of routes)
  for (const path of [...paths.map((each) => each.path), "/none"]) router.route({ host: host.replace("*", "a"), path });
const byName = new Map(routes.map(({ host = "" }, i) => [Buffer.from(host).toString("latin1"), i]));
let found = 0;
const routeAll = (requests: readonly AskedUrl[]): void => {
  for (const request of requests) if (router.route(request).backend !== undefined) found++;
};
const getAll = (requests: readonly AskedUrl[]): void => {
  for (const { host } of requests) if (byName.get(host) !== undefined) found++;
};

/** Millions a second: the median of batches of 1,000 requests each, which are read just before. */
function rate(work: (requests: readonly AskedUrl[]) => void, kindOf: () => UrlKind): number {
  const times = Array.from({ length: 20 * ROUNDS }, () => {
    const requests = requestsRead(1000, kindOf, SIZES);
    return cpuOf(() => work(requests));
  });
  return 1 / median(times);
}

for (const kind of ["exact", "prefix", "wildcard", "no host", "no path"] as const)
  say(`routes: ${kind}`, `${rate(routeAll, () => kind).toFixed(2)} M/s`);
const ratesInTurns = rounds(() => [rate(routeAll, anyKind), rate(getAll, anyKind)] as const);
const mixed = median(ratesInTurns.map(([ours]) => ours));
const gets = median(ratesInTurns.map(([, map]) => map));
say("routes: mixed", `${mixed.toFixed(2)} M/s`, "target: 3");
say("Map.get of the host alone, mixed", `${gets.toFixed(2)} M/s`);
say("ratio: routes / Map.get", median(ratesInTurns.map(([ours, map]) => ours / map)).toFixed(2));
const hot = requestsRead(1000, anyKind, SIZES);
const hotRates = rounds(() => 500 / cpuOf(() => Array.from({ length: 500 }, () => routeAll(hot))));
say("routes: mixed, the same 1,000 again", `${median(hotRates).toFixed(2)} M/s`);
if (found === 0) throw new Error("no request was routed to a backend");

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

async function loadHaproxy(): Promise<void> {
  const { files } = printHaproxy(routes);
  const folders = [() => files, (folder: string) => byHand(files, folder)].map((make) => {
    const folder = mkdtempSync(join(tmpdir(), "kpc-bench-"));
    for (const [name, content] of make(folder)) writeFileSync(join(folder, name), content);
    return folder;
  });
  const [program, ...args] = namespaceCommand([process.execPath, "test/run.mjs", "bench/support/haproxy-load.ts"]);
  const root = new URL("../..", import.meta.url); // the bundle is in dist/scripts
  const child = spawn(program, args, { cwd: root, env: toolEnvironment(), stdio: ["pipe", "pipe", "inherit"] });
  const count = Number(flags.requests);
  const requests = requestsRead(count, () => (Math.random() < 0.5 ? "exact" : "prefix"), SIZES);
  const request: LoadRequest = { folders, requests, rounds: ROUNDS };
  child.stdin.end(`${JSON.stringify(request)}\n`);
  let answer = "";
  for await (const line of createInterface({ input: child.stdout })) answer = line;
  for (const folder of folders) rmSync(folder, { recursive: true });
  const [ours = [], hand = []] = JSON.parse(answer) as LoadTurn[][];
  for (const [name, measured] of [
    ["HAProxy, kpc's files", ours],
    ["HAProxy, by hand", hand],
  ] as const) {
    const micros = median(measured.map(({ cpuMicroseconds, requests }) => cpuMicroseconds / requests));
    const perSecond = median(measured.map(({ seconds, requests }) => requests / seconds));
    const statuses = new Set(measured.flatMap((turn) => Object.keys(turn.statuses)));
    say(name, `${micros.toFixed(1)} us CPU`, `${perSecond.toFixed(0)} requests/s; statuses ${[...statuses].join(" ")}`);
  }
  const ratios = ours.map(({ cpuMicroseconds }, i) => (hand[i]?.cpuMicroseconds ?? Number.NaN) / cpuMicroseconds);
  const sorted = [...ratios].sort((a, b) => a - b);
  const quartile = (nth: number): string => (sorted[Math.floor((sorted.length * nth) / 4)] ?? Number.NaN).toFixed(2);
  say(
    "ratio: requests per CPU time, ours / by hand",
    median(ratios).toFixed(2),
    `target: 0.9; half of ${ratios.length} turns: ${quartile(1)} to ${quartile(3)}`,
  );
}

const reason = flags["no-haproxy"] ? "--no-haproxy" : whyNoProxy();
if (reason === undefined) await loadHaproxy();
else console.log(`HAProxy is left out: ${reason}`);
