/** Names that people choose never become lines of a configuration: hosts, paths, names of Services, ports and Secrets. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { evaluateRoute } from "../../compiler/evaluate/http-route.ts";
import { type HaproxyConfig, printHaproxy } from "../../compiler/formats/haproxy/print.ts";
import { readHaproxy } from "../../compiler/formats/haproxy/read.ts";
import { LONGEST_KEY } from "../../compiler/formats/haproxy/shape.ts";
import { required } from "../../compiler/invariant.ts";
import type { RouteTarget } from "../../compiler/ir/routes.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { parseAddress, printAddress } from "../../compiler/net/address.ts";
import { makeCertificate, tlsSecret } from "../support/certificates.ts";
import { HaproxyWorld, haproxyMissing } from "../support/haproxy.ts";
import { runs } from "../support/runs.ts";

const HOSTILE = fc.oneof(
  fc.constantFrom(
    "a b",
    "a\n  use_backend x",
    "a\r\nbackend x",
    "a'b",
    'a"b',
    "%[var(txn.host)]",
    `$${"{HOME}"}`,
    "a#b",
    "a\\ b",
    "a;b",
    "a\tb",
    "a\u0000b",
    "a\u2028b",
    "ü",
    "*",
    "!a",
    "[ssl]",
    "a/b",
    "../a",
    ".",
    "-",
    "a,b",
    "{ }",
    "a if TRUE",
    "x".repeat(300),
    "A.example",
    "*.*.example",
    "a.example.",
    "127.0.0.1",
  ),
  fc.string({ minLength: 1, maxLength: 12, unit: "binary" }),
  fc.stringMatching(/^[a-z0-9.*/%#'"\\ \n\t$[\]{}!;,-]{1,12}$/),
);

/** The places of a cluster where names stand; each gets the hostile one in turn. */
const PLACES = [
  "host",
  "tls",
  "path",
  "exact",
  "service",
  "port",
  "secret",
  "namespace",
  "external",
  "sticky",
] as const;

const certificate = makeCertificate({ names: ["a.example"] });

