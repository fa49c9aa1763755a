/** Requests through a cluster: who takes them, to which address they go, what the pod sees. */
import { describe, expect, test } from "vitest";
import type { Described } from "../../../../compiler/described.ts";
import type { Report, Source } from "../../../../compiler/diagnostics.ts";
import { diagnosticToJson } from "../../../../compiler/documents/render.ts";
import { findRequestFaults } from "../../../../compiler/findings/request-findings.ts";
import { findWalkFaults } from "../../../../compiler/findings/walk-findings.ts";
import { findWalkNotes } from "../../../../compiler/findings/walk-notes.ts";
import { askedToData, resolveAsked } from "../../../../compiler/trace/asked.ts";
import { parseTraceText } from "../../../../compiler/trace/parse.ts";
import type { WalkData } from "../../../../compiler/trace/walk/json.ts";
import { WalkNames } from "../../../../compiler/trace/walk/walk-names.ts";
import { makeCertificate } from "../../../support/certificates.ts";
import { describeSources, SHOP_CLUSTER, SHOP_MANIFESTS } from "../../../support/shop-example.ts";

/** What of the files of the shop is another text. */
type Edits = readonly (readonly [from: string, to: string])[];

/** A request that was followed; `errors` where it could not be. */
interface FollowedRequest {
  readonly errors: readonly string[];
  readonly result: WalkData | undefined;
}

const networks = new Map<string, Described>();

/** Follows `text` through the shop, of whose files some texts are others; each of `edits` has to be in one of them. */
function ask(text: string, edits: Edits = [], more: readonly Source[] = []): FollowedRequest {
  const files = [...SHOP_MANIFESTS, SHOP_CLUSTER, ...more];
  const key = JSON.stringify([edits, more]);
  const made = networks.get(key) ?? describeSources(edits.reduce(editAll, files));
  networks.set(key, made);
  const { input, layout, walker, known } = made;
  const errors: string[] = [];
  const report: Report = ({ message }) => void errors.push(message);
  const parsed = parseTraceText({ name: "packet", text }, report);
  const asked = parsed && resolveAsked(parsed, { ...input, layout }, report);
  if (asked === undefined) return { errors, result: undefined };
  const walk = walker.walk(asked.flow);
  const { network } = layout;
  const names = new WalkNames(input.specs, network);
  const context = { names, protocol: asked.flow.protocol, hosts: network.hosts, isVerbose: false };
  const findings = [...findWalkFaults(known, walk), ...findRequestFaults(known, walk), ...findWalkNotes(known, walk)];
  return { errors, result: askedToData(walk, asked, context, true, findings.map(diagnosticToJson)) };
}

function editAll(files: readonly Source[], [from, to]: Edits[number]): readonly Source[] {
  expect(files.some(({ text }) => text.includes(from))).toBe(true);
  return files.map(({ name, text }) => ({ name, text: text.replaceAll(from, to) }));
}

/** The Cluster says more. */
const says = (members: string): Edits => [["underlay:\n", `${members}\nunderlay:\n`]];

/** What each branch ends with, in short, each once. */
function endsOf({ errors, result }: FollowedRequest): readonly string[] {
  if (result === undefined) return errors;
  const ends = result.branches.map(({ end: { kind, host, seen, forwardedFor, answer }, reply }) =>
    [
      ...(kind === "delivered" ? [host] : [kind, host]),
      ...(seen === undefined ? [] : [`port ${seen.destinationPort}`]),
      ...(forwardedFor === undefined ? [] : [`for ${forwardedFor}`]),
      ...(answer === undefined ? [] : [`${answer.status}: ${answer.reason}`]),
      ...(reply?.end.kind === "delivered" ? [] : ["no answer"]),
    ].join(" "),
  );
  return [...new Set(ends)].sort();
}

