/** Requests, where settings decide what becomes of them: redirects, unsafe paths, the PROXY protocol, hosts outside of the cluster. */
import { describe, expect, test } from "vitest";
import type { Described } from "../../../../compiler/described.ts";
import type { Source } from "../../../../compiler/diagnostics.ts";
import { findWalkNotes } from "../../../../compiler/findings/walk-notes.ts";
import type { Config } from "../../../../compiler/node/config.ts";
import { askedToData, renderAsked, resolveAsked } from "../../../../compiler/trace/asked.ts";
import { parseTraceText } from "../../../../compiler/trace/parse.ts";
import type { WalkData } from "../../../../compiler/trace/walk/json.ts";
import { WalkNames } from "../../../../compiler/trace/walk/walk-names.ts";
import { makeCertificate } from "../../../support/certificates.ts";
import { accepts, type JsonSchema } from "../../../support/json-schema.ts";
import { describeSources, SHOP_CLUSTER, SHOP_MANIFESTS, WALK_SCHEMA } from "../../../support/shop-example.ts";

const { certificate, key } = makeCertificate({ names: ["shop.example.com"] });
const base64 = (text: string): string => Buffer.from(text).toString("base64");

const SECRET: Source = {
  name: "secret.yaml",
  text: `apiVersion: v1
kind: Secret
type: kubernetes.io/tls
metadata: {name: cert, namespace: shop}
data: {tls.crt: ${base64(certificate)}, tls.key: ${base64(key)}}
`,
};

/** Files of the shop, with TLS, of which some texts are others. */
function shopWith(
  config: Config,
  edits: readonly (readonly [string, string])[] = [],
  more: readonly Source[] = [],
): Described {
  const tls = [
    "  rules:\n    - host: shop.example.com",
    "  tls: [{ hosts: [shop.example.com], secretName: cert }]\n  rules:\n    - host: shop.example.com",
  ] as const;
  const files = [...SHOP_MANIFESTS, SHOP_CLUSTER, SECRET, ...more].map(({ name, text }) => ({
    name,
    text: [tls, ...edits].reduce((before, [from, to]) => before.replaceAll(from, to), text),
  }));
  return describeSources(files, config);
}

interface Traced {
  readonly data: WalkData | undefined;
  readonly text: string;
  readonly notes: readonly string[];
  readonly errors: readonly string[];
}

function trace({ input, layout, walker, known }: Described, text: string): Traced {
  const errors: string[] = [];
  const report = ({ message }: { readonly message: string }): void => void errors.push(message);
  const parsed = parseTraceText({ name: "packet", text }, report);
  const asked = parsed && resolveAsked(parsed, { ...input, layout }, report);
  if (asked === undefined) return { data: undefined, text: "", notes: [], errors };
  const walk = walker.walk(asked.flow);
  const names = new WalkNames(input.specs, layout.network);
  const context = { names, protocol: asked.flow.protocol, hosts: layout.network.hosts, isVerbose: false };
  const data = askedToData(walk, asked, context, true, []);
  const printed = JSON.parse(JSON.stringify({ apiVersion: "kpc.dev/v1alpha1", kind: "Walk", ...data }));
  expect(accepts(JSON.parse(WALK_SCHEMA.text) as JsonSchema, printed)).toBe(true);
  const notes = findWalkNotes(known, walk).map(({ code, message }) => `${code}: ${message}`);
  return { data, text: renderAsked(walk, asked, context, false), notes, errors };
}

const answersOf = ({ data }: Traced): unknown[] => [
  ...new Set(data?.branches.map(({ end: { answer } }) => answer && `${answer.status}: ${answer.reason}`)),
];

const forwardedIn = ({ data }: Traced): unknown[] => [
  ...new Set(data?.branches.map(({ end }) => `${end.host.replace(/-\d$/, "")} for ${end.forwardedFor}`)),
];

describe("what the proxy answers before it looks at paths", () => {
  const described = shopWith({ haproxy: { httpsRedirect: true, pathSafety: "reject" } });

  test.each([
    ["GET http://shop.example.com/a?b", "308: redirected to https://shop.example.com/a?b"],
    ["GET http://198.51.100.50/a Host: SHOP.example.com:8080", "308: redirected to https://shop.example.com/a"],
    [
      "GET https://shop.example.com/a/../b",
      "400: servers understand the path in different ways (--path-safety reject)",
    ],
    ["GET http://shop.example.com//a", "400: servers understand the path in different ways (--path-safety reject)"],
    ["GET http://other.example.com/", "404: no default backend"],
    ["GET https://other.example.com/", "null: the TLS handshake fails: the proxy has no certificate"],
  ])("%s", (text, want) => {
    const traced = trace(described, text);
    expect(answersOf(traced)).toEqual([want]);
    const early = /^=> .*/m.exec(traced.text)?.[0];
    expect(early).toBe(`=> ${want.replace("null", "no answer")}`);
  });

  test("is in the JSON of the request as kpc whatis has it", () => {
    const { data } = trace(described, "GET http://shop.example.com/");
    expect(data?.request?.route).toMatchObject({ answer: { status: 308 } });
  });

  test("goes on to a pod where nothing is in the way", () => {
    expect(forwardedIn(trace(described, "GET https://shop.example.com/api"))).toEqual([
      "pod/shop/api for 198.51.100.10",
    ]);
  });
});

