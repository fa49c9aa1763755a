/** What other controllers would do otherwise, each with the shortest URL that shows it. */
import { describe, expect, test } from "vitest";
import { resolveInput } from "../../../compiler/compile.ts";
import { behaviourWith, type ControllerName, KPC } from "../../../compiler/controllers/controllers.ts";
import { findDeviations, findIgnoredAnnotations } from "../../../compiler/controllers/findings.ts";
import { controlledIngresses } from "../../../compiler/controllers/ingresses.ts";
import { ControllerModel } from "../../../compiler/controllers/model.ts";
import { normalisePath } from "../../../compiler/controllers/normalise.ts";
import { probesFor } from "../../../compiler/controllers/probes.ts";
import { lineAndColumn } from "../../../compiler/diagnostics.ts";
import { evaluateRoute } from "../../../compiler/evaluate/http-route.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";

type PathRow = readonly [path: string, type: string, service: string];

const TYPES: Readonly<Record<string, string>> = { p: "Prefix", e: "Exact", i: "ImplementationSpecific" };

interface IngressRow {
  readonly name?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly defaultBackend?: string;
  readonly tls?: readonly string[];
  readonly rules?: Readonly<Record<string, readonly PathRow[]>>;
}

function backend(name: string): object {
  if (name.startsWith("resource")) return { resource: { kind: "Bucket", name } };
  return { service: { name, port: { number: 80 } } };
}

function ingress({ name = "i", annotations = {}, defaultBackend, tls, rules }: IngressRow, i: number): object {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: `${name}${i}`, namespace: "ns", annotations, creationTimestamp: `2024-01-0${i + 1}T00:00:00Z` },
    spec: {
      ...(defaultBackend && { defaultBackend: backend(defaultBackend) }),
      ...(tls && { tls: [{ hosts: tls }] }),
      ...(rules && {
        rules: Object.entries(rules).map(([host, paths]) => ({
          ...(host !== "" && { host }),
          http: {
            paths: paths.map(([path, type, to]) => ({ path, pathType: TYPES[type], backend: backend(to) })),
          },
        })),
      }),
    },
  };
}

