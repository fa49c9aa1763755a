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
          stderr: "note: wrote 2 files to out: 1 hosts, 1 paths; load: haproxy -f out/haproxy.cfg\n",
        });
      const out = join(folder, "out");
      expect(readdirSync(out).sort()).toEqual(["haproxy.cfg", "routes.map"]);
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
      expect(stderr).toContain("note: wrote 4 files to out: 1 hosts, 1 paths, 1 certificates; load: haproxy");
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

  const CONFIG = `apiVersion: kpc.dev/v1alpha1
kind: Config
haproxy: {accessLog: true, metrics: "[::1]:8404", timeouts: {client: 30s, tunnel: 1h}}
`;

  test("takes settings from a file and from flags; flags win, each timeout by itself", () => {
    inFolder({ ...FILES, "kpc.yaml": CONFIG }, (folder) => {
      const flags = [
        "--timeout",
        "client=7s",
        "--proxy-protocol",
        "--path-safety",
        "reject",
        "--metrics",
        "127.0.0.1:9",
        "--spare-backends",
        "2",
      ];
      const args = ["compile", "a.yaml", "-c", "kpc.yaml", "-q", "-o", "haproxy", "-d", "out", ...flags];
      expect(kpc(args, { folder })).toEqual({ code: 0, stdout: "", stderr: "" });
      const config = readFileSync(join(folder, "out", "haproxy.cfg"), "utf8");
      const lines = [
        "  log stdout format raw local0 info",
        "  timeout client 7s",
        "  timeout tunnel 1h",
        "  timeout server 60s",
        "  bind :80 accept-proxy",
        "  http-request deny deny_status 400 if { path -m reg -i //|%2f|/([.]|%2e){1,2}(;[^/]*)?(/|$) }",
        "  bind 127.0.0.1:9",
        "backend spare-2",
      ];
      expect(lines.filter((line) => !config.includes(`${line}\n`))).toEqual([]);
      expect(config).not.toMatch(/8404|client 30s|client 60s/);
    });
  });

  test.each([
    [["--spare-backends", "ten"], 'kpc: --spare-backends: Invalid value: expected integer, found string "ten"\n'],
    [["--spare-backends", "10001"], "kpc: --spare-backends: Invalid value: 10001: must be a number from 0 to 10000\n"],
    [["--timeout", "client"], "kpc: --timeout client: expected NAME=TIME, such as client=30s\n"],
    [
      ["--timeout", "clint=3s"],
      "kpc: --timeout clint=3s: expected one of check, client, client-fin, connect, http-keep-alive, http-request, queue, server, server-fin, tunnel\n",
    ],
    [["--timeout", "client=3s\n  x"], "kpc: --timeout client=3s\n  x: expected NAME=TIME, such as client=30s\n"],
    [
      ["--timeout", "client=fast"],
      'kpc: --timeout.client: Invalid value: "fast": must be a time, such as 500ms, 30s, 5m or 1h\n',
    ],
    [
      ["--metrics", "8404"],
      'kpc: --metrics: Invalid value: "8404": must be an address and a port, such as 127.0.0.1:8404 or [::1]:8404\n',
    ],
  ])("refuses %j", (args, stderr) => {
    inFolder(FILES, (folder) => {
      const found = kpc(["compile", "a.yaml", "-o", "haproxy", "-d", "out", ...args], { folder });
      expect(found).toEqual({ code: 2, stdout: "", stderr });
    });
  });

  test("refuses its options with other outputs", () => {
    inFolder(FILES, (folder) => {
      const { code, stderr } = kpc(["compile", "a.yaml", "--http2"], { folder });
      expect([code, stderr]).toEqual([2, "kpc: --http2 is for -o haproxy: -o nft is no configuration of a proxy\n"]);
    });
  });

  test("an annotation asks for the redirect of a host; one that kpc does not know is told", () => {
    const redirect = INGRESS.replace(
      "namespace: shop}",
      'namespace: shop, annotations: {kpc.dev/https-redirect: "true"}}',
    );
    const annotated = withTls.replace(
      "namespace: shop}",
      'namespace: shop, annotations: {kpc.dev/https-redirect: "true"}}',
    );
    const wrong = redirect.replace("https-redirect", "https-redirct");
    inFolder(
      { "s.yaml": SERVICE, "t.yaml": `${annotated}---\n${secret(made.key)}`, "a.yaml": redirect, "w.yaml": wrong },
      (folder) => {
        const run = (file: string) => kpc(["compile", "s.yaml", file, "-o", "haproxy", "-d", "out"], { folder });
        run("t.yaml");
        expect(readFileSync(join(folder, "out", "redirects.map"), "utf8")).toBe("shop.example.com/ https\n");
        expect(run("a.yaml").stderr).toContain(
          "warning: host shop.example.com is not redirected to https: there is no certificate for it [unsupported-haproxy]",
        );
        expect(run("w.yaml").stderr).toContain(
          'warning: unknown annotation "kpc.dev/https-redirct", did you mean "kpc.dev/https-redirect"? [unknown-field]',
        );
      },
    );
  });

  test.each([
    [
      ["a.yaml", "-o", "haproxy"],
      "kpc: -o haproxy writes haproxy.cfg and its maps: add -d DIR, the folder for the files\n",
    ],
    [
      ["s.yaml", "-o", "haproxy", "-d", "out", "-q"],
      "kpc: -o haproxy serves Ingresses and Gateways, and the input has none for kpc\n",
    ],
    [
      ["a.yaml", "-o", "haproxy", "-d", "out", "--all-nodes"],
      "kpc: --all-nodes is for rules of nodes: -o haproxy is one proxy for the cluster\n",
    ],
    [
      ["s.yaml", "-o", "router", "-q"],
      "kpc: -o router serves Ingresses and Gateways, and the input has none for kpc\n",
    ],
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
