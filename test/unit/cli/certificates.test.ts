/** What kpc tells of certificates, and at which time. */
import { expect, test } from "vitest";
import { makeCertificate, tlsSecret } from "../../support/certificates.ts";
import { inFolder, kpc } from "../../support/cli.ts";

const INGRESS = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i, annotations: {kpc.dev/https-redirect: "true"}}
spec:
  tls: [{hosts: [a.example, "*.w.example"], secretName: s}, {hosts: [b.example]}]
  rules: [{host: a.example}, {host: b.example}]
`;
const made = makeCertificate({ names: ["a.example", "*.w.example"], until: "2026-03-01T00:00:00Z" });
const FILES = { "i.yaml": INGRESS, "s.yaml": JSON.stringify(tlsSecret("s", made)) };

test.each([
  [["--now=2026-02-01"], {}, undefined],
  [["--now=2026-02-20T00:00:00Z"], {}, "certificate default/s expires on 2026-03-01, in 9 days"],
  [["--now=2026-02-20T00:00:00+02:00"], {}, "certificate default/s expires on 2026-03-01, in 9 days"],
  [[], { SOURCE_DATE_EPOCH: "1772409600" }, "certificate default/s expired on 2026-03-01: clients refuse it"],
  [["--now=2026-02-01"], { SOURCE_DATE_EPOCH: "1772409600" }, undefined],
])("kpc check %j %j", (args, env, wanted) => {
  inFolder(FILES, (folder) => {
    const { code, stdout } = kpc(["check", "i.yaml", "s.yaml", ...args], { folder, env });
    const found = stdout.split("\n").filter((line) => line.includes("[certificate-time]"));
    expect([code, found]).toEqual([
      0,
      wanted === undefined ? [] : [expect.stringContaining(`warning: ${wanted} [certificate-time]`)],
    ]);
  });
});

test.each([
  [["--now=yesterday"], {}, '--now: expected a time, such as 2026-01-02 or 2026-01-02T15:04:05Z, found "yesterday"'],
  [["--now=2026-13-01"], {}, '--now: expected a time, such as 2026-01-02 or 2026-01-02T15:04:05Z, found "2026-13-01"'],
  [[], { SOURCE_DATE_EPOCH: "x" }, 'SOURCE_DATE_EPOCH: expected a time, such as 1767225600, found "x"'],
])("kpc check refuses %j %j", (args, env, message) => {
  inFolder(FILES, (folder) => {
    const found = kpc(["check", "i.yaml", "s.yaml", ...args], { folder, env });
    expect(found).toEqual({ code: 2, stdout: "", stderr: `kpc: ${message}\n` });
  });
});

test("kpc whatis tells the certificate of the host in the URL", () => {
  inFolder(FILES, (folder) => {
    const rows = (url: string) =>
      kpc(["whatis", url, "i.yaml", "s.yaml", "-q"], { folder })
        .stdout.split("\n")
        .slice(2, 5)
        .map((line) => line.replace(/ {2,}/g, "  "));
    const valid = "  valid from 2026-01-01 to 2026-03-01, for a.example, *.w.example  s.yaml:1:1";
    expect(rows("https://a.example/").slice(0, 2)).toEqual([
      "tls  default/s  tls names it for the host  i.yaml:5:18",
      valid,
    ]);
    expect(rows("https://X.w.example:443/")[0]).toBe("tls  default/s  tls names it for *.w.example  i.yaml:5:29");
    expect(rows("https://b.example/")[0]).toBe(
      "tls  none: handshake refused  tls names no Secret for b.example  i.yaml:5:70",
    );
    expect(rows("https://c.example/")[0]).toBe("tls  none: handshake refused  no Ingress names the host under tls");
    const { stdout } = kpc(["whatis", "https://a.example/", "i.yaml", "s.yaml", "-o", "json"], { folder });
    expect(JSON.parse(stdout)).toMatchObject({
      certificate: { secret: "default/s", host: "a.example", isDefault: false, notAfter: "2026-03-01T00:00:00.000Z" },
    });
  });
});

test.each([
  ["http://a.example/x?y", [], "=> 308: redirected to https://a.example/x?y"],
  ["https://a.example/x", [], "=> 404: no default backend"],
  ["http://b.example/x", [], "=> 404: no default backend"],
  ["https://b.example/x", [], "=> no answer: the TLS handshake fails: the proxy has no certificate"],
  [
    "https://a.example/x/../y",
    ["-c", "kpc.yaml"],
    "=> 400: servers understand the path in different ways (--path-safety reject)",
  ],
  ["https://a.example/x/../y", [], "=> 404: no default backend"],
])("kpc whatis %s %j: %s", (url, args, wanted) => {
  const config = "apiVersion: kpc.dev/v1alpha1\nkind: Config\nhaproxy: {pathSafety: reject}\n";
  inFolder({ ...FILES, "kpc.yaml": config }, (folder) => {
    const { code, stdout } = kpc(["whatis", url, "i.yaml", "s.yaml", "-q", ...args], { folder });
    expect([code, stdout.split("\n").filter((line) => line.startsWith("=>"))]).toEqual([1, [wanted]]);
  });
});