describe("the PROXY protocol", () => {
  const balanced = [
    "loadBalancers:\n",
    "loadBalancers:\n  - { service: ingress/proxy, kind: proxy, nodes: healthy, address: 192.168.50.60 }\n",
  ] as const;
  const spoken = shopWith({ haproxy: { proxyProtocol: true } }, [balanced]);

  test("tells the proxy the client that the load balancer saw", () => {
    const traced = trace(spoken, "GET http://shop.example.com/api");
    expect(forwardedIn(traced)).toEqual(["pod/shop/api for 198.51.100.10"]);
    expect(traced.notes.filter((each) => each.startsWith("client-address-lost"))).toEqual([]);
    expect(traced.text).toContain("and tells the client by the PROXY protocol");
    const steps = traced.data?.branches[0]?.hops.flatMap((hop) => hop.steps) ?? [];
    expect(steps.filter(({ kind }) => kind === "proxied").map(({ tellsClient }) => tellsClient)).toEqual([
      true,
      undefined,
    ]);
  });

  test("without it the proxy takes the load balancer for the client", () => {
    const traced = trace(shopWith({}, [balanced]), "GET http://shop.example.com/api");
    expect(forwardedIn(traced)).toEqual(["pod/shop/api for 192.168.50.60"]);
    expect(traced.notes.join("\n")).toContain("lb/ingress/proxy makes connections of its own");
  });

  test("is spoken by load balancers of the ingress proxy only: others get no answer", () => {
    const inside = trace(spoken, "web-1 > GET http://10.96.0.50/api Host: shop.example.com");
    const around = trace(shopWith({ haproxy: { proxyProtocol: true } }), "GET http://shop.example.com/api");
    for (const traced of [inside, around])
      expect(answersOf(traced)).toEqual([
        "null: the proxy takes connections that begin with the PROXY protocol only, and nobody on the way speaks it",
      ]);
  });

  test("is no matter of other load balancers", () => {
    const { layout } = spoken;
    const told = [...layout.network.hosts.values()].flatMap(({ name, proxies }) =>
      proxies.some(({ tellsClient }) => tellsClient) ? [name] : [],
    );
    expect(told).toEqual(["lb/ingress/proxy"]);
  });
});

describe("hosts outside of the cluster", () => {
  const external = (host: string): Source => ({
    name: "external.yaml",
    text: `apiVersion: v1
kind: Service
metadata: {name: ext, namespace: shop}
spec: {type: ExternalName, externalName: ${host}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: ext, namespace: shop}
spec: {rules: [{host: ext.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: ext, port: {number: 80}}}}]}}]}
`,
  });
  const allowed: Config = { allowExternalNames: true, haproxy: { httpsRedirect: true } };
  const named = (name: string, addresses: string): readonly [string, string] => [
    "  - { name: partner,",
    `  - { name: ${name}, addresses: [${addresses}] }\n  - { name: partner,`,
  ];

  test("are followed to the host outside of that name", () => {
    const edits = [named("www.example.net", "203.0.113.80")];
    const traced = trace(shopWith(allowed, edits, [external("www.example.net")]), "GET http://ext.example.com/");
    expect(forwardedIn(traced)).toEqual(["outside/www.example.net for 198.51.100.10"]);
    expect(traced.data?.branches[0]?.end.seen?.destinationPort).toBe(8080);
    expect(traced.data?.answered).toBe(true);
  });

  test("are followed to an address, which nobody inside has", () => {
    const traced = trace(shopWith(allowed, [], [external("203.0.113.81")]), "GET http://ext.example.com/");
    expect(forwardedIn(traced)).toEqual(["outside/203.0.113.81 for 198.51.100.10"]);
  });

  test("get the request at their IPv6 address, if they have one", () => {
    const edits = [named("www.example.net", '203.0.113.80, "2001:db8:51::80"')];
    const traced = trace(shopWith(allowed, edits, [external("www.example.net")]), "GET http://ext.example.com/");
    expect(traced.data?.branches[0]?.end.seen?.destination).toBe("2001:db8:51::80");
  });

  test("need an address", () => {
    const described = shopWith(allowed, [], [external("www.example.net")]);
    expect(trace(described, "GET http://ext.example.com/").errors).toEqual([
      "shop/ext:80 is at www.example.net:8080, outside of the cluster, and nothing in the input says at which address: expected outside: [{ name: www.example.net, address: ADDRESS }] in a document of kind Cluster",
    ]);
    // Not where the proxy answers itself.
    expect(answersOf(trace(described, "GET https://ext.example.com/"))[0]).toContain("TLS handshake");
  });

  test("are not followed without the setting", () => {
    const described = shopWith({}, [named("www.example.net", "203.0.113.80")], [external("www.example.net")]);
    expect(answersOf(trace(described, "GET http://ext.example.com/"))[0]).toMatch(
      /^503: shop\/ext:80: .*--allow-external-names/,
    );
  });
});
