/** What the Gateway API tells in conditions, as findings. */
import { describe, expect, test } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { lineAndColumn } from "../../../compiler/diagnostics.ts";

const GROUP = "gateway.networking.k8s.io/v1";

function object(kind: string, name: string, spec: object, namespace = "a"): string {
  return JSON.stringify({ apiVersion: GROUP, kind, metadata: { name, namespace }, spec });
}

const HTTP = { name: "web", port: 80, protocol: "HTTP" };

function gateway(...listeners: readonly object[]): string {
  return object("Gateway", "g", { gatewayClassName: "c", listeners: listeners.length === 0 ? [HTTP] : listeners });
}

function route(spec: object, namespace = "a"): string {
  return object("HTTPRoute", "r", { parentRefs: [{ name: "g", namespace: "a" }], ...spec }, namespace);
}

const ruleOf = (rule: object): object => ({ rules: [rule] });

/** Findings about `texts`, one object a line: `code line: message`. */
function findings(...texts: readonly string[]): string[] {
  const text = texts.map((each) => `---\n${each}\n`).join("");
  return compile([{ name: "g.yaml", text }], { nodeName: "n" }).diagnostics.map(
    ({ code, message, origin }) => `${code} ${origin && lineAndColumn(origin.span()).line}: ${message}`,
  );
}

describe("conditions", () => {
  test.each<readonly [string, readonly string[]]>([
    [
      "listener-not-served 2: listener tcp of Gateway a/g is not served: kpc carries HTTP and HTTPS, not TCP (Accepted: False, UnsupportedProtocol)",
      [gateway(HTTP, { name: "tcp", port: 90, protocol: "tcp" })],
    ],
    [
      "listener two of Gateway a/g is not served: listener web has the same hostname at port 80, and neither is served (Conflicted: True, HostnameConflict)",
      [gateway(HTTP, { ...HTTP, name: "two" })],
    ],
    ["Programmed: False", [gateway({ ...HTTP, protocol: "HTTPS", tls: { certificateRefs: [{ name: "s" }] } })]],
    [
      "the Secret is not in the input",
      [gateway({ ...HTTP, protocol: "HTTPS", tls: { certificateRefs: [{ name: "s" }] } })],
    ],
    [
      "(ResolvedRefs: False, RefNotPermitted)",
      [gateway({ ...HTTP, protocol: "HTTPS", tls: { certificateRefs: [{ name: "s", namespace: "b" }] } })],
    ],
    ["route-not-accepted 2: HTTPRoute a/r is not accepted by Gateway a/g, which is not in the input", [route({})]],
    ["NoMatchingParent", [gateway(), route({ parentRefs: [{ name: "g", sectionName: "other" }] })]],
    ["no listener at port 81, only web (80)", [gateway(), route({ parentRefs: [{ name: "g", port: 81 }] })]],
    [
      "route-not-accepted 4: HTTPRoute b/r is not accepted by Gateway a/g: no listener that it names takes HTTPRoutes from namespace b (Accepted: False, NotAllowedByListeners)",
      [gateway(), route({}, "b")],
    ],
    ["NoMatchingListenerHostname", [gateway({ ...HTTP, hostname: "*.test" }), route({ hostnames: ["a.example"] })]],
    [
      "kpc attaches routes to Gateways only",
      [gateway(), route({ parentRefs: [{ name: "s", kind: "Service", group: "" }] })],
    ],
    ["BackendNotFound", [gateway(), route(ruleOf({ backendRefs: [{ name: "gone", port: 80 }] }))]],
    ["InvalidKind", [gateway(), route(ruleOf({ backendRefs: [{ name: "x", kind: "Other", group: "x.example" }] }))]],
    [
      "(ResolvedRefs: False, RefNotPermitted)",
      [gateway(), route(ruleOf({ backendRefs: [{ name: "x", namespace: "b", port: 80 }] }))],
    ],
    [
      "UnsupportedValue",
      [gateway(), route(ruleOf({ matches: [{ path: { type: "RegularExpression", value: "/a.*" } }] }))],
    ],
    [
      "gateway-not-carried 4: spec.rules[0].timeouts: kpc does not carry timeouts of rules",
      [gateway(), route(ruleOf({ timeouts: { request: "1s" } }))],
    ],
    [
      "gateway-not-carried 2: kpc does not carry gateway.networking.k8s.io/v1/GRPCRoute a/x",
      [object("GRPCRoute", "x", {})],
    ],
  ])("%s", (wanted, objects) => {
    expect(findings(...objects).filter((finding) => finding.includes(wanted))).toHaveLength(1);
  });
});

