/** The table of hosts and certificates that Ingresses give, entry by entry. */
import { expect, test } from "vitest";
import { lowerTls } from "../../../compiler/lower/tls.ts";
import type { Ingress, IngressCertificate, IngressTls } from "../../../compiler/model/types.ts";
import { findingText, place, whereIs } from "../../support/gateway-listeners.ts";

type Served = Extract<IngressCertificate, { readonly kind: "served" }>;

function served(name: string, names: readonly string[], commonName?: string): Served {
  const dates = { notBefore: 1, notAfter: 2, isWeaklySigned: false };
  const leaf = { names, commonName, addresses: [], publicKey: { algorithm: "", value: "" }, ...dates };
  return { kind: "served", name, leaf, origin: place(9) };
}

const BROKEN: IngressCertificate = { kind: "broken", name: "x", reason: "why" };
const S = served("s", ["a.test", "*.b.test"]);
const T = served("t", ["b.test"]);

const entry = (certificate: IngressCertificate | undefined, ...hosts: string[]): IngressTls => ({
  ...{ certificate, origin: place(0) },
  hosts: hosts.map((host, i) => ({ host, origin: place(i + 1) })),
});

/** An Ingress with a rule for each host. */
const ingress = (tls: readonly IngressTls[], ...hosts: (string | undefined)[]): Ingress => ({
  ...{ namespace: "a", name: "i", defaultBackend: undefined, httpsRedirect: undefined, tls },
  rules: hosts.map((host, i) => ({ host, paths: [], origin: place(i + 1) })),
});

function lowered(ingresses: readonly Ingress[], defaultCertificate?: IngressCertificate) {
  const findings: string[] = [];
  const tls = lowerTls({ ingresses, defaultCertificate }, (finding) => findings.push(findingText(finding)));
  const hosts = tls?.hosts.map(({ host, certificate, reason, origin }) =>
    [host, certificate, reason && `(${reason})`, whereIs(origin)].filter((word) => word !== undefined).join(" "),
  );
  const certificates = tls?.certificates.map(({ name }) => name).join(",");
  return { table: tls && [...(hosts ?? []), `of ${certificates}; else ${tls.fallback}`], findings };
}

const ELSE = "of s; else undefined";

test.each<
  [what: string, ingresses: Ingress[], table: string[] | undefined, findings?: string[], settings?: IngressCertificate]
>([
  ["no Ingress", [], undefined, [], S],
  ["no entry", [ingress([])], undefined],
  ["the certificate of the settings", [ingress([])], ["of s; else s"], [], S],
  ["which is broken", [ingress([])], ["of ; else undefined"], [], BROKEN],
  ["a host", [ingress([entry(S, "a.test")])], ["a.test s @1", ELSE]],
  [
    "a host with a broken certificate",
    [ingress([entry(BROKEN, "a.test")])],
    ["a.test (x: why) @1", "of ; else undefined"],
  ],
  [
    "a host with the default certificate",
    [ingress([entry(undefined, "a.test")])],
    ["a.test @1", "of ; else undefined"],
  ],
  [
    "precise hosts by name, then wildcards",
    [ingress([entry(served("s", ["c.test", "b.test", "*.a.test"]), "*.a.test", "c.test", "b.test")])],
    ["b.test s @3", "c.test s @2", "*.a.test s @1", ELSE],
  ],
  [
    "certificates by name, each once",
    [ingress([entry(T, "b.test"), entry(S, "a.test", "*.b.test")])],
    ["a.test s @1", "b.test t @1", "*.b.test s @2", "of s,t; else undefined"],
  ],
  [
    "the first entry without hosts is for all others",
    [ingress([entry(BROKEN), entry(S, "a.test")]), ingress([entry(T), entry(S)])],
    ["a.test s @1", "of s,t; else t"],
  ],
  ["but the settings go before", [ingress([entry(T)])], ["of s; else s"], [], S],
  [
    "a host with the same certificate twice",
    [ingress([entry(S, "a.test")]), ingress([entry(S, "a.test")])],
    ["a.test s @1", ELSE],
  ],
  [
    "a host with two: the first",
    [ingress([entry(S, "a.test")]), ingress([entry(T, "x.test", "a.test"), entry(undefined, "a.test")])],
    ["a.test s @1", "x.test t @1", "of s,t; else undefined"],
    [
      "warning certificate-host @1: certificate t is not valid for x.test: clients refuse it; its DNS names are b.test",
      "warning shadowed-certificate @2: host a.test has certificate s from an older Ingress, or an earlier entry: certificate t is not shown for it; named here first @1",
      "warning shadowed-certificate @1: host a.test has certificate s from an older Ingress, or an earlier entry: the default certificate is not shown for it; named here first @1",
    ],
  ],
  [
    "a certificate with many names",
    [ingress([entry(served("s", "abcdefghijk".split("")), "z.test")])],
    ["z.test s @1", ELSE],
    [
      "warning certificate-host @1: certificate s is not valid for z.test: clients refuse it; its DNS names are a, b, c, d, e, f, g, h, i, j, …",
    ],
  ],
  [
    "ten names are shown",
    [ingress([entry(served("s", "abcdefghij".split("")), "z.test")])],
    ["z.test s @1", ELSE],
    [
      "warning certificate-host @1: certificate s is not valid for z.test: clients refuse it; its DNS names are a, b, c, d, e, f, g, h, i, j",
    ],
  ],
  [
    "a certificate without names",
    [ingress([entry(served("s", []), "z.test")])],
    ["z.test s @1", ELSE],
    ["warning certificate-host @1: certificate s is not valid for z.test: clients refuse it; it has no DNS names"],
  ],
  [
    "with a common name",
    [ingress([entry(served("s", [], "z.test"), "z.test")])],
    ["z.test s @1", ELSE],
    [
      'warning certificate-host @1: certificate s is not valid for z.test: clients refuse it; it has no DNS names (the common name "z.test" does not count)',
    ],
  ],
  [
    "hosts of rules without a certificate, each once",
    [ingress([entry(S, "a.test")], undefined, "a.test", "z.test", "z.test")],
    ["a.test s @1", ELSE],
    ["info no-certificate @3: no certificate is for host z.test: its TLS handshakes are refused"],
  ],
  [
    "hosts that get a default certificate of other names",
    [ingress([entry(S)], "a.test", "z.test")],
    ["of s; else s"],
    ["info no-certificate @2: no certificate is for host z.test: clients get the default certificate s, and refuse it"],
  ],
  [
    "hosts below a wildcard that an entry names",
    [ingress([entry(S, "*.b.test")], "x.b.test")],
    ["*.b.test s @1", ELSE],
  ],
  [
    "hosts that an entry names with a broken certificate",
    [ingress([entry(BROKEN, "z.test")], "z.test")],
    ["z.test (x: why) @1", "of ; else undefined"],
  ],
  [
    "hosts that an entry names without one",
    [ingress([entry(undefined, "z.test")], "z.test")],
    ["z.test @1", "of ; else undefined"],
    ["info no-certificate @1: no certificate is for host z.test: its TLS handshakes are refused"],
  ],
])("%s", (_, ingresses, table, findings = [], settings = undefined) => {
  expect(lowered(ingresses, settings)).toEqual({ table, findings });
});
