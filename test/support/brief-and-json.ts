/** Objects as an agent keeps them, some in a few words, and the same ones kept as JSON: both are to mean the same. */
import { expect } from "vitest";
import type { Diagnostic } from "../../compiler/diagnostics.ts";
import { isBrief } from "../../compiler/updates/brief-objects.ts";
import { decodeService } from "../../compiler/updates/decode-service.ts";
import { trimmedJson, watchedObject } from "../../compiler/updates/watched-object.ts";

type Json = Readonly<Record<string, unknown>>;

/** What the texts of a Service and its slices come to: its ports without the places where they stand, and findings that are told. */
export function meaningOf(texts: readonly string[]): unknown {
  const findings: Diagnostic[] = [];
  const found = decodeService(texts, (finding) => void findings.push(finding));
  const worth = findings.filter(({ severity }) => severity === "error" || severity === "warning");
  // Members of nothing are left out, too.
  const plain = JSON.stringify(found, (key, value: unknown) =>
    /origin$/i.test(key) ? undefined : typeof value === "bigint" ? `${value}n` : value,
  );
  return { plain, findings: worth.map(({ severity, code, message }) => ({ severity, code, message })) };
}

/** The texts of an agent, and all JSON, of a Service and its slices. Undefined: one has no name, or is of another Service. */
export function bothTexts(
  objects: readonly Json[],
): { readonly kept: readonly string[]; readonly json: readonly string[] } | undefined {
  const kindOf = (each: Json) => (each === objects[0] ? "Service" : "EndpointSlice");
  const watched = objects.map((each) => watchedObject(kindOf(each), each));
  // An agent does not join slices of others.
  if (watched.some((each, i) => each === undefined || (i > 0 && each.service !== watched[0]?.key))) return undefined;
  return {
    kept: watched.map((each) => each?.text ?? ""),
    json: objects.map((each) => trimmedJson(kindOf(each), each, each["metadata"] as Json)),
  };
}

/** The label of a slice that names its Service. */
export const SERVICE_NAME = "kubernetes.io/service-name";

/** Of a Service as API servers write it. */
export const SPEC = {
  type: "ClusterIP",
  clusterIP: "172.30.0.1",
  clusterIPs: ["172.30.0.1"],
  internalTrafficPolicy: "Cluster",
  ipFamilies: ["IPv4"],
  ipFamilyPolicy: "SingleStack",
  ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: "web", appProtocol: "http" }],
  publishNotReadyAddresses: true,
  selector: { app: "web" },
  sessionAffinity: "None",
};

/** It is kept in a few words. */
export const SERVICE = {
  metadata: { name: "web", namespace: "shop", creationTimestamp: "2026-01-02T03:04:05Z", labels: { app: "web" } },
  spec: SPEC,
  status: { loadBalancer: {} },
};

/** Of that Service; it is kept in a few words. */
export const SLICE = {
  metadata: {
    name: "web-1",
    namespace: "shop",
    creationTimestamp: "2026-01-02T03:04:05Z",
    labels: { [SERVICE_NAME]: "web", app: "web" },
  },
  addressType: "IPv4",
  endpoints: [{ addresses: ["10.180.0.1"], conditions: { ready: true }, nodeName: "node-a", zone: "zone-a" }],
  ports: [{ name: "http", port: 8080, protocol: "TCP", appProtocol: "http" }],
};

/** A copy with another value at a place: `spec.ports.0.name`. */
export function withValue<Value>(holder: Value, path: string, value: unknown): Value {
  const [first = "", ...rest] = path.split(".");
  const inner = (holder as Json | undefined)?.[first];
  const made = rest.length === 0 ? value : withValue(inner, rest.join("."), value);
  if (!Array.isArray(holder)) return { ...holder, [first]: made };
  return (holder as unknown[]).with(Number(first), made) as Value;
}

/** Whether the object is kept in a few words, of a Service with one slice. Both ways to read it are to find the same. */
export function isKeptBrief(service: Json, slice: Json, which: "Service" | "slice"): boolean {
  const texts = bothTexts([service, slice]);
  if (texts === undefined) throw new Error("the two are to belong together");
  expect(meaningOf(texts.kept)).toEqual(meaningOf(texts.json));
  return isBrief(texts.kept[which === "Service" ? 0 : 1] ?? "");
}

export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

export function portsUpTo(count: number): Json[] {
  return upTo(count).map((port) => ({ name: `p${port}`, port }));
}

/** Values at a place of a sound object: those with which it is kept in a few words, and those with which it stays JSON. */
export type ValuesAtPlace = readonly [path: string, brief: readonly unknown[], json: readonly unknown[]];

export const NAME_63 = "a".repeat(63);
export const NAME_253 = ["a", "b", "c"]
  .map((each) => each.repeat(63))
  .join(".")
  .concat(".", "d".repeat(61));

export const portRows = (ports: string): readonly ValuesAtPlace[] => [
  [`${ports}.0`, [{ port: 80 }], ["http", null, {}, { name: "http" }, { port: 80, nodePort: 30080 }]],
  [
    `${ports}.0.name`,
    [undefined, "", "a-1", NAME_63],
    ["-", "a.b", "A", "a,b", "a/b", "a b", `${NAME_63}a`, 7, null, true],
  ],
  [`${ports}.0.port`, [1, 65_535], [0, 65_536, -1, 1.5, "80", null, undefined]],
  [`${ports}.0.protocol`, [undefined, "TCP", "UDP", "SCTP"], ["", "tcp", "DCCP", 6, null]],
  [`${ports}.0.appProtocol`, [undefined, "", "kubernetes.io/h2c"], ["a b", "/", 7, null]],
  [ports, [portsUpTo(2), portsUpTo(100)], [portsUpTo(101), {}, "http", 7]],
  [
    ports,
    [
      [
        { name: "a", port: 53, protocol: "TCP" },
        { name: "b", port: 53, protocol: "UDP" },
      ],
    ],
    [
      [
        { name: "a", port: 53 },
        { name: "a", port: 54 },
      ],
      [
        { name: "", port: 53 },
        { name: "", port: 54 },
      ],
    ],
  ],
];
