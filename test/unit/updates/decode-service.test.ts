/** One Service by itself. */
import { expect, test } from "vitest";
import type { Diagnostic } from "../../../compiler/diagnostics.ts";
import { LIST_CAPACITY } from "../../../compiler/lower/endpoints.ts";
import { type DecodedService, decodeService, specsOf } from "../../../compiler/updates/decode-service.ts";
import { endpointSlice, serviceOf } from "../../support/agent-objects.ts";
import type { Manifest } from "../../support/arbitraries.ts";

const found: Diagnostic[] = [];

function decode(...objects: readonly Manifest[]): DecodedService | undefined {
  found.length = 0;
  return decodeService(
    objects.map((object) => JSON.stringify(object)),
    (finding) => void found.push(finding),
  );
}

function codes(severity: Diagnostic["severity"]): string[] {
  return found.filter((finding) => finding.severity === severity).map(({ code }) => code);
}

/** `count` endpoints in slices of a thousand, as many as one can have. */
function crowd(count: number, family: "IPv4" | "IPv6"): Manifest[] {
  const of = (i: number): string =>
    family === "IPv4" ? `10.180.${i >> 8}.${i & 255}` : `fd00:10:180::${i.toString(16)}`;
  const addresses = Array.from({ length: count }, (_, i) => of(i));
  const slices: Manifest[] = [];
  for (let at = 0; at < count; at += 1000) {
    const slice = endpointSlice("web", ...addresses.slice(at, at + 1000));
    const metadata = { ...(slice["metadata"] as object), name: `web-${at}` };
    slices.push({ ...slice, metadata, addressType: family });
  }
  return slices;
}

const DUAL = {
  ...serviceOf("web", "172.30.0.41"),
  spec: {
    clusterIP: "172.30.0.41",
    clusterIPs: ["172.30.0.41", "fd00:10:96::41"],
    ipFamilies: ["IPv4", "IPv6"],
    ports: [{ port: 80 }],
  },
};

test("its ports have its endpoints, and it has its age", () => {
  const web = serviceOf("web", "172.30.0.41");
  const metadata = { ...(web["metadata"] as object), creationTimestamp: "2026-01-01T00:00:00Z" };
  const decoded = decode({ ...web, metadata }, endpointSlice("web", "10.180.0.1", "10.180.0.2"));
  expect(decoded?.created).toBe(Date.UTC(2026, 0, 1));
  expect(decoded?.servicePorts.IPv4.map(({ candidates }) => candidates.length)).toEqual([2]);
  expect(decode(web)?.created).toBeUndefined();
});

test("without its Service there is none", () => {
  expect(decode(endpointSlice("web", "10.180.0.1"))).toBeUndefined();
  expect(codes("error")).toEqual([]);
});

test("with an error in one of its objects there is none", () => {
  const web = serviceOf("web", "172.30.0.41");
  expect(decode({ ...web, spec: { ports: [{ port: 99_999 }] } })).toBeUndefined();
  expect(codes("error")).not.toEqual([]);
  expect(decode(web, endpointSlice("web", "10.300.0.1"))).toBeUndefined();
  expect(codes("error")).not.toEqual([]);
});

test.each(["IPv4", "IPv6"] as const)("of %s a port has as many endpoints as kpc's rules take", (family) => {
  expect(decode(DUAL, ...crowd(LIST_CAPACITY, family))).toBeDefined();
  expect(codes("error")).toEqual([]);
  expect(decode(DUAL, ...crowd(LIST_CAPACITY + 1, family))).toBeUndefined();
  expect(found.filter(({ severity }) => severity === "error")).toEqual([
    expect.objectContaining({
      severity: "error",
      code: "too-many-items",
      message: "a Service port has 16385 endpoints: kpc's rules take 16384",
    }),
  ]);
});

test("findings are at what an API server sent", () => {
  specsOf(["{ ]"], (finding) => void found.push(finding));
  expect(found.at(-1)?.origin?.span().source.name).toBe("API server");
});
