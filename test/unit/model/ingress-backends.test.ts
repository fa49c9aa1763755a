/** Which Ingresses are ours, and where they lead. */
import { describe, expect, test } from "vitest";
import { printAddressPort } from "../../../compiler/net/address.ts";
import { at, DUAL, resolved, service, slice, textAt } from "../../support/resolved.ts";

describe("Ingresses", () => {
  const backend = (port: object = { number: 80 }, name = "s") => ({ service: { name, port } });
  const ingress = (spec: object = {}, meta: object = {}) => ({
    ...{ apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name: "i", namespace: "a", ...meta } },
    spec: { defaultBackend: backend(), ...spec },
  });
  const classOf = (name: string, controller: string, meta: object = {}) => ({
    ...{ apiVersion: "networking.k8s.io/v1", kind: "IngressClass", metadata: { name, ...meta } },
    spec: { controller },
  });
  const DEFAULT = { annotations: { "ingressclass.kubernetes.io/is-default-class": "true" } };
  const OURS = "example.com/kpc";
  const served = (...objects: object[]) => {
    const { cluster, findings } = resolved([service(), slice(), ...objects]);
    return [
      ...cluster.ingresses.map(({ name }) => name),
      ...findings.filter((finding) => finding.includes("ingress-ignored")),
    ];
  };
  const ignored = (why: string) => `info ingress-ignored 3: Ingress a/i is left out: ${why}`;

  test.each<[what: string, objects: object[], want: string[]]>([
    ["without classes", [ingress()], ["i"]],
    [
      "by age, then by name; without a time last",
      [
        ingress({}, { name: "b" }),
        ingress({}, { name: "a" }),
        ingress({}, { name: "x", creationTimestamp: "2026-02-01T00:00:00Z" }),
        ingress({}, { name: "w", creationTimestamp: "2026-01-01T00:00:00Z" }),
      ],
      ["w", "x", "a", "b"],
    ],
    ["of our class", [ingress({ ingressClassName: "c" }), classOf("d", "x.example/y"), classOf("c", OURS)], ["i"]],
    [
      "of another controller's",
      [ingress({ ingressClassName: "c" }), classOf("c", "x.example/y")],
      [ignored("its class c belongs to x.example/y")],
    ],
    [
      "of a class that is not there",
      [ingress({ ingressClassName: "c" }), classOf("d", OURS)],
      [ignored("its class c is not in the input")],
    ],
    [
      "without a class where none is the default",
      [ingress(), classOf("d", OURS)],
      [ignored("it has no class, and no class is the default one")],
    ],
    ["of the default class", [ingress(), classOf("c", "x.example/y"), classOf("d", OURS, DEFAULT)], ["i"]],
    [
      "of the newest default",
      [
        ingress(),
        classOf("c", OURS, { ...DEFAULT, creationTimestamp: "2026-01-01T00:00:00Z" }),
        classOf("d", "x.example/y", { ...DEFAULT, creationTimestamp: "2026-02-01T00:00:00Z" }),
      ],
      [ignored("its class d belongs to x.example/y")],
    ],
    [
      "of the default with a time, where others have none",
      [
        ingress(),
        classOf("c", OURS, DEFAULT),
        classOf("d", "x.example/y", { ...DEFAULT, creationTimestamp: "2026-02-01T00:00:00Z" }),
      ],
      [ignored("its class d belongs to x.example/y")],
    ],
    [
      "of equally new ones the first by name",
      [ingress(), classOf("d", OURS, DEFAULT), classOf("c", "x.example/y", DEFAULT)],
      [ignored("its class c belongs to x.example/y")],
    ],
  ])("%s", (_, objects, want) => {
    expect(served(...objects)).toEqual(want);
  });

  const ending = slice({
    endpoints: [
      at("10.244.0.1"),
      at("10.244.0.2", { ready: false, serving: true, terminating: true }),
      at("10.244.0.3", { ready: false }),
    ],
  });
  const named = (port: object) =>
    service({
      ports: [
        { name: "h", port: 80 },
        { name: "i", port: 81 },
      ],
      ...port,
    });
  const asked = (port: object, ...objects: object[]) => {
    const { cluster, findings } = resolved([ingress({ defaultBackend: backend(port) }), ...objects], {
      allowsExternalNames: true,
    });
    const { defaultBackend: found } = cluster.ingresses[0] ?? expect.unreachable();
    const told = findings.filter((finding) => finding.includes("broken-backend"));
    if (found?.kind === "external") return [`${found.name} ${found.host}:${found.port}`, ...told];
    if (found?.kind !== "endpoints") return [`${found?.name} ${found?.kind}`, ...told];
    const { name, endpoints, draining, isSticky } = found;
    const texts = (all: typeof endpoints) => all.map((each) => printAddressPort(each.address, each.port)).join(",");
    return [
      `${name} ${texts(endpoints)}${draining.length > 0 ? ` ending ${texts(draining)}` : ""}${isSticky ? " sticky" : ""}`,
      ...told,
    ];
  };
  const outside = (spec: object = {}) => ({
    ...service(),
    spec: { type: "ExternalName", externalName: "x.example.", ...spec },
  });
  const broken = (name: string, why: string) => [
    `${name} broken`,
    `warning broken-backend 1: backend ${name} of Ingress a/i is answered with 503: ${why}`,
  ];

  test.each<[what: string, port: object, objects: object[], want: string[]]>([
    ["a port by its number", { number: 80 }, [service(), slice()], ["a/s:80 10.244.0.1:8080"]],
    [
      "a port by its name",
      { name: "h" },
      [
        named({}),
        slice({
          ports: [
            { name: "h", port: 1 },
            { name: "i", port: 2 },
          ],
        }),
      ],
      ["a/s:h 10.244.0.1:1"],
    ],
    [
      "another number",
      { number: 82 },
      [named({}), slice()],
      broken("a/s:82", "the Service has no such port, only h (80), i (81)"),
    ],
    [
      "a number of a port without a name",
      { number: 82 },
      [service(), slice()],
      broken("a/s:82", "the Service has no such port, only 80"),
    ],
    ["endpoints that end", { number: 80 }, [service(), ending], ["a/s:80 10.244.0.1:8080 ending 10.244.0.2:8080"]],
    [
      "no ready endpoint",
      { number: 80 },
      [service(), slice({ endpoints: [at("10.244.0.1", { ready: false })] })],
      broken("a/s:80", "the Service has no ready endpoint"),
    ],
    ["no Service", { number: 80 }, [], broken("a/s:80", "the Service is not in the input")],
    [
      "endpoints of both families",
      { number: 80 },
      [service(DUAL), slice(), slice({ addressType: "IPv6", endpoints: [at("fd00::1")] }, { name: "s-2" })],
      ["a/s:80 10.244.0.1:8080,[fd00::1]:8080"],
    ],
    ["a host elsewhere", { number: 80 }, [outside()], ["a/s:80 x.example:80"]],
    [
      "its target port",
      { number: 80 },
      [outside({ ports: [{ port: 80, targetPort: 8443 }] })],
      ["a/s:80 x.example:8443"],
    ],
    [
      "its port",
      { name: "h" },
      [
        outside({
          ports: [
            { name: "g", port: 81 },
            { name: "h", port: 82 },
          ].map((port) => ({ ...port, targetPort: port.port })),
        }),
      ],
      ["a/s:h x.example:82"],
    ],
    ["its port by name", { name: "h" }, [outside({ ports: [{ name: "h", port: 82 }] })], ["a/s:h x.example:82"]],
    ["a name that it has not", { name: "x" }, [outside()], broken("a/s:x", "the Service has no port x")],
    [
      "a number that it has not",
      { number: 81 },
      [outside({ ports: [{ port: 80 }] })],
      broken("a/s:81", "the Service has no port 81"),
    ],
    [
      "a target port that is a name",
      { number: 80 },
      [outside({ ports: [{ port: 80, targetPort: "t" }] })],
      broken("a/s:80", "the targetPort t is a name, and no Pod says its number"),
    ],
  ])("a backend: %s", (_, port, objects, want) => {
    expect(asked(port, ...objects)).toEqual(want);
  });

  test("backends of several ports of a Service are several, and each has its place", () => {
    const rules = ["/a", "/b"].map((path, i) => ({ path, pathType: "Prefix", backend: backend({ number: 80 + i }) }));
    const objects = [
      ingress({ rules: [{ host: "a.test", http: { paths: rules } }] }),
      named({}),
      slice({
        ports: [
          { name: "h", port: 1 },
          { name: "i", port: 2 },
        ],
      }),
    ];
    const [found] = resolved(objects).cluster.ingresses;
    expect(found?.rules[0]?.paths.map(({ backend: { name, kind } }) => `${name} ${kind}`)).toEqual([
      "a/s:80 endpoints",
      "a/s:81 endpoints",
    ]);
  });

  test("Services of one name in two namespaces are two backends", () => {
    const { cluster } = resolved([
      ...[service(), slice(), ingress()],
      service({ clusterIP: "10.96.0.2" }, { namespace: "b" }),
      slice({ endpoints: [at("10.244.0.2")] }, { namespace: "b" }),
      ingress({}, { namespace: "b" }),
    ]);
    expect(cluster.ingresses.map(({ defaultBackend }) => defaultBackend)).toMatchObject([
      { name: "a/s:80", endpoints: [{ address: 0x0af40001 }] },
      { name: "b/s:80", endpoints: [{ address: 0x0af40002 }] },
    ]);
  });

  test("external names are followed only where settings say so", () => {
    expect(resolved([ingress(), outside()]).cluster.ingresses[0]?.defaultBackend?.kind).toBe("broken");
  });

  test("a rule has the place of its host; one without paths has only that", () => {
    const { cluster } = resolved([
      ...[service(), slice()],
      ingress({
        rules: [{ host: "a.test" }, { http: { paths: [{ path: "/", pathType: "Prefix", backend: backend() }] } }],
      }),
    ]);
    const rules = cluster.ingresses[0]?.rules ?? [];
    expect(rules.map(({ host, paths, origin }) => [host, paths.length, textAt(origin)?.slice(0, 10)])).toEqual([
      ["a.test", 0, '"a.test"'],
      [undefined, 1, '{"http":{"'],
    ]);
  });

  test("a resource is no backend", () => {
    const { cluster, findings } = resolved([
      ingress({ defaultBackend: { resource: { apiGroup: "x.example", kind: "B", name: "b" } } }),
    ]);
    expect(cluster.ingresses[0]?.defaultBackend?.kind).toBe("broken");
    expect(
      findings.filter((finding) => finding.includes("it is a resource, and only Services are served")),
    ).toHaveLength(1);
  });
});