describe("the story", () => {
  test("one address, two Services by path, and the client seen", () => {
    expect(endsOf(ask("GET http://shop.example.com/api/orders?id=1"))).toEqual([
      "pod/shop/api-1 port 8081 for 198.51.100.10",
      "pod/shop/api-2 port 8081 for 198.51.100.10",
    ]);
    expect(endsOf(ask("GET http://shop.example.com/cart"))).toEqual([
      "pod/shop/web-1 port 8080 for 198.51.100.10",
      "pod/shop/web-2 port 8080 for 198.51.100.10",
    ]);
  });

  test("the proxy connects to the pod itself, from its own address, and each endpoint is equally likely", () => {
    const { result } = ask("GET http://shop.example.com/api");
    const chances = new Map<string, number>();
    for (const { end, probability, hops } of result?.branches ?? []) {
      chances.set(end.host, (chances.get(end.host) ?? 0) + probability);
      const own = hops.find(({ steps }) => steps.some(({ kind }) => kind === "proxied"));
      expect(own?.host).toMatch(/^pod\/ingress\/proxy-/);
      const steps = own?.steps.find(({ kind }) => kind === "proxied");
      expect(steps?.to?.source).toBe(end.seen?.source);
      expect(steps?.to?.destination).toBe(end.seen?.destination);
    }
    expect([...chances].map(([host, chance]) => [host, Number(chance.toFixed(9))])).toEqual([
      ["pod/shop/api-1", 0.5],
      ["pod/shop/api-2", 0.5],
    ]);
  });

  test("the Host header decides, wherever the URL leads", () => {
    expect(endsOf(ask("GET http://198.51.100.50/api Host: SHOP.example.com:80"))).toHaveLength(2);
    expect(endsOf(ask("GET http://198.51.100.50/api"))).toEqual([
      "pod/ingress/proxy-1 port 80 404: no default backend",
      "pod/ingress/proxy-2 port 80 404: no default backend",
    ]);
  });
});

describe("from where", () => {
  test.each([
    ["pod/shop/web-1", ["10.244.1.10"]],
    // Of the proxy on its own node, it is seen by the address in the pods' network.
    ["node/node-1", ["10.244.1.1", "192.168.50.11"]],
    ["outside/client:50000", ["198.51.100.10"]],
    ["[2001:db8:51::10]", ["2001:db8:51::10"]],
  ])("%s", (from, clients) => {
    const { result } = ask(`${from} > GET http://shop.example.com/`);
    expect(result?.answered).toBe(true);
    expect([...new Set(result?.branches.map(({ end }) => end.forwardedFor))].sort()).toEqual(clients);
  });

  test("a client that NAT hides before the proxy is not the one that pods are told", () => {
    const { result } = ask("GET http://shop.example.com/", CLUSTER_POLICY);
    const told = new Set(result?.branches.map(({ end }) => end.forwardedFor));
    expect([...told].sort()).toEqual(["10.244.1.1", "10.244.2.1", "192.168.50.11", "192.168.50.12"]);
  });

  test("who hides the client is told, and by which command it stays; not that the proxy makes connections", () => {
    const notes = (edits: Edits): string[] =>
      (ask("GET http://shop.example.com/api", edits).result?.findings ?? []).flatMap(({ code, message, fix }) =>
        code === "client-address-lost" ? [`${message}; ${fix?.command}`] : [],
      );
    expect(notes([])).toEqual([]);
    expect(notes(CLUSTER_POLICY)[0]).toMatch(
      /^pod\/shop\/api-1 is told by X-Forwarded-For that the client is 10\.244\.[12]\.1 \(node\/node-[12]\), not 198\.51\.100\.10 \(outside\/client\): externalTrafficPolicy of ingress\/proxy is Cluster, and node\/node-[12] masquerades; kubectl patch service proxy -n ingress -p/,
    );
    expect(notes(LB_PROXY)[0]).toMatch(
      /^pod\/shop\/api-1 is told by X-Forwarded-For that the client is 192\.168\.50\.\d+ \(lb\/ingress\/proxy\), not 198\.51\.100\.10 \(outside\/client\): lb\/ingress\/proxy makes connections of its own;/,
    );
  });
});

/** Any node gives connections to any proxy. */
const CLUSTER_POLICY: Edits = [
  ["  externalTrafficPolicy: Local\n  healthCheckNodePort: 32101\n", "  externalTrafficPolicy: Cluster\n"],
];

/** A load balancer in front of the proxy makes connections of its own. */
const LB_PROXY: Edits = [
  [
    "  - { service: shop/partners, kind: routed",
    "  - { service: ingress/proxy, kind: proxy }\n  - { service: shop/partners, kind: routed",
  ],
];

/** The proxy's Service has no load balancer. */
const NODE_PORT: Edits = [
  ["type: LoadBalancer\n  clusterIP: 10.96.0.50", "type: NodePort\n  clusterIP: 10.96.0.50"],
  ["  healthCheckNodePort: 32101\n", ""],
  ['      - { ip: 198.51.100.50, ipMode: VIP }\n      - { ip: "2001:db8:50::50", ipMode: VIP }\n', "      []\n"],
];

