/** Tables with one wrong number and a checksum that is right: the engine takes none that would lead it out of the table. */
import { beforeAll, expect, test } from "vitest";
import * as L from "../../../assembly/layout.ts";
import { checksumOf } from "../../../compiler/formats/tables/bytes.ts";
import { encodeTable } from "../../../compiler/formats/tables/encode.ts";
import { engineBytes } from "../../../runtime/classifier/inline.ts";
import { Matcher } from "../../../runtime/classifier/matcher.ts";
import { address } from "../../support/service-port.ts";
import {
  answer,
  BY_DEFAULT,
  endpoint,
  everybody,
  networks,
  portRow,
  rowAt,
  tabulationOf,
} from "../../support/table-samples.ts";

const [A, B, C] = ["10.244.1.5", "10.244.1.6", "10.244.1.7"].map((text) => [endpoint(text, 8080)]) as [
  ReturnType<typeof endpoint>[],
  ReturnType<typeof endpoint>[],
  ReturnType<typeof endpoint>[],
];
const MARKED = [endpoint("10.244.1.8", 8080, { endpointTreatment: 0, identity: 7 })];
const A6 = [endpoint("fd00::9", 8080, { endpointTreatment: 0, identity: 7 })];
const toList = (list: 0 | 1 | 2 | 3) => answer("dnat", { list });
const PASS = answer("pass");

/** Names in which there is room for sections; read as codes, they let packets pass. */
const ROOM = "@".repeat(40_000);

/** Something of everything: behaviours pass, go to the first list, to the first or the second by interface, to the third, drop, and remember clients. */
const TABLE = encodeTable(
  tabulationOf({
    behaviours: [
      everybody(PASS),
      everybody(toList(0)),
      [...everybody(toList(0)).slice(0, 1), ...everybody(toList(1)).slice(1)],
      everybody(toList(2)),
      everybody(answer("drop")),
      everybody(answer("dnat", { list: 0, sticky: true })),
    ],
    endpointTreatments: [everybody({ verdict: "drop", masquerade: false })],
    IPv4: {
      detected: networks("10.244.0.0/16"),
      rows: [
        rowAt("10.96.0.9", { behaviour: 4 }), // so that number 0 asks for no endpoints
        rowAt("10.96.0.1", { lists: [A] }),
        rowAt("10.96.0.2", { lists: [B, C], behaviour: 2 }),
        rowAt("10.96.0.3", { lists: [A, B, C], behaviour: 3 }),
        rowAt("10.96.0.4", { lists: [A], allowed: networks("198.51.100.0/24") }),
        rowAt("10.96.0.5", { lists: [MARKED], behaviour: 5, stickySeconds: 60 }),
      ],
      localClasses: [{ default: BY_DEFAULT, rows: [portRow({ lists: [A] })] }],
      points: [{ from: address("10.0.0.8"), ...BY_DEFAULT, new: 4 }],
    },
    IPv6: { detected: networks("fd00:10::/44"), rows: [rowAt("fd00::1", { lists: [A6], stickySeconds: 60 })] },
  }),
  ROOM,
);

const VIEW = new DataView(TABLE.buffer);
const word = (at: number): number => VIEW.getUint32(at, true);

/** Where a record's word is in the table. */
const inSection =
  (section: number, offset = 0) =>
  (): number =>
    word(section) + offset;

/** Where the entry of a key is; `offset`: of a word of it. */
const inEntry =
  (last: number, offset: number, block = 0) =>
  (): number => {
    for (let slot = 0; slot <= word(L.H_SLOT_MASK); slot++) {
      const at = word(L.H_ENTRIES) + slot * L.ENTRY_BYTES;
      if (VIEW.getUint32(at, false) % 256 === last && word(at + L.ENTRY_KEY1) >>> L.KEY1_BLOCK_SHIFT === block)
        return at + offset;
    }
    throw new Error("there is no such entry");
  };

