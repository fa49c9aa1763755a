/** Which Services are kept in a few words, each with what it means as JSON. */
import { describe, expect, test } from "vitest";
import {
  isKeptBrief,
  NAME_63,
  portRows,
  SERVICE,
  SERVICE_NAME,
  SLICE,
  SPEC,
  type ValuesAtPlace,
  withValue,
} from "../../support/brief-and-json.ts";

type Json = Readonly<Record<string, unknown>>;

test.each<ValuesAtPlace>([
  ["metadata.name", ["a", "a-1", NAME_63], ["7up", "a.b", "Web", "-", `${NAME_63}a`]],
  ["metadata.namespace", [undefined, "", "7up", NAME_63], ["a.b", "-", `${NAME_63}a`, 7, null]],
  [
    "metadata.creationTimestamp",
    [undefined, null, "2026-12-31T23:59:59Z", "1969-12-31T23:59:59Z"],
    ["", "-", "2026-13-01T00:00:00Z", "2026-01-02T03:04:05.5Z", "2026-01-02", "x2026-01-02T03:04:05Zx", 7],
  ],
  [
    "metadata.labels",
    [undefined, {}, { [SERVICE_NAME]: undefined }],
    [
      null,
      "web",
      { [SERVICE_NAME]: "web" },
      { "service.kubernetes.io/headless": "" },
      { "service.kubernetes.io/service-proxy-name": "other" },
    ],
  ],
  ["spec", [], [null, undefined, "web", []]],
  ["spec.type", [undefined, "ClusterIP"], ["NodePort", "LoadBalancer", "ExternalName", "", null]],
  ["spec.sessionAffinity", [undefined, "None"], ["ClientIP", "", null]],
  ["spec.internalTrafficPolicy", [undefined, "Cluster", "Local"], ["Near", "", null]],
  ["spec.publishNotReadyAddresses", [undefined, true, false], ["yes", 1, null]],
  ["spec.selector", [undefined, null, {}], []],
  ...["externalIPs", "externalTrafficPolicy", "loadBalancerSourceRanges", "trafficDistribution", "other"].map(
    (key): ValuesAtPlace => [`spec.${key}`, [undefined], [[], "Local"]],
  ),
  ["status", [undefined, {}, { conditions: [] }], [null, "none", []]],
  ["status.loadBalancer", [undefined, {}], [null, [], { ingress: [] }, { ingress: [{ ip: "192.0.2.1" }] }]],
  ...portRows("spec.ports"),
  ["spec.ports", [], [undefined, null, []]],
  [
    "spec.ports.0.targetPort",
    [undefined, 1, 65_535, "web", "a1"],
    [0, 65_536, 1.5, "", "1", "a b", "Web!", "a".repeat(16), true, null],
  ],
  // No two ports of a Service are alike, and each of several has a name.
  [
    "spec.ports",
    [[{ port: 80 }]],
    [
      [
        { name: "a", port: 80 },
        { name: "b", port: 80 },
      ],
      [{ port: 80 }, { name: "b", port: 81 }],
    ],
  ],
])("a Service's %s decides whether it is kept in a few words", (path, brief, json) => {
  for (const value of brief)
    expect([value, isKeptBrief(withValue(SERVICE, path, value), sliceOf(path, value), "Service")]).toEqual([
      value,
      true,
    ]);
  for (const value of json)
    expect([value, isKeptBrief(withValue(SERVICE, path, value), sliceOf(path, value), "Service")]).toEqual([
      value,
      false,
    ]);
});

/** The slice of a Service of which `path` is another one: of its name and namespace. */
function sliceOf(path: string, value: unknown): typeof SLICE {
  if (path === "metadata.name") return withValue(SLICE, "metadata.labels", { [SERVICE_NAME]: value });
  return path === "metadata.namespace" ? withValue(SLICE, path, value) : SLICE;
}

const [V4, V6] = ["172.30.0.1", "fd30::1"];

describe("the addresses of a Service", () => {
  const isBriefWith = (spec: Json): boolean =>
    isKeptBrief(
      { ...SERVICE, spec: { ...SPEC, ipFamilies: undefined, ipFamilyPolicy: undefined, ...spec } },
      SLICE,
      "Service",
    );

  test.each<[what: string, spec: Json]>([
    ["one", { clusterIP: V4, clusterIPs: [V4] }],
    ["one, not in a list", { clusterIP: V4, clusterIPs: undefined }],
    ["one of IPv6", { clusterIP: V6, clusterIPs: [V6], ipFamilies: ["IPv6"], ipFamilyPolicy: "SingleStack" }],
    ["one of families that are null", { ipFamilies: null }],
    ["one of what may be two", { clusterIP: V4, clusterIPs: [V4], ipFamilyPolicy: "PreferDualStack" }],
    ["two", { clusterIPs: [V4, V6], ipFamilies: ["IPv4", "IPv6"], ipFamilyPolicy: "PreferDualStack" }],
    ["two that have to be", { clusterIPs: [V4, V6], ipFamilyPolicy: "RequireDualStack" }],
    [
      "two, IPv6 first",
      { clusterIP: V6, clusterIPs: [V6, V4], ipFamilies: ["IPv6", "IPv4"], ipFamilyPolicy: "PreferDualStack" },
    ],
  ])("%s: it is kept in a few words", (_, spec) => {
    expect(isBriefWith(spec)).toBe(true);
  });

  const DUAL = { clusterIPs: [V4, V6], ipFamilyPolicy: "PreferDualStack" };
  test.each<[what: string, spec: Json]>([
    ["none", { clusterIP: undefined, clusterIPs: undefined }],
    ["none in the list", { clusterIPs: [] }],
    ["no list", { clusterIPs: V4 }],
    ["an object like a list", { clusterIPs: { 0: V4, length: 1 } }],
    ["another one in the list", { clusterIPs: ["172.30.0.2"] }],
    ["three", { ...DUAL, clusterIPs: [V4, V6, "172.30.0.2"] }],
    ["two of one family", { ...DUAL, clusterIPs: [V4, "172.30.0.2"] }],
    ["two of IPv6", { ...DUAL, clusterIP: V6, clusterIPs: [V6, "fd30::2"] }],
    ["two where one is wanted", { ...DUAL, ipFamilyPolicy: "SingleStack" }],
    ["two without a policy", { ...DUAL, ipFamilyPolicy: undefined }],
    ["a policy to come", { ipFamilyPolicy: "PreferIPv6" }],
    ["a policy to come, of two", { ...DUAL, ipFamilyPolicy: "PreferIPv6" }],
    ["families that are others", { ipFamilies: ["IPv6"] }],
    ["more families", { ipFamilies: ["IPv4", "IPv6"] }],
    ["less families", { ...DUAL, ipFamilies: ["IPv4"] }],
    ["families of which the second is another", { ...DUAL, ipFamilies: ["IPv4", "IPv4"] }],
    ["families in the other order", { ...DUAL, ipFamilies: ["IPv6", "IPv4"] }],
    ["families that are a text", { ipFamilies: "IPv4" }],
    ["families in an object like a list", { ipFamilies: { 0: "IPv4", length: 1 } }],

    ...["None", "", "172.30.0", "172.30.0.01", "::ffff:172.30.0.1", "FD30::1", "fd30:0::1", 7, null].map(
      (address): [string, Json] => [`written as ${address}`, { clusterIP: address, clusterIPs: [address] }],
    ),
    ["written oddly behind a sound one", { ...DUAL, clusterIPs: [V4, "FD30::1"] }],
  ])("%s: it stays JSON", (_, spec) => {
    expect(isBriefWith(spec)).toBe(false);
  });
});