describe("to which address", () => {
  const addressIn = (traced: FollowedRequest): string | undefined => {
    const { address, port, text } = traced.result?.request?.address ?? {};
    return address === undefined ? endsOf(traced)[0] : `${address}:${port} ${text}`;
  };

  test.each<[want: string, url: string, edits: Edits]>([
    ["198.51.100.50:80 the load balancer of Service ingress/proxy", "http://shop.example.com/", []],
    ["198.51.100.50:443 the load balancer of Service ingress/proxy", "https://shop.example.com/", []],
    ["192.168.50.12:30080 as the URL says", "http://192.168.50.12:30080/", NODE_PORT],
    [
      "192.168.50.11:30080 node/node-1: 30080 is a node port of Service ingress/proxy",
      "http://shop.example.com:30080/",
      NODE_PORT,
    ],
    [
      "198.51.100.1:80 the gateway, which forwards port 80 to node-2:30080",
      "http://shop.example.com/",
      [...NODE_PORT, ['{ port: 8080, to: "node-1:30123" }', '{ port: 80, to: "node-2:30080" }']],
    ],
    [
      "203.0.113.80:80 an external IP of Service ingress/proxy",
      "http://shop.example.com/",
      [...NODE_PORT, ["  clusterIP: 10.96.0.50\n", "  clusterIP: 10.96.0.50\n  externalIPs: [203.0.113.80]\n"]],
    ],
    [
      "203.0.113.81:80 as the Cluster says",
      "http://shop.example.com/",
      says("ingress: { service: ingress/proxy, address: 203.0.113.81 }"),
    ],
    [
      "Service ingress/proxy has no address of its own, and port 80 is none of its node ports: expected :30080 or :30443 in the URL, or an address in ingress.address of a Cluster",
      "http://shop.example.com/",
      NODE_PORT,
    ],
  ])("%s", (want, url, edits) => {
    expect(addressIn(ask(`GET ${url}`, edits))).toBe(want);
  });

  test("of a proxy on nodes: the node's own", () => {
    const traced = ask("GET http://shop.example.com/api", says("ingress: { nodes: [node-2] }"));
    expect(addressIn(traced)).toBe("192.168.50.12:80 node/node-2, on which the proxy runs");
    expect(endsOf(traced)).toEqual([
      "pod/shop/api-1 port 8081 for 198.51.100.10",
      "pod/shop/api-2 port 8081 for 198.51.100.10",
    ]);
    const seen = traced.result?.branches.map(({ end }) => end.seen?.source);
    expect(new Set(seen)).toEqual(new Set(["192.168.50.12", "fd00:50::12"]));
  });

  test("of a pod with a host port: the pod's node, which does not hide clients outside", () => {
    const edits: Edits = [
      ...NODE_PORT,
      ["{ name: http, containerPort: 80 }", "{ name: http, containerPort: 80, hostPort: 80 }"],
    ];
    const outside = ask("GET http://shop.example.com/cart", edits);
    expect(addressIn(outside)).toBe("192.168.50.11:80 node/node-1, whose host port 80 leads to pod/ingress/proxy-1");
    expect(endsOf(outside)).toEqual([
      "pod/shop/web-1 port 8080 for 198.51.100.10",
      "pod/shop/web-2 port 8080 for 198.51.100.10",
    ]);
    // A pod beside the proxy would be answered without the node.
    expect(endsOf(ask("web-1 > GET http://shop.example.com/cart", edits))).toEqual([
      "pod/shop/web-1 port 8080 for 10.244.1.1",
      "pod/shop/web-2 port 8080 for 10.244.1.1",
    ]);
    expect(endsOf(ask("node-1 > GET http://shop.example.com/cart", edits))).toHaveLength(2);
    expect(endsOf(ask("GET http://192.168.50.12/cart Host: shop.example.com", edits))).toHaveLength(2);
  });

  test("a cluster IP is one for clients inside only", () => {
    const edits: Edits = [
      ...NODE_PORT,
      ["type: NodePort\n  clusterIP: 10.96.0.50", "type: ClusterIP\n  clusterIP: 10.96.0.50"],
      [", nodePort: 30080 }", " }"],
      [", nodePort: 30443 }", " }"],
      [
        "  externalTrafficPolicy: Local\n  ports:\n    - { name: http, port: 80, targetPort: http",
        "  ports:\n    - { name: http, port: 80, targetPort: http",
      ],
      ...says("ingress: { service: ingress/proxy }"),
    ];
    expect(addressIn(ask("web-1 > GET http://shop.example.com/", edits))).toBe(
      "10.96.0.50:80 the cluster IP of Service ingress/proxy",
    );
    expect(addressIn(ask("GET http://shop.example.com/", edits))).toBe(
      "no IPv4 or IPv6 address by which clients reach Service ingress/proxy (type ClusterIP) at port 80 is known: expected one in ingress.address of a Cluster, or in the URL",
    );
  });
});

