/** `kpc diff --ingress` of Gateways: what is equal, and which requests tell two sides apart. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type CliResult, inFolder, kpc } from "../../support/cli.ts";

function service(name: string, address: string): string {
  return `apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {clusterIP: None, ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}-1, labels: {kubernetes.io/service-name: ${name}}}
addressType: IPv4
endpoints: [{addresses: [${address}]}]
ports: [{name: "", port: 8080}]
---
`;
}

const SERVICES = service("web", "10.244.1.10") + service("api", "10.244.1.20");

/** A Gateway whose route has these rules, as YAML of one line each. */
function gateway(rules: readonly string[], { port = 80, host = "shop.example.com" } = {}): string {
  return `${SERVICES}apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw}
spec: {gatewayClassName: a, listeners: [{name: a, port: ${port}, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [{name: gw}]
  hostnames: ["${host}"]
  rules:
${rules.map((rule) => `    - ${rule}\n`).join("")}`;
}

function ingress(annotations = ""): string {
  return `${SERVICES}apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, annotations: {${annotations}}}
spec:
  rules:
    - host: shop.example.com
      http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
          - {path: /api, pathType: Prefix, backend: {service: {name: api, port: {number: 80}}}}
`;
}

const WEB = "{backendRefs: [{name: web, port: 80}]}";
const API = "{matches: [{path: {value: /api}}], backendRefs: [{name: api, port: 80}]}";
const POST =
  "{matches: [{path: {value: /api}, method: POST, headers: [{name: Version, value: \"it's 2\"}], queryParams: [{name: q, value: '1'}]}], backendRefs: [{name: web, port: 80}]}";
const HALVES =
  "{matches: [{path: {value: /api}}], backendRefs: [{name: api, port: 80, weight: 3}, {name: api, port: 80, weight: 5}]}";
const SHARED =
  "{matches: [{path: {value: /api}}], backendRefs: [{name: api, port: 80, weight: 9}, {name: web, port: 80}]}";
const FILTERED =
  "{matches: [{path: {value: /api}}], filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-A, value: b}]}}], backendRefs: [{name: api, port: 80}]}";
const SAME_PATH =
  "{matches: [{path: {value: /api}}], filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /api}}}], backendRefs: [{name: api, port: 80}]}";

function diff(files: Readonly<Record<string, string>>, ...more: readonly string[]): CliResult {
  return inFolder(files, (folder) =>
    kpc(["diff", "--ingress", ...Object.keys(files).slice(0, 2), ...more], { folder }),
  );
}

describe("equal are", () => {
  test.each<[name: string, left: string, right: string]>([
    ["rules in another order", gateway([WEB, API]), gateway([API, WEB])],
    ["an Ingress and a Gateway with the same paths", ingress(), gateway([WEB, API])],
    ["shares of one Service and the Service", gateway([WEB, API]), gateway([WEB, HALVES])],
    ["a rewrite that changes nothing and none", gateway([WEB, API]), gateway([WEB, SAME_PATH])],
    ["a rule that never wins and none", gateway([WEB, API]), gateway([WEB, API, API])],
    [
      "a longer path to the same Service and none",
      gateway([WEB]),
      gateway([WEB, WEB.replace("{", "{matches: [{path: {value: /x}}], ")]),
    ],
  ])("%s", (_, left, right) => {
    const { code, stdout } = diff({ "a.yaml": left, "b.yaml": right });
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining("=> equal: all ports, hosts, paths and conditions, in "),
    ]);
  });
});

