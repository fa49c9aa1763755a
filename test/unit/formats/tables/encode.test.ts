/** One thing that a tabulation says, and its bytes in the table (assembly/layout.ts); read back, it says the same.
 *  Long because it is a table: a row for each field of the bytes. */
import { describe, expect, test } from "vitest";
import * as L from "../../../../assembly/layout.ts";
import { decodeTable } from "../../../../compiler/formats/tables/decode.ts";
import { encodeTable } from "../../../../compiler/formats/tables/encode.ts";
import { TableView } from "../../../../compiler/formats/tables/view.ts";
import { Unsupported } from "../../../../compiler/ir/unsupported.ts";
import type { TableAnswer } from "../../../../compiler/tabulate/types.ts";
import { address } from "../../../support/service-port.ts";
import {
  answer,
  BY_DEFAULT,
  endpoint,
  everybody,
  networks,
  portRow,
  rowAt,
  tabulationOf,
} from "../../../support/table-samples.ts";
import { linesOf } from "../../../support/tabulation.ts";

type Parts = Parameters<typeof tabulationOf>[0];

/** A table, made of what is read back from it as what was put into it. */
function tableOf(parts: Parts): Uint8Array {
  const tabulation = tabulationOf(parts);
  const table = encodeTable(tabulation, "test");
  expect(linesOf(decodeTable(table))).toEqual(linesOf(tabulation));
  return table;
}

/** Bytes in groups of four. */
function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString("hex")
    .replace(/(.{8})(?=.)/g, "$1 ");
}

/** The records of the section whose place and number of records stand in two words of the header. */
function recordsIn(table: Uint8Array, section: number, count: number, size: number): string[] {
  const view = new TableView(table);
  const at = view.word(section);
  return Array.from({ length: count }, (_, i) => hex(table.subarray(at + i * size, at + (i + 1) * size)));
}

const word = (table: Uint8Array, at: number): number => new TableView(table).word(at);

/** ENTRY records that are in use, by address. */
function entriesIn(table: Uint8Array): string[] {
  const all = recordsIn(table, L.H_ENTRIES, word(table, L.H_SLOT_MASK) + 1, L.ENTRY_BYTES);
  return all.filter((entry) => !entry.startsWith("ffffffff ffffffff")).sort();
}

const A = [endpoint("10.244.1.5", 8080)];
const B = [endpoint("10.244.1.6", 81), endpoint("10.244.1.7", 81)];
const C = [endpoint("10.244.1.8", 82)];
const A6 = [endpoint("fd00::9", 8080)];
const CLIENTS = networks("198.51.100.0/24", "203.0.113.7/32");
const DROP = everybody(answer("drop"));
const PASS = everybody(answer("pass"));