describe("what the proxy answers itself", () => {
  test.each<[want: string, request: string, edits: Edits]>([
    ["404: no default backend", "GET http://other.example.com/", []],
    [
      "503: shop/api:http: the Service has no ready endpoint",
      "GET http://shop.example.com/api",
      [["selector: { app: api }", "selector: { app: none }"]],
    ],
    [
      "null: the port takes HTTPS, and the proxy closes a connection that is not encrypted",
      "GET http://shop.example.com:443/",
      [],
    ],
    ["null: the port takes HTTP, and the TLS handshake fails", "GET https://shop.example.com:80/", []],
  ])("%s", (want, request, edits) => {
    const traced = ask(request, edits);
    expect(endsOf(traced).map((end) => end.replace(/^pod\/ingress\/proxy-[12] port \d+ /, ""))).toEqual([want, want]);
    expect(traced.result?.answered).toBe(false);
  });
});

describe("TLS", () => {
  const { certificate, key } = makeCertificate({ names: ["shop.example.com"] });
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const secret = {
    name: "secret.yaml",
    text: `apiVersion: v1
kind: Secret
type: kubernetes.io/tls
metadata: {name: cert, namespace: shop}
data: {tls.crt: ${base64(certificate)}, tls.key: ${base64(key)}}
`,
  };
  const withTls: Edits = [
    [
      "  rules:\n    - host: shop.example.com",
      "  tls: [{ hosts: [shop.example.com], secretName: cert }]\n  rules:\n    - host: shop.example.com",
    ],
  ];

  test("a host with a certificate is served, and the certificate is told", () => {
    const { result } = ask("GET https://shop.example.com/api", withTls, [secret]);
    expect(result?.answered).toBe(true);
    expect(result?.request?.route).toMatchObject({ certificate: { secret: "shop/cert", host: "shop.example.com" } });
  });

  test("the name in the URL chooses the certificate, the Host header the rule", () => {
    const refused = ask("GET https://other.example.com/api Host: shop.example.com", withTls, [secret]);
    expect(endsOf(refused)[0]).toContain("null: the TLS handshake fails: the proxy has no certificate");
    const { result } = ask("GET https://shop.example.com/api Host: other.example.com", withTls, [secret]);
    expect(result?.request?.route).toMatchObject({ certificate: { secret: "shop/cert" }, status: 404 });
  });
});

describe("what goes wrong", () => {
  test("an Ingress whose backend is the ingress proxy", () => {
    const toItself = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: circle, namespace: ingress}
spec: {rules: [{host: circle.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: proxy, port: {name: http}}}}]}}]}
`;
    const traced = ask("GET http://circle.example.com/", [], [{ name: "circle.yaml", text: toItself }]);
    expect(new Set(traced.result?.branches.map(({ end }) => end.kind))).toEqual(new Set(["loop"]));
  });

  test("nothing says who the ingress proxy is, or two may be it", () => {
    const write =
      ": expected ingress: { service: NAMESPACE/NAME } in a document of kind Cluster (pods and nodes are other ways to say it)";
    const unnamed: Edits = [["app.kubernetes.io/name: haproxy-ingress", "app: proxy"]];
    expect(endsOf(ask("GET http://shop.example.com/", unnamed))).toEqual([
      `nothing in the input says which pods are the ingress proxy${write}`,
    ]);
    const second = `apiVersion: v1
kind: Service
metadata: {name: second, namespace: ingress}
spec: {type: LoadBalancer, selector: {app.kubernetes.io/name: haproxy-ingress}, ports: [{port: 80}]}
`;
    const traced = ask("GET http://a.example/", [], [{ name: "second.yaml", text: second }]);
    expect(endsOf(traced)).toEqual([
      `each of the Services ingress/proxy, ingress/second may be that of the ingress proxy${write}`,
    ]);
  });

  test("the URL leads to something else", () => {
    const traced = ask("web-2 > GET http://10.244.1.10:8080/ Host: shop.example.com");
    expect(
      traced.result?.findings
        .filter(({ severity }) => severity !== "info")
        .map(({ code, message }) => `${code}: ${message}`),
    ).toEqual([
      "no-ingress-proxy: pod/shop/web-1 gets the connection at port 8080, where the ingress proxy does not listen: no Ingress has a say",
    ]);
  });

  test("senders that are not there, and addresses of another family", () => {
    expect(endsOf(ask("nobody > GET http://shop.example.com/"))[0]).toMatch(/^nobody is not in the input/);
    expect(endsOf(ask("198.51.100.10 > GET http://[2001:db8:50::50]/"))).toEqual([
      "expected an IPv4 address, as the sender has no other",
    ]);
  });
});
