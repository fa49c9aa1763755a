/** Which certificate a client gets, from manifests. */
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { compile } from "../../../compiler/compile.ts";
import type { Diagnostic } from "../../../compiler/diagnostics.ts";
import { decideCertificate } from "../../../compiler/evaluate/certificate.ts";
import { printIr } from "../../../compiler/formats/ir/print.ts";
import { readIr } from "../../../compiler/formats/ir/read.ts";
import type { Config } from "../../../compiler/node/config.ts";
import { makeCertificate, tlsSecret } from "../../support/certificates.ts";
import { type IngressCase, worldOf } from "../../support/ingress-cases.ts";
import { textAt } from "../../support/resolved.ts";
import { readCases } from "../../support/shared.ts";

const ingress = (name: string, created: string, tls: unknown, ...hosts: string[]) => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "Ingress",
  metadata: { name, namespace: "default", creationTimestamp: created },
  spec: {
    tls,
    defaultBackend: { service: { name: "s", port: { number: 80 } } },
    rules: hosts.map((host) => ({
      host,
      http: { paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "s", port: { number: 80 } } } }] },
    })),
  },
});

function compiled(objects: readonly unknown[], config: Config = {}, now?: number) {
  const text = objects.map((object) => JSON.stringify(object)).join("\n---\n");
  const result = compile([{ name: "i.yaml", text }], config, now === undefined ? {} : { now });
  const program = result.compiled?.program ?? expect.unreachable(String(result.diagnostics[0]?.message));
  const found = ({ code, severity, message }: Diagnostic) => `${severity} ${code}: ${message}`;
  const about = /certificate/;
  const told = result.diagnostics.filter(({ code }) => about.test(code));
  return { program, findings: told.map(found), places: told.map(({ origin }) => textAt(origin)) };
}

const OLD = "2026-01-01T00:00:00Z";
const NEW = "2026-02-01T00:00:00Z";
const secretFor = (name: string, ...names: string[]) => tlsSecret(name, makeCertificate({ names }));

describe("the certificate of a host", () => {
  const cases = readCases("ingress").flatMap(({ name, text }) => {
    const world = parse(text) as IngressCase;
    return world.requests?.some(({ expect: { certificate } }) => certificate !== undefined) ? [{ name, world }] : [];
  });

  test.each(cases)("as in the case $name", ({ world }) => {
    const secrets = (world.secrets ?? []).map((name) => secretFor(name, "x.example"));
    const objects = [...worldOf(world), ...secrets, secretFor("kpc/default", "x.example")];
    const { program } = compiled(objects, { ingressController: "example.com/kpc", defaultCertificate: "kpc/default" });
    for (const { host, sni = host, scheme, expect: wanted } of world.requests ?? []) {
      if (scheme !== "https") continue;
      const { certificate } = decideCertificate(program, sni);
      expect([sni, certificate?.name]).toEqual([sni, wanted.certificate?.replace(/^default$/, "kpc/default")]);
    }
  });

  test("is that of the oldest Ingress which names it, served or not; the others are told", () => {
    const { program, findings } = compiled([
      ingress("young", NEW, [{ hosts: ["a.example", "b.example"], secretName: "b" }], "a.example", "b.example"),
      ingress("old", OLD, [{ hosts: ["a.example"], secretName: "missing" }], "a.example"),
      secretFor("b", "b.example"),
    ]);
    expect(program.tls?.hosts.map(({ origin: _, ...host }) => host)).toEqual([
      { host: "a.example", reason: "default/missing: the Secret is not in the input" },
      { host: "b.example", certificate: "default/b" },
    ]);
    expect([decideCertificate(program, "a.example"), decideCertificate(program, undefined)]).toMatchObject([
      { certificate: undefined },
      { certificate: undefined },
    ]);
    expect(findings).toEqual([
      "warning unusable-certificate: certificate default/missing of Ingress default/old is not served: the Secret is not in the input; the default certificate is served for a.example",
      "warning shadowed-certificate: host a.example has certificate default/missing from an older Ingress, or an earlier entry: certificate default/b is not shown for it",
    ]);
  });

  test("the default one is that of the settings, else of the oldest entry without hosts that can be served", () => {
    const objects = [
      ingress("a", OLD, [{ secretName: "missing" }, { hosts: ["b.example"] }], "b.example"),
      ingress("b", NEW, [{ secretName: "s" }], "c.example"),
      secretFor("s", "b.example"),
      secretFor("other", "d.example"),
    ];
    const shown = (config: Config) =>
      decideCertificate(compiled(objects, config).program, "z.example").certificate?.name;
    expect(shown({})).toBe("default/s");
    expect(shown({ defaultCertificate: "default/other" })).toBe("default/other");
    expect(shown({ defaultCertificate: "default/none" })).toBe("default/s");
    expect(compiled(objects).findings.slice(1)).toEqual([
      "info no-certificate: no certificate is for host c.example: clients get the default certificate default/s, and refuse it",
    ]);
  });

  test("must be valid for it", () => {
    const { findings } = compiled([
      ingress("a", OLD, [{ hosts: ["a.example", "*.a.example", "x.a.example"], secretName: "s" }], "a.example"),
      secretFor("s", "*.a.example"),
    ]);
    expect(findings).toEqual([
      "warning certificate-host: certificate default/s is not valid for a.example: clients refuse it; its DNS names are *.a.example",
    ]);
  });

  test.each([
    [{ ...secretFor("s"), type: "Opaque" }, "its type is Opaque, not kubernetes.io/tls"],
    [{ ...secretFor("s"), data: { "tls.crt": "?", "tls.key": "" } }, "it has no tls.crt"],
    [{ ...secretFor("s"), data: { "tls.crt": "YQ==" } }, "it has no tls.key"],
  ])("is not served from a Secret that has none: %#", (secret, reason) => {
    const { program, findings } = compiled([ingress("a", OLD, [{ hosts: ["a.example"], secretName: "s" }]), secret]);
    expect(program.tls).toMatchObject({ certificates: [], hosts: [{ reason: `default/s: ${reason}` }] });
    expect(findings[0]).toContain(`is not served: ${reason}`);
  });

  test("stringData wins over data", () => {
    const { certificate, key } = makeCertificate({ names: ["b.example"] });
    const stringData = { "tls.crt": certificate, "tls.key": key };
    const { program } = compiled([
      ingress("a", OLD, [{ hosts: ["a.example"], secretName: "s" }]),
      { ...secretFor("s", "a.example"), stringData },
    ]);
    expect(program.tls?.certificates).toMatchObject([{ name: "default/s", names: ["b.example"] }]);
  });
});