test.each<[what: string, parts: Parts, entries: string[]]>([
  ["no rows", {}, []],
  ["address and port", { IPv4: { rows: [rowAt("10.96.0.10")] } }, ["0a60000a 00500600 00000000 00000000"]],
  [
    "protocols and behaviours",
    {
      behaviours: [PASS, DROP, everybody(answer("accept"))],
      IPv4: { rows: [rowAt("10.96.0.10"), rowAt("10.96.0.11", { protocol: 17, port: 0x1234, behaviour: 2 })] },
    },
    ["0a60000a 00500600 00000000 00000000", "0a60000b 12341100 00000000 00000001"],
  ],
  ["a list of one", { IPv4: { rows: [rowAt("10.96.0.10", { lists: [A] })] } }, ["0a60000a 00500600 00000000 01000000"]],
  ["and of two", { IPv4: { rows: [rowAt("10.96.0.10", { lists: [A, B] })] } }, ["0a60000a 00500600 00000000 01200000"]],
  [
    "where lists begin",
    { IPv4: { rows: [rowAt("10.96.0.10", { lists: [B] }), rowAt("10.96.0.11", { lists: [A] })] } },
    ["0a60000a 00500600 00000000 02000000", "0a60000b 00500600 02000000 01000000"],
  ],
  [
    "IPv6, by the block of the address",
    { IPv6: { rows: [rowAt("fd00::1:2", { lists: [A6] })] } },
    ["00010002 00500602 00000000 01000000"],
  ],
  [
    "the node's own addresses of a kind",
    { IPv4: { localClasses: [{ default: BY_DEFAULT, rows: [portRow()] }] } },
    ["00000000 005006ff 00000000 00000000"],
  ],
  [
    "kinds of IPv6 come behind those of IPv4",
    { IPv6: { localClasses: [{ default: BY_DEFAULT, rows: [portRow()] }] } },
    ["01000000 005006ff 00000000 00000000"],
  ],
  [
    "rows with sources, by number",
    { IPv4: { rows: [rowAt("10.96.0.10", { allowed: CLIENTS }), rowAt("10.96.0.11", { allowed: CLIENTS })] } },
    ["0a60000a 00500600 00000000 00000000", "0a60000b 00500600 01000000 00000000"],
  ],
])("entries: %s", (_, parts, entries) => {
  expect(entriesIn(tableOf(withoutEndpoints(parts)))).toEqual(entries);
});

/** Rows without lists are not of packets that are sent to one. */
function withoutEndpoints(parts: Parts): Parts {
  const rows = [parts.IPv4, parts.IPv6].flatMap((family) => [
    ...(family?.rows ?? []),
    ...(family?.localClasses?.flatMap((own) => own.rows) ?? []),
  ]);
  const behaviours = [PASS, rows.some(({ lists }) => lists.length > 0) ? everybody(answer("dnat", { list: 0 })) : DROP];
  return { behaviours, ...parts };
}

const EXTENDED: readonly [section: number, count: number, size: number] = [
  L.H_EXTENDED,
  L.H_EXTENDED_COUNT,
  L.EXTENDED_BYTES,
];

