/** Headers of requests: `-H` of `kpc trace`, and `headers` of flows in expectations. */
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { requestText } from "../../../runtime/lab/ingress.ts";
import { inFolder, kpc } from "../../support/cli.ts";

const SHOP = new URL("../../../examples/shop", import.meta.url).pathname;

const GATEWAY = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: shop}
spec: {gatewayClassName: kpc, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: shop}
spec:
  parentRefs: [{name: public}]
  hostnames: [shop.example.com]
  rules:
    - matches: [{headers: [{name: Version, value: "2, 3"}]}]
      backendRefs: [{name: api, port: 80}]
    - backendRefs: [{name: web, port: 80}]
`;

const EXPECTATIONS = `apiVersion: kpc.dev/v1alpha1
kind: Expectations
files: [manifests, ingress, gateway.yaml]
cluster: cluster.yaml
config: kpc.yaml
flows:
  - {from: outside/client, request: "GET http://shop.example.com/", headers: {Version: "2, 3"}, expect: {delivered: [pod/shop/api-1, pod/shop/api-2]}}
  - {from: outside/client, request: "GET http://shop.example.com/", expect: {delivered: [pod/shop/api-1, pod/shop/api-2]}}
`;

/** The shop with a Gateway in the place of its Ingress. */
function inShop(use: (folder: string) => void): void {
  inFolder({ "gateway.yaml": GATEWAY, "flows.yaml": EXPECTATIONS }, (folder) => {
    cpSync(SHOP, folder, { recursive: true });
    rmSync(join(folder, "manifests/ingress.yaml"));
    use(folder);
  });
}

const INPUTS = ["manifests", "ingress", "cluster.yaml", "gateway.yaml", "-c", "kpc.yaml", "-q"];

describe("kpc trace -H", () => {
  test("rules look at the headers, and so does the walk", () => {
    inShop((folder) => {
      const trace = (...args: string[]) =>
        kpc(["trace", "GET http://shop.example.com/", ...args, ...INPUTS], { folder });
      expect(trace().stdout).toContain("=> shop/web:80, one of 4 endpoints");
      const { code, stdout } = trace("-H", "version: 2, 3", "-H", "X-A: b");
      expect([code, stdout]).toEqual([0, expect.stringContaining("=> shop/api:80, one of 4 endpoints")]);
      expect(stdout).toContain("GET http://shop.example.com/ version: 2, 3, X-A: b (outside/client)\n");
      expect(stdout).toMatch(/^1 in 2: pod\/shop\/api-1/m);
      const data = JSON.parse(trace("-H", "version: 2, 3", "-H", "Host: other.example.com", "-o", "json").stdout);
      expect(data.request).toMatchObject({
        hostHeader: "other.example.com",
        headers: [{ name: "version", value: "2, 3" }],
        route: { status: 404 },
      });
    });
  });

  test.each([
    [["GET http://a/", "-H", "Version"], "-H \"Version\": expected a header, such as 'Version: 2'"],
    [["GET http://a/", "-H", "a b: c"], '-H "a b: c": expected a header'],
    [["GET http://a/", "-H", "a: b\r\nc: d"], "expected a header"],
    [["tcp web-1 > svc/api:http", "-H", "a: b"], "-H is for HTTP requests, and this is a packet: leave it out"],
  ])("refuses %j", (args, message) => {
    inShop((folder) => {
      const { code, stderr } = kpc(["trace", ...args, ...INPUTS], { folder });
      expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    });
  });

  test("kpc lab run refuses what is no header, and one without a request", () => {
    inShop((folder) => {
      const run = (...args: string[]) => kpc(["lab", "run", ...args, ...INPUTS], { folder });
      expect(run("tcp web-1 > svc/api:http", "-H", "a: b")).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("-H is for HTTP requests"),
      });
      expect(run("-H", "a: b")).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("flows of files have headers of their own"),
      });
    });
  });
});

test("a lab sends the headers behind the host", () => {
  const headers = [{ name: "Version", value: "2, 3" }];
  expect(requestText({ method: "GET", host: "a", target: "/", headers })).toBe(
    "GET / HTTP/1.1\r\nHost: a\r\nVersion: 2, 3\r\nConnection: close\r\n\r\n",
  );
});

describe("headers of flows", () => {
  test("are part of the request, and of the command that follows it again", () => {
    inShop((folder) => {
      const { code, stdout } = kpc(["test", "flows.yaml", "-q", "-o", "json"], { folder });
      const { results } = JSON.parse(stdout) as { results: { status: string; mode: string; trace?: string }[] };
      expect([code, results.map(({ status }) => status)]).toEqual([1, ["pass", "fail", "pass", "fail"]]);
      writeFileSync(join(folder, "other.yaml"), EXPECTATIONS.replace('"2, 3"', '"4"'));
      const other = JSON.parse(kpc(["test", "other.yaml", "-q", "-o", "json"], { folder }).stdout);
      expect(other.results[0].trace).toContain("'outside/client > GET http://shop.example.com/' -H 'Version: 4' ");
    });
  });

  test.each([
    ["headers: {Version: [2]}", "headers.Version"],
    ['headers: {"a b": c}', "must be the value of a header"],
    ['headers: {a: "b\\nc"}', "must be what a request can have: ASCII without control characters"],
    ["headers: 1", "headers"],
  ])("%s is refused", (members, message) => {
    inShop((folder) => {
      writeFileSync(join(folder, "wrong.yaml"), EXPECTATIONS.replace('headers: {Version: "2, 3"}', members));
      const { code, stderr } = kpc(["test", "wrong.yaml", "-q"], { folder });
      expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    });
  });

  test("a packet has none", () => {
    inShop((folder) => {
      const text = EXPECTATIONS.replace(
        'request: "GET http://shop.example.com/", headers',
        "to: 198.51.100.50:80, headers",
      );
      writeFileSync(join(folder, "wrong.yaml"), text);
      const { code, stderr } = kpc(["test", "wrong.yaml", "-q"], { folder });
      expect([code, stderr]).toEqual([2, expect.stringContaining("Forbidden: only a request has headers")]);
    });
  });
});
