/** Which listeners are served, which routes are attached to them, and what is told of the others.
 *  Long because it is a table: rows for each way to refuse a listener or a route. */
import { describe, expect, test } from "vitest";
import type { ServedListener } from "../../../compiler/model/gateway-types.ts";
import { makeCertificate, tlsSecret } from "../../support/certificates.ts";
import { gateway, HTTP, object, route } from "../../support/gateway-objects.ts";
import { resolved } from "../../support/resolved.ts";

const named = (name: string, created: string | undefined, ...listeners: object[]) =>
  object("Gateway", name, { gatewayClassName: "c", listeners }, "a", created ? { creationTimestamp: created } : {});
const namespace = (name: string, labels: object) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels },
});
const from = (from: string, selector?: object, kinds?: object[]) => ({
  allowedRoutes: { namespaces: { from, ...(selector && { selector }) }, ...(kinds && { kinds }) },
});
const OLD = "2026-01-01T00:00:00Z";
const NEW = "2026-02-01T00:00:00Z";

function lineOf({ gateway: owner, name, hostname = "any", port, protocol, routes }: ServedListener): string {
  const attached = routes.map(({ route: { name: own }, hosts }) => ` <- ${own} ${hosts.map((host) => host ?? "any")}`);
  return `${owner} ${name} ${hostname} ${port} ${protocol}${attached.join("")}`;
}

const found = (...objects: object[]) => {
  const { cluster, findings } = resolved(objects);
  return { served: cluster.listeners.map(lineOf), findings };
};

const WEB = "a/g web any 80 http";
const TLS = { name: "b", port: 80, protocol: "TLS", tls: { mode: "Passthrough" } };
const NOT_CARRIED =
  "warning listener-not-served 1: listener b of Gateway a/g is not served: kpc carries HTTP and HTTPS, not TLS (Accepted: False, UnsupportedProtocol)";

