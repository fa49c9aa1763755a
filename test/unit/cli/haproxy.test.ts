import { readdirSync, readFileSync } from "node:fs";
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
const INGRESS = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: shop}
spec:
  rules:
    - host: shop.example.com
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: api, port: {name: http}}}}]}
`;
const FILES = { "a.yaml": `${SERVICE}---\n${SLICE}---\n${INGRESS}`, "s.yaml": SERVICE };

describe("kpc compile -o haproxy", () => {
  test("writes the configuration and its maps, and replaces those of before", () => {
    inFolder(FILES, (folder) => {
      for (const _ of [1, 2])
        expect(kpc(["compile", "a.yaml", "-o", "haproxy", "-d", "out"], { folder })).toEqual({
          code: 0,
          stdout: "",
          stderr: "note: wrote 5 files to out: 1 hosts, 1 paths; load: haproxy -f out/haproxy.cfg\n",
        });
      const out = join(folder, "out");
      expect(readdirSync(out).sort()).toEqual([
        "exact.map",
        "haproxy.cfg",
        "hosts.map",
        "prefixes.map",
        "wildcards.map",
      ]);
      expect(readFileSync(join(out, "haproxy.cfg"), "utf8")).toContain(
        "backend shop.api.http\n  balance roundrobin\n  server 10-244-1-20-8081 10.244.1.20:8081\n",
      );
    });
  });

  test.each([
    [
      ["a.yaml", "-o", "haproxy"],
      "kpc: -o haproxy writes haproxy.cfg and its maps: add -d DIR, the folder for the files\n",
    ],
    [
      ["s.yaml", "-o", "haproxy", "-d", "out", "-q"],
      "kpc: -o haproxy serves Ingresses, and the input has none for kpc\n",
    ],
    [
      ["a.yaml", "-o", "haproxy", "-d", "out", "--all-nodes"],
      "kpc: --all-nodes is for rules of nodes: -o haproxy is one proxy for the cluster\n",
    ],
  ])("refuses %j", (args, stderr) => {
    inFolder(FILES, (folder) => {
      expect(kpc(["compile", ...args], { folder })).toEqual({ code: 2, stdout: "", stderr });
      expect(readdirSync(folder).sort()).toEqual(["a.yaml", "s.yaml"]);
    });
  });
});