describe("values that the API refuses", () => {
  const path = (value: string): string[] => [gateway(), route(ruleOf({ matches: [{ path: { value } }] }))];
  const twice = (...parents: readonly object[]): string[] => [
    gateway(),
    route({ parentRefs: parents.map((each) => ({ name: "g", ...each })) }),
  ];
  const filter = (...filters: readonly object[]): string[] => [gateway(), route(ruleOf({ filters }))];
  test.each<readonly [string, readonly string[]]>([
    ["must not contain '//'", path("/a//b")],
    ["must not contain '/./'", path("/a/./b")],
    ["must not contain '/../'", path("/a/../b")],
    ["must not contain '%2f'", path("/a%2fb")],
    ["must not contain '#'", path("/a#b")],
    ["must not end with '/..'", path("/a/..")],
    ["must be an absolute path", path("a")],
    ["must only contain valid characters", path("/a b")],
    ["spec.listeners[0].port: Invalid value: 70000", [gateway({ ...HTTP, port: 70000 })]],
    ["must be a DNS name, not an IP address", [gateway({ ...HTTP, hostname: "10.0.0.1" })]],
    ["must not be specified for protocols", [gateway({ ...HTTP, tls: {} })]],
    ["must be Terminate", [gateway({ ...HTTP, protocol: "HTTPS", tls: { mode: "Passthrough" } })]],
    ["spec.rules[0].filters[0].requestRedirect: Required value", filter({ type: "RequestRedirect" })],
    [
      "RequestRedirect or URLRewrite",
      filter({ type: "RequestRedirect", requestRedirect: {} }, { type: "URLRewrite", urlRewrite: {} }),
    ],
    [
      "ReplacePrefixMatch needs exactly one match",
      [
        gateway(),
        route(
          ruleOf({
            matches: [{ path: { type: "Exact", value: "/a" } }],
            filters: [
              { type: "URLRewrite", urlRewrite: { path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/b" } } },
            ],
          }),
        ),
      ],
    ],
    ["Must have port for Service reference", [gateway(), route(ruleOf({ backendRefs: [{ name: "x" }] }))]],
    ["hostnames", [gateway(), route({ hostname: ["a.test"] })]],
    ["sectionName or port must be unique when", twice({}, {})],
    ["sectionName or port must be unique when", twice({ sectionName: "web" }, { sectionName: "web" })],
    ["sectionName or port must be unique when", twice({}, { namespace: "a" })],
    ["sectionName or port must be specified when", twice({}, { sectionName: "web" })],
    ["sectionName or port must be specified when", twice({ port: 80 }, {})],
    [
      "must have at most 32",
      [gateway(), route({ parentRefs: Array.from({ length: 33 }, (_, i) => ({ name: `g${i}` })) })],
    ],
  ])("%s", (wanted, objects) => {
    expect(findings(...objects).filter((finding) => finding.includes(wanted))).not.toEqual([]);
  });
});

test.each([
  [{ sectionName: "web" }, { sectionName: "other" }],
  [{ port: 80 }, { port: 81 }],
  [{ sectionName: "web" }, { sectionName: "web", namespace: "b" }],
])("a route may name a Gateway twice for other listeners: %j and %j", (...parents) => {
  const spec = { parentRefs: parents.map((each) => ({ name: "g", ...each })) };
  expect(findings(gateway(), route(spec)).filter((finding) => finding.includes("same parent"))).toEqual([]);
});

test("a listener at a port of Ingresses is refused", () => {
  const ingress = JSON.stringify({
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "i", namespace: "a" },
    spec: { defaultBackend: { service: { name: "s", port: { number: 80 } } } },
  });
  expect(findings(ingress, gateway()).filter((finding) => finding.includes("PortUnavailable"))).toHaveLength(1);
});
