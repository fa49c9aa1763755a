/**
 * How long it takes to compare two tables of Ingress routes over all URLs, and to read one of them back from HAProxy's files.
 *
 *   npm run bench:diff-ingress -- [--hosts 20000] [--paths 5] [--rounds 5]
 *
 * Times are milliseconds, medians of the rounds: of equal tables, of tables where one endpoint in a hundred hosts differs, and where each host
 * differs. Exit code 1 where a comparison does not find as many differences as there are.
 */
import { parseArgs } from "node:util";
import { compareUrls } from "../compiler/compare/urls/compare.ts";
import { printHaproxy } from "../compiler/formats/haproxy/print.ts";
import { readHaproxy } from "../compiler/formats/haproxy/read.ts";
import { required } from "../compiler/invariant.ts";
import type { HostRoutes, PathRoute, RouteTarget } from "../compiler/ir/routes.ts";
import { type Address, parseIpv4 } from "../compiler/net/address.ts";
import { printTable } from "./support/table.ts";

const { values: flags } = parseArgs({
  options: {
    hosts: { type: "string", default: "20000" },
    paths: { type: "string", default: "5" },
    rounds: { type: "string", default: "5" },
  },
});
const HOSTS = Number(flags.hosts);
const PATHS = Number(flags.paths);
const BACKENDS = 2000;
const NONE: RouteTarget = { kind: "status", status: 404, reason: "none" };

function addressOf(n: number): Address {
  return required(parseIpv4(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`), "an address");
}

/** A path in each host of which `isOther` goes to another backend. */
function tableOf(isOther: (host: number) => boolean): HostRoutes[] {
  const targets = Array.from({ length: BACKENDS }, (_, i): RouteTarget => {
    const endpoints = [0, 1, 2].map((k) => ({ address: addressOf(i * 4 + k), port: 8080 }));
    return { kind: "endpoints", backend: `ns/svc-${i}:80`, endpoints };
  });
  const hosts = Array.from({ length: HOSTS }, (_, h): HostRoutes => {
    const paths = Array.from({ length: PATHS }, (_, p): PathRoute => {
      const at = h * PATHS + p + (p === 0 && isOther(h) ? 1 : 0);
      const target = targets[at % BACKENDS] ?? NONE;
      return { match: p === 0 ? "exact" : "prefix", path: `/app/v${h % 7}/items-${p}`, target };
    });
    return { host: h % 10 === 0 ? `*.w${h}.example.com` : `h${h}.example.com`, paths, fallback: NONE };
  });
  return [...hosts, { paths: [], fallback: NONE }];
}

/** The median of the rounds, in milliseconds. */
function timeOf(work: () => void): string {
  const times = Array.from({ length: Number(flags.rounds) }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  return ([...times].sort((a, b) => a - b)[times.length >> 1] ?? 0).toFixed(0);
}

const side = (routes: readonly HostRoutes[]) => ({ routes, knowsEndpoints: true, rejectsUnsafe: false });
const left = tableOf(() => false);
const rows = [
  { what: "equal", right: tableOf(() => false), differing: 0 },
  { what: "1 host in 100 differs", right: tableOf((h) => h % 100 === 0), differing: Math.ceil(HOSTS / 100) },
  { what: "all hosts differ", right: tableOf(() => true), differing: HOSTS },
].map(({ what, right, differing }) => {
  let found = 0;
  const time = timeOf(() => {
    found = compareUrls(side(left), side(right)).differences.length;
  });
  if (found !== differing) process.exitCode = 1;
  return [what, time, String(found)];
});
const { files } = printHaproxy(left);
const sources = new Map([...files].map(([name, text]) => [name, { name, text }]));
const config = required(sources.get("haproxy.cfg"), "haproxy.cfg");
const read = timeOf(() => void readHaproxy(config, sources, ({ message }) => console.error(message)));
process.stdout.write(printTable([["compared", "ms", "differences"], ...rows, ["(read HAProxy's files)", read, ""]]));