test.each<[what: string, section: number, count: number, size: number, parts: Parts, records: string[]]>([
  [
    "three lists and four",
    ...EXTENDED,
    { IPv4: { rows: [rowAt("10.96.0.10", { lists: [A, B, C] }), rowAt("10.96.0.11", { lists: [C, A, A, B] })] } },
    [
      "00000000 01000000 02000000 00000000 00000000 01000000 00000000 00000000",
      "04000000 01000000 01000000 00000000 00000000 01000000 02000000 00000000",
    ],
  ],
  [
    "sources: from where, how many",
    ...EXTENDED,
    {
      IPv4: {
        rows: [
          rowAt("10.96.0.10", { lists: [A], allowed: CLIENTS }),
          rowAt("10.96.0.11", { lists: [A], allowed: networks("10.0.0.0/8") }),
          rowAt("10.96.0.12", { lists: [A], allowed: CLIENTS }),
        ],
      },
    },
    [
      "00000000 01000000 00000000 00000000 02000000 00000000 00000000 00000000",
      "00000000 01000000 00000000 10000000 01000000 00000000 00000000 00000000",
      "00000000 01000000 00000000 00000000 02000000 00000000 00000000 00000000",
    ],
  ],
  [
    "label and session affinity of a row, by slot; the last slot is left out",
    L.H_ABOUT,
    L.H_SLOT_MASK,
    L.ABOUT_BYTES,
    { IPv4: { rows: [rowAt("10.96.0.10", { lists: [A], stickySeconds: 600 })] } },
    ["00000000 08000000 59020000", "00000000 00000000 00000000", "00000000 00000000 00000000"],
  ],
  [
    "blocks of IPv6 addresses, the most frequent first",
    L.H_BLOCKS,
    L.H_BLOCK_COUNT,
    L.BLOCK_BYTES,
    {
      IPv6: {
        rows: ["fd00:1:2:3:4:5::1", "fd00:1:2:3:4:5::2", "fd00:1:2:3:4:5::3"].map((at) => rowAt(at, { lists: [A6] })),
      },
    },
    ["fd000001 00020003 00040005 00000000", "00000000 00000000 00000000 00000000"],
  ],
  [
    "defaults of kinds: new, invalid, untracked",
    L.H_KINDS,
    L.H_KIND_COUNT,
    L.KIND_BYTES,
    {
      behaviours: [PASS, DROP, everybody(answer("accept"))],
      IPv4: { localClasses: [{ default: { new: 0, invalid: 1, untracked: 2 }, rows: [] }] },
    },
    ["00010200", "00000000"],
  ],
  [
    "detected sources",
    L.H_DETECTED4,
    L.H_DETECTED4_COUNT,
    L.PREFIX4_BYTES,
    { IPv4: { detected: networks("10.244.0.0/17") } },
    ["0af40000 ffff8000"],
  ],
  [
    "detected sources that are no prefix",
    L.H_DETECTED4,
    L.H_DETECTED4_COUNT,
    L.PREFIX4_BYTES,
    { IPv4: { detected: [{ from: address("10.0.0.1"), to: address("10.0.0.4") }] } },
    ["0a000001 ffffffff", "0a000002 fffffffe", "0a000004 ffffffff"],
  ],
  [
    "detected sources of IPv6",
    L.H_DETECTED6,
    L.H_DETECTED6_COUNT,
    L.PREFIX6_BYTES,
    { IPv6: { detected: networks("fd00:10::/44") } },
    ["fd000010 00000000 00000000 00000000 ffffffff fff00000 00000000 00000000"],
  ],
  [
    "regions",
    L.H_REGIONS4,
    L.H_REGIONS4_COUNT,
    L.REGION4_BYTES,
    {
      behaviours: [PASS, DROP],
      IPv4: {
        regions: [
          { from: address("0.0.0.0"), ...BY_DEFAULT },
          { from: address("10.1.2.0"), new: 1, invalid: 0, untracked: 1 },
          { from: address("11.0.0.0"), ...BY_DEFAULT },
        ],
      },
    },
    ["00000000 00000000", "0002010a 01000100", "0000000b 00000000"],
  ],
  [
    "regions of IPv6",
    L.H_REGIONS6,
    L.H_REGIONS6_COUNT,
    L.REGION6_BYTES,
    {
      behaviours: [PASS, DROP],
      IPv6: {
        regions: [
          { from: address("::"), ...BY_DEFAULT },
          { from: address("fd00:1:2:3::4"), ...BY_DEFAULT, new: 1 },
        ],
      },
    },
    ["00000000 00000000 00000000 00000000 00000000", "010000fd 03000200 00000000 04000000 01000000"],
  ],
  [
    "single addresses, a bit each: which ones, where the first is, how many, with and without the bit",
    L.H_WINDOWS,
    L.H_WINDOW_COUNT,
    L.WINDOW_BYTES - 16,
    {
      behaviours: [PASS, DROP],
      IPv4: {
        points: [
          { from: address("10.64.0.8"), ...BY_DEFAULT, new: 1 },
          { from: address("10.64.0.10"), ...BY_DEFAULT, new: 1 },
        ],
      },
    },
    ["0a400000 00000000 08000000 03000000"],
  ],
  [
    "endpoints",
    L.H_ENDPOINTS4,
    L.H_ENDPOINTS4_COUNT,
    L.ENDPOINT4_BYTES,
    { IPv4: { rows: [rowAt("10.96.0.10", { lists: [B] })] } },
    ["0af40106 51000000", "0af40107 51000000"],
  ],
  [
    "treatments of endpoints, from 1 on",
    L.H_ENDPOINTS4,
    L.H_ENDPOINTS4_COUNT,
    L.ENDPOINT4_BYTES,
    {
      endpointTreatments: [false, true].map((masquerade) => everybody({ verdict: "dnat", masquerade })),
      IPv4: { rows: [rowAt("10.96.0.10", { lists: [[endpoint("10.244.1.5", 8080, { endpointTreatment: 1 })]] })] },
    },
    ["0af40105 901f0200"],
  ],
  [
    "endpoints of IPv6",
    L.H_ENDPOINTS6,
    L.H_ENDPOINTS6_COUNT,
    L.ENDPOINT6_BYTES,
    { IPv6: { rows: [rowAt("fd00::1:2", { lists: [[endpoint("fd00:1:2:3:4:5:6:7", 8080)]] })] } },
    ["fd000001 00020003 00040005 00060007 901f0000 00000000"],
  ],
  [
    "what clients are remembered by",
    L.H_IDENTITIES4,
    L.H_IDENTITIES4_COUNT,
    4,
    {
      IPv4: {
        rows: [
          rowAt("10.96.0.9", { lists: [A] }),
          rowAt("10.96.0.10", { lists: [[endpoint("10.244.1.5", 8080, { identity: 0x11223344 })]], stickySeconds: 9 }),
        ],
      },
    },
    ["44332211"],
  ],
])("%s", (_, section, count, size, parts, records) => {
  const table = tableOf(parts);
  expect(recordsIn(table, section, word(table, count), size)).toEqual(records);
});