test.each([
  ["2025-12-31T23:59:59Z", ["certificate default/s is not valid before 2026-01-01: clients refuse it"]],
  ["2026-01-01T00:00:00Z", []],
  ["2026-02-15T00:00:00Z", []],
  ["2026-02-15T00:00:01Z", ["certificate default/s expires on 2026-03-01, in 13 days"]],
  ["2026-03-01T00:00:00Z", ["certificate default/s expires on 2026-03-01, in 0 days"]],
  ["2026-03-01T00:00:01Z", ["certificate default/s expired on 2026-03-01: clients refuse it"]],
])("at %s", (now, wanted) => {
  const dates = { from: "2026-01-01T00:00:00Z", until: "2026-03-01T00:00:00Z" };
  const objects = [
    ingress("a", OLD, [{ hosts: ["a.example"], secretName: "s" }]),
    tlsSecret("s", makeCertificate({ names: ["a.example"], ...dates })),
  ];
  const { findings, places } = compiled(objects, {}, Date.parse(now));
  expect(findings).toEqual(wanted.map((message) => `warning certificate-time: ${message}`));
  expect(places).toEqual(wanted.map(() => JSON.stringify(objects[1])));
  expect(compiled(objects).findings).toEqual([]);
});

test("a program with certificates is read back from its JSON", () => {
  const { program } = compiled([
    ingress("a", OLD, [
      { hosts: ["a.example"], secretName: "s" },
      { hosts: ["b.example"], secretName: "x" },
    ]),
    secretFor("s", "a.example"),
  ]);
  const read = readIr({ name: "ir", text: printIr(program) }, ({ message }) => expect.unreachable(message));
  const plain = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value, (key, member: unknown) => (key === "origin" ? undefined : member)));
  expect(plain(read?.tls)).toEqual(plain(program.tls));
  const broken = printIr(program).replace('"certificate": "default/s"', '"certificate": "default/t"');
  const said: string[] = [];
  expect(readIr({ name: "ir", text: broken }, ({ message }) => said.push(message))).toBeUndefined();
  expect(said).toEqual(["expected a sound program: host a.example has no certificate default/t"]);
});