function cluster(place: (typeof PLACES)[number], name: string): unknown[] {
  const at = (other: (typeof PLACES)[number], usual: string): string => (place === other ? name : usual);
  const namespace = at("namespace", "shop");
  const [service, port, secret] = [at("service", "web"), at("port", "http"), at("secret", "cert")];
  const backend = { service: { name: service, port: { name: port } } };
  const outside = { service: { name: "ext", port: { number: 80 } } };
  const paths = [
    { path: `/${at("path", "x")}`, pathType: "ImplementationSpecific", backend },
    { path: `/${at("exact", "y")}`, pathType: "Exact", backend },
    { path: "/out", pathType: "Prefix", backend: outside },
  ];
  const meta = (own: string, more = {}) => ({ name: own, namespace, ...more });
  return [
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: meta("i"),
      spec: {
        tls: [{ hosts: [at("tls", "a.example")], secretName: secret }],
        rules: [{ host: at("host", "a.example"), http: { paths } }],
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: meta(service, { annotations: { "kpc.dev/sticky-sessions": at("sticky", "cookie") } }),
      spec: { clusterIP: "None", ports: [{ name: port, port: 80 }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: meta("web-1", { labels: { "kubernetes.io/service-name": service } }),
      addressType: "IPv4",
      endpoints: [{ addresses: ["10.1.0.1"] }],
      ports: [{ name: port, port: 8080 }],
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: meta("ext"),
      spec: { type: "ExternalName", externalName: at("external", "www.example.com"), ports: [{ port: 80 }] },
    },
    { ...tlsSecret("x", certificate), metadata: meta(secret) },
  ];
}

function programOf(place: (typeof PLACES)[number], name: string): Program | undefined {
  const text = JSON.stringify({ apiVersion: "v1", kind: "List", items: cluster(place, name) });
  return compile([{ name: "cluster.json", text }], { allowExternalNames: true }).compiled?.program;
}

/** All lines that kpc writes, with plain words where names stand. */
const LINE =
  /^(?:|#.*|global|defaults|frontend http|resolvers system|backend [a-z0-9.-]+| {2}(?:(?:default-path|ssl-default-bind-options|mode|option|timeout|default-server|bind|balance|cookie|dynamic-cookie-key|parse-resolv-conf|hold)\b[ -~]*|http-request (?:set-var|set-header|allow|return)[ -~]*|use_backend %\[var\(txn\.backend\)\] if \{ var\(txn\.backend\) -m found \}|default_backend [a-z0-9.-]+|server [a-z0-9-]+ [a-z0-9.-]+:\d+(?: resolvers system init-addr last,libc,none)?))$/;

/** What is wrong with the files: nothing. */
function checkFiles({ files }: HaproxyConfig, { routes, tls }: Program): void {
  const lines = required(files.get("haproxy.cfg"), "haproxy.cfg").split("\n");
  expect(lines.filter((line) => !LINE.test(line))).toEqual([]);
  const { backends, servers } = Object.fromEntries(
    ["backend", "server"].map((word) => [
      `${word}s`,
      lines.filter((line) => line.trim().startsWith(`${word} `)).length,
    ]),
  );
  const targets = new Map<string, RouteTarget>();
  for (const { paths, fallback } of routes)
    for (const target of [...paths.map((each) => each.target), fallback])
      targets.set(target.kind === "status" ? String(target.status) : target.backend, target);
  // Those that answer with a status are always there.
  expect(backends).toBeLessThanOrEqual(new Set([...targets.keys(), "404", "503"]).size);
  expect(servers).toBeLessThanOrEqual(2);
  const sources = new Map([...files].map(([name, text]) => [name, { name, text }]));
  const read = readHaproxy(required(sources.get("haproxy.cfg"), "a file"), sources, ({ message }) =>
    expect.unreachable(message),
  );
  // Paths that no request has are left out, and told.
  const kept = routes.map(({ host, paths }) => [
    host,
    paths.flatMap(({ match, path }) => (/^[!-~]+$/.test(path) ? [`${match} ${path}`] : [])).sort(),
  ]);
  const found = read?.routes.map(({ host, paths }) => [
    host,
    paths.map(({ match, path }) => `${match} ${path}`).sort(),
  ]);
  expect(found).toEqual(kept.map(([host, paths]) => [host, paths]));
  const rows = files.get("certificates.list")?.split("\n").slice(0, -1) ?? [];
  const shown = tls?.hosts.filter((each) => each.certificate !== undefined) ?? [];
  expect(rows).toEqual(shown.map(({ host, certificate: name }) => `${name?.replace("/", ".")}.pem ${host}`));
}

describe("names of a cluster in HAProxy's files", () => {
  test("are refused with the manifest, or stand there as one word each", () => {
    let printed = 0;
    let refused = 0;
    fc.assert(
      fc.property(fc.constantFrom(...PLACES), HOSTILE, (place, name) => {
        const program = programOf(place, name);
        if (program === undefined) {
          refused++;
          return;
        }
        printed++;
        checkFiles(printHaproxy(program.routes, { tls: program.tls }), program);
      }),
      { numRuns: Math.max(20, runs(800)) },
    );
    expect([printed > 3, refused > 3]).toEqual([true, true]);
  });

  test.each(["a b", "a\nb", "a/b", "A", "", "*", "a:80", "%[x]"])("the printer itself refuses the host %j", (host) => {
    const none: RouteTarget = { kind: "status", status: 404, reason: "none" };
    expect(() => printHaproxy([{ host, paths: [], fallback: none }])).toThrow(RangeError);
  });
});

describe.skipIf(haproxyMissing !== undefined)("HAProxy itself", () => {
  let haproxy: HaproxyWorld;
  beforeAll(() => {
    haproxy = new HaproxyWorld();
  });
  afterAll(() => haproxy.close());

  test("takes the files of hostile paths, and serves what they say", async () => {
    const names = fc.sample(HOSTILE, { seed: 7, numRuns: 400 });
    const programs = names.flatMap((name) => programOf("path", name) ?? []);
    const all = programs.flatMap(({ routes }) => routes[0]?.paths ?? []);
    const paths = [...new Map(all.map((path) => [`${path.match} ${path.path}`, path])).values()];
    expect(paths.length).toBeGreaterThan(50);
    const none: RouteTarget = { kind: "status", status: 404, reason: "none" };
    const served = paths.filter(
      ({ path, target }) =>
        /^[!-~]+$/.test(path) && !path.includes("#") && target.kind === "endpoints" && target.external === undefined,
    );
    const { files } = printHaproxy([
      { host: "a.example", paths: served, fallback: none },
      { paths: [], fallback: none },
    ]);
    const requests = served.map(({ path }) => ({ host: "a.example", target: path.replace("?", "%3f") }));
    const { said, answers } = await haproxy.ask(files, requests);
    expect(said).toEqual([]);
    const wanted = served.map(({ path }) => [path, path.includes("?") ? expect.toBeOneOf([200, 404]) : 200]);
    expect(served.map(({ path }, i) => [path, answers[i]?.status])).toEqual(wanted);
  });

  test("tells the longest paths apart that the printer takes, beside shorter ones", async () => {
    const to = (n: number): RouteTarget => ({
      kind: "endpoints",
      backend: `ns/s-${n}:80`,
      endpoints: [{ address: required(parseAddress(`10.1.0.${n}`), "an address"), port: 8080 }],
    });
    const none: RouteTarget = { kind: "status", status: 404, reason: "none" };
    // With its host and what ends its row, each path has as many characters as a key can have, or one more.
    const lengths = [100, 1000, 2000, LONGEST_KEY - "a.example/?".length, LONGEST_KEY - "a.example/?".length + 1];
    const paths = lengths.flatMap((length) =>
      ["x", "y"].flatMap((end) =>
        (["exact", "prefix"] as const).map((match) => ({
          match,
          path: `/${"x".repeat(length - 2)}${end}${match === "prefix" ? "z" : ""}`,
        })),
      ),
    );
    const routed = paths.map((each, i) => ({ ...each, target: to(i + 1) }));
    const routes = [
      { host: "a.example", paths: routed.sort((a, b) => b.path.length - a.path.length), fallback: none },
      { paths: [], fallback: none },
    ];
    const { files, unsupported } = printHaproxy(routes);
    expect(unsupported.map(({ message }) => message.replace(/ \/x+/, ""))).toEqual(
      [1, 2, 3, 4].map(() =>
        expect.stringMatching(/^the path… is not served: HAProxy's maps tell keys of up to 2047 .* it has 2048$/),
      ),
    );
    const requests = paths.flatMap(({ path }) =>
      ["", "/", "/a", "x"].map((tail) => ({ host: "a.example", target: `${path}${tail}` })),
    );
    const { said, answers } = await haproxy.ask(files, requests);
    expect(said).toEqual([]);
    const kept = routes.map((host) => ({
      ...host,
      paths: host.paths.filter(
        ({ match, path }) => `a.example${path}${match === "exact" ? "/?" : "/"}`.length <= LONGEST_KEY,
      ),
    }));
    const wanted = requests.map((request) => {
      const target = evaluateRoute({ routes: kept }, request);
      return target.kind === "status" ? undefined : target.endpoints.map(({ address }) => printAddress(address)).join();
    });
    expect(answers.map(({ server }) => server)).toEqual(wanted);
    expect(new Set(wanted).size).toBeGreaterThan(paths.length - 4);
  });
});
