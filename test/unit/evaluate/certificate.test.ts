/** Which certificate a client gets, by the name that it asks for. */
import { expect, test } from "vitest";
import { decideCertificate } from "../../../compiler/evaluate/certificate.ts";
import type { TlsHost, TlsTable } from "../../../compiler/ir/routes.ts";

const NAMES = ["exact", "wild", "deep", "deeper", "rest"];
const HOSTS: readonly TlsHost[] = [
  { host: "*.example", labels: "any", certificate: "deep" },
  { host: "*.b.example", labels: "any", certificate: "deeper" },
  { host: "*.c.b.example", certificate: "wild" },
  { host: "*.alone", certificate: "wild" },
  { host: "a.example", certificate: "exact" },
  { host: "bare.example" },
  { host: "lost.example", certificate: "none" },
  { host: "any.test", labels: "any", certificate: "exact" },
];
const TABLE: TlsTable = {
  certificates: NAMES.map((name) => ({ name, names: [], notBefore: 0, notAfter: 0 })),
  hosts: HOSTS,
  fallback: "rest",
};

test.each<[serverName: string | undefined, host: string | undefined, certificate: string | undefined]>([
  ["a.example", "a.example", "exact"],
  ["A.eXAMPLE", "a.example", "exact"],
  ["x.alone", "*.alone", "wild"],
  ["x.y.alone", undefined, "rest"],
  ["alone", undefined, "rest"],
  [".alone", undefined, "rest"],
  ["x.c.b.example", "*.c.b.example", "wild"],
  ["x.y.c.b.example", "*.b.example", "deeper"], // the wildcard of c.b.example takes one label
  ["x.b.example", "*.b.example", "deeper"],
  ["x.y.b.example", "*.b.example", "deeper"],
  ["x.y.z.example", "*.example", "deep"],
  ["x.any.test", undefined, "rest"],
  ["bare.example", "bare.example", "rest"],
  ["lost.example", "lost.example", undefined],
  ["elsewhere", undefined, "rest"],
  [undefined, undefined, "rest"],
])("%s: by the host %s, %s", (serverName, host, certificate) => {
  for (const hosts of [HOSTS, HOSTS.toReversed()]) {
    const decision = decideCertificate({ tls: { ...TABLE, hosts } }, serverName);
    expect([decision.host?.host, decision.certificate?.name]).toEqual([host, certificate]);
  }
});

test("of two wildcards that are as long the first is taken", () => {
  const twice = ["exact", "deep"].map((certificate) => ({ host: "*.example", labels: "any", certificate }) as const);
  const { certificate } = decideCertificate({ tls: { ...TABLE, hosts: twice } }, "x.y.example");
  expect(certificate?.name).toBe("exact");
});

test("without a table, and without a certificate for others, the handshake is refused", () => {
  expect(decideCertificate({}, "a.example")).toEqual({ host: undefined, certificate: undefined });
  const { certificates, hosts } = TABLE;
  expect(decideCertificate({ tls: { certificates, hosts } }, "elsewhere").certificate).toBeUndefined();
});
