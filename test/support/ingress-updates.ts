/** A real HAProxy that is updated again and again while clients ask it. */
import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { decideRoute } from "../../compiler/evaluate/http-route.ts";
import { printHaproxy } from "../../compiler/formats/haproxy/print.ts";
import { required } from "../../compiler/invariant.ts";
import type { HostRoutes, PathRoute, RouteTarget, TlsTable } from "../../compiler/ir/routes.ts";
import { parseAddress, printAddress } from "../../compiler/net/address.ts";
import { namespaceCommand, toolEnvironment } from "../../runtime/kernel/namespace.ts";
import { makeCertificate, type ThrowawayCertificate } from "./certificates.ts";

/** What `ingress-world.mjs` tells. */
export interface HaproxyUpdates {
  readonly counts: Readonly<Record<"requests" | "tls" | "at-run-time" | "reloaded" | "unchanged", number>>;
  /** Why HAProxy had to be reloaded, each time. */
  readonly reloads: readonly string[];
  /** Answers that fit to no state between the moments when a request was sent and answered. */
  readonly wrong: readonly string[];
  /** Rows of maps, and servers, as HAProxy has them in the end, and files. */
  readonly runs: { readonly maps: readonly (readonly string[])[]; readonly servers: readonly string[] };
  readonly disk: { readonly maps: readonly (readonly string[])[]; readonly config: string };
}

interface UpdateOptions {
  readonly updates: number;
  readonly clients: number;
  readonly seed: number;
  /** Backends without servers that HAProxy has. */
  readonly spares: number;
}

