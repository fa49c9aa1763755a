/** What a proxy does with requests, host by host, as Ingresses say. */
import { expect, test } from "vitest";
import type { PathRoute } from "../../../compiler/ir/routes.ts";
import { lowerRoutes, targetOf } from "../../../compiler/lower/routes.ts";
import type { Ingress, IngressBackend, IngressPath, IngressRule } from "../../../compiler/model/types.ts";
import type { Port } from "../../../compiler/net/port.ts";
import { backendOf, findingText, place, targetText, whereIs } from "../../support/gateway-listeners.ts";

const pathTo = (to: string, path: string, pathType: IngressPath["pathType"] = "Prefix", at = 0): IngressPath => ({
  ...{ path, pathType, backend: backendOf(to), origin: place(at) },
});

const ruleOf = (host: string | undefined, ...paths: IngressPath[]): IngressRule => ({ host, paths, origin: place(0) });

const ingressOf = (rules: readonly IngressRule[], fallback?: string, members: Partial<Ingress> = {}): Ingress => ({
  ...{ namespace: "a", name: "i", tls: [], httpsRedirect: undefined, rules },
  defaultBackend: fallback === undefined ? undefined : { ...backendOf(fallback), origin: place(9) },
  ...members,
});

function pathText({ match, path, target, shadowed = [], origin }: PathRoute): string {
  const lost = shadowed.map((each) => ` not ${targetText(each.target)} ${whereIs(each.origin)}`);
  return `${match} ${path}: ${targetText(target)}${lost.join("")} ${whereIs(origin)}`;
}

function lowered(...ingresses: readonly Ingress[]): { readonly lines: string[]; readonly findings: string[] } {
  const findings: string[] = [];
  const hosts = lowerRoutes(ingresses, (finding) => findings.push(findingText(finding)));
  const lines = hosts.flatMap(({ host = "any", paths, fallback, fallbackOrigin, httpsRedirect }) => [
    `${host}${httpsRedirect === undefined ? "" : ` httpsRedirect=${httpsRedirect}`}`,
    ...paths.map((path) => `  ${pathText(path)}`),
    `  else ${targetText(fallback)} ${whereIs(fallbackOrigin)}`,
  ]);
  return { lines, findings };
}

const NO_DEFAULT = "  else 404 no default backend nowhere";

test.each<[what: string, ingresses: Ingress[], want: string[]]>([
  ["no Ingress", [], []],
  ["an Ingress without anything", [ingressOf([])], ["any", NO_DEFAULT]],
  ["a default backend", [ingressOf([], "d")], ["any", "  else d @9"]],
  [
    "precise hosts by name, then wildcards, then all others",
    [ingressOf(["*.a.test", "b.test", undefined, "a.test"].map((host) => ruleOf(host, pathTo("s", "/"))))],
    ["a.test", "b.test", "*.a.test", "any"].flatMap((host) => [host, "  prefix /: s @0", NO_DEFAULT]),
  ],
  [
    "paths of several Ingresses for one host",
    [ingressOf([ruleOf("a.test", pathTo("s", "/s"))]), ingressOf([ruleOf("a.test", pathTo("t", "/t"))])],
    ["a.test", "  prefix /s: s @0", "  prefix /t: t @0", NO_DEFAULT, "any", NO_DEFAULT],
  ],
  [
    "a default backend is that of an Ingress with a rule for the host",
    [
      ingressOf([], "d"),
      ingressOf([ruleOf("a.test")]),
      ingressOf([ruleOf("a.test")], "e"),
      ingressOf([ruleOf("a.test")], "f"),
    ],
    ["a.test", "  else e @9", "any", "  else d @9"],
  ],
  [
    "of other hosts that of an Ingress without rules",
    [ingressOf([ruleOf("a.test")], "e"), ingressOf([], "d"), ingressOf([], "f")],
    ["a.test", "  else e @9", "any", "  else d @9"],
  ],
  [
    "or of the first one that has any",
    [ingressOf([ruleOf("b.test")]), ingressOf([ruleOf("a.test")], "e"), ingressOf([ruleOf("a.test")], "f")],
    ["a.test", "  else e @9", "b.test", "  else e @9", "any", "  else e @9"],
  ],
  [
    "the first Ingress with a rule for a host decides whether it is redirected to https",
    [
      ingressOf([ruleOf("a.test")], undefined, { httpsRedirect: true }),
      ingressOf([ruleOf("b.test")], undefined, { httpsRedirect: false }),
      ingressOf([ruleOf("a.test"), ruleOf("b.test")], undefined, { httpsRedirect: true }),
    ],
    ["a.test httpsRedirect=true", NO_DEFAULT, "b.test", NO_DEFAULT, "any", NO_DEFAULT],
  ],
])("%s", (_, ingresses, want) => {
  expect(lowered(...ingresses).lines).toEqual(want);
});

