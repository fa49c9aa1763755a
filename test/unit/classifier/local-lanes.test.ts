/** Batches to the node's own addresses: where the parser sees them by their common bits, and where it cannot. */
import { expect, test } from "vitest";
import * as L from "../../../assembly/layout.ts";
import { encodeTable } from "../../../compiler/formats/tables/encode.ts";
import { packetFrom } from "../../../runtime/classifier/fields.ts";
import { engineBytes } from "../../../runtime/classifier/inline.ts";
import { Matcher } from "../../../runtime/classifier/matcher.ts";
import { address } from "../../support/service-port.ts";
import { answer, BY_DEFAULT, everybody, portRow, rowAt, tabulationOf } from "../../support/table-samples.ts";

const matcher = new Matcher(new WebAssembly.Module(engineBytes()));

const BEHAVIOURS = [everybody(answer("pass")), everybody(answer("drop")), everybody(answer("accept"))];

interface Case {
  readonly local: readonly string[];
  /** Those of the node's addresses that have a row, which accepts. */
  readonly own?: readonly string[];
  /** Others with rows, which accept. */
  readonly rows: readonly string[];
  /** Addresses that are near by, and have nothing. */
  readonly nothing: readonly string[];
}

/** What becomes of packets to all addresses, in batches of several lengths: port 80 of rows is accepted, that of the node's addresses dropped. */
function verdictsOf({ local, own = [], rows, nothing }: Case): Record<string, string> {
  const family = local[0]?.includes(":") ? "IPv6" : "IPv4";
  const table = {
    local: local.map((text) => ({ address: address(text), kind: 0, hasRows: own.includes(text) })),
    localClasses: [{ default: BY_DEFAULT, rows: [portRow({ behaviour: 1 })] }],
    rows: [...rows, ...own].map((text) => rowAt(text, { behaviour: 2 })),
  };
  matcher.load(encodeTable(tabulationOf({ behaviours: BEHAVIOURS, [family]: table }), ""));
  const destinations = [...local, ...rows, ...nothing];
  const source = family === "IPv6" ? "2001:db8:9::1" : "203.0.113.9";
  const found: Record<string, string> = {};
  for (const count of [1, 7, 32, 800]) {
    for (let i = 0; i < count; i++) {
      const destination = destinations[i % destinations.length] as string;
      matcher.packets.fill(0, i * 64, i * 64 + 64);
      matcher.packets.set(packetFrom({ protocol: 6, source, destination, destinationPort: 80 }), i * 64);
    }
    const circumstances = { interfaceClass: 1, how: L.CHOOSE_FLOW };
    const together = [...matcher.classifyMany(count, circumstances)];
    expect(together).toEqual([...matcher.classifyEach(count, circumstances)]);
    for (const [i, destination] of destinations.entries())
      if (i < count) found[destination] = WORDS[(together[2 * i] as number) & L.VERDICT_MASK] ?? "other";
  }
  return found;
}

const WORDS: Readonly<Record<number, string>> = {
  [L.VERDICT_PASS]: "pass",
  [L.VERDICT_DROP]: "drop",
  [L.VERDICT_ACCEPT]: "accept",
};

test.each<[what: string, given: Case]>([
  [
    "that no other destination is like",
    { local: ["192.168.0.2", "192.168.0.9"], rows: ["10.96.0.1", "10.96.0.2"], nothing: ["192.168.0.3", "10.96.0.3"] },
  ],
  [
    "one of them",
    { local: ["192.168.0.2"], rows: ["192.168.0.3"], nothing: ["10.0.0.1", "255.255.255.255", "0.0.0.0"] },
  ],
  [
    "with rows of their own",
    { local: ["192.168.0.2", "192.168.0.9"], own: ["192.168.0.9"], rows: ["10.96.0.1"], nothing: ["192.168.0.3"] },
  ],
  [
    "that have no bit in common",
    { local: ["10.96.0.1", "245.159.255.254"], rows: ["10.96.0.2"], nothing: ["10.96.0.3", "0.0.0.0"] },
  ],
  [
    "among many destinations",
    {
      local: ["10.96.0.0", "10.96.0.64"],
      rows: Array.from({ length: 40 }, (_, i) => `10.96.0.${i + 1}`),
      nothing: ["10.96.0.65", "10.0.0.1"],
    },
  ],
  [
    "of IPv6 that no other destination is like",
    {
      local: ["2001:db8::2", "2001:db8::9"],
      rows: ["fd00:1::1", "fd00:1::9:0"],
      nothing: ["fd00:1::2", "2001:db8::3"],
    },
  ],
  [
    "of IPv6 whose last words other blocks have",
    { local: ["2001:db8::2"], rows: ["fd00:1::2", "fd00:2::2"], nothing: ["fd00:3::2", "2001:db8::1:0:2"] },
  ],
  [
    "of IPv6 with rows of their own",
    { local: ["2001:db8::2", "fe80::1"], own: ["2001:db8::2"], rows: ["fd00:1::2"], nothing: ["fe80::2"] },
  ],
  [
    "of IPv6 among many blocks",
    {
      local: ["2001:db8:7::2"],
      rows: Array.from({ length: 8 }, (_, i) => `fd00:${i + 1}::${i + 1}`),
      nothing: ["2001:db8:7::3"],
    },
  ],
])("addresses of the node %s", (_, given) => {
  const { local, own = [], rows, nothing } = given;
  const wanted = [
    ...local.map((each) => [each, own.includes(each) ? "accept" : "drop"]),
    ...rows.map((each) => [each, "accept"]),
    ...nothing.map((each) => [each, "pass"]),
  ];
  expect(verdictsOf(given)).toEqual(Object.fromEntries(wanted));
});
