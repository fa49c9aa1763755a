/** HAProxy shows clients at listeners of Gateways the certificates that the table says, and refuses whom it says. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decideCertificate } from "../../compiler/evaluate/certificate.ts";
import { printHaproxy } from "../../compiler/formats/haproxy/print.ts";
import { encodeRoutes } from "../../compiler/formats/router/encode.ts";
import { required } from "../../compiler/invariant.ts";
import type { ListeningPort, RequestRule, TlsTable } from "../../compiler/ir/routes.ts";
import { ProxyWorld } from "../../runtime/haproxy/proxy-world.ts";
import { createRouter } from "../../runtime/router/index.ts";
import { makeCertificate, makeKeys } from "../support/certificates.ts";
import { haproxyMissing } from "../support/haproxy.ts";

const KEYS = { ec: makeKeys("ec"), rsa: makeKeys("rsa") };
const MADE = new Map(
  [
    ["shop/one", "ec"],
    ["shop/wild", "rsa"],
    ["shop/deep", "ec"],
    ["shop/default", "rsa"],
  ].map(([name = "", kind]) => [
    name,
    makeCertificate({ commonName: name, names: [], keys: kind === "ec" ? KEYS.ec : KEYS.rsa }),
  ]),
);

const certificates = [...MADE.keys()].map((name) => ({ name, names: [], notBefore: 0, notAfter: 4e12 }));
const TLS: TlsTable = {
  certificates,
  hosts: [
    { host: "one.example", certificate: "shop/one" },
    { host: "*.example", labels: "any", certificate: "shop/wild" },
    { host: "*.b.example", labels: "any", certificate: "shop/deep" },
  ],
};

const taking = (status: 404 | 503): RequestRule[] => [
  { match: "prefix", path: "/", target: { kind: "status", status, reason: "a test" } },
];

const at = (port: number, tls: TlsTable): ListeningPort => ({
  port,
  protocol: "https",
  hosts: [
    { host: "one.example", paths: taking(503) },
    { host: "x.c.example", paths: taking(503) },
    { host: "*.b.example", paths: taking(503) },
    { host: "*.example", paths: taking(404) },
  ],
  tls,
});

const LISTENERS = [at(443, TLS), at(8443, { ...TLS, fallback: "shop/default" })];

describe.skipIf(haproxyMissing !== undefined)("https at listeners in HAProxy", () => {
  let world: ProxyWorld;
  beforeAll(() => {
    world = new ProxyWorld();
  });
  afterAll(() => world.close());

  test("the certificate of the most specific host, none, or the default one", async () => {
    const { files, certificates: pems, unsupported, deviations } = printHaproxy([], { listeners: LISTENERS });
    expect(unsupported).toEqual([]);
    expect(deviations.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^port 443: .* \*\.example to hosts with one label .* are refused in the TLS handshake$/),
      expect.stringMatching(/^port 443: .* \*\.b\.example to /),
      expect.stringMatching(/^port 8443: .* are shown the default certificate, shop\/default$/),
      expect.stringMatching(/^port 8443: .* \*\.b\.example to /),
    ]);
    const made = (name: string) => required(MADE.get(name), name);
    const all = new Map([
      ...files,
      ...[...pems].map(([file, name]) => [file, `${made(name).certificate}${made(name).key}`] as const),
    ]);
    const names = [
      "one.example",
      "two.example",
      "x.c.example",
      "x.b.example",
      "ONE.example",
      "b.example",
      "other.test",
      undefined,
    ];
    const requests = LISTENERS.flatMap(({ port }) =>
      names.map((serverName) => ({
        method: "GET",
        scheme: "https" as const,
        port,
        serverName,
        host: serverName ?? "one.example",
        target: "/",
        headers: [],
      })),
    );
    const outcomes = await world.ask(all, [8080], requests);
    const derOf = (name: string): string => made(name).certificate.replace(/-----[^-]+-----|\s/g, "");
    const router = createRouter(encodeRoutes([], { listeners: LISTENERS }));
    for (const [i, { port, serverName, host }] of requests.entries()) {
      const listener = LISTENERS.find((each) => each.port === port);
      const wanted = decideCertificate(listener ?? {}, serverName).certificate?.name;
      const { certificate: shown, status } = required(outcomes[i], "an outcome");
      const secret = [...MADE.keys()].find((name) => derOf(name) === shown);
      expect([port, serverName, secret]).toEqual([port, serverName, wanted]);
      expect([port, serverName, status === 0]).toEqual([port, serverName, wanted === undefined]);
      expect(router.route({ host, path: "/", port, sni: serverName ?? "" }).certificate).toBe(wanted);
    }
  });

  test("other protocols and ports are refused", async () => {
    const { files, certificates: pems } = printHaproxy([], {
      listeners: [at(443, TLS), { ...at(80, TLS), protocol: "http", tls: TLS }],
    });
    const pem = required(MADE.get("shop/one"), "a certificate");
    const all = new Map([...files, ...[...pems.keys()].map((file) => [file, `${pem.certificate}${pem.key}`] as const)]);
    const ask = (scheme: "http" | "https", port: number) => ({
      method: "GET",
      scheme,
      port,
      serverName: scheme === "https" ? "one.example" : undefined,
      host: "one.example",
      target: "/",
      headers: [],
    });
    const outcomes = await world.ask(
      all,
      [8080],
      [ask("http", 443), ask("https", 81), ask("http", 81), ask("https", 443)],
    );
    expect(outcomes.map(({ status }) => status)).toEqual([0, -1, -1, 503]);
  });
});