test.each<[family: "IPv4" | "IPv6", words: string]>([
  ["IPv4", "006433c6 ff6433c6 077100cb 077100cb"],
  ["IPv6", "b80d0120 00000000 00000000 01000000 b80d0120 00000000 00000000 01000000"],
])("allowed sources, first and last in host order: %s", (family, words) => {
  const [at, allowed] = family === "IPv4" ? ["10.96.0.10", CLIENTS] : ["fd00::1", networks("2001:db8::1/128")];
  const table = tableOf({
    behaviours: [PASS, DROP],
    [family]: { rows: [rowAt(at as string, { allowed: allowed as never })] },
  });
  const start = word(table, L.H_ALLOWED);
  expect(hex(table.subarray(start, start + word(table, L.H_ALLOWED_BYTES)))).toBe(words);
});

test("places of local addresses say the kind, the block and whether there are rows", () => {
  const table = tableOf({
    behaviours: [PASS, DROP],
    IPv4: {
      rows: [rowAt("192.0.2.1")],
      local: [
        { address: address("127.0.0.1"), kind: 0, hasRows: false },
        { address: address("192.0.2.1"), kind: 1, hasRows: true },
      ],
      localClasses: [
        { default: BY_DEFAULT, rows: [] },
        { default: { ...BY_DEFAULT, new: 1 }, rows: [] },
      ],
    },
  });
  const all = recordsIn(table, L.H_LOCAL, word(table, L.H_LOCAL_MASK) + 1, L.LOCAL_BYTES);
  expect(all.filter((each) => !each.endsWith(" 0000ff00")).sort()).toEqual([
    "00000001 02000100",
    "7f000001 00000000",
    "c0000201 01000001",
  ]);
});

describe("the header says of a family", () => {
  const defaultsOf = (parts: Parts): string[] => {
    const table = tableOf({ behaviours: [PASS, DROP], ...parts });
    return [L.H_OTHER4, L.H_OTHER6, L.H_LOCAL_DEFAULT4, L.H_LOCAL_DEFAULT6].map((at) =>
      hex(table.subarray(at, at + 4)),
    );
  };
  const REST = { from: address("10.0.0.0"), ...BY_DEFAULT, new: 1 };
  const LOWEST = { from: address("0.0.0.0"), ...BY_DEFAULT };
  const DROPPED = { default: { ...BY_DEFAULT, new: 1 }, rows: [] };

  test.each<[what: string, parts: Parts, words: string[]]>([
    ["that all addresses are alike", {}, ["00000000", "00000000", "00000000", "00000000"]],
    ["that regions differ", { IPv4: { regions: [LOWEST, REST] } }, ["ffffffff", "00000000", "00000000", "00000000"]],
    [
      "that its own addresses are otherwise",
      { IPv4: { localClasses: [DROPPED] } },
      ["00000000", "00000000", "01000000", "00000000"],
    ],
    [
      "that its own addresses differ",
      { IPv4: { localClasses: [{ default: BY_DEFAULT, rows: [] }, DROPPED] } },
      ["00000000", "00000000", "ffffffff", "00000000"],
    ],
  ])("%s", (_, parts, words) => {
    // Numbers of behaviours are those in which they are met.
    expect(defaultsOf({ IPv6: { rows: [rowAt("fd00::1", { behaviour: 0 })] }, ...parts })).toEqual(words);
  });
});

