import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inFolder, kpc, SERVICE } from "../../support/cli.ts";

const SLICE = `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: api-1, namespace: shop, labels: {kubernetes.io/service-name: api}}
addressType: IPv4
endpoints: [{addresses: [10.244.1.20]}]
ports: [{name: http, port: 8081}]
`;
const GATEWAY = `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: kpc}
spec: {controllerName: kpc.dev/ingress}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: shop}
spec:
  gatewayClassName: kpc
  listeners: [{name: http, port: 8080, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api, namespace: shop}
spec:
  parentRefs: [{name: public}]
  hostnames: [shop.example.com]
  rules:
    - matches: [{headers: [{name: X-Env, value: "%[x] 'y'"}]}]
      filters: [{type: RequestRedirect, requestRedirect: {hostname: beta.example.com, statusCode: 302}}]
    - backendRefs: [{name: api, port: 80}]
`;
const FILES = { "g.yaml": `${SERVICE}---\n${SLICE}---\n${GATEWAY}` };

describe("Gateways in HAProxy's files", () => {
  test("have a frontend and maps of their port", () => {
    inFolder(FILES, (folder) => {
      expect(kpc(["compile", "g.yaml", "-o", "haproxy", "-d", "out"], { folder })).toEqual({
        code: 0,
        stdout: "",
        stderr: "note: wrote 5 files to out: 1 hosts, 2 paths; load: haproxy -f out/haproxy.cfg\n",
      });
      const read = (name: string): string => readFileSync(join(folder, "out", name), "utf8");
      expect(read("hosts-8080.map")).toBe("shop.example.com shop.example.com\n");
      expect(read("prefixes-8080.map")).toMatch(/^\*\/ status-404\nshop\.example\.com\/ rules-[0-9a-f]{12}\n$/);
      const config = read("haproxy.cfg");
      expect(config).toContain("# Kubernetes Gateways. Written by kpc");
      expect(config).toContain("frontend port-8080\n  bind :8080\n");
      expect(config).toMatch(/acl header-[0-9a-f]{12} 'req\.fhdr\(x-env,1\)' -m str -- '%\[x\] '\\''y'\\'''/);
      expect(config).toContain("redirect code 302 location http://beta.example.com:8080%[pathq]");
    });
  });

  test.each<[name: string, file: string, from: string | RegExp, to: string, code: number, shown: string]>([
    ["as they are", "haproxy.cfg", "# Kube", "# Edited. Kube", 0, "=> equal: all ports, hosts, paths and conditions"],
    [
      "with another value in a test",
      "haproxy.cfg",
      "-m str -- '%[x] ",
      "-m str -- '%[y] ",
      1,
      "header x-env: %[y] 'y', of shop.example.com  out/haproxy.cfg:",
    ],
    [
      "with another row",
      "prefixes-8080.map",
      /rules-\w+/,
      "shop.api.80",
      1,
      "/ and below of shop.example.com                           out/prefixes-8080.map:2:1",
    ],
    [
      "with another redirect",
      "haproxy.cfg",
      "redirect code 302",
      "redirect code 301",
      1,
      "  301 to http://beta.example.com:8080/PATH  ",
    ],
    [
      "with another server",
      "haproxy.cfg",
      "10.244.1.20:8081",
      "10.244.1.21:8081",
      1,
      "shop/api:80 at 10.244.1.21:8081",
    ],
    [
      "without the rule for the host",
      "hosts-8080.map",
      "shop.example.com shop",
      "other.example.com shop",
      1,
      "no rule for other hosts",
    ],
    [
      "with a line that kpc does not write",
      "haproxy.cfg",
      "  default_backend",
      "  http-request deny\n  default_backend",
      2,
      "so it is not known what becomes of requests",
    ],
    [
      "without a line",
      "haproxy.cfg",
      /^.*set-var\(txn\.path\).*\n/m,
      "",
      2,
      "expected http-request set-var(txn.path) path",
    ],
    [
      "with a list that is not there",
      "prefixes-8080.map",
      /rules-\w+/,
      "rules-0",
      2,
      "haproxy.cfg has no rules of the list rules-0",
    ],
    [
      "with an unknown backend",
      "prefixes-8080.map",
      /rules-\w+/,
      "shop.web.80",
      2,
      "haproxy.cfg has no backend shop.web.80",
    ],
    [
      "with another default backend",
      "haproxy.cfg",
      "default_backend status-404",
      "default_backend status-503",
      2,
      "expected default_backend status-404",
    ],
  ])("are compared with the manifests %s", (_, file, from, to, code, shown) => {
    inFolder(FILES, (folder) => {
      kpc(["compile", "g.yaml", "-o", "haproxy", "-d", "out"], { folder });
      const path = join(folder, "out", file);
      const text = readFileSync(path, "utf8");
      const edited = text.replace(from, to);
      expect(edited).not.toBe(text);
      writeFileSync(path, edited);
      const { code: ended, stdout, stderr } = kpc(["diff", "g.yaml", "out"], { folder });
      expect([ended, stdout + stderr]).toEqual([code, expect.stringContaining(shown)]);
    });
  });
});

/** As `show map` of the runtime API prints the maps in `out`. */
function shownMaps(folder: string, edit: (name: string, text: string) => string = (_, text) => text): string {
  const names = ["hosts", "wildcards", "exact", "prefixes"].map((name) => `${name}-8080.map`);
  return names
    .map((name) => [name, edit(name, readFileSync(join(folder, "out", name), "utf8"))] as const)
    .map(([name, text]) => `show map ${name}\n${text.replace(/^(?=.)/gm, "0x5566 ")}\n`)
    .join("");
}

describe("maps of a HAProxy that serves Gateways", () => {
  test.each<[name: string, from: string | RegExp, to: string, code: number, shown: string]>([
    ["as they are", "", "", 0, "=> equal, assuming that backends and lists of rules of the same name are the same"],
    ["another host", "shop.example.com/ ", "other.example.com/ ", 1, "maps do not tell what rules-"],
    [
      "another list",
      /rules-[0-9a-f]{6}/,
      "rules-000000",
      1,
      "not compared: rules for / of shop.example.com at port 8080: maps do not tell what rules-",
    ],
    ["another backend", "*/ status-404", "*/ shop.api.80", 1, "shop/api:80  / and below for other hosts"],
    ["a row that is none", "*/ status-404", "status-404 *", 2, "expected HOST/PATH, not status-404"],
  ])("%s", (_, from, to, code, shown) => {
    inFolder(FILES, (folder) => {
      kpc(["compile", "g.yaml", "-o", "haproxy", "-d", "out"], { folder });
      const input = shownMaps(folder, (name, text) => (name.startsWith("prefixes") ? text.replace(from, to) : text));
      const { code: ended, stdout, stderr } = kpc(["diff", "g.yaml", "-"], { folder, input });
      expect([ended, stdout + stderr]).toEqual([code, expect.stringContaining(shown)]);
    });
  });

  test("a map that is missing is an error", () => {
    inFolder(FILES, (folder) => {
      kpc(["compile", "g.yaml", "-o", "haproxy", "-d", "out"], { folder });
      const input = shownMaps(folder).replace(/^show map wildcards.*\n\n/m, "");
      const { code, stderr } = kpc(["diff", "g.yaml", "-"], { folder, input });
      expect([code, stderr]).toEqual([2, expect.stringContaining("wildcards-8080.map is missing")]);
    });
  });
});
