/** Certificates by host: two tables held against asking for each host, and a list of HAProxy read back. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareCertificates } from "../../../../compiler/compare/urls/certificates.ts";
import { decideCertificate } from "../../../../compiler/evaluate/certificate.ts";
import { printCertificates } from "../../../../compiler/formats/haproxy/certificates.ts";
import { readCertificateList } from "../../../../compiler/formats/haproxy/read-certificates.ts";
import type { Certificate, TlsTable } from "../../../../compiler/ir/routes.ts";

const CERTIFICATES = ["shop/a", "shop/b", "web/c"].map(
  (name): Certificate => ({ name, names: [`${name[0]}.example`], notBefore: 0, notAfter: 1000 }),
);

const HOSTS = ["a.example", "b.example", "*.example", "x.a.example", "*.a.example"];

/** Names that tell all classes of hosts apart, the name of no host among them. */
const ASKED = [...HOSTS.filter((host) => !host.startsWith("*")), "z.example", "z.a.example", "z.z.z", "z", undefined];

const TABLE: fc.Arbitrary<TlsTable> = fc
  .record({
    hosts: fc
      .subarray(HOSTS)
      .chain((hosts) =>
        fc.tuple(...hosts.map((host) => fc.tuple(fc.constant(host), fc.constantFrom("shop/a", "shop/b", undefined)))),
      ),
    fallback: fc.constantFrom("web/c", "shop/a", undefined),
  })
  .map(({ hosts, fallback }) => ({
    certificates: CERTIFICATES.filter(({ name }) => name === fallback || hosts.some(([, each]) => each === name)),
    hosts: hosts.map(([host, certificate]) => ({ host, ...(certificate && { certificate }) })),
    ...(fallback && { fallback }),
  }));

const shownBy = (tls: TlsTable, name: string | undefined): string | undefined =>
  decideCertificate({ tls }, name).certificate?.name;

test("two tables differ for the hosts of which the handshake tells them apart, and for no others", () => {
  const found = { equal: 0, different: 0 };
  fc.assert(
    fc.property(TABLE, TABLE, (left, right) => {
      const { differences } = compareCertificates(left, right);
      const isDifferent = ASKED.some((name) => shownBy(left, name) !== shownBy(right, name));
      expect(differences.length > 0).toBe(isDifferent);
      found[isDifferent ? "different" : "equal"]++;
      for (const { name, left: mine, right: yours } of differences)
        expect([mine.certificate?.name, yours.certificate?.name]).toEqual([shownBy(left, name), shownBy(right, name)]);
    }),
    { numRuns: 500 },
  );
  expect(Math.min(found.equal, found.different)).toBeGreaterThan(5);
});

test("a list that kpc has printed for HAProxy shows the same certificates", () => {
  fc.assert(
    fc.property(TABLE, (table) => {
      const list = printCertificates(table, ({ message }) => expect.unreachable(message));
      if (list === undefined) return;
      const read = readCertificateList({ name: "certificates.list", text: list.text }, ({ message }) =>
        expect.unreachable(message),
      );
      const { hosts = [], fallback, files = new Map() } = read ?? {};
      const names = [...files.values()];
      const certificates = CERTIFICATES.filter(({ name }) => names.includes(name));
      expect(compareCertificates(table, { certificates, hosts, ...(fallback && { fallback }) }).differences).toEqual(
        [],
      );
    }),
    { numRuns: 300 },
  );
});

describe("a certificate of the same Secret", () => {
  const table = (certificate: Partial<Certificate>): TlsTable => ({
    certificates: [{ name: "shop/a", names: ["a.example"], notBefore: 0, notAfter: 1000, ...certificate }],
    hosts: [{ host: "a.example", certificate: "shop/a" }],
  });

  test.each<[string, Partial<Certificate>]>([
    ["certificate shop/a for b.example, valid 1970-01-01T00:00:00 to 1970-01-01T00:00:01", { names: ["b.example"] }],
    ["certificate shop/a for a.example, valid 1970-01-01T00:00:00 to 1970-01-01T00:00:02", { notAfter: 2000 }],
  ])("is told with what differs: %s", (text, changed) => {
    const { differences, classes } = compareCertificates(table({}), table(changed));
    expect(classes).toBe(2);
    expect(differences.map(({ host, right }) => [host, right.text])).toEqual([["a.example", text]]);
  });

  test("is none where a side does not serve TLS", () => {
    const { differences } = compareCertificates(table({}), "none");
    expect(differences.map(({ left, right }) => `${left.text}, ${right.text}`)).toEqual(["certificate shop/a, no TLS"]);
    expect(compareCertificates("none", "none")).toEqual({ differences: [], classes: 0 });
  });
});

test.each(["shop.a.pem", "../shop.a.pem a.example", "shop.a.pem [alpn h2] a.example", 'shop.a.pem "a.example"'])(
  "a row that kpc does not write is told: %s",
  (text) => {
    const told: string[] = [];
    expect(
      readCertificateList({ name: "certificates.list", text }, ({ code }) => void told.push(code)),
    ).toBeUndefined();
    expect(told).toEqual(["haproxy-map"]);
  },
);
