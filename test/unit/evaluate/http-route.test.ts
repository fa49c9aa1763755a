import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { compile, compileSpecs } from "../../../compiler/compile.ts";
import { lineAndColumn, type Origin } from "../../../compiler/diagnostics.ts";
import { readDocuments } from "../../../compiler/documents/document.ts";
import { Field } from "../../../compiler/documents/field.ts";
import { evaluateRoute, hostName } from "../../../compiler/evaluate/http-route.ts";
import type { HostRoutes, RouteTarget } from "../../../compiler/ir/routes.ts";
import { loadObjects } from "../../../compiler/specs/load.ts";
import { type IngressCase, worldOf } from "../../support/ingress-cases.ts";
import { readCases } from "../../support/shared.ts";

/** The number of a port that an Ingress named, where a Service of the case has it. */
function portNumber(
  { services = [] }: IngressCase,
  service: string | undefined,
  port: string | undefined,
): string | undefined {
  const found = services.find(({ metadata }) => (metadata as { readonly name?: string }).name === service);
  const { ports = [] } = (found?.["spec"] ?? {}) as {
    readonly ports?: readonly { readonly name?: string; readonly port: number }[];
  };
  const named = ports.find(({ name }) => name === port);
  return named === undefined ? port : String(named.port);
}

/** A target as the cases write it. */
function shown(target: RouteTarget): unknown {
  if (target.kind === "status") return { status: target.status };
  const [, service, port] = /^(.*):([^:]*)$/.exec(target.backend) ?? [];
  return { service: service?.replace(/^default\//, ""), port };
}

describe("requests go where the Ingresses say", () => {
  const cases = readCases("ingress").flatMap(({ name, text }) => {
    const world = parse(text) as IngressCase;
    return world.requests === undefined ? [] : [{ name, world }];
  });

  test.each(cases)("$name", ({ name, world }) => {
    const [document] = readDocuments({ name, text: JSON.stringify(worldOf(world)) }, () => undefined);
    const nodes = document === undefined ? [] : Field.root(document).items();
    const { compiled, diagnostics } = compileSpecs((report) => loadObjects(nodes, report), {
      ingressController: world.controller ?? "example.com/kpc",
      allowExternalNames: world.externalNames,
    });
    expect(diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message)).toEqual([]);
    for (const request of world.requests ?? []) {
      const target = compiled && evaluateRoute(compiled.program, { host: request.host, target: request.path });
      const { certificate: _, ...wanted } = request.expect;
      const asked = `${request.host ?? ""} ${request.path}`;
      const want = "port" in wanted ? { ...wanted, port: String(wanted.port) } : wanted;
      const found = target && (shown(target) as { readonly service?: string; readonly port?: string });
      const numbered =
        found?.port === undefined ? found : { ...found, port: portNumber(world, found.service, found.port) };
      expect([asked, numbered]).toEqual([asked, want]);
    }
  });
});

test("a path knows the rules with the same path that it shadows, and where they stand", () => {
  const ingress = (name: string, created: string, service: string) =>
    `apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: ${name}, creationTimestamp: "${created}"}\nspec:\n  rules:\n    - host: a.example\n      http:\n        paths:\n          - {path: /, pathType: Prefix, backend: {service: {name: ${service}, port: {number: 80}}}}\n`;
  const text = [ingress("young", "2026-02-01T00:00:00Z", "b"), ingress("old", "2026-01-01T00:00:00Z", "a")].join(
    "---\n",
  );
  const { program } = compile([{ name: "i.yaml", text }], {}).compiled ?? expect.unreachable();
  const [path] = program.routes[0]?.paths ?? [];
  const { target, shadowed = [], origin } = path ?? expect.unreachable();
  const lineOf = (each: Origin | undefined) => each && lineAndColumn(each.span()).line;
  expect([shown(target), lineOf(origin)]).toEqual([{ status: 503 }, 19]);
  expect(shadowed.map((each) => [each.target.kind, lineOf(each.origin)])).toEqual([["status", 9]]);
});

test.each<[header: string | undefined, name: string | undefined]>([
  ["a.example", "a.example"],
  ["A.Example.", "a.example"],
  ["a.example:8080", "a.example"],
  ["a.example.:8080", "a.example"],
  ["[fd00::1]:80", undefined],
  ["", undefined],
  [".", undefined],
  [":80", undefined],
  [undefined, undefined],
])("the host of %j is %j", (header, name) => {
  expect(hostName(header)).toBe(name);
});

describe("of three hosts and none", () => {
  const status = (reason: string): RouteTarget => ({ kind: "status", status: 503, reason });
  const hosts = ["a.example", "*.example", undefined].map(
    (host): HostRoutes => ({
      ...(host !== undefined && { host }),
      paths: [
        { match: "exact", path: "/exact", target: status(`exact of ${host}`) },
        { match: "prefix", path: "/dir", target: status(`dir of ${host}`) },
      ],
      fallback: status(`fallback of ${host}`),
    }),
  );
  test.each<[host: string | undefined, target: string, reason: string]>([
    ["a.example", "/exact", "exact of a.example"],
    ["a.example", "/exact?q=1", "exact of a.example"],
    ["a.example", "/exact#f", "exact of a.example"],
    ["a.example", "/exact/", "fallback of a.example"],
    ["a.example", "/dir", "dir of a.example"],
    ["a.example", "/dir/x?y", "dir of a.example"],
    ["a.example", "/dirs", "fallback of a.example"],
    ["b.example", "/dir", "dir of *.example"],
    ["b.a.example", "/dir", "dir of undefined"],
    [".example", "/dir", "dir of undefined"],
    ["example", "/dir", "dir of undefined"],
    [undefined, "/dir", "dir of undefined"],
    ["", "", "fallback of undefined"],
  ])("%j %s: %s", (host, target, reason) => {
    expect(evaluateRoute({ routes: hosts }, { host, target })).toEqual(status(reason));
  });

  test("a host that no Ingress names has 404", () => {
    expect(evaluateRoute({ routes: hosts.slice(0, 2) }, { host: "a.test", target: "/dir" })).toEqual({
      kind: "status",
      status: 404,
      reason: "no Ingress",
    });
  });
});