/** Updates a HAProxy `updates` times, each to a random state that is near the one before. */
export async function updateHaproxy({ updates, clients, seed, spares }: UpdateOptions): Promise<HaproxyUpdates> {
  const folder = mkdtempSync(join(tmpdir(), "kpc-hx-"));
  try {
    const [states = []] = fc.sample(STATES(updates + 1), { seed, numRuns: 1 });
    // From dist/scripts/ it is the same way.
    const script = new URL("../../test/support/ingress-world.mjs", import.meta.url).pathname;
    const [program, ...args] = namespaceCommand([process.execPath, script]);
    const child = spawn(program, args, { env: toolEnvironment(), stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (bytes: Buffer) => out.push(bytes));
    child.stderr.on("data", (bytes: Buffer) => err.push(bytes));
    child.stdin.on("error", () => undefined); // it has ended, which its output tells
    child.stdin.end(`${JSON.stringify({ folder, clients, states: states.map((state) => stateOf(state, spares)) })}\n`);
    await new Promise((resolve) => child.once("close", resolve));
    const text = Buffer.concat(out).toString();
    if (text === "") throw new Error(`the world of HAProxy ended: ${Buffer.concat(err)}`);
    return JSON.parse(text) as HaproxyUpdates;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The servers that a configuration has, as `BACKEND/SERVER ADDRESS`. */
export function serversOf(config: string): string[] {
  let backend = "";
  return config
    .split("\n")
    .flatMap((line) => {
      backend = /^backend (\S+)$/.exec(line)?.[1] ?? backend;
      const [, server, address] = /^ {2}server (\S+) (\S+):\d+/.exec(line) ?? [];
      return server === undefined ? [] : [`${backend}/${server} ${address}`];
    })
    .sort();
}

/** Files of a proxy in random states, each near the one before. */
export function randomProxyStates({
  count,
  seed,
  spares,
}: {
  readonly count: number;
  readonly seed: number;
  readonly spares: number;
}): ReadonlyMap<string, string>[] {
  const [states = []] = fc.sample(STATES(count), { seed, numRuns: 1 });
  return states.map((state) => filesOf(state, spares));
}

// --- states --------------------------------------------------------------------------------------------------------------

const HOSTS = ["a.test", "b.test", "*.test", "c.b.test", undefined] as const;
const PATHS = ["/", "/a", "/a/b", "/c"] as const;
const SERVICES = 6;
/** Hosts with a certificate of their own; each has two that take turns. */
const TLS_HOSTS = ["a.test", "b.test"] as const;

/** A Service in the place of another one has another name and endpoints of its own. */
interface RandomService {
  /** How many were in its place before. */
  readonly turn: number;
  /** Which of four endpoints are ready, a bit each. */
  readonly ready: number;
}

/** `paths`: the service of each host and path, exact and prefix; 0: none. */
interface RandomState {
  readonly services: readonly RandomService[];
  readonly paths: readonly (readonly number[])[];
  readonly certificates: readonly number[];
  /** 1 for each host that is redirected to https. */
  readonly redirects: readonly number[];
}

/** Each has a few changes from the one before. */
function STATES(count: number): fc.Arbitrary<readonly RandomState[]> {
  const service = fc.integer({ min: 1, max: 15 });
  const change = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant("service" as const), at: fc.nat(SERVICES - 1), to: fc.nat(15) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("new-service" as const),
        at: fc.nat(SERVICES - 1),
        to: fc.integer({ min: 1, max: 15 }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("path" as const),
        at: fc.nat(HOSTS.length * PATHS.length * 2 - 1),
        to: fc.nat(SERVICES),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("host" as const), at: fc.nat(HOSTS.length - 1), to: fc.nat(SERVICES) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("certificate" as const),
        at: fc.nat(TLS_HOSTS.length - 1),
        to: fc.nat(1),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("redirect" as const), at: fc.nat(HOSTS.length - 1), to: fc.nat(1) }),
    },
  );
  const first = fc.array(fc.record({ turn: fc.constant(0), ready: service }), {
    minLength: SERVICES,
    maxLength: SERVICES,
  });
  const steps = fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), {
    minLength: count - 1,
    maxLength: count - 1,
    size: "max",
  });
  return fc.tuple(first, steps).map(([services, changes]) => {
    const states: RandomState[] = [
      {
        services,
        paths: HOSTS.map(() => Array.from({ length: PATHS.length * 2 }, (_, i) => i % (SERVICES + 1))),
        certificates: TLS_HOSTS.map(() => 0),
        redirects: HOSTS.map(() => 0),
      },
    ];
    for (const each of changes) {
      const last = required(states.at(-1), "a state");
      const next = {
        services: [...last.services],
        paths: last.paths.map((row) => [...row]),
        certificates: [...last.certificates],
        redirects: [...last.redirects],
      };
      for (const { kind, at, to } of each) {
        const host = kind === "path" ? Math.floor(at / (PATHS.length * 2)) : at;
        const row = next.paths[host] ?? [];
        const { turn } = required(next.services[at % SERVICES], "a Service");
        if (kind === "service") next.services[at] = { turn, ready: to };
        else if (kind === "new-service") next.services[at] = { turn: turn + 1, ready: to };
        else if (kind === "path") row[at % (PATHS.length * 2)] = to;
        else if (kind === "host") row.fill(to);
        else if (kind === "redirect") next.redirects[at] = to;
        else next.certificates[at] = to;
      }
      states.push(next);
    }
    return states;
  });
}

const NONE: RouteTarget = { kind: "status", status: 404, reason: "no path" };

function targetOf(service: number, services: readonly RandomService[]): RouteTarget {
  const { turn, ready } = required(services[service - 1], "a Service");
  const network = service + (((SERVICES + 1) * turn) % 252);
  const endpoints = [1, 2, 3, 4]
    .filter((n) => (ready >> (n - 1)) & 1)
    .map((n) => ({ address: required(parseAddress(`10.1.${network}.${n}`), "an address"), port: 8080 }));
  if (endpoints.length === 0) return { kind: "status", status: 503, reason: "no endpoint" };
  return { kind: "endpoints", backend: `ns/svc-${service}-${turn}:80`, endpoints };
}

