/** Certificates of Ingresses and the default one: which are served, and what is told of the others. */
import { expect, test } from "vitest";
import { makeCertificate, tlsSecret } from "../../support/certificates.ts";
import { resolved, textAt } from "../../support/resolved.ts";

const ingress = (name: string, ...tls: object[]) => ({
  ...{ apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name, namespace: "a" } },
  spec: { defaultBackend: { service: { name: "s", port: { number: 80 } } }, tls },
});
const SECRET = tlsSecret("a/s", makeCertificate({ names: ["a.test"] }));

/** `name: kind hosts` of each entry; and what is found, each with the text of its place. */
function told(objects: readonly object[], settings: Parameters<typeof resolved>[1] = {}) {
  const { cluster, diagnostics } = resolved(objects, settings);
  const entries = cluster.ingresses.flatMap(({ name, tls }) =>
    tls.map(({ certificate, hosts }) => {
      const shown = hosts.map(({ host, origin }) => `${host} ${textAt(origin)}`);
      return [name, certificate?.kind ?? "default", ...shown].join(" ");
    }),
  );
  const found = diagnostics.filter(({ code }) => code === "unusable-certificate");
  return { entries, found: found.map(({ message, origin }) => `${message} ${textAt(origin)}`) };
}

test.each<[what: string, objects: object[], entries: string[], found: string[]]>([
  [
    "one Secret of two Ingresses",
    [SECRET, ingress("i", { secretName: "s", hosts: ["a.test", "b.test"] }), ingress("j", { secretName: "s" })],
    ['i served a.test "a.test" b.test "b.test"', "j served"],
    [],
  ],
  ["none, which is the default one", [ingress("i", { hosts: ["a.test"] })], ['i default a.test "a.test"'], []],
  [
    "a Secret that is not there, for some hosts",
    [SECRET, ingress("i", { secretName: "t", hosts: ["a.test", "b.test"] })],
    ['i broken a.test "a.test" b.test "b.test"'],
    [
      'certificate a/t of Ingress a/i is not served: the Secret is not in the input; the default certificate is served for a.test, b.test "t"',
    ],
  ],
  [
    "a Secret that is not there, for all others",
    [ingress("i", { secretName: "t" })],
    ["i broken"],
    ['certificate a/t of Ingress a/i is not served: the Secret is not in the input "t"'],
  ],
  [
    "a Secret of another type",
    [{ ...SECRET, type: "Opaque" }, ingress("i", { secretName: "s" })],
    ["i broken"],
    ['certificate a/s of Ingress a/i is not served: its type is Opaque, not kubernetes.io/tls "s"'],
  ],
])("%s", (_, objects, entries, found) => {
  expect(told(objects)).toEqual({ entries, found });
});

test.each<[name: string, found: string[]]>([
  ["a/s", []],
  ["a/t", ["the default certificate a/t is not served: the Secret is not in the input file"]],
])("the default certificate %s", (name, found) => {
  const origin = { span: () => ({ source: { name: "c", text: "file" }, start: 0, end: 4 }) };
  expect(told([SECRET], { defaultCertificate: { name, origin } }).found).toEqual(found);
  const nowhere = found.map((finding) => finding.replace(" file", " undefined"));
  expect(told([SECRET], { defaultCertificate: { name, origin: undefined } }).found).toEqual(nowhere);
});