test.each<[what: string, paths: IngressPath[], want: string[]]>([
  ["exact ones first", [pathTo("a", "/longer"), pathTo("b", "/b", "Exact")], ["exact /b: b", "prefix /longer: a"]],
  ["long ones first", [pathTo("a", "/a"), pathTo("b", "/bb")], ["prefix /bb: b", "prefix /a: a"]],
  ["equally long ones by name", [pathTo("b", "/b"), pathTo("a", "/a")], ["prefix /a: a", "prefix /b: b"]],
  ["a trailing slash has no length", [pathTo("a", "/a/"), pathTo("b", "/bb")], ["prefix /bb: b", "prefix /a: a"]],
  ["a trailing slash before none", [pathTo("a", "/a"), pathTo("b", "/a/")], ["prefix /a: b", "prefix /a: a"]],
  ["the slash of an exact path counts", [pathTo("a", "/a/", "Exact")], ["exact /a/: a"]],
  ["the root is a slash", [pathTo("a", "/")], ["prefix /: a"]],
  [
    "ImplementationSpecific last of equals",
    [pathTo("a", "/a", "ImplementationSpecific"), pathTo("b", "/a")],
    ["prefix /a: b", "prefix /a: a"],
  ],
  [
    "even with a trailing slash",
    [pathTo("a", "/a/", "ImplementationSpecific"), pathTo("b", "/a")],
    ["prefix /a: b", "prefix /a: a"],
  ],
])("the order of paths: %s", (_, paths, want) => {
  const { lines } = lowered(ingressOf([ruleOf(undefined, ...paths)]));
  expect(lines.slice(1, -1)).toEqual(want.map((line) => `  ${line} @0`));
});

test("of equal paths the first stays; the others are told", () => {
  const paths = [pathTo("a", "/a", "Prefix", 1), pathTo("b", "/a", "Prefix", 2), pathTo("c", "/a", "Prefix", 3)];
  const { lines, findings } = lowered(ingressOf([ruleOf(undefined, ...paths, pathTo("d", "/a", "Exact", 4))]));
  expect(lines.slice(1, -1)).toEqual(["  exact /a: d @4", "  prefix /a: a not b @2 not c @3 @1"]);
  expect(findings).toEqual(
    [2, 3].map(
      (at) =>
        `warning shadowed-path @${at}: path /a (Prefix) is already taken for this host by an older Ingress, or an earlier rule: it is never used; taken here @1`,
    ),
  );
});

test.each<[what: string, backend: IngressBackend | undefined, want: string]>([
  ["none", undefined, "404 no default backend"],
  ["broken", backendOf("broken"), "503 broken: why"],
  ["endpoints", backendOf("s", 1, 2), "s 10.244.0.1:8080 10.244.0.2:8080"],
  ["endpoints that end", { ...backendOf("s", 1), ...draining(2) }, "s 10.244.0.1:8080 ending 10.244.0.2:8080"],
  ["sticky", { ...backendOf("s", 1), ...draining(), isSticky: true }, "s 10.244.0.1:8080 cookie"],
  ["a host elsewhere", { kind: "external", name: "s", host: "h.test", port: 8443 as Port }, "s h.test:8443"],
])("a backend: %s", (_, backend, want) => {
  expect(targetText(targetOf(backend))).toBe(want);
});

function draining(...numbers: readonly number[]): Extract<IngressBackend, { kind: "endpoints" }> {
  const backend = backendOf("s", 1);
  const ending = backendOf("s", ...numbers);
  if (backend.kind !== "endpoints" || ending.kind !== "endpoints") return expect.unreachable();
  return { ...backend, draining: ending.endpoints };
}

test("paths to one backend have one target", () => {
  const backend = backendOf("s", 1);
  const paths = ["/a", "/b"].map((path): IngressPath => ({ ...pathTo("s", path), backend }));
  const other = { ...pathTo("t", "/c"), backend: { ...backend, name: "t" } };
  const [host] = lowerRoutes([ingressOf([ruleOf(undefined, ...paths, other)])], () => expect.unreachable());
  const [a, b, c] = host?.paths.map(({ target }) => target) ?? [];
  expect(a).toBe(b);
  expect(targetText(c ?? expect.unreachable())).toBe("t 10.244.0.1:8080");
});

test("what there is not is no member", () => {
  const [host] = lowerRoutes([ingressOf([ruleOf(undefined, pathTo("s", "/"))])], () => expect.unreachable());
  expect(Object.keys(host ?? {})).toEqual(["paths", "fallback"]);
  expect(Object.keys(host?.paths[0] ?? {})).toEqual(["match", "path", "target", "origin"]);
  expect(Object.keys(targetOf(backendOf("s", 1)))).toEqual(["kind", "backend", "endpoints"]);
});
