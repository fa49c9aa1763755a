/** Slices of a long List whose endpoints are read by their form are those that reading them whole gives, and so is what is wrong with them. */
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import type { Diagnostic, Origin } from "../../compiler/diagnostics.ts";
import { AlikeElements } from "../../compiler/documents/alike-elements.ts";
import { loadSpecs } from "../../compiler/specs/load.ts";
import { runs } from "../support/runs.ts";
import { numbersFrom } from "../support/slots.ts";

/** Shorter texts are not taken apart item by item. */
const LONG = "x".repeat(4 << 20);

const CONDITIONS = [
  undefined,
  { ready: true },
  { ready: false, serving: true, terminating: true },
  { ready: "yes" },
] as const;

const ODD_ENDPOINTS = [
  { hints: { forZones: [{ name: "a" }] } },
  { nodeName: "Node_1" },
  { nodeName: 'no"de' },
  { nodeName: null },
  { addresses: ["10.1.0.1", "10.1.0.2"] },
  { addresses: ["127.0.0.1"] },
  { addresses: ["10.01.0.1"] },
  { addresses: [] },
  { addresses: ["fd00::1"] },
  { zone: "\u00e4" },
  { colour: "red" },
  { hostname: "-" },
  { targetRef: { kind: "Pod", name: "p", colour: ["x"] } },
] as const;

/** What is done to the text as a whole. */
const DAMAGE = [
  [/"nodeName"/, '"zone"'],
  [/"addresses"/, '"addr\\u0065sses"'],
  [/\},(\s*)\{/, "}\v,$1{"],
  [/\},(\s*)\{/, "},,{"],
  [/\}(\s*)\](,\s*"kind": ?"EndpointSlice")/, "},$1]$2"],
  [/"endpoints"/, '"endpoints": [], "endpoints"'],
  [/"ready": ?true/, '"ready": 1e+3'],
  [/"zone": ?"a"/, '"zone": "a\\n"'],
  [/"zone": ?"a"/, '"zone": "a\n"'],
  [/"kind": ?"EndpointSlice"/, '"kind": "Slice"'],
] as const;

function listOf(pick: (below: number) => number): string {
  const endpoint = (): object => {
    const usual = {
      addresses: [`10.${pick(3)}.0.${1 + pick(250)}`],
      conditions: CONDITIONS[pick(8) % 3],
      ...(pick(5) > 0 ? { nodeName: `node-${pick(3)}` } : {}),
      ...(pick(3) > 0 ? { targetRef: { kind: "Pod", name: `pod-${pick(1000)}`, uid: `${pick(9999)}` } } : {}),
      zone: "ab".charAt(pick(2)),
    };
    if (pick(24) > 0) return usual;
    return pick(8) === 0 ? { ...usual, conditions: CONDITIONS[3] } : { ...usual, ...ODD_ENDPOINTS[pick(13)] };
  };
  const items = Array.from({ length: 2 + pick(6) }, (_, i) => ({
    addressType: pick(9) === 0 ? "IPv6" : "IPv4",
    apiVersion: pick(15) === 0 ? "discovery.k8s.io/v1beta1" : "discovery.k8s.io/v1",
    endpoints: Array.from({ length: pick(6) }, endpoint),
    kind: "EndpointSlice",
    metadata: { labels: { "kubernetes.io/service-name": "web" }, name: `web-${pick(9) === 0 ? 0 : i}` },
    ports: [{ name: "http", port: 80 + pick(2), protocol: "TCP" }],
  }));
  const text = JSON.stringify(
    { apiVersion: "v1", items, kind: "List", metadata: { selfLink: LONG } },
    null,
    [0, 1, 4][pick(3)],
  );
  if (pick(3) > 0) return text;
  const [from, to] = DAMAGE[pick(DAMAGE.length)] as (typeof DAMAGE)[number];
  let skipped = pick(3);
  return text.replace(new RegExp(from, "g"), (found) => (skipped-- === 0 ? found.replace(from, to) : found));
}

/** All that a text gives: objects and findings, each with its place. */
function readingOf(text: string): unknown {
  const places = (origin: Origin | undefined): unknown => {
    if (origin === undefined) return undefined;
    const { start, end } = origin.span();
    return [start, end];
  };
  const findings: Diagnostic[] = [];
  const { endpointSlices, skipped } = loadSpecs([{ name: "list.json", text }], (finding) => findings.push(finding));
  return {
    slices: endpointSlices.map(({ meta, addressType, endpoints, ports }) => ({
      meta: { ...meta, field: places(meta.field) },
      addressType,
      endpoints: endpoints.map(({ field, ...others }) => ({ ...others, field: places(field) })),
      ports: ports.map(({ field, ...others }) => ({ ...others, field: places(field) })),
    })),
    skipped: [...skipped.keys()],
    findings: findings.map(({ code, severity, message, origin, notes }) => ({
      code,
      severity,
      message,
      place: places(origin),
      notes: notes?.map((note) => [note.message, places(note.origin)]),
    })),
  };
}

test("alike endpoints are read as JSON.parse reads them", () => {
  let alike = 0;
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const text = listOf(numbersFrom(seed));
      const reading = vi.spyOn(AlikeElements.prototype, "read");
      const found = readingOf(text);
      alike += reading.mock.results.filter(({ value }) => value !== undefined).length;
      reading.mockReturnValue(undefined);
      const wanted = readingOf(text);
      reading.mockRestore();
      expect(found).toEqual(wanted);
    }),
    { numRuns: runs(240) },
  );
  expect(alike).toBeGreaterThan(0);
});
