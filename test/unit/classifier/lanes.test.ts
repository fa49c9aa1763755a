/** Batches of what most tables do not have: several prefixes of detected sources, long ones, and many blocks of IPv6 addresses. */
import { expect, test } from "vitest";
import * as L from "../../../assembly/layout.ts";
import { encodeTable } from "../../../compiler/formats/tables/encode.ts";
import { SOURCE, SOURCE_CLASSES } from "../../../compiler/tabulate/types.ts";
import { packetFrom } from "../../../runtime/classifier/fields.ts";
import { engineBytes } from "../../../runtime/classifier/inline.ts";
import { Matcher } from "../../../runtime/classifier/matcher.ts";
import { answer, BY_DEFAULT, everybody, networks, rowAt, tabulationOf } from "../../support/table-samples.ts";

const BLOCKS = ["fd00:1::", "fd00:2::", "fd00:3::", "fd00:4::", "fd00:5::", "fd00:6::", "2001:db8::1:2:0:0"];

/** Detected sources are dropped, others accepted. */
const TELLING = [0, 1].map(() =>
  Array.from({ length: SOURCE_CLASSES }, (_, source) => answer((source & SOURCE.detected) === 0 ? "accept" : "drop")),
);

/** What becomes of packets from each of `sources` to each of `destinations`: in a batch, and one by one. */
function answersOf(prefixes: readonly string[], sources: readonly string[], destinations: readonly string[]): string[] {
  const family = sources[0]?.includes(":") ? "IPv6" : "IPv4";
  const rows = destinations.map((to) => rowAt(to, { behaviour: 1 }));
  const matcher = new Matcher(new WebAssembly.Module(engineBytes()));
  const points = {
    points: [],
    regions: [{ from: rowAt(family === "IPv6" ? "::" : "0.0.0.0").address, ...BY_DEFAULT }],
  };
  const own = { detected: networks(...prefixes), rows, ...points };
  const behaviours = [everybody(answer("pass")), TELLING];
  matcher.load(encodeTable(tabulationOf({ behaviours, [family]: own }), ""));
  const pairs = sources.flatMap((source) => destinations.map((destination) => ({ source, destination })));
  for (const [i, { source, destination }] of pairs.entries())
    matcher.packets
      .fill(0, i * 64, i * 64 + 64)
      .set(packetFrom({ protocol: 6, source, destination, destinationPort: 80 }), i * 64);
  const circumstances = { interfaceClass: 1, how: L.CHOOSE_FLOW };
  const together = [...matcher.classifyMany(pairs.length, circumstances)];
  expect(together).toEqual([...matcher.classifyEach(pairs.length, circumstances)]);
  return pairs.map(({ source, destination }, i) => {
    const verdict = (together[2 * i] as number) & L.VERDICT_MASK;
    return `${source} ${destination} ${verdict === L.VERDICT_DROP ? "drop" : verdict === L.VERDICT_ACCEPT ? "accept" : verdict}`;
  });
}

test.each<[what: string, prefixes: string[], detected: string[], others: string[]]>([
  ["no prefix", [], [], ["::", "fd00:a::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]],
  ["one prefix", ["fd00:a::/64"], ["fd00:a::1", "fd00:a::ffff:1"], ["fd00:b::1", "fd00:a:0:1::1"]],
  ["one of few bits", ["8000::/1"], ["fd00:a::1", "8000::"], ["7fff::1"]],
  [
    "a long one",
    ["fd00:a::5:0/112"],
    ["fd00:a::5:0", "fd00:a::5:ffff"],
    ["fd00:a::4:0", "fd00:a::6:0", "fd00:a:1::5:0"],
  ],
  [
    "several",
    ["fd00:a::/64", "fd00:c::7/128", "2001:db8::/32"],
    ["fd00:a::1", "fd00:c::7", "2001:db8:9::1"],
    ["fd00:c::6", "fd00:b::1", "2001:db9::1"],
  ],
])("IPv6 sources of %s, to many blocks", (_, prefixes, detected, others) => {
  const destinations = BLOCKS.map((block) => (block.endsWith("::") ? `${block}9` : "2001:db8::1:2:0:9"));
  expect(answersOf(prefixes, [...detected, ...others], destinations)).toEqual(
    [...detected.map((each) => [each, "drop"]), ...others.map((each) => [each, "accept"])].flatMap(([source, word]) =>
      destinations.map((destination) => `${source} ${destination} ${word}`),
    ),
  );
});

test.each<[what: string, prefixes: string[], detected: string[], others: string[]]>([
  ["no prefix", [], [], ["0.0.0.0", "0.0.0.1", "10.244.1.1", "255.255.255.255"]],
  ["one prefix", ["10.244.0.0/16"], ["10.244.1.1"], ["10.245.0.0"]],
  [
    "several",
    ["10.244.0.0/16", "10.200.0.7/32", "172.16.0.0/12"],
    ["10.244.1.1", "10.200.0.7", "172.31.0.1"],
    ["10.200.0.6"],
  ],
])("IPv4 sources of %s", (_, prefixes, detected, others) => {
  const destinations = ["10.96.0.1", "10.96.0.2", "10.96.7.3"];
  expect(answersOf(prefixes, [...detected, ...others], destinations)).toEqual(
    [...detected.map((each) => [each, "drop"]), ...others.map((each) => [each, "accept"])].flatMap(([source, word]) =>
      destinations.map((destination) => `${source} ${destination} ${word}`),
    ),
  );
});