/** Services a, b and c with an endpoint each; `empty` without. */
const SERVICES = ["a", "b", "c", "empty"].flatMap((name, i) => [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "ns" },
    spec: { clusterIP: "None", ports: [{ port: 80 }] },
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-1`, namespace: "ns", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints: name === "empty" ? [] : [{ addresses: [`10.0.0.${i + 1}`] }],
    ports: [{ name: "", port: 80 }],
  },
]);

function resolve(...rows: readonly IngressRow[]) {
  const text = JSON.stringify({ apiVersion: "v1", kind: "List", items: [...SERVICES, ...rows.map(ingress)] }, null, 1);
  const { resolved, diagnostics } = resolveInput(
    (report) => loadSpecs([{ name: "in.json", text }], report),
    {},
    {},
    () => [],
  );
  if (resolved === undefined) return expect.unreachable(JSON.stringify(diagnostics.map(({ message }) => message)));
  return { resolved, ingresses: controlledIngresses(resolved.cluster.ingresses, resolved.specs) };
}

function found(controller: ControllerName, ...rows: readonly IngressRow[]): string[] {
  return findDeviations(controller, resolve(...rows).ingresses).map(({ message }) => message);
}

const nginx = (name: string): string => `nginx.ingress.kubernetes.io/${name}`;

const MANY: readonly IngressRow[] = [
  {
    rules: {
      "a.example": [
        ["/", "p", "a"],
        ["/x/", "p", "b"],
        ["/x", "p", "c"],
        ["/x", "e", "a"],
        ["/icons", "p", "resource-1"],
        ["/y", "i", "b"],
      ],
      "*.example": [["/x", "p", "c"]],
    },
    defaultBackend: "c",
  },
  {
    rules: {
      "": [["/z", "p", "b"]],
      "a.example": [
        ["/empty", "p", "empty"],
        ["/none", "e", "missing"],
      ],
    },
  },
  { defaultBackend: "b" },
];

describe("models of controllers", () => {
  test("with kpc's behaviour do what the routes say, for all probes", () => {
    const { resolved, ingresses } = resolve(...MANY);
    const model = new ControllerModel(ingresses, KPC);
    const probes = probesFor(ingresses);
    expect(probes.length).toBeGreaterThan(100);
    for (const { host, path } of probes) {
      const target = evaluateRoute({ routes: resolved.routes }, { host, target: path });
      const text = target.kind === "status" ? `is answered with ${target.status}` : `goes to ${target.backend}`;
      expect([host, path, model.route(host, path).text]).toEqual([host, path, text]);
    }
    expect(behaviourWith([])).toEqual(KPC);
  });

  test.each([
    ["/a/../b", "/b"],
    ["//a///b/", "/a/b/"],
    ["/%61%2Fb", "/a/b"],
    ["/a/.", "/a/"],
    ["/a/..", "/"],
    ["/../..", "/"],
    ["/", "/"],
  ])("nginx compares %s as %s", (path, compared) => {
    expect(normalisePath(path)).toBe(compared);
  });
});

describe("kpc check --like", () => {
  const one = (paths: readonly PathRow[], more: Partial<IngressRow> = {}): IngressRow => ({
    rules: { "a.example": paths },
    ...more,
  });

  test.each<readonly [ControllerName, string, readonly IngressRow[], string]>([
    [
      "ingress-nginx",
      "use-regex of one Ingress spreads over the host",
      [one([["/api", "p", "a"]]), one([["/v[0-9]+", "i", "b"]], { annotations: { [nginx("use-regex")]: "true" } })],
      "http://a.example/apix goes to ns/a:80 with ingress-nginx, and is answered with 404 with kpc: ingress-nginx reads all paths of a host as regular expressions",
    ],
    [
      "ingress-nginx",
      "paths with use-regex are regular expressions",
      [one([["/v[0-9]+", "i", "b"]], { annotations: { [nginx("use-regex")]: "true" } })],
      "http://a.example/v1 goes to ns/b:80 with ingress-nginx, and is answered with 404 with kpc: ingress-nginx reads paths of Ingresses with use-regex",
    ],
    [
      "ingress-nginx",
      "regular expressions have no case",
      [one([["/api", "e", "a"]], { annotations: { [nginx("use-regex")]: "true" } })],
      "http://a.example/API goes to ns/a:80 with ingress-nginx, and is answered with 404 with kpc: ingress-nginx compares regular expressions in any case",
    ],
    [
      "ingress-nginx",
      "rewrite-target changes the path",
      [one([["/api(/|$)(.*)", "i", "a"]], { annotations: { [nginx("rewrite-target")]: "/$2" } })],
      "http://a.example/api goes to ns/a:80 with the path / with ingress-nginx, and is answered with 404 with kpc: ingress-nginx sends another path to the backend (rewrite-target)",
    ],
    [
      "ingress-nginx",
      "paths are decoded and dots resolved",
      [
        one([
          ["/a", "p", "a"],
          ["/", "p", "b"],
        ]),
      ],
      "http://a.example//a goes to ns/a:80 with ingress-nginx, and goes to ns/b:80 with kpc: ingress-nginx decodes paths",
    ],
    [
      "ingress-nginx",
      "ImplementationSpecific is a prefix of characters",
      [one([["/a", "i", "a"]])],
      "http://a.example/ax goes to ns/a:80 with ingress-nginx, and is answered with 404 with kpc",
    ],
    [
      "ingress-nginx",
      "a resource is skipped",
      [
        one([
          ["/", "p", "a"],
          ["/icons", "p", "resource-1"],
        ]),
      ],
      "http://a.example/icons goes to ns/a:80 with ingress-nginx, and is answered with 503 with kpc",
    ],
    [
      "ingress-nginx",
      "a default backend is not for unknown hosts where the Ingress has rules",
      [one([["/a", "p", "a"]], { defaultBackend: "b" })],
      "http://x/ is answered with 404 with ingress-nginx, and goes to ns/b:80 with kpc",
    ],
    [
      "ingress-nginx",
      "hosts under tls redirect",
      [one([["/", "p", "a"]], { tls: ["a.example"] })],
      "http://a.example/ is redirected to HTTPS with ingress-nginx",
    ],
    [
      "ingress-nginx",
      "more hosts by server-alias",
      [one([["/", "p", "a"]], { annotations: { [nginx("server-alias")]: "b.example" } })],
      "http://b.example/ goes to ns/a:80 with ingress-nginx, and is answered with 404 with kpc: ingress-nginx serves more hosts (server-alias)",
    ],
    [
      "ingress-nginx",
      "app-root",
      [one([["/", "p", "a"]], { annotations: { [nginx("app-root")]: "/app" } })],
      "http://a.example/ is redirected to /app with ingress-nginx",
    ],
    [
      "ingress-nginx",
      "permanent-redirect",
      [one([["/", "p", "a"]], { annotations: { [nginx("permanent-redirect")]: "https://b.example" } })],
      "http://a.example/ is redirected to https://b.example with ingress-nginx",
    ],
    [
      "ingress-nginx",
      "from-to-www-redirect",
      [one([["/", "p", "a"]], { annotations: { [nginx("from-to-www-redirect")]: "true" } })],
      "http://www.a.example/ is redirected to http://a.example/ with ingress-nginx",
    ],
    [
      "ingress-nginx",
      "a canary takes a part",
      [
        one([["/", "p", "a"]]),
        one([["/", "p", "b"]], { annotations: { [nginx("canary")]: "true", [nginx("canary-weight")]: "10" } }),
      ],
      "http://a.example/ goes to ns/a:80 or ns/b:80 (in 10 of 100 cases) with ingress-nginx, and goes to ns/a:80 with kpc",
    ],
    [
      "ingress-nginx",
      "a canary alone serves nothing",
      [one([["/", "p", "b"]], { annotations: { [nginx("canary")]: "true" } })],
      "http://a.example/ is answered with 404 with ingress-nginx, and goes to ns/b:80 with kpc",
    ],
    [
      "ingress-nginx",
      "default-backend where there are no endpoints",
      [one([["/", "p", "empty"]], { annotations: { [nginx("default-backend")]: "b" } })],
      "http://a.example/ goes to ns/b with ingress-nginx, and is answered with 503 with kpc",
    ],
    [
      "ingress-nginx",
      "service-upstream",
      [one([["/", "p", "a"]], { annotations: { [nginx("service-upstream")]: "true" } })],
      "http://a.example/ goes to ns/a:80 by its cluster IP with ingress-nginx",
    ],
    [
      "haproxy-ingress",
      "an unmatched path goes on to rules without a host",
      [one([["/a", "p", "a"]]), { rules: { "": [["/b", "p", "b"]] } }],
      "http://a.example/b goes to ns/b:80 with haproxy-ingress, and is answered with 404 with kpc",
    ],
    [
      "haproxy-ingress",
      "ImplementationSpecific has no case",
      [one([["/a", "i", "a"]])],
      "http://a.example/A goes to ns/a:80 with haproxy-ingress, and is answered with 404 with kpc",
    ],
    [
      "haproxy-ingress",
      "the oldest default backend of all is for all hosts",
      [
        one([["/a", "p", "a"]], { defaultBackend: "b" }),
        { rules: { "b.example": [["/a", "p", "a"]] }, defaultBackend: "c" },
      ],
      "http://b.example/ goes to ns/b:80 with haproxy-ingress, and goes to ns/c:80 with kpc",
    ],
    [
      "nginx-inc",
      "the oldest Ingress owns the host",
      [one([["/a", "p", "a"]]), one([["/b", "p", "b"]])],
      "http://a.example/b is answered with 404 with nginx-inc, and goes to ns/b:80 with kpc: nginx-inc lets the oldest Ingress own a host",
    ],
    [
      "nginx-inc",
      "prefixes are characters",
      [one([["/a", "p", "a"]])],
      "http://a.example/ax goes to ns/a:80 with nginx-inc, and is answered with 404 with kpc",
    ],
    [
      "nginx-inc",
      "a wildcard has any number of labels",
      [{ rules: { "*.example": [["/", "p", "a"]] } }],
      "http://x.x.example/ goes to ns/a:80 with nginx-inc, and is answered with 404 with kpc",
    ],
    [
      "nginx-inc",
      "rules without a host are refused",
      [{ rules: { "": [["/", "p", "a"]] } }],
      "http://x/ is answered with 404 with nginx-inc, and goes to ns/a:80 with kpc",
    ],
    [
      "traefik",
      "the longest rule wins, also over an exact one",
      [
        one([
          ["/a", "e", "a"],
          ["/a", "p", "b"],
        ]),
      ],
      "http://a.example/a goes to ns/b:80 with traefik, and goes to ns/a:80 with kpc: traefik lets the longest text of host and path win",
    ],
    [
      "traefik",
      "a wildcard may win over a name",
      [{ rules: { "a.example": [["/", "p", "a"]], "*.example": [["/", "p", "b"]] } }],
      "http://a.example/ goes to ns/b:80 with traefik, and goes to ns/a:80 with kpc",
    ],
    [
      "traefik",
      "a missing Service leaves its path to a shorter one",
      [
        one([
          ["/", "p", "a"],
          ["/b", "p", "missing"],
        ]),
      ],
      "http://a.example/b goes to ns/a:80 with traefik, and is answered with 503 with kpc",
    ],
    [
      "traefik",
      "default backends beside rules do nothing",
      [one([["/a", "p", "a"]], { defaultBackend: "b" })],
      "http://x/ is answered with 404 with traefik, and goes to ns/b:80 with kpc",
    ],
  ])("%s: %s", (controller, _, rows, message) => {
    expect(found(controller, ...rows)).toContainEqual(expect.stringContaining(message));
  });

  test("says nothing where a controller does the same", () => {
    const rows = one([["/", "p", "a"]]);
    expect(found("haproxy-ingress", rows)).toEqual([]);
    expect(found("ingress-nginx", rows)).toEqual([]);
    expect(found("traefik", rows)).toEqual([]);
    expect(found("nginx-inc", rows)).toEqual([]);
  });

  test("mergeable Ingresses of nginx-inc share a host", () => {
    const type = (value: string) => ({ annotations: { "nginx.org/mergeable-ingress-type": value } });
    const rows = [one([["/", "p", "a"]], type("master")), one([["/b", "p", "b"]], type("minion"))];
    expect(found("nginx-inc", ...rows).filter((text) => text.includes("own a host"))).toEqual([]);
  });

  test("names the rule, and other hosts", () => {
    const { ingresses } = resolve({
      rules: Object.fromEntries(["a", "b", "c", "d", "e", "f"].map((host) => [`${host}.example`, [["/a", "p", "a"]]])),
    });
    const [first] = findDeviations("nginx-inc", ingresses).filter(({ message }) => message.includes("by character"));
    const span = first?.origin?.span() ?? expect.unreachable();
    expect(span.source.text.split("\n")[lineAndColumn(span).line]).toContain('"path": "/a"');
    expect(first?.notes?.map(({ message }) => message)).toEqual([
      "also http://b.example/ax",
      "also http://c.example/ax",
      "also http://d.example/ax",
      "and 2 more hosts",
    ]);
  });

  test("lists annotations that are not carried over, each once", () => {
    const annotations = { [nginx("proxy-body-size")]: "8m", [nginx("use-regex")]: "true", "other/x": "y" };
    const { ingresses } = resolve(one([["/", "p", "a"]], { annotations }), one([["/b", "p", "a"]], { annotations }));
    const found = findIgnoredAnnotations(ingresses);
    expect(found.map(({ message }) => message)).toEqual([
      "annotation nginx.ingress.kubernetes.io/proxy-body-size of Ingress ns/i0 and 1 more is not carried over: kpc does nothing about it",
    ]);
    expect(found[0]?.origin?.span().source.name).toBe("in.json");
  });
});
