/** Backends of Ingresses: endpoints that end, clients that stay, hosts outside of the cluster. */
import { describe, expect, test } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { printIr } from "../../../compiler/formats/ir/print.ts";
import { readIr } from "../../../compiler/formats/ir/read.ts";
import type { RouteTarget } from "../../../compiler/ir/routes.ts";
import { refusedExternal } from "../../../compiler/model/external-name.ts";
import type { Config } from "../../../compiler/node/config.ts";

const INGRESS = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i}
spec: {defaultBackend: {service: {name: s, port: {number: 80}}}}
---
`;
const service = (spec: string, annotations = "") =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: s, annotations: {${annotations}}}\nspec: ${spec}\n---\n`;
const PLAIN = "{clusterIP: 10.96.0.1, ports: [{port: 80}]}";
const slice = (...endpoints: string[]) =>
  `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s-1, labels: {kubernetes.io/service-name: s}}\naddressType: IPv4\nendpoints: [${endpoints.join(", ")}]\nports: [{port: 8080}]\n`;
const endpoint = (n: number, conditions: string) => `{addresses: [10.244.0.${n}], conditions: {${conditions}}}`;

function targetIn(
  text: string,
  config: Config = {},
): { readonly target: RouteTarget | undefined; readonly said: string[] } {
  const { compiled, diagnostics } = compile([{ name: "a.yaml", text: `${INGRESS}${text}` }], config);
  const program = compiled?.program ?? expect.unreachable(diagnostics[0]?.message);
  const read = readIr({ name: "ir", text: printIr(program) }, ({ message }) => expect.unreachable(message));
  expect(read?.routes).toEqual(program.routes.map(({ fallbackOrigin: _, ...routes }) => routes));
  const said = diagnostics.filter(({ code }) => code === "broken-backend").map(({ message }) => message);
  return { target: program.routes[0]?.fallback, said };
}

describe("endpoints", () => {
  const ready = endpoint(1, "ready: true");
  const draining = endpoint(2, "ready: false, serving: true, terminating: true");
  const ended = endpoint(3, "ready: false, serving: false, terminating: true");
  const unready = endpoint(4, "ready: false");
  const at = (n: number) => ({ address: 0x0af40000 + n, port: 8080 });

  test("that serve while they terminate get no new clients; others that are not ready get none", () => {
    const { target } = targetIn(service(PLAIN) + slice(ready, draining, ended, unready));
    expect(target).toEqual({ kind: "endpoints", backend: "default/s:80", endpoints: [at(1)], draining: [at(2)] });
  });

  test("that only drain serve nobody", () => {
    const { target } = targetIn(service(PLAIN) + slice(draining));
    expect(target).toMatchObject({ kind: "status", status: 503 });
  });

  test("keep their clients where the Service asks for it", () => {
    const { target } = targetIn(service(PLAIN, "kpc.dev/sticky-sessions: cookie") + slice(ready));
    expect(target).toEqual({ kind: "endpoints", backend: "default/s:80", endpoints: [at(1)], sticky: "cookie" });
  });
});

describe("a Service of type ExternalName", () => {
  const external = (host: string, ports = "ports: [{port: 80, targetPort: 8080}]") =>
    service(`{type: ExternalName, externalName: ${host}, ${ports}}`);
  const allowed = { allowExternalNames: true };

  test("is followed only where that is allowed", () => {
    expect(targetIn(external("www.example.com"), allowed).target).toEqual({
      kind: "endpoints",
      backend: "default/s:80",
      endpoints: [],
      external: { host: "www.example.com", port: 8080 },
    });
    expect(targetIn(external("www.example.com"))).toEqual({
      target: expect.objectContaining({ status: 503 }),
      said: [
        "backend default/s:80 of Ingress default/i is answered with 503: the Service is of type ExternalName, which is followed with --allow-external-names only",
      ],
    });
  });

  test.each([
    [external("localhost"), "localhost is the proxy's own host"],
    [external("127.0.0.1"), "127.0.0.1 is an address of the proxy's own host"],
    [external("www.example.com", "ports: [{port: 81}]"), "the Service has no port 80"],
    [
      external("www.example.com", "ports: [{port: 80, targetPort: web}]"),
      "the targetPort web is a name, and no Pod says its number",
    ],
  ])("%# is not followed", (text, reason) => {
    expect(targetIn(text, allowed).said).toEqual([
      `backend default/s:80 of Ingress default/i is answered with 503: ${reason}`,
    ]);
  });
});

test.each([
  "localhost",
  "LOCALHOST.",
  "a.localhost",
  "127.0.0.1",
  "127.9.9.9",
  "0.0.0.0",
  "::1",
  "::",
  "::ffff:127.0.0.1",
  "127.1",
  "2130706433",
  "0x7f.1",
  "017700000001",
])("the proxy refuses the external name %s", (host) => {
  expect(refusedExternal(host)).toContain(host);
});

test.each([
  "www.example.com",
  "localhost.example.com",
  "10.0.0.1",
  "fd00::1",
  "::2",
  "1a",
  "3.pool.ntp.org",
  "::ffff:10.0.0.1",
])("the proxy takes the external name %s", (host) => {
  expect(refusedExternal(host)).toBeUndefined();
});