test.each<[what: string, objects: object[], served: string[], findings?: string[]]>([
  ["a listener", [gateway(HTTP)], [WEB]],
  ["a listener with a hostname", [gateway({ ...HTTP, hostname: "*.a.test" })], ["a/g web *.a.test 80 http"]],
  [
    "two hostnames at one port",
    [gateway(HTTP, { ...HTTP, name: "b", hostname: "b.test" })],
    [WEB, "a/g b b.test 80 http"],
  ],
  ["two ports", [gateway(HTTP, { ...HTTP, name: "b", port: 81 })], [WEB, "a/g b any 81 http"]],
  [
    "one hostname twice: neither",
    [gateway(HTTP, { ...HTTP, name: "b" })],
    [],
    [
      "warning listener-not-served 1: listener web of Gateway a/g is not served: listener b has the same hostname at port 80, and neither is served (Conflicted: True, HostnameConflict); the other listener 1",
      "warning listener-not-served 1: listener b of Gateway a/g is not served: listener web has the same hostname at port 80, and neither is served (Conflicted: True, HostnameConflict); the other listener 1",
    ],
  ],
  [
    "two protocols at one port: neither",
    [
      gateway(HTTP, {
        ...HTTP,
        name: "b",
        hostname: "b.test",
        protocol: "HTTPS",
        tls: { certificateRefs: [{ name: "s" }] },
      }),
    ],
    [],
    [
      "warning listener-not-served 1: listener web of Gateway a/g is not served: listener b has protocol HTTPS at port 80, and neither is served (Conflicted: True, ProtocolConflict); the other listener 1",
      "warning listener-not-served 1: listener b of Gateway a/g is not served: listener web has protocol HTTP at port 80, and neither is served (Conflicted: True, ProtocolConflict); the other listener 1",
    ],
  ],
  ["a protocol that is not carried conflicts with none", [gateway(HTTP, TLS)], [WEB], [NOT_CARRIED]],
  [
    "the older Gateway has the place, whichever comes first",
    [named("y", NEW, HTTP), named("x", OLD, HTTP)],
    ["a/x web any 80 http"],
    [
      "warning listener-not-served 1: listener web of Gateway a/y is not served: listener web has the same hostname at port 80, in an older Gateway (Conflicted: True, HostnameConflict); the listener of the older Gateway 2",
    ],
  ],
  [
    "of equal age by name, and without a time last",
    [named("a", undefined, HTTP), named("y", OLD, { ...HTTP, port: 81 }), named("x", OLD, { ...HTTP, port: 82 })],
    ["a/x web any 82 http", "a/y web any 81 http", "a/a web any 80 http"],
  ],
  [
    "listeners that conflict leave their place to a younger Gateway",
    [named("x", OLD, HTTP, { ...HTTP, name: "b" }), named("y", NEW, HTTP)],
    ["a/y web any 80 http"],
    [
      "warning listener-not-served 1: listener web of Gateway a/x is not served: listener b has the same hostname at port 80, and neither is served (Conflicted: True, HostnameConflict); the other listener 1",
      "warning listener-not-served 1: listener b of Gateway a/x is not served: listener web has the same hostname at port 80, and neither is served (Conflicted: True, HostnameConflict); the other listener 1",
    ],
  ],
  ["a route", [gateway(HTTP), route({})], [`${WEB} <- a/r any`]],
  [
    "routes, the oldest first, then by name",
    [
      gateway(HTTP),
      route({}, "a", "z"),
      route({}, "a", "y"),
      route({}, "a", "x", { creationTimestamp: NEW }),
      route({}, "a", "w", { creationTimestamp: OLD }),
    ],
    [`${WEB} <- a/w any <- a/x any <- a/y any <- a/z any`],
  ],
  [
    "hosts in common, each once",
    [
      gateway({ ...HTTP, hostname: "*.test" }),
      route({ hostnames: ["a.test", "*.b.test", "x.example", "*.test", "a.test"] }),
    ],
    ["a/g web *.test 80 http <- a/r a.test,*.b.test,*.test"],
  ],
  [
    "a route for more hosts than the listener",
    [gateway({ ...HTTP, hostname: "a.test" }), route({ hostnames: ["*.test"] })],
    ["a/g web a.test 80 http <- a/r a.test"],
  ],
  [
    "no host in common",
    [
      gateway({ ...HTTP, hostname: "*.test" }, { ...HTTP, name: "b", hostname: "b.example" }),
      route({ hostnames: ["test"] }),
    ],
    ["a/g web *.test 80 http", "a/g b b.example 80 http"],
    [
      "warning route-not-accepted 2: HTTPRoute a/r is not accepted by Gateway a/g: none of its hostnames lies in *.test, b.example (Accepted: False, NoMatchingListenerHostname)",
    ],
  ],
  [
    "a listener by name",
    [gateway(HTTP, { ...HTTP, name: "b", port: 81 }), route({ parentRefs: [{ name: "g", sectionName: "b" }] })],
    [WEB, "a/g b any 81 http <- a/r any"],
  ],
  [
    "a listener by port",
    [gateway(HTTP, { ...HTTP, name: "b", port: 81 }), route({ parentRefs: [{ name: "g", port: 81 }] })],
    [WEB, "a/g b any 81 http <- a/r any"],
  ],
  [
    "a name and a port of two listeners",
    [
      gateway(HTTP, { ...HTTP, name: "b", port: 81 }),
      route({ parentRefs: [{ name: "g", port: 81, sectionName: "web" }] }),
    ],
    [WEB, "a/g b any 81 http"],
    [
      "warning route-not-accepted 2: HTTPRoute a/r is not accepted by Gateway a/g: it has no listener named web at port 81, only web (80), b (81) (Accepted: False, NoMatchingParent)",
    ],
  ],
  [
    "no parent",
    [gateway(HTTP), route({ parentRefs: [] })],
    [WEB],
    ["warning route-not-accepted 2: HTTPRoute a/r is attached to nothing: it has no parentRefs"],
  ],
  [
    "a route of no listener is told once, not for its backends",
    [
      gateway(HTTP),
      route({ parentRefs: [{ name: "g", sectionName: "x" }], rules: [{ backendRefs: [{ name: "s", port: 80 }] }] }),
    ],
    [WEB],
    [
      "warning route-not-accepted 2: HTTPRoute a/r is not accepted by Gateway a/g: it has no listener named x, only web (80) (Accepted: False, NoMatchingParent)",
    ],
  ],
  [
    "a Gateway of another name, of another namespace",
    [gateway(HTTP), route({ parentRefs: [{ name: "h" }, { name: "g", namespace: "b" }] })],
    [WEB],
    ["h", "g"].map(
      (name, i) =>
        `warning route-not-accepted 2: HTTPRoute a/r is not accepted by Gateway ${"ab"[i]}/${name}, which is not in the input (Accepted: False, NoMatchingParent)`,
    ),
  ],
  [
    "a Service as parent",
    [gateway(HTTP), route({ parentRefs: [{ name: "s", kind: "Service", group: "" }] })],
    [WEB],
    [
      "warning route-not-accepted 2: HTTPRoute a/r is not attached to Service a/s: kpc attaches routes to Gateways only",
    ],
  ],
  [
    "a Gateway of another group as parent",
    [gateway(HTTP), route({ parentRefs: [{ name: "g", group: "x.example" }] })],
    [WEB],
    [
      "warning route-not-accepted 2: HTTPRoute a/r is not attached to Gateway a/g: kpc attaches routes to Gateways only",
    ],
  ],
  ["routes of other namespaces: all", [gateway({ ...HTTP, ...from("All") }), route({}, "b")], [`${WEB} <- b/r any`]],
  [
    "only the same",
    [gateway({ ...HTTP, ...from("Same") }), route({}, "b"), route({})],
    [`${WEB} <- a/r any`],
    [
      "warning route-not-accepted 2: HTTPRoute b/r is not accepted by Gateway a/g: no listener that it names takes HTTPRoutes from namespace b (Accepted: False, NotAllowedByListeners)",
    ],
  ],
  [
    "by labels",
    [
      gateway({ ...HTTP, ...from("Selector", { matchLabels: { tier: "1" } }) }),
      route({}, "b"),
      namespace("c", { tier: "2" }),
      namespace("b", { tier: "1" }),
    ],
    [`${WEB} <- b/r any`],
  ],
  [
    "by the name that the API server gives as a label",
    [
      gateway({ ...HTTP, ...from("Selector", { matchLabels: { "kubernetes.io/metadata.name": "b" } }) }),
      route({}, "b"),
    ],
    [`${WEB} <- b/r any`],
  ],
  [
    "by labels that do not hold all",
    [
      gateway({ ...HTTP, ...from("Selector", { matchLabels: { tier: "1", x: "y" } }) }),
      route({}, "b"),
      namespace("b", { tier: "1" }),
    ],
    [WEB],
    [
      "warning route-not-accepted 2: HTTPRoute b/r is not accepted by Gateway a/g: no listener that it names takes HTTPRoutes from namespace b (Accepted: False, NotAllowedByListeners)",
    ],
  ],
  [
    "by labels of a namespace that is not there",
    [gateway({ ...HTTP, ...from("Selector", { matchLabels: { tier: "1" } }) }), route({}, "b")],
    [WEB],
    [
      "warning route-not-accepted 2: HTTPRoute b/r is not accepted by Gateway a/g: no listener that it names takes HTTPRoutes from namespace b; the labels of namespace b are not in the input (Accepted: False, NotAllowedByListeners)",
    ],
  ],
  [
    "by labels of a namespace that is not there, at one of the listeners",
    [
      gateway(
        { ...HTTP, ...from("Selector", { matchLabels: { tier: "1" } }) },
        { ...HTTP, ...from("Same"), name: "b", port: 81 },
      ),
      route({}, "b"),
      namespace("c", { tier: "1" }),
    ],
    [WEB, "a/g b any 81 http"],
    [
      "warning route-not-accepted 2: HTTPRoute b/r is not accepted by Gateway a/g: no listener that it names takes HTTPRoutes from namespace b; the labels of namespace b are not in the input (Accepted: False, NotAllowedByListeners)",
    ],
  ],
  [
    "kinds with HTTPRoute",
    [gateway({ ...HTTP, ...from("Same", undefined, [{ kind: "GRPCRoute" }, { kind: "HTTPRoute" }]) }), route({})],
    [`${WEB} <- a/r any`],
  ],
  ...[{ kind: "GRPCRoute" }, { kind: "HTTPRoute", group: "example.com" }].map(
    (kind): [string, object[], string[], string[]] => [
      `kinds without HTTPRoute: ${JSON.stringify(kind)}`,
      [gateway({ ...HTTP, ...from("Same", undefined, [kind]) }), route({})],
      [WEB],
      [
        "warning route-not-accepted 2: HTTPRoute a/r is not accepted by Gateway a/g: no listener that it names takes HTTPRoutes from namespace a (Accepted: False, NotAllowedByListeners)",
      ],
    ],
  ),
  [
    "a route of listeners that are not served",
    [gateway(HTTP, { ...HTTP, name: "b" }), route({})],
    [],
    [
      "warning listener-not-served 1: listener web of Gateway a/g is not served: listener b has the same hostname at port 80, and neither is served (Conflicted: True, HostnameConflict); the other listener 1",
      "warning listener-not-served 1: listener b of Gateway a/g is not served: listener web has the same hostname at port 80, and neither is served (Conflicted: True, HostnameConflict); the other listener 1",
      "warning route-not-accepted 2: HTTPRoute a/r has no effect at Gateway a/g: its listeners web, b cannot be served",
    ],
  ],
  [
    "a route of several listeners, of which one is not served",
    [gateway(HTTP, TLS), route({})],
    [`${WEB} <- a/r any`],
    [NOT_CARRIED],
  ],
  [
    "a route for the hosts of the one that is not served",
    [gateway({ ...HTTP, hostname: "a.test" }, { ...TLS, hostname: "b.test" }), route({ hostnames: ["b.test"] })],
    ["a/g web a.test 80 http"],
    [
      NOT_CARRIED,
      "warning route-not-accepted 2: HTTPRoute a/r has no effect at Gateway a/g: its listener b cannot be served",
    ],
  ],
  [
    "a route of one listener that is not served",
    [gateway(TLS), route({})],
    [],
    [
      NOT_CARRIED,
      "warning route-not-accepted 2: HTTPRoute a/r has no effect at Gateway a/g: its listener b cannot be served",
    ],
  ],
  [
    "rules that kpc cannot carry: some",
    [gateway(HTTP), route({ rules: [{ matches: [{ path: { type: "RegularExpression", value: "/a" } }] }, {}] })],
    [`${WEB} <- a/r any`],
    [
      "warning route-partially-invalid 2: Dropped Rule of HTTPRoute a/r: kpc does not carry a regular expression (PartiallyInvalid: True, UnsupportedValue)",
    ],
  ],
  [
    "rules that kpc cannot carry: all",
    [gateway(HTTP), route({ rules: [{ matches: [{ path: { type: "RegularExpression", value: "/a" } }] }] })],
    [WEB],
    [
      "warning route-not-accepted 2: HTTPRoute a/r is not accepted: kpc does not carry a regular expression, which each of its rules has (Accepted: False, UnsupportedValue)",
    ],
  ],
])("%s", (_, objects, served, findings = []) => {
  expect(found(...objects)).toEqual({ served, findings });
});

