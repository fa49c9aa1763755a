import { readFileSync } from "node:fs";
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

  test("kpc diff does not read them back, and says so", () => {
    inFolder(FILES, (folder) => {
      kpc(["compile", "g.yaml", "-o", "haproxy", "-d", "out"], { folder });
      const { code, stderr } = kpc(["diff", "--ingress", "out", "out"], { folder });
      expect(code).toBe(2);
      expect(stderr).toContain("frontend port-8080 serves listeners of Gateways, which kpc does not read back");
    });
  });
});
