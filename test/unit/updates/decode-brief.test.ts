/** Services that are kept in a few words, read without JSON: as their JSON is read. */
import { expect, test } from "vitest";
import { LIST_CAPACITY } from "../../../compiler/lower/endpoints.ts";
import { jsonOfBrief } from "../../../compiler/updates/brief-objects.ts";
import { decodeBrief } from "../../../compiler/updates/decode-brief.ts";
import { meaningOf } from "../../support/brief-and-json.ts";

const WEB = "S shop/web 2026-01-02T03:04:05Z 172.30.0.1 Cluster http/TCP/80";
const DUAL = "S shop/web - fd30::1,172.30.0.1 Local https/TCP/443,dns/UDP/53,http/TCP/80";

/** Of IPv4, at the port `http`. */
function slice(...endpoints: readonly string[]): string {
  return ["E IPv4 shop/web-1 web http/TCP/8080", ...endpoints].join("\n");
}

test.each<[what: string, texts: readonly string[]]>([
  ["no slices", [WEB]],
  ["a slice without endpoints", [WEB, slice()]],
  ["a slice without ports", [WEB, "E IPv4 shop/web-1 web -"]],
  ["a slice with endpoints and without ports", [WEB, "E IPv4 shop/web-1 web -\n10.180.0.1"]],
  ["endpoints on nodes and on none", [WEB, slice("10.180.0.2 node-a", "10.180.0.1", "10.180.0.3 node-b")]],
  ["endpoints on none and on nodes", [WEB, slice("10.180.0.2", "10.180.0.1 node-a", "10.180.0.3")]],
  ["endpoints with each state", [WEB, slice(...[0, 1, 2, 3, 4, 5, 6, 7].map((i) => `10.180.0.${i} - ${i} - -`))]],
  ["an endpoint that is not ready", [WEB, slice("10.180.0.1 - 2 - -")]],
  ["an endpoint that serves while it ends", [WEB, slice("10.180.0.1 - 3 - -")]],
  ["an endpoint that ends", [WEB, slice("10.180.0.1 node-a 1 - -")]],
  [
    "hints",
    [WEB, slice("10.180.0.1 - 6 zone-a,zone-b -", "10.180.0.2 node-a 6 - node-a", "10.180.0.3 node-a 6 a b,c")],
  ],
  ["hints and a usual one behind", [WEB, slice("10.180.0.1 - 6 zone-a -", "10.180.0.2", "10.180.0.3 node-a")]],
  ["an address twice", [WEB, slice("10.180.0.1 - 2 - -", "10.180.0.1 node-a", "10.180.0.1")]],
  [
    "an address in two slices",
    [WEB, slice("10.180.0.1"), "E IPv4 shop/web-2 web http/TCP/8080\n10.180.0.2\n10.180.0.1 node-a"],
  ],
  [
    "two ports of one slice",
    [
      "S shop/web - 172.30.0.1 Cluster https/TCP/443,http/TCP/80",
      "E IPv4 shop/web-1 web http/TCP/8080,https/TCP/8443\n10.180.0.1",
    ],
  ],
  [
    "a port without a name",
    ["S shop/web - 172.30.0.1 Cluster /SCTP/80", "E IPv4 shop/web-1 web /SCTP/8080\n10.180.0.1"],
  ],
  [
    "two families, each with its own slice",
    [DUAL, slice("10.180.0.1"), "E IPv6 shop/web-2 web http/TCP/8080,dns/UDP/5353\nfd00::2\nfd00::1 node-a"],
  ],
  ["IPv6 alone, with a slice of IPv4", ["S shop/web - fd30::1 Cluster http/TCP/80", slice("10.180.0.1")]],
])("%s", (_, texts) => {
  expect(decodeBrief(texts)).toBeDefined();
  expect(meaningOf(texts)).toEqual(meaningOf(texts.map(jsonOfBrief)));
});

test("of two families, ports come in the order of their names, with the endpoints of their family", () => {
  const texts = [DUAL, slice("10.180.0.1"), "E IPv6 shop/web-2 web dns/UDP/5353\nfd00::2\nfd00::1 node-a"];
  const { servicePorts, created } = decodeBrief(texts) ?? {};
  const shown = (family: "IPv4" | "IPv6"): unknown =>
    servicePorts?.[family].map(({ portName, candidates }) => [portName, candidates.length]);
  const want = (dns: number, http: number): unknown => [
    ["dns", dns],
    ["http", http],
    ["https", 0],
  ];
  expect([shown("IPv4"), shown("IPv6"), created]).toEqual([want(0, 1), want(2, 0), undefined]);
  expect(decodeBrief([WEB])?.created).toBe(Date.UTC(2026, 0, 2, 3, 4, 5));
});

test.each<[what: string, texts: readonly string[]]>([
  ["a Service of JSON", [jsonOfBrief(WEB), slice("10.180.0.1")]],
  ["a slice of JSON", [WEB, jsonOfBrief(slice("10.180.0.1"))]],
  ["a port of a slice that the Service has not", [WEB, "E IPv4 shop/web-1 web https/TCP/8443\n10.180.0.1"]],
  ["one of two such ports", [WEB, "E IPv4 shop/web-1 web http/TCP/80,https/TCP/8443\n10.180.0.1"]],
  ["such a port of the second slice", [WEB, slice(), "E IPv4 shop/web-2 web http/UDP/8080\n10.180.0.1"]],
])("is read as JSON: %s", (_, texts) => {
  expect(decodeBrief(texts)).toBeUndefined();
});

test("a port with more endpoints than a list has slots is read as JSON, which tells of it", () => {
  const endpoints = Array.from({ length: LIST_CAPACITY }, (_, i) => `10.180.${i >> 8}.${i & 255}`);
  const two = "S shop/web - 172.30.0.1 Cluster http/TCP/80,dns/UDP/53";
  expect(decodeBrief([two, slice(...endpoints)])?.servicePorts.IPv4.at(-1)?.candidates.length).toBe(LIST_CAPACITY);
  expect(decodeBrief([two, slice(...endpoints, "10.190.0.1")])).toBeUndefined();
});