describe("codes", () => {
  test.each<[what: string, each: Partial<TableAnswer> & Pick<TableAnswer, "verdict">, code: string]>([
    ["pass", { verdict: "pass" }, "00000000"],
    ["accept", { verdict: "accept" }, "01000000"],
    ["drop", { verdict: "drop" }, "02000000"],
    ["reject, one of eight ways", { verdict: "reject", rejectWith: "port-unreachable" }, "03000000"],
    ["reject, another way", { verdict: "reject", rejectWith: "tcp-reset" }, "23000000"],
    ["masquerading", { verdict: "accept", masquerade: true }, "41000000"],
    ["to an endpoint", { verdict: "dnat", list: 0 }, "04000000"],
    ["of the second list", { verdict: "dnat", list: 1 }, "04020000"],
    ["of the third", { verdict: "dnat", list: 2 }, "04001000"],
    ["of the fourth", { verdict: "dnat", list: 3 }, "04021000"],
    ["clients are remembered", { verdict: "dnat", list: 0, sticky: true }, "84000000"],
    ["the endpoint has a say", { verdict: "dnat", list: 0, asksEndpoint: true }, "04040000"],
    [
      "masquerading for the endpoint itself",
      { verdict: "dnat", list: 0, hairpin: { verdict: "dnat", masquerade: true } },
      "04810800",
    ],
  ])("%s", (_, each, code) => {
    // The first behaviour that is met has number 0, and its reason, too.
    const behaviours = [everybody(answer("pass", { reasons: ["others"] })), everybody(answer(each.verdict, each))];
    const table = tableOf({ behaviours, IPv4: { rows: [rowAt("10.96.0.10")] } });
    expect(recordsIn(table, L.H_CODES, 2, 64).map((codes) => codes.slice(0, 8))).toEqual([code, "00002000"]);
  });
});

test("what a table has no room for is said", () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => i);
  const wrong: readonly (readonly [Parts, string])[] = [
    [{ behaviours: [everybody(answer("reject", { rejectWith: "policy-fail" }))], IPv4: {} }, "reject with policy-fail"],
    [
      {
        behaviours: many(256).map((i) => everybody(answer("drop", { reasons: [`${i}`] }))),
        IPv4: { rows: many(256).map((i) => rowAt(`10.0.0.${i}`, { behaviour: i })) },
      },
      "more than 255 ways to treat packets",
    ],
    [
      {
        behaviours: many(200).map((i) =>
          many(2).map((kind) => many(16).map((source) => answer("drop", { reasons: [`${i} ${kind} ${source}`] }))),
        ),
        IPv4: { rows: many(200).map((i) => rowAt(`10.0.0.${i}`, { behaviour: i })) },
      },
      "more than 2048 reasons",
    ],
    [
      { behaviours: [PASS, DROP], IPv6: { rows: many(254).map((i) => rowAt(`fd00:0:0:${i.toString(16)}::1`)) } },
      "IPv6 addresses of more than 253 blocks of 96 bits",
    ],
  ];
  for (const [parts, message] of wrong)
    expect(() => encodeTable(tabulationOf(parts), "test")).toThrow(new Unsupported(message));
});