describe("classes", () => {
  const classOf = (name: string, controllerName: string) => ({
    ...object("GatewayClass", name, { controllerName }),
    metadata: { name },
  });

  test.each<[what: string, objects: object[], served: string[], findings?: string[]]>([
    ["ours", [gateway(HTTP), classOf("d", "example.com/x"), classOf("c", "example.com/kpc")], [WEB]],
    [
      "another controller's",
      [gateway(HTTP), classOf("c", "example.com/x"), route({})],
      [],
      [
        "info gateway-ignored 1: Gateway a/g is left out: its class c belongs to example.com/x, and kpc serves example.com/kpc (ingressController in the settings)",
        "info route-not-accepted 3: HTTPRoute a/r is not attached to Gateway a/g, which is left out",
      ],
    ],
    [
      "none of that name",
      [gateway(HTTP), classOf("d", "example.com/kpc")],
      [],
      ["info gateway-ignored 1: Gateway a/g is left out: its class c is not in the input"],
    ],
  ])("%s", (_, objects, served, findings = []) => {
    expect(found(...objects)).toEqual({ served, findings });
  });
});

describe("certificates of listeners", () => {
  const SECRET = tlsSecret("a/s", makeCertificate({ names: ["a.test"] }));
  const https = (...certificateRefs: object[]) =>
    gateway({ ...HTTP, port: 443, protocol: "HTTPS", tls: { certificateRefs } });
  const LISTENER = "a/g web any 443 https";
  const refused = (what: string, why: string) =>
    `warning unresolved-reference 1: certificate ${what} of listener web, Gateway a/g, is not served: ${why}`;
  const NONE =
    "warning listener-not-served 1: listener web of Gateway a/g is not served: it has no certificate that can be served (Programmed: False, Invalid)";

  test.each<[what: string, reference: object, findings: string[]]>([
    ["a Secret", { name: "s" }, []],
    [
      "none of that name",
      { name: "t" },
      [refused("a/t", "the Secret is not in the input (ResolvedRefs: False, InvalidCertificateRef)"), NONE],
    ],
    [
      "another kind",
      { name: "s", kind: "X" },
      [refused("a/s", "only Secrets can be, not X (ResolvedRefs: False, InvalidCertificateRef)"), NONE],
    ],
    [
      "another group",
      { name: "s", group: "x.example" },
      [refused("a/s", "only Secrets can be, not x.example Secret (ResolvedRefs: False, InvalidCertificateRef)"), NONE],
    ],
    [
      "another namespace",
      { name: "s", namespace: "b" },
      [refused("b/s", "no ReferenceGrant in b allows it (ResolvedRefs: False, RefNotPermitted)"), NONE],
    ],
  ])("%s", (_, reference, findings) => {
    expect(found(https(reference), SECRET)).toEqual({ served: findings.length === 0 ? [LISTENER] : [], findings });
  });

  test("a Secret of another namespace, which a ReferenceGrant allows", () => {
    const grant = object(
      "ReferenceGrant",
      "x",
      {
        from: [{ group: "gateway.networking.k8s.io", kind: "Gateway", namespace: "a" }],
        to: [{ group: "", kind: "Secret" }],
      },
      "b",
    );
    const secret = tlsSecret("b/s", makeCertificate({ names: ["a.test"] }));
    expect(found(https({ name: "s", namespace: "b" }), secret, grant)).toEqual({ served: [LISTENER], findings: [] });
  });

  test("one that can be served is enough", () => {
    expect(found(https({ name: "t" }, { name: "s" }), SECRET).served).toEqual([LISTENER]);
  });
});

