/** HAProxy shows clients the certificates that the table says: cases as data, and hosts whose certificates have other kinds of keys. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { compile } from "../../compiler/compile.ts";
import { decideCertificate } from "../../compiler/evaluate/certificate.ts";
import { evaluateRoute } from "../../compiler/evaluate/http-route.ts";
import { printHaproxy } from "../../compiler/formats/haproxy/print.ts";
import { required } from "../../compiler/invariant.ts";
import type { TlsTable } from "../../compiler/ir/routes.ts";
import type { Program } from "../../compiler/ir/types.ts";
import { makeCertificate, makeKeys, type ThrowawayCertificate, tlsSecret } from "../support/certificates.ts";
import { HaproxyWorld, haproxyMissing } from "../support/haproxy.ts";
import { type IngressCase, worldOf } from "../support/ingress-cases.ts";
import { readCases } from "../support/shared.ts";

/** The files of `program`; the certificates' common names are those of their Secrets. */
function filesOf(program: Program, made: ReadonlyMap<string, ThrowawayCertificate>): ReadonlyMap<string, string> {
  const { files, certificates, unsupported } = printHaproxy(program.routes, { tls: program.tls });
  expect(unsupported).toEqual([]);
  const pems = [...certificates].map(([file, name]): [string, string] => {
    const { certificate, key } = required(made.get(name), name);
    return [file, `${certificate}${key}`];
  });
  return new Map([...files, ...pems]);
}

/** Certificates share them: making RSA keys takes long. */
const KEYS = { ec: makeKeys("ec"), rsa: makeKeys("rsa") };

const make = (name: string, kind: "ec" | "rsa", ...names: string[]): ThrowawayCertificate =>
  makeCertificate({ commonName: name, names, keys: KEYS[kind] });

describe.skipIf(haproxyMissing !== undefined)("HAProxy shows the certificate of the host", () => {
  let haproxy: HaproxyWorld;
  beforeAll(() => {
    haproxy = new HaproxyWorld();
  });
  afterAll(() => haproxy.close());

  const cases = readCases("ingress").flatMap(({ name, text }) => {
    const world = parse(text) as IngressCase;
    return world.requests?.some(({ expect: { certificate } }) => certificate !== undefined) ? [{ name, world }] : [];
  });

  test.each(cases)("in the case $name", async ({ world }) => {
    const names = [...(world.secrets ?? []), "kpc/default"];
    const made = new Map(names.map((name, i) => [name, make(name, i % 2 === 0 ? "rsa" : "ec", "x.example")]));
    const objects = [...worldOf(world), ...[...made].map(([name, each]) => tlsSecret(name, each))];
    const text = objects.map((object) => JSON.stringify(object)).join("\n---\n");
    const config = { ingressController: "example.com/kpc", defaultCertificate: "kpc/default" };
    const program = compile([{ name: "case", text }], config).compiled?.program ?? expect.unreachable();
    const requests = (world.requests ?? []).map(({ scheme, host, sni = host, path }) => ({
      host,
      target: path,
      ...(scheme === "https" && sni !== undefined ? { sni } : {}),
    }));
    const { said, answers } = await haproxy.ask(filesOf(program, made), requests);
    expect(said).toEqual([]);
    for (const [i, { expect: wanted }] of (world.requests ?? []).entries()) {
      const target = evaluateRoute(program, required(requests[i], "a request"));
      const status = target.kind === "status" ? target.status : 200;
      const isTls = requests[i]?.sni !== undefined;
      expect([requests[i], answers[i]]).toMatchObject([
        requests[i],
        {
          status,
          ...(isTls ? { certificate: wanted.certificate?.replace(/^default$/, "kpc/default") } : {}),
          ...(status === 200 ? { headers: JSON.stringify({ proto: isTls ? "https" : "http" }) } : {}),
        },
      ]);
    }
  });

  const HOSTS = [
    "a.wild.test",
    "b.wild.test",
    "x.b.wild.test",
    "A.WILD.test",
    "c.wild.test",
    "san.test",
    "none.test",
    "wild.test",
    "",
  ];
  const worlds = [
    { precise: "ec", wild: "rsa", fallback: undefined },
    { precise: "rsa", wild: "ec", fallback: undefined },
    { precise: "rsa", wild: "ec", fallback: "rsa" },
    { precise: "rsa", wild: "rsa", fallback: "ec" },
  ] as const;

  test.each(worlds)(
    "with keys $precise of a host, $wild of its wildcard, and the default one $fallback",
    async (keys) => {
      const { precise, wild, fallback } = keys;
      const made = new Map([
        ["t/precise", make("t/precise", precise, "a.wild.test", "san.test")],
        ["t/wild", make("t/wild", wild, "*.wild.test", "san.test")],
        ...(fallback === undefined ? [] : ([["t/fallback", make("t/fallback", fallback, "b.wild.test")]] as const)),
      ]);
      const tls: TlsTable = {
        certificates: [...made.keys()].sort().map((name) => ({ name, names: [], notBefore: 0, notAfter: 0 })),
        hosts: [
          { host: "a.wild.test", certificate: "t/precise" },
          { host: "c.wild.test" },
          { host: "*.wild.test", certificate: "t/wild" },
        ],
        ...(fallback === undefined ? {} : { fallback: "t/fallback" }),
      };
      const program: Program = {
        ruleset: { tables: [] },
        routes: [{ paths: [], fallback: { kind: "status", status: 503, reason: "none" } }],
        tls,
      };
      const requests = HOSTS.map((sni) => ({ sni, host: "x.test", target: "/" }));
      const { said, answers } = await haproxy.ask(filesOf(program, made), requests);
      expect(said).toEqual([]);
      expect(HOSTS.map((sni, i) => [sni, answers[i]?.status === 0 ? undefined : answers[i]?.certificate])).toEqual(
        HOSTS.map((sni) => [sni, decideCertificate(program, sni === "" ? undefined : sni).certificate?.name]),
      );
    },
  );
});