/** A host without paths is not among them. */
function routesOf({ paths, services, redirects }: RandomState): HostRoutes[] {
  return HOSTS.flatMap((host, i): HostRoutes[] => {
    const row = paths[i] ?? [];
    const found = row.flatMap((service, at): PathRoute[] => {
      const path = required(PATHS[at >> 1], "a path");
      if (service === 0) return [];
      return [{ match: at % 2 === 0 ? "exact" : "prefix", path, target: targetOf(service, services) }];
    });
    const sorted = [
      ...found.filter(({ match }) => match === "exact"),
      ...found.filter(({ match }) => match === "prefix").sort((a, b) => b.path.length - a.path.length),
    ];
    if (sorted.length === 0) return [];
    const redirect = redirects[i] === 1 ? ({ httpsRedirect: true } as const) : {};
    return [{ ...(host !== undefined && { host }), paths: sorted, fallback: NONE, ...redirect }];
  });
}

const pairs: ReadonlyMap<string, readonly ThrowawayCertificate[]> = new Map(
  TLS_HOSTS.map((host) => [host, [0, 1].map(() => makeCertificate({ names: [host], commonName: host }))]),
);

function pairOf(host: string, { certificates }: RandomState): ThrowawayCertificate {
  const turn = certificates[TLS_HOSTS.indexOf(host as (typeof TLS_HOSTS)[number])] ?? 0;
  return required(pairs.get(host)?.[turn], "a certificate");
}

const REQUESTS: readonly { readonly host: string; readonly isTls: boolean }[] = [
  ...["a.test", "A.test:80", "b.test", "x.test", "X.test.", "c.b.test", "other.example"].map((host) => ({
    host,
    isTls: false,
  })),
  ...TLS_HOSTS.map((host) => ({ host, isTls: true })),
];

/** The files of a proxy in a state, by name. */
function filesOf(state: RandomState, spareBackends: number): ReadonlyMap<string, string> {
  const routes = routesOf(state);
  const names = TLS_HOSTS.map((host) => `ns/${host.replace(".", "-")}`);
  const tls: TlsTable = {
    certificates: TLS_HOSTS.map((host, i) => ({ name: names[i] ?? "", names: [host], notBefore: 0, notAfter: 4e12 })),
    hosts: TLS_HOSTS.map((host, i) => ({ host, certificate: names[i] ?? "" })),
    ...(names[0] && { fallback: names[0] }),
  };
  const { files, certificates } = printHaproxy(routes, { tls, settings: { spareBackends } });
  const hostOf = new Map(names.map((name, i) => [name, TLS_HOSTS[i] ?? ""]));
  const secret = [...certificates].map(([file, name]): [string, string] => {
    const { certificate, key } = pairOf(hostOf.get(name) ?? "", state);
    return [file, `${certificate}${key}`];
  });
  return new Map([...files, ...secret]);
}

/** A state as `ingress-world.mjs` takes it. */
function stateOf(state: RandomState, spares: number): unknown {
  const routes = routesOf(state);
  const urls = REQUESTS.flatMap(({ host, isTls }) =>
    ["/", "/a", "/a/", "/a/b", "/a/b/x", "/c", "/d"].map((path) => {
      const { rules, target } = decideRoute({ routes }, { host, target: path });
      const backend =
        rules?.httpsRedirect === true && !isTls
          ? "status 308"
          : target.kind === "status"
            ? `status ${target.status}`
            : target.backend;
      const certificate = isTls ? new X509Certificate(pairOf(host, state).certificate).fingerprint256 : undefined;
      return { host, path, isTls, backend, certificate };
    }),
  );
  const backends = state.services.flatMap((_, i) => {
    const target = targetOf(i + 1, state.services);
    if (target.kind === "status") return [];
    return [[target.backend, target.endpoints.map(({ address }) => printAddress(address))]];
  });
  return { files: [...filesOf(state, spares)], urls, backends: Object.fromEntries(backends) };
}
