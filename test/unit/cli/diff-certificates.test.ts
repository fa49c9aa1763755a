/** `kpc diff --ingress`: certificates by the host of the TLS handshake. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeCertificate, tlsSecret } from "../../support/certificates.ts";
import { inFolder, kpc } from "../../support/cli.ts";

const SECRETS = ["old", "new"]
  .map((name) => tlsSecret(name, makeCertificate({ names: ["a.example", "*.b.example"] })))
  .map((secret) => `${JSON.stringify(secret)}\n---\n`)
  .join("");

const ingress = (tls: string): string => `${SECRETS}apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: default}
spec:
  tls: ${tls}
  rules: [{host: a.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
`;

const FILES = {
  "old.yaml": ingress('[{hosts: [a.example, "*.b.example"], secretName: old}]'),
  "new.yaml": ingress('[{hosts: [a.example], secretName: new}, {hosts: ["*.b.example"], secretName: old}]'),
  "plain.yaml": ingress("[]"),
};

test("two sides differ for a host with another certificate; both are told, with lines", () => {
  inFolder(FILES, (folder) => {
    const { code, stdout } = kpc(["diff", "old.yaml", "new.yaml", "--ingress", "-q"], { folder });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^https:\/\/a\.example\/ {3}the TLS handshake$/m);
    expect(stdout).toMatch(
      /^ {2}old\.yaml {2}certificate default\/old +tls names it for a\.example +old\.yaml:\d+:\d+$/m,
    );
    expect(stdout).toMatch(
      /^ {2}new\.yaml {2}certificate default\/new +tls names it for a\.example +new\.yaml:\d+:\d+$/m,
    );
    expect(stdout).toContain("1 of them different");
    const { stdout: json } = kpc(["diff", "old.yaml", "new.yaml", "--ingress", "-q", "-o", "json"], { folder });
    expect(JSON.parse(json).counterexamples).toMatchObject([
      {
        url: "https://a.example/",
        left: { certificate: `default/old` },
        right: { certificate: `default/new`, file: "new.yaml" },
      },
    ]);
  });
});

test("declared differences name them", () => {
  inFolder(FILES, (folder) => {
    const written = kpc(["diff", "old.yaml", "new.yaml", "--ingress", "-q", "-o", "except"], { folder });
    expect(written.stdout).toContain(`left: certificate default/old`);
    expect(written.stdout).not.toContain("below:");
    writeFileSync(join(folder, "except.yaml"), written.stdout);
    const args = ["diff", "old.yaml", "new.yaml", "--ingress", "-q", "--except", "except.yaml"];
    const { code, stdout } = kpc(args, { folder });
    expect([code, stdout]).toEqual([0, expect.stringContaining("=> equal except for 1 expected difference")]);
    const other = kpc(["diff", "old.yaml", "old.yaml", "--ingress", "-q", "--except", "except.yaml"], { folder });
    expect(other.code).toBe(1);
    expect(other.stderr).toContain("stale-difference");
  });
});

test("a side without TLS differs", () => {
  inFolder(FILES, (folder) => {
    const { stdout } = kpc(["diff", "old.yaml", "plain.yaml", "--ingress", "-q"], { folder });
    expect(stdout).toMatch(/^ {2}plain\.yaml +no TLS +no Ingress has tls$/m);
    expect(kpc(["diff", "plain.yaml", "plain.yaml", "--ingress", "-q"], { folder }).stdout).not.toContain("assuming");
  });
});

test("HAProxy's files show what the manifests say; an edited list does not", () => {
  inFolder(FILES, (folder) => {
    kpc(["compile", "old.yaml", "-o", "haproxy", "-d", "proxy", "-q"], { folder });
    const equal = kpc(["diff", "old.yaml", "proxy", "-q"], { folder });
    expect([equal.code, equal.stdout]).toEqual([
      0,
      expect.stringContaining("=> equal, assuming that certificates of the same Secret"),
    ]);
    expect(kpc(["diff", "new.yaml", "proxy", "-q"], { folder }).code).toBe(1);
    const list = join(folder, "proxy/certificates.list");
    writeFileSync(list, readFileSync(list, "utf8").replace(" a.example", " c.example"));
    const { stdout } = kpc(["diff", "old.yaml", "proxy", "-q"], { folder });
    expect(stdout).toMatch(/^ {2}proxy +no certificate: handshake refused/m);
    writeFileSync(list, "a.example\n");
    const damaged = kpc(["diff", "old.yaml", "proxy", "-q"], { folder });
    expect([damaged.code, damaged.stdout, damaged.stderr]).toEqual([2, "", expect.stringContaining("haproxy-map")]);
  });
});

test("redirects to https are compared, also with HAProxy's files", () => {
  const redirecting = FILES["old.yaml"].replace(
    "{name: web, namespace: default}\nspec:",
    '{name: web, namespace: default, annotations: {kpc.dev/https-redirect: "true"}}\nspec:',
  );
  inFolder({ ...FILES, "redirecting.yaml": redirecting }, (folder) => {
    kpc(["compile", "redirecting.yaml", "-o", "haproxy", "-d", "proxy", "-q"], { folder });
    expect(kpc(["diff", "redirecting.yaml", "proxy", "-q"], { folder })).toMatchObject({ code: 0, stderr: "" });
    const { code, stdout } = kpc(["diff", "old.yaml", "proxy", "-q"], { folder });
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^ {2}proxy +308 to https +before any rule$/m)]);
    expect(kpc(["diff", "redirecting.yaml", "old.yaml", "--ingress", "-q"], { folder }).code).toBe(1);
  });
});

const gateway = (secret: string, hostname = "a.example"): string => `${SECRETS}apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: default}
spec:
  gatewayClassName: kpc
  listeners: [{name: a, hostname: "${hostname}", port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: ${secret}}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: default}
spec: {parentRefs: [{name: web}], rules: [{matches: [{path: {value: /}}]}]}
`;

test("listeners of Gateways are compared, too, also with HAProxy's files", () => {
  const files = { "old.yaml": gateway("old"), "new.yaml": gateway("new"), "wild.yaml": gateway("old", "*.b.example") };
  inFolder(files, (folder) => {
    const run = (...args: string[]) => kpc(["diff", "--ingress", "-q", ...args], { folder });
    const { code, stdout } = run("old.yaml", "new.yaml");
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^https:\/\/a\.example\/ {3}the TLS handshake$/m)]);
    expect(stdout).toMatch(
      /^ {2}old\.yaml {2}certificate default\/old {2}a listener or its certificate names it for a\.example {2}old\.yaml:/m,
    );
    for (const [file, proxy] of [
      ["old.yaml", "precise"],
      ["wild.yaml", "wild"],
    ] as const)
      kpc(["compile", file, "-o", "haproxy", "-d", proxy, "-q"], { folder });
    expect(run("old.yaml", "precise")).toMatchObject({ code: 0, stderr: "" });
    expect(run("new.yaml", "precise").code).toBe(1);
    // HAProxy shows a certificate of a wildcard for one label only.
    const deep = run("wild.yaml", "wild");
    expect([deep.code, deep.stdout]).toEqual([
      1,
      expect.stringMatching(/^https:\/\/x\.x\.b\.example\/ .* with two labels or more in the place of the \*.*TLS/m),
    ]);
    expect(deep.stdout).toContain("1 of them different");
  });
});
