import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { coversHost } from "../../../compiler/certificates/covers.ts";
import { readKeyPair } from "../../../compiler/certificates/key-pair.ts";
import { PrivateText } from "../../../compiler/certificates/private-key.ts";
import { parseX509 } from "../../../compiler/certificates/x509.ts";
import { type KeyKind, makeCertificate, makeKeys, type ThrowawayCertificate } from "../../support/certificates.ts";

const pairOf = ({ certificate, key }: ThrowawayCertificate) => readKeyPair(certificate, new PrivateText(key));

describe("a certificate and its key", () => {
  test.each<KeyKind>(["ec", "rsa", "ed25519"])("%s: is read as OpenSSL reads it", (kind) => {
    const made = makeCertificate({
      names: ["A.example", "*.b.example"],
      commonName: "a",
      from: "2026-01-02T03:04:05Z",
      until: "2051-01-02T03:04:05Z",
      keys: makeKeys(kind),
    });
    const pair = pairOf(made);
    const known = new X509Certificate(made.certificate);
    if (pair.kind !== "pair") return expect.unreachable(pair.reason);
    expect(pair.leaf).toMatchObject({
      commonName: "a",
      names: ["a.example", "*.b.example"],
      notBefore: Date.parse(known.validFrom),
      notAfter: Date.parse(known.validTo),
    });
    expect([pair.chain, pair.key.pem.reveal()]).toEqual([made.certificate, made.key]);
    expect(pair.key.publicKey?.value).toBe(kind === "ed25519" ? undefined : pair.leaf.publicKey.value);
  });

  test.each([
    ["ec", "sec1"],
    ["rsa", "pkcs1"],
  ] as const)("%s keys in the format %s", (kind, type) => {
    const keys = makeKeys(kind);
    const key = keys.privateKey.export({ type, format: "pem" }).toString();
    const pair = pairOf({ ...makeCertificate({ names: ["a"], keys }), key });
    if (pair.kind !== "pair") return expect.unreachable(pair.reason);
    expect(pair.key.publicKey).toEqual(pair.leaf.publicKey);
  });

  const good = makeCertificate({ names: ["a.example"] });
  const encrypted = makeKeys().privateKey.export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "x",
  });
  test.each([
    [{ ...good, key: makeCertificate({ names: [] }).key }, "its tls.key does not belong to its tls.crt"],
    [
      { ...good, key: makeCertificate({ names: [], keys: makeKeys("rsa") }).key },
      "its tls.key does not belong to its tls.crt",
    ],
    [{ ...good, key: "" }, "it has no private key (PEM)"],
    [{ ...good, key: good.key.replace(/\n./, "\n_") }, "its private key is damaged"],
    [{ ...good, key: encrypted.toString() }, "its private key is encrypted"],
    [{ ...good, certificate: "x" }, "its tls.crt has no certificate (PEM)"],
    [
      { ...good, certificate: good.certificate.replace(/.{9}=*\n-----END/, "\n-----END") },
      "its tls.crt is damaged: certificate 1 of 1 cannot be read",
    ],
    [
      { ...good, certificate: `${good.certificate}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n` },
      "its tls.crt is damaged: certificate 2 of 2 cannot be read",
    ],
    [
      makeCertificate({ names: ["a"], keys: makeKeys("rsa-1024") }),
      "a key of 1024 bits is in its tls.crt, and OpenSSL serves none of less than 2048",
    ],
    [
      makeCertificate({ names: ["a"], commonName: "a", issuer: "b", isWeak: true, keys: makeKeys("rsa") }),
      "a certificate in its tls.crt is signed over MD5 or SHA-1, which OpenSSL does not serve",
    ],
  ])("%# is not served", (made, reason) => {
    expect(pairOf(made)).toEqual({ kind: "unusable", reason });
  });

  test("bytes that are cut anywhere are no certificate", () => {
    const bytes = Buffer.from(good.certificate.replace(/-----.*/g, ""), "base64");
    expect(parseX509(bytes)).toBeDefined();
    for (let length = 0; length < bytes.length; length++) expect(parseX509(bytes.subarray(0, length))).toBeUndefined();
  });
});

test("a text that is private shows itself to nobody", () => {
  const text = new PrivateText("secret");
  expect([`${text}`, JSON.stringify({ text }), String(text.reveal())]).toEqual([
    "(private)",
    '{"text":"(private)"}',
    "secret",
  ]);
});

test.each([
  ["a.example", true],
  ["x.b.example", true],
  ["*.b.example", true],
  ["b.example", false],
  ["x.y.b.example", false],
  ["*.example", false],
])("a certificate for a.example and *.b.example: %s %s", (host, covers) => {
  expect(coversHost({ names: ["a.example", "*.b.example"] }, host)).toBe(covers);
});