describe("ports of Ingresses are taken", () => {
  const backend = { service: { name: "s", port: { number: 80 } } };
  const ingress = (tls: object) => ({
    ...{ apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name: "i", namespace: "a" } },
    spec: { defaultBackend: backend, ...tls },
  });
  const ports = (...objects: object[]) =>
    found(gateway(HTTP, { ...HTTP, name: "b", port: 443 }), ...objects).findings.filter((finding) =>
      finding.includes("PortUnavailable"),
    );
  const taken = (name: string, port: number) =>
    `warning listener-not-served 1: listener ${name} of Gateway a/g is not served: Ingresses are served at port ${port} (Accepted: False, PortUnavailable)`;

  test.each<[what: string, objects: object[], want: string[]]>([
    ["none without Ingresses", [], []],
    ["80", [ingress({})], [taken("web", 80)]],
    ["443, too, with TLS", [ingress({ tls: [{ secretName: "s" }] })], [taken("web", 80), taken("b", 443)]],
    [
      "443, too, with TLS of one of them",
      [ingress({ tls: [{ secretName: "s" }] }), { ...ingress({}), metadata: { name: "j", namespace: "a" } }],
      [taken("web", 80), taken("b", 443)],
    ],
  ])("%s", (_, objects, want) => {
    expect(ports(...objects)).toEqual(want);
  });
});
