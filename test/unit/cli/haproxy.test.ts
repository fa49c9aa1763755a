import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { makeCertificate, makeKeys, tlsSecret } from "../../support/certificates.ts";
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

  const made = makeCertificate({ names: ["shop.example.com"], keys: makeKeys("ed25519") });
  const withTls = INGRESS.replace("spec:\n", "spec:\n  tls: [{hosts: [shop.example.com], secretName: cert}]\n");
  const secret = (key: string) => JSON.stringify(tlsSecret("shop/cert", { ...made, key }));

  test("writes certificates with their keys, for its owner alone", () => {
    inFolder({ ...FILES, "tls.yaml": `${withTls}---\n${secret(made.key)}` }, (folder) => {
      const args = ["compile", "s.yaml", "tls.yaml", "-q", "-o", "haproxy", "-d", "out"];
      expect(kpc(args, { folder })).toEqual({ code: 0, stdout: "", stderr: "" });
      const file = join(folder, "out", "shop.cert.pem");
      expect(readFileSync(file, "utf8")).toBe(`${made.certificate}${made.key}`);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(readFileSync(join(folder, "out", "certificates.list"), "utf8")).toBe("shop.cert.pem shop.example.com\n");
      const { stderr } = kpc(
        args.filter((arg) => arg !== "-q"),
        { folder },
      );
      expect(stderr).toContain("note: wrote 7 files to out: 1 hosts, 1 paths, 1 certificates; load: haproxy");
      expect(stderr).toContain("note: no default certificate (--default-certificate): HAProxy refuses TLS");
    });
  });

  test("writes nothing with a key of another certificate, also where only OpenSSL can tell", () => {
    const { key } = makeCertificate({ names: [], keys: makeKeys("ed25519") });
    inFolder({ ...FILES, "tls.yaml": `${withTls}---\n${secret(key)}` }, (folder) => {
      const { code, stderr } = kpc(["compile", "s.yaml", "tls.yaml", "-q", "-o", "haproxy", "-d", "out"], { folder });
      expect([code, stderr]).toEqual([2, "kpc: certificate shop/cert: its tls.key does not belong to its tls.crt\n"]);
      expect(readdirSync(folder)).not.toContain("out");
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
    [["s.yaml", "-o", "router", "-q"], "kpc: -o router serves Ingresses, and the input has none for kpc\n"],
    [
      ["a.yaml", "-o", "router", "-d", "out", "--all-nodes"],
      "kpc: --all-nodes is for rules of nodes: -o router is one proxy for the cluster\n",
    ],
  ])("refuses %j", (args, stderr) => {
    inFolder(FILES, (folder) => {
      expect(kpc(["compile", ...args], { folder })).toEqual({ code: 2, stdout: "", stderr });
      expect(readdirSync(folder).sort()).toEqual(["a.yaml", "s.yaml"]);
    });
  });
});