describe("different are", () => {
  test.each<[name: string, left: string, right: string, shown: readonly string[]]>([
    [
      "conditions: the request has all that they ask for, as flags of kpc whatis",
      gateway([WEB, API]),
      gateway([WEB, API, POST]),
      [
        "'http://shop.example.com/api?q=1' -X POST -H 'version: it'\\''s 2'   /api and below, but for other rules\n",
        "  a.yaml  default/api:80  /api and below of shop.example.com   ",
        "  b.yaml  default/web:80  /api and below, method POST, header version: it's 2, parameter q=1, of shop.example.com  b.yaml:",
      ],
    ],
    ["weights", gateway([WEB, API]), gateway([WEB, SHARED]), ["default/api:80 (9 of 10), default/web:80 (1 of 10)"]],
    ["filters", gateway([WEB, API]), gateway([WEB, FILTERED]), ["  b.yaml  default/api:80, sets header x-a: b  "]],
    [
      "endpoints",
      gateway([WEB, API]),
      gateway([WEB, API]).replace("10.244.1.20", "10.244.9.20"),
      ["default/api:80 at 10.244.1.20:8080", "default/api:80 at 10.244.9.20:8080"],
    ],
    [
      "a closed port",
      ingress(),
      gateway([WEB, API], { port: 8080 }),
      [
        "http://x/   all requests to the port\n  a.yaml  port for HTTP  before any rule\n  b.yaml  closed port ",
        "http://x:8080/   all requests to the port\n  a.yaml  closed port ",
      ],
    ],
    [
      "wildcards of an Ingress, which stand for one label",
      ingress().replace("shop.example.com", '"*.example.com"'),
      gateway([WEB, API], { host: "*.example.com" }),
      ["http://x.x.example.com/   any host of *.example.com with two labels or more in the place of the *"],
    ],
  ])("%s", (_, left, right, shown) => {
    const { code, stdout } = diff({ "a.yaml": left, "b.yaml": right });
    expect(code).toBe(1);
    for (const text of shown) expect(stdout).toContain(text);
    expect(stdout).toContain("=> different: all ports, hosts, paths and conditions, in ");
  });

  test("the requests that are shown, as kpc whatis answers them", () => {
    inFolder({ "a.yaml": gateway([WEB, API]), "b.yaml": gateway([WEB, API, POST]) }, (folder) => {
      const asked = ["http://shop.example.com/api?q=1", "-X", "POST", "-H", "version: it's 2"];
      const [left, right] = ["a.yaml", "b.yaml"].map((file) => kpc(["whatis", ...asked, file], { folder }).stdout);
      expect([left, right]).toEqual([
        expect.stringContaining("=> default/api:80,"),
        expect.stringContaining("=> default/web:80,"),
      ]);
    });
  });
});

test("declared differences name ports", () => {
  inFolder({ "a.yaml": gateway([WEB, API]), "b.yaml": gateway([WEB, POST]) }, (folder) => {
    const { stdout } = kpc(["diff", "--ingress", "a.yaml", "b.yaml", "-o", "except"], { folder });
    expect(stdout).toContain("  - port: 80\n    host: shop.example.com\n    below: /api\n");
    writeFileSync(join(folder, "except.yaml"), stdout);
    const args = ["diff", "--ingress", "a.yaml", "b.yaml", "--except"];
    expect(kpc([...args, "except.yaml"], { folder }).code).toBe(0);
    writeFileSync(join(folder, "other.yaml"), stdout.replace("port: 80", "port: [81, 82]"));
    const other = kpc([...args, "other.yaml"], { folder });
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining("[stale-difference]")]);
    writeFileSync(join(folder, "wrong.yaml"), stdout.replace("port: 80", "port: http"));
    const wrong = kpc([...args, "wrong.yaml"], { folder });
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("must be a port from 1 to 65535")]);
  });
});

test("JSON has the request, the conditions and the shares", () => {
  const { stdout } = diff({ "a.yaml": gateway([WEB, API, POST]), "b.yaml": gateway([WEB, SHARED]) }, "-o", "json");
  const { counterexamples } = JSON.parse(stdout);
  expect(counterexamples).toEqual([
    expect.objectContaining({ url: "http://shop.example.com/api", method: "GET", headers: [], port: 80 }),
    expect.objectContaining({
      url: "http://shop.example.com/api?q=1",
      method: "POST",
      headers: [{ name: "version", value: "it's 2" }],
      left: expect.objectContaining({
        backend: "default/web:80",
        rule: {
          match: "prefix",
          path: "/api",
          conditions: {
            method: "POST",
            headers: [{ name: "version", value: "it's 2" }],
            parameters: [{ name: "q", value: "1" }],
          },
        },
      }),
      right: expect.objectContaining({
        shares: [
          { weight: 9, backend: "default/api:80", endpoints: ["10.244.1.20:8080"] },
          { weight: 1, backend: "default/web:80", endpoints: ["10.244.1.10:8080"] },
        ],
      }),
    }),
  ]);
});

test("neither an Ingress nor a Gateway", () => {
  const { code, stderr } = diff({ "a.yaml": SERVICES, "b.yaml": SERVICES });
  expect([code, stderr]).toEqual([
    2,
    expect.stringContaining("neither a.yaml nor b.yaml has an Ingress or a Gateway for kpc"),
  ]);
});
