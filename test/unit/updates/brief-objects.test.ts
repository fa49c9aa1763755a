/** In which words objects are kept. `brief-services` and `brief-slices` say which objects; `property/brief-objects` holds that random ones mean what
 *  their JSON means. */
import { describe, expect, test } from "vitest";
import { briefService, briefSlice, jsonOfBrief } from "../../../compiler/updates/brief-objects.ts";
import { SERVICE, SERVICE_NAME, SLICE, SPEC } from "../../support/brief-and-json.ts";

type Json = Readonly<Record<string, unknown>>;

const HEAD = { namespace: "shop", metadata: SERVICE.metadata, labels: {} };
const SLICE_HEAD = { namespace: "shop", metadata: SLICE.metadata, labels: { [SERVICE_NAME]: "web" } };

function names(count: number): Json[] {
  return Array.from({ length: count }, (_, i) => ({ name: `zone-${i + 1}` }));
}

test("what has no name stays JSON", () => {
  for (const name of ["", 7, null, undefined]) {
    const metadata = { ...HEAD.metadata, name };
    expect(briefService({ ...HEAD, metadata }, SPEC, {})).toBeUndefined();
    expect(briefSlice({ ...SLICE_HEAD, metadata }, SLICE)).toBeUndefined();
  }
  for (const service of [undefined, "", 7, "a.b"])
    expect(briefSlice({ ...SLICE_HEAD, labels: { [SERVICE_NAME]: service } }, SLICE)).toBeUndefined();
  for (const namespace of ["", "a.b"]) {
    expect(briefService({ ...HEAD, namespace }, SPEC, {})).toBeUndefined();
    expect(briefSlice({ ...SLICE_HEAD, namespace }, SLICE)).toBeUndefined();
  }
});

describe("the words, and the JSON that they stand for", () => {
  const metadata = { name: "web", namespace: "shop" };

  test.each<[spec: Json, created: string | undefined, words: string, json: Json]>([
    [
      {},
      "2026-01-02T03:04:05Z",
      "S shop/web 2026-01-02T03:04:05Z 172.30.0.1 Cluster http/TCP/80",
      {
        clusterIP: "172.30.0.1",
        clusterIPs: ["172.30.0.1"],
        ipFamilyPolicy: "SingleStack",
        internalTrafficPolicy: "Cluster",
      },
    ],
    [
      {
        clusterIPs: ["172.30.0.1", "fd30::1"],
        ipFamilies: undefined,
        ipFamilyPolicy: "RequireDualStack",
        internalTrafficPolicy: "Local",
      },
      undefined,
      "S shop/web - 172.30.0.1,fd30::1 Local http/TCP/80",
      {
        clusterIP: "172.30.0.1",
        clusterIPs: ["172.30.0.1", "fd30::1"],
        ipFamilyPolicy: "PreferDualStack",
        internalTrafficPolicy: "Local",
      },
    ],
  ])("of a Service: %#", (spec, created, words, json) => {
    const head = { ...HEAD, metadata: { name: "web", creationTimestamp: created } };
    expect(briefService(head, { ...SPEC, ...spec }, undefined)).toBe(words);
    expect(JSON.parse(jsonOfBrief(words))).toEqual({
      apiVersion: "v1",
      kind: "Service",
      metadata: { ...metadata, ...(created === undefined ? {} : { creationTimestamp: created }) },
      spec: { type: "ClusterIP", ...json, ports: [{ name: "http", protocol: "TCP", port: 80 }] },
    });
  });

  test("of ports", () => {
    const ports = [{ port: 80 }];
    expect(briefService(HEAD, { ...SPEC, ports }, {})).toMatch(/ \/TCP\/80$/);
    expect(JSON.parse(jsonOfBrief("S shop/web - 172.30.0.1 Cluster /TCP/80")).spec.ports).toEqual([
      { protocol: "TCP", port: 80 },
    ]);
    const two = [
      { name: "a", port: 80 },
      { name: "b", port: 53, protocol: "UDP" },
    ];
    expect(briefService(HEAD, { ...SPEC, ports: two }, {})).toMatch(/ a\/TCP\/80,b\/UDP\/53$/);
  });

  test("of a slice", () => {
    const endpoints = [
      { addresses: ["10.180.0.1"] },
      { addresses: ["10.180.0.2"], nodeName: "node-a", conditions: {} },
      { addresses: ["10.180.0.3"], conditions: { ready: false } },
      { addresses: ["10.180.0.4"], conditions: { serving: false, terminating: true } },
      { addresses: ["10.180.0.5"], nodeName: "node-a", hints: { forZones: names(2), forNodes: names(1) } },
      { addresses: ["10.180.0.6"], hints: {} },
    ];
    const words = [
      "E IPv4 shop/web-1 web -",
      "10.180.0.1",
      "10.180.0.2 node-a",
      "10.180.0.3 - 2 - -",
      "10.180.0.4 - 5 - -",
      "10.180.0.5 node-a 6 zone-1,zone-2 zone-1",
      "10.180.0.6 - 6 - -",
    ].join("\n");
    expect(briefSlice(SLICE_HEAD, { ...SLICE, ports: [], endpoints })).toBe(words);
    const usual = { ready: true, serving: true, terminating: false };
    const none = { forZones: [], forNodes: [] };
    expect(JSON.parse(jsonOfBrief(words))).toEqual({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "web-1", namespace: "shop", labels: { [SERVICE_NAME]: "web" } },
      addressType: "IPv4",
      ports: [],
      endpoints: [
        { addresses: ["10.180.0.1"], conditions: usual, hints: none },
        { addresses: ["10.180.0.2"], nodeName: "node-a", conditions: usual, hints: none },
        { addresses: ["10.180.0.3"], conditions: { ...usual, ready: false }, hints: none },
        { addresses: ["10.180.0.4"], conditions: { ready: true, serving: false, terminating: true }, hints: none },
        {
          addresses: ["10.180.0.5"],
          nodeName: "node-a",
          conditions: usual,
          hints: { forZones: names(2), forNodes: names(1) },
        },
        { addresses: ["10.180.0.6"], conditions: usual, hints: none },
      ],
    });
  });

  test("JSON stays as it is", () => {
    expect(jsonOfBrief('{"a": 1}')).toBe('{"a": 1}');
  });
});