/** The number that the table has for the behaviour of an entry. */
const behaviourOf = (last: number): number => word(inEntry(last, L.ENTRY_ROW1)()) >>> L.ROW1_BEHAVIOUR_SHIFT;

let matcher: Matcher;

beforeAll(() => {
  matcher = new Matcher(new WebAssembly.Module(engineBytes()));
});

/** What the engine says of the table with another word at `at`. */
function load(at: number, value: number): string {
  return loadWith([[at, value]]);
}

function loadWith(words: readonly (readonly [at: number, value: number])[]): string {
  const table = TABLE.slice();
  const view = new DataView(table.buffer);
  for (const [at, value] of words) view.setUint32(at, value, true);
  view.setUint32(L.H_CHECKSUM, checksumOf(table, L.H_SEED), true);
  try {
    matcher.load(table);
    return "taken";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const REFUSED = "the table is damaged: a part of it points out of it";

test("the table is taken as it is", () => {
  expect(loadWith([])).toBe("taken");
  // Its spare words mean nothing.
  expect(load(L.HEADER_BYTES - 4, 1)).toBe("taken");
});

test("a window ends where the next one begins", () => {
  const windowFrom = (first: number, count: number): string =>
    loadWith([
      [word(L.H_WINDOWS) + L.WINDOW_FIRST, first],
      [word(L.H_WINDOWS) + L.WINDOW_COUNT, count],
    ]);
  expect([windowFrom(0xffffe, 2), windowFrom(0xfffff, 2)]).toEqual(["taken", REFUSED]);
});

test("a byte tells all behaviours", () => {
  const codes = word(L.H_NAMES) + L.ALIGNMENT;
  const withBehaviours = (count: number): string =>
    loadWith([
      [L.H_CODES, codes],
      [L.H_BEHAVIOUR_COUNT, count],
    ]);
  expect([withBehaviours(255), withBehaviours(256)]).toEqual(["taken", REFUSED]);
});

const SECTIONS = {
  pilots: L.H_PILOTS,
  entries: L.H_ENTRIES,
  extended: L.H_EXTENDED,
  allowed: L.H_ALLOWED,
  blocks: L.H_BLOCKS,
  local: L.H_LOCAL,
  kinds: L.H_KINDS,
  "detected of IPv4": L.H_DETECTED4,
  "detected of IPv6": L.H_DETECTED6,
  "regions of IPv4": L.H_REGIONS4,
  "regions of IPv6": L.H_REGIONS6,
  windows: L.H_WINDOWS,
  codes: L.H_CODES,
  treatments: L.H_TREATMENTS,
  "endpoints of IPv4": L.H_ENDPOINTS4,
  "endpoints of IPv6": L.H_ENDPOINTS6,
  "identities of IPv4": L.H_IDENTITIES4,
  "identities of IPv6": L.H_IDENTITIES6,
  "what slots say": L.H_ABOUT,
  labels: L.H_LABELS,
  folds: L.H_FOLDS6,
  "fingers of IPv4": L.H_FINGERS4,
  "fingers of IPv6": L.H_FINGERS6,
  names: L.H_NAMES,
} as const;

test.each(Object.entries(SECTIONS))("the section of %s lies in the table", (_, section) => {
  const behind = Math.ceil(TABLE.length / L.ALIGNMENT) * L.ALIGNMENT;
  expect([load(section, word(section) + 4), load(section, behind), load(section, 0xffffffc0)]).toEqual([
    REFUSED,
    REFUSED,
    REFUSED,
  ]);
});

test.each([
  ["extended rows", L.H_EXTENDED_COUNT],
  ["bytes of allowed sources", L.H_ALLOWED_BYTES],
  ["kinds", L.H_KIND_COUNT],
  ["detected sources of IPv4", L.H_DETECTED4_COUNT],
  ["detected sources of IPv6", L.H_DETECTED6_COUNT],
  ["regions of IPv4", L.H_REGIONS4_COUNT],
  ["regions of IPv6", L.H_REGIONS6_COUNT],
  ["windows", L.H_WINDOW_COUNT],
  ["treatments", L.H_TREATMENT_COUNT],
  ["interfaces", L.H_INTERFACE_CLASS_COUNT],
  ["endpoints of IPv4", L.H_ENDPOINTS4_COUNT],
  ["endpoints of IPv6", L.H_ENDPOINTS6_COUNT],
  ["identities of IPv4", L.H_IDENTITIES4_COUNT],
  ["identities of IPv6", L.H_IDENTITIES6_COUNT],
  ["bytes of labels", L.H_LABELS_LENGTH],
  ["bytes of names", L.H_NAMES_LENGTH],
])("the table has room for as many %s as it says", (_, count) => {
  expect([load(count, word(count) + 0x20000), load(count, 0xffffffff)]).toEqual([REFUSED, REFUSED]);
});

test.each<[what: string, at: number | (() => number), value: () => number]>([
  ["one kind of interfaces is the node's own packets alone", L.H_INTERFACE_CLASS_COUNT, () => 1],
  ["no behaviours", L.H_BEHAVIOUR_COUNT, () => 0],
  ["a mask of buckets that is none", L.H_BUCKET_MASK, () => 2],
  ["a mask of slots that is none", L.H_SLOT_MASK, () => word(L.H_SLOT_MASK) - 1],
  ["a mask of local places that is none", L.H_LOCAL_MASK, () => 62],
  ["a mask of local places without a bit", L.H_LOCAL_MASK, () => 0],
  ["a mask of folds that is none", L.H_FOLDS6_MASK, () => 62],
  ["more blocks than have numbers", L.H_BLOCK_COUNT, () => 254],
  ["no regions of IPv4", L.H_REGIONS4_COUNT, () => 0],
  ["no regions of IPv6", L.H_REGIONS6_COUNT, () => 0],
  ["more identities than endpoints", L.H_IDENTITIES4_COUNT, () => word(L.H_ENDPOINTS4_COUNT) + 1],
  ["and of IPv6", L.H_IDENTITIES6_COUNT, () => word(L.H_ENDPOINTS6_COUNT) + 1],
  ["more kinds of IPv4 than kinds", L.H_KIND4_COUNT, () => word(L.H_KIND_COUNT) + 1],
  ["a kind of loopback that is of IPv6", L.H_LOOPBACK_CLASS, () => 1],
  ["a default of a kind that needs endpoints", inSection(L.H_KINDS), () => behaviourOf(1)],
  ["a default that there is not, of new packets", inSection(L.H_KINDS), () => 0xee],
  ["of invalid ones", L.H_OTHER4, () => word(L.H_OTHER4) | 0xee00],
  ["of untracked ones", L.H_OTHER6, () => word(L.H_OTHER6) | 0xee0000],
  ["a default of the node's addresses", L.H_LOCAL_DEFAULT4, () => 0xee],
  ["and of IPv6", L.H_LOCAL_DEFAULT6, () => 0xee],
  ["a default of a region", inSection(L.H_REGIONS4, L.REGION4_DEFAULT), () => 0xee],
  ["and of IPv6", inSection(L.H_REGIONS6, L.REGION6_DEFAULT), () => 0xee],
  ["a default without a bit", inSection(L.H_WINDOWS, L.WINDOW_UNSET), () => 0xee],
  ["a default with a bit", inSection(L.H_WINDOWS, L.WINDOW_SET), () => 0xee],
  ["a window of no addresses", inSection(L.H_WINDOWS, L.WINDOW_COUNT), () => 0],
  ["a window of too many", inSection(L.H_WINDOWS, L.WINDOW_COUNT), () => 0x100001],
  ["a window that begins behind its end", inSection(L.H_WINDOWS, L.WINDOW_FIRST), () => 0xffffffff],
  ["bits behind the table", inSection(L.H_WINDOWS, L.WINDOW_BITS), () => TABLE.length],
  ["an endpoint with a treatment that there is not", inSection(L.H_ENDPOINTS4, L.ENDPOINT4_PORT), () => 0x20000],
  ["and of IPv6", inSection(L.H_ENDPOINTS6, L.ENDPOINT6_PORT), () => 0x20000],
  ["a row that behaves as nothing does", inEntry(1, L.ENTRY_ROW1), () => 0xee000001],
  ["a row without the endpoint that it sends to", inEntry(1, L.ENTRY_ROW1), () => behaviourOf(1) << 24],
  ["a row without its second list", inEntry(2, L.ENTRY_ROW1), () => (behaviourOf(2) << 24) | 1],
  ["a row without its first list", inEntry(2, L.ENTRY_ROW1), () => (behaviourOf(2) << 24) | (1 << 12)],
  ["endpoints behind the last one", inEntry(1, L.ENTRY_ROW0), () => word(L.H_ENDPOINTS4_COUNT)],
  ["and of IPv6", inEntry(1, L.ENTRY_ROW0, 2), () => word(L.H_ENDPOINTS6_COUNT)],
  ["and of the node's addresses", inEntry(0, L.ENTRY_ROW0, L.BLOCK_LOCAL), () => word(L.H_ENDPOINTS4_COUNT)],
  ["an extended row that there is not", inEntry(3, L.ENTRY_ROW0), () => 2],
  ["an extended row without its third list", inSection(L.H_EXTENDED, L.EXTENDED_THIRD), () => 0],
  ["an extended row with endpoints behind the last one", inSection(L.H_EXTENDED, L.EXTENDED_FOURTH), () => 100],
  [
    "sources behind the last one",
    inSection(L.H_EXTENDED, L.EXTENDED_BYTES + L.EXTENDED_ALLOWED),
    () => word(L.H_ALLOWED_BYTES),
  ],
  ["more sources than there are", inSection(L.H_EXTENDED, L.EXTENDED_BYTES + L.EXTENDED_ALLOWED_COUNT), () => 2],
  [
    "one code of an extended row",
    () => word(L.H_CODES) + behaviourOf(5) * 64,
    () => word(word(L.H_CODES) + behaviourOf(5) * 64) | L.CODE_EXTENDED,
  ],
  ["sources of a row that is not extended", inSection(L.H_CODES), () => word(word(L.H_CODES)) | L.CODE_ALLOWED],
  [
    "a third list of a row that is not extended",
    () => word(L.H_CODES) + behaviourOf(1) * 64,
    () => word(word(L.H_CODES) + behaviourOf(1) * 64) | L.CODE_THIRD,
  ],
])("refused: %s", (_, at, value) => {
  expect(load(typeof at === "number" ? at : at(), value())).toBe(REFUSED);
});

test.each<[what: string, key0: number, about: (kinds: number) => number]>([
  ["of a kind that is of IPv6", 0x0100007f, (kinds) => kinds - 1],
  [
    "of a block that there is not",
    0x01000000,
    (kinds) => (kinds - 1) | ((word(L.H_BLOCK_COUNT) + 1) << L.LOCAL_BLOCK_SHIFT),
  ],
  ["of IPv6 of a kind that is of IPv4", 0x01000000, () => 1 << L.LOCAL_BLOCK_SHIFT],
  ["of IPv6 of a kind that there is not", 0x01000000, (kinds) => kinds | (1 << L.LOCAL_BLOCK_SHIFT)],
])("refused: a local address %s", (_, key0, about) => {
  const places = Array.from({ length: word(L.H_LOCAL_MASK) + 1 }, (_, i) => word(L.H_LOCAL) + i * L.LOCAL_BYTES);
  const place = places.find((at) => word(at) === key0);
  expect(place).toBeDefined();
  expect(load((place ?? 0) + L.LOCAL_ABOUT, about(word(L.H_KIND_COUNT)))).toBe(REFUSED);
});
