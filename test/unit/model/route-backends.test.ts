/** Where rules of HTTPRoutes lead, and which references are allowed. */
import { describe, expect, test } from "vitest";
import { gateway, HTTP, object, route } from "../../support/gateway-objects.ts";
import { resolved, textAt } from "../../support/resolved.ts";

describe("backends of routes", () => {
  const service = (name: string, spec: object = {}, namespaceName = "b") => ({
    ...{ apiVersion: "v1", kind: "Service", metadata: { name, namespace: namespaceName } },
    spec: { clusterIP: "10.96.0.1", ports: [{ port: 80 }], ...spec },
  });
  const slice = (name: string) => ({
    ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4", ports: [{ port: 8080 }] },
    metadata: { name, namespace: "b", labels: { "kubernetes.io/service-name": name } },
    endpoints: [{ addresses: ["10.244.0.1"], conditions: { ready: true } }],
  });
  const grant = (from: object, to: object, namespaceName = "b") =>
    object("ReferenceGrant", "x", { from: [from], to: [to] }, namespaceName);
  const HTTPROUTE = { group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: "a" };
  const SERVICE = { group: "", kind: "Service" };
  const refused =
    "warning unresolved-reference 2: backend b/s:80 of HTTPRoute a/r is answered with 500: no ReferenceGrant in b allows it (ResolvedRefs: False, RefNotPermitted)";

  const asked = (reference: object, ...objects: object[]) => {
    const rules = [{ backendRefs: [{ name: "s", namespace: "b", port: 80, ...reference }] }];
    const { cluster, findings } = resolved([gateway(HTTP), route({ rules }), ...objects]);
    const action = cluster.listeners[0]?.routes[0]?.route.rules[0]?.action;
    const backend = action?.kind === "backends" ? action.backends[0]?.backend : undefined;
    const what =
      backend === undefined ? action?.kind : backend.kind === "broken" ? `broken ${backend.reason}` : backend.kind;
    return [what, ...findings.filter((finding) => /^warning/.test(finding))];
  };

  test.each<[what: string, grants: object[], want: string]>([
    ["no grant", [], "broken no ReferenceGrant in b allows it"],
    ["a grant", [grant(HTTPROUTE, SERVICE)], "endpoints"],
    ["of this Service", [grant(HTTPROUTE, { ...SERVICE, name: "s" })], "endpoints"],
    ["of another Service", [grant(HTTPROUTE, { ...SERVICE, name: "t" })], "broken no ReferenceGrant in b allows it"],
    ["of another kind", [grant(HTTPROUTE, { group: "", kind: "Secret" })], "broken no ReferenceGrant in b allows it"],
    [
      "of another group",
      [grant(HTTPROUTE, { group: "x.example", kind: "Service" })],
      "broken no ReferenceGrant in b allows it",
    ],
    [
      "from another namespace",
      [grant({ ...HTTPROUTE, namespace: "c" }, SERVICE)],
      "broken no ReferenceGrant in b allows it",
    ],
    [
      "from another kind",
      [grant({ ...HTTPROUTE, kind: "GRPCRoute" }, SERVICE)],
      "broken no ReferenceGrant in b allows it",
    ],
    [
      "from another group",
      [grant({ ...HTTPROUTE, group: "x.example" }, SERVICE)],
      "broken no ReferenceGrant in b allows it",
    ],
    ["in another namespace", [grant(HTTPROUTE, SERVICE, "c")], "broken no ReferenceGrant in b allows it"],
    [
      "one entry of several",
      [
        object(
          "ReferenceGrant",
          "x",
          { from: [{ ...HTTPROUTE, namespace: "c" }, HTTPROUTE], to: [{ ...SERVICE, name: "t" }, SERVICE] },
          "b",
        ),
      ],
      "endpoints",
    ],
  ])("references to other namespaces: %s", (_, grants, want) => {
    expect(asked({}, service("s"), slice("s"), ...grants)).toEqual([want, ...(want === "endpoints" ? [] : [refused])]);
  });

  const HEADER = { type: "RequestHeaderModifier", requestHeaderModifier: { remove: ["x"] } };
  const allowed = grant(HTTPROUTE, SERVICE);
  test.each<[what: string, reference: object, objects: object[], want: string[]]>([
    [
      "of another kind",
      { kind: "Other" },
      [],
      [
        "broken it is of kind Other, and only Services are served",
        "warning unresolved-reference 2: backend b/s:80 of HTTPRoute a/r is answered with 500: it is of kind Other, and only Services are served (ResolvedRefs: False, InvalidKind)",
      ],
    ],
    [
      "of another kind, which has no ports",
      { kind: "Other", port: undefined },
      [],
      [
        "broken it is of kind Other, and only Services are served",
        "warning unresolved-reference 2: backend b/s of HTTPRoute a/r is answered with 500: it is of kind Other, and only Services are served (ResolvedRefs: False, InvalidKind)",
      ],
    ],
    [
      "of another group",
      { kind: "Service", group: "x.example" },
      [],
      [
        "broken it is of kind x.example/Service, and only Services are served",
        "warning unresolved-reference 2: backend b/s:80 of HTTPRoute a/r is answered with 500: it is of kind x.example/Service, and only Services are served (ResolvedRefs: False, InvalidKind)",
      ],
    ],
    [
      "that is not there",
      {},
      [allowed],
      [
        "broken the Service is not in the input",
        "warning unresolved-reference 2: backend b/s:80 of HTTPRoute a/r is answered with 500: the Service is not in the input (ResolvedRefs: False, BackendNotFound)",
      ],
    ],
    [
      "at a port that it has not",
      { port: 81 },
      [allowed, service("s"), slice("s")],
      [
        "broken the Service has no such port, only 80",
        "warning unresolved-reference 2: backend b/s:81 of HTTPRoute a/r is answered with 500: the Service has no such port, only 80 (ResolvedRefs: False, BackendNotFound)",
      ],
    ],
    [
      "without a ready endpoint",
      {},
      [allowed, service("s")],
      [
        "broken the Service has no ready endpoint",
        "warning broken-backend 2: backend b/s:80 of HTTPRoute a/r is answered with 503: the Service has no ready endpoint",
      ],
    ],
    [
      "with a redirect of its own",
      { filters: [{ type: "RequestRedirect", requestRedirect: {} }] },
      [allowed, service("s"), slice("s")],
      [
        "broken kpc does not carry RequestRedirect of a backend",
        "warning gateway-not-carried 2: kpc does not carry RequestRedirect of a backend: requests for backend b/s:80 are answered with 500",
      ],
    ],
    ["with another filter of its own", { filters: [HEADER] }, [allowed, service("s"), slice("s")], ["endpoints"]],
    [
      "with a protocol that is not carried",
      {},
      [
        allowed,
        service("s", {
          ports: [
            { port: 81, appProtocol: "x" },
            { port: 80, name: "h", appProtocol: "kubernetes.io/h2c" },
          ].map((port, i) => ({ name: `p${i}`, ...port })),
        }),
        { ...slice("s"), ports: [{ name: "h", port: 8080 }] },
      ],
      [
        "endpoints",
        "warning gateway-not-carried 2: kpc does not carry appProtocol kubernetes.io/h2c: the backend is asked in HTTP/1.1 without TLS; the port of the Service 4",
      ],
    ],
    [
      "with a protocol that is HTTP",
      {},
      [allowed, service("s", { ports: [{ port: 80, appProtocol: "http" }] }), slice("s")],
      ["endpoints"],
    ],
    [
      "with that of web sockets",
      {},
      [allowed, service("s", { ports: [{ port: 80, appProtocol: "kubernetes.io/ws" }] }), slice("s")],
      ["endpoints"],
    ],
  ])("a backend %s", (_, reference, objects, want) => {
    expect(asked(reference, ...objects)).toEqual(want);
  });

  test("a rule may have a redirect in place of backends, beside other filters", () => {
    const redirect = { type: "RequestRedirect", requestRedirect: { hostname: "a.test" } };
    const rules = [
      { filters: [HEADER, redirect] },
      { filters: [HEADER], backendRefs: [{ name: "s", namespace: "b", port: 80, filters: [HEADER] }] },
    ];
    const { cluster } = resolved([gateway(HTTP), route({ rules }), allowed, service("s"), slice("s")]);
    const found = cluster.listeners[0]?.routes[0]?.route.rules ?? [];
    expect(found.map(({ action, filters }) => [action.kind, ...filters.map(({ kind }) => kind)])).toEqual([
      ["redirect", "request-headers"],
      ["backends", "request-headers"],
    ]);
    const [, { action } = expect.unreachable()] = found;
    expect(action).toMatchObject({ backends: [{ filters: [{ kind: "request-headers" }] }] });
  });

  test("a protocol that is not carried is shown where the Service has it", () => {
    const rules = [{ backendRefs: [{ name: "s", namespace: "b", port: 80 }] }];
    const { diagnostics } = resolved([
      ...[gateway(HTTP), route({ rules }), allowed, slice("s")],
      service("s", { ports: [{ port: 80, appProtocol: "kubernetes.io/h2c" }] }),
    ]);
    expect(diagnostics.flatMap(({ notes = [] }) => notes.map(({ origin }) => textAt(origin)))).toEqual([
      '"kubernetes.io/h2c"',
    ]);
  });

  test("external names are followed only where settings say so", () => {
    const rules = [{ backendRefs: [{ name: "s", namespace: "b", port: 80 }] }];
    const external = service("s", { clusterIP: undefined, type: "ExternalName", externalName: "x.example" });
    const kindOf = (settings: object): string | undefined => {
      const { cluster } = resolved([gateway(HTTP), route({ rules }), allowed, external], settings);
      const action = cluster.listeners[0]?.routes[0]?.route.rules[0]?.action;
      return action?.kind === "backends" ? action.backends[0]?.backend.kind : undefined;
    };
    expect([kindOf({}), kindOf({ allowsExternalNames: true })]).toEqual(["broken", "external"]);
  });

  test("a rule with a filter that kpc does not carry fails, so that no request passes without it", () => {
    const rules = [{ filters: [{ type: "ExtensionRef", extensionRef: { group: "x.example", kind: "X", name: "x" } }] }];
    const { cluster, findings } = resolved([gateway(HTTP), route({ rules })]);
    expect(cluster.listeners[0]?.routes[0]?.route.rules[0]?.action).toEqual({
      kind: "failure",
      reason: "kpc does not carry the filter ExtensionRef",
    });
    expect(findings).toEqual([
      "warning gateway-not-carried 2: kpc does not carry the filter ExtensionRef: requests that the rule takes are answered with 500, so that none passes without it",
    ]);
  });
});
