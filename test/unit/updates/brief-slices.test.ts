/** Which slices are kept in a few words, each with what it means as JSON. */
import { expect, test } from "vitest";
import {
  isKeptBrief,
  NAME_63,
  NAME_253,
  portRows,
  SERVICE,
  SERVICE_NAME,
  SLICE,
  upTo,
  type ValuesAtPlace,
  withValue,
} from "../../support/brief-and-json.ts";

type Json = Readonly<Record<string, unknown>>;

/** `count` endpoints. */
function endpointsUpTo(count: number): Json[] {
  return upTo(count).map((i) => ({ addresses: [`10.181.${i >> 8}.${i & 255}`] }));
}

function namesUpTo(count: number): Json[] {
  return upTo(count).map((i) => ({ name: `zone-${i}` }));
}

const hintRows = (hints: string, longest: string, isZone: boolean): readonly ValuesAtPlace[] => [
  [hints, [undefined, [], namesUpTo(1), namesUpTo(8)], [null, namesUpTo(9), {}, "a", ["a"], [null]]],
  [hints, [], [[{ name: "a" }, { name: "a" }], [{ name: "a", weight: 1 }], [{}], [{ name: "a" }, { name: "a b" }]]],
  [`${hints}.0`, [{ name: longest }], [{ name: `${longest}a` }, { name: "" }, { name: "a,b" }, { name: "-" }]],
  [`${hints}.0.name`, ["a.b"], [7, null, undefined, "a b"]],
  [`${hints}.0.name`, isZone ? ["Zone_B"] : [], isZone ? [] : ["Node_B"]],
];

test.each<ValuesAtPlace>([
  ["metadata.name", ["a.b", "7up", NAME_253], ["A", "-", "a b", "a/b", "a..b", `${NAME_253}a`]],
  [
    "metadata.creationTimestamp",
    [undefined, null, "2026-12-31T23:59:59Z"],
    ["", "2026-13-01T00:00:00Z", "2026-01-02T03:04:05.5Z", 7],
  ],
  [`metadata.labels`, [{ [SERVICE_NAME]: "web" }], [{ [SERVICE_NAME]: "web", "service.kubernetes.io/headless": "" }]],
  ["addressType", ["IPv4"], ["IPv6", "FQDN", "", "ipv4", undefined, null]],
  ["endpoints", [undefined, null, [], endpointsUpTo(1000)], [endpointsUpTo(1001), {}, "10.180.0.1", 7]],
  ["endpoints.0", [{ addresses: ["10.180.0.1"] }], [null, "10.180.0.1", [], {}, 7]],
  [
    "endpoints.0.addresses",
    [["10.180.0.9"]],
    [[], ["10.180.0.1", "10.180.0.2"], "10.180.0.1", {}, { 0: "10.180.0.1", length: 1 }, null, undefined, [7], [null]],
  ],
  [
    "endpoints.0.addresses.0",
    ["10.180.0.2", "255.255.255.254"],
    ["10.180.0.02", "::ffff:10.180.0.1", "fd00::1", "127.0.0.1", "169.254.0.1", "224.0.0.1", "0.0.0.0", "web", ""],
  ],
  [
    "endpoints.0.nodeName",
    [undefined, "a", "a.b", NAME_253],
    ["", "-", "Node", "a b", "a,b", `${NAME_253}a`, 7, null, true, ["node-a"]],
  ],
  [
    "endpoints.0.conditions",
    [undefined, {}, { ready: true, serving: true, terminating: false }, { ready: undefined }],
    [null, "ready", [], { ready: true, other: true }],
  ],
  ...["ready", "serving", "terminating"].map(
    (key): ValuesAtPlace => [`endpoints.0.conditions.${key}`, [true, false, undefined], [null, "true", 1]],
  ),
  ["endpoints.0.hints", [undefined, {}, { forZones: undefined }], [null, "zone-a", [], { forHosts: [] }]],
  ...hintRows("endpoints.0.hints.forZones", NAME_63, true),
  ...hintRows("endpoints.0.hints.forNodes", NAME_253, false),
  ...portRows("ports"),
  // Ports of slices may be alike, and several may be without names as far as one is.
  [
    "ports",
    [
      undefined,
      null,
      [],
      [
        { name: "a", port: 80 },
        { name: "b", port: 80 },
      ],
      [{ port: 80 }, { name: "b", port: 81 }],
    ],
    [],
  ],
  ["ports.0.targetPort", [undefined], [80]],
])("a slice's %s decides whether it is kept in a few words", (path, brief, json) => {
  // Values of lists of which the sound slice has none.
  const base = path.includes(".hints.")
    ? withValue(SLICE, "endpoints.0.hints", { forZones: namesUpTo(1), forNodes: namesUpTo(1) })
    : SLICE;
  for (const value of brief)
    expect([value, isKeptBrief(SERVICE, withValue(base, path, value), "slice")]).toEqual([value, true]);
  for (const value of json)
    expect([value, isKeptBrief(SERVICE, withValue(base, path, value), "slice")]).toEqual([value, false]);
});

test("a slice of IPv6 has addresses of IPv6", () => {
  const of = (address: string): boolean =>
    isKeptBrief(SERVICE, { ...SLICE, addressType: "IPv6", endpoints: [{ addresses: [address] }] }, "slice");
  expect(["fd00::1", "2001:db8::a"].map(of)).toEqual([true, true]);
  const others = ["10.180.0.1", "::ffff:10.180.0.1", "FD00::1", "fd00:0::1", "::1", "fe80::1", "ff02::1", "::"];
  expect(others.map(of)).toEqual(others.map(() => false));
});
