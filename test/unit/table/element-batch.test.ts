/** Transactions of elements, byte by byte, held against messages that are put together from their attributes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TableChange } from "../../../compiler/ir/table-change.ts";
import { differenceOf } from "../../../compiler/ir/table-change.ts";
import { attribute, text, u8, u16, u16BigEndian, u32 } from "../../../runtime/lab/netlink.ts";
import {
  areOfPlainElements,
  commitBatch,
  ElementBatch,
  type ElementPlace,
  placeOf,
} from "../../../runtime/table/element-batch.ts";
import type { ElementBytes } from "../../../runtime/table/element-bytes.ts";
import { NetfilterTrouble, type NetlinkPort } from "../../../runtime/table/netfilter.ts";
import { mustReadNft } from "../../support/read.ts";
import { EVERYTHING, IS_JUDGED, runs } from "../../support/runs.ts";

// --- messages as linux/netfilter/nf_tables.h and nfnetlink.h have them ---------------------------------------------------

const NFNL = { batchBegin: 0x10, batchEnd: 0x11, nfTables: 10 } as const;
const NFT_MSG = { add: 12, remove: 14 } as const;
const NLM_F = { request: 1, acknowledge: 4, create: 0x400 } as const;
const AF = { ip: 2, ip6: 10 } as const;

const nested = (type: number, ...parts: readonly Uint8Array[]): Buffer => attribute(type | 0x8000, ...parts);

function message(type: number, flags: number, family: number, resource: number, ...attributes: Buffer[]): Buffer {
  const body = Buffer.concat([u8(family, 0), u16BigEndian(resource), ...attributes]);
  return Buffer.concat([u32(16 + body.length), u16(type), u16(flags), u32(0), u32(0), body]);
}

/** One element of a list; `value` of verdicts as `bytesOfElement` gives it. */
function element({ key, end, value, comment }: ElementBytes, holdsVerdicts: boolean): Buffer {
  const [code = "", chain = ""] = Buffer.from(value).toString("latin1").split(" ");
  const codeBytes = Buffer.alloc(4);
  codeBytes.writeInt32BE(Number(code));
  const verdict = nested(2, attribute(1, codeBytes), ...(chain === "" ? [] : [attribute(2, text(chain))]));
  return nested(
    1,
    nested(1, attribute(1, key)),
    ...(end.length === 0 ? [] : [nested(10, attribute(1, end))]),
    ...(value.length === 0 ? [] : [nested(2, holdsVerdicts ? verdict : attribute(1, value))]),
    ...(comment.length === 0 ? [] : [attribute(6, u8(0, comment.length + 1), comment, u8(0))]),
  );
}

interface Written {
  readonly verb: "add" | "remove";
  readonly place: ElementPlace;
  readonly element: ElementBytes;
}

/** The whole batch; a list of elements ends behind the first one with which it has more bytes than 60,000. */
function batchOf(all: readonly Written[]): Buffer {
  const lists: { readonly of: Written; readonly elements: Buffer[] }[] = [];
  let size = 0;
  for (const each of all) {
    const last = lists.at(-1);
    const goesOn = last?.of.verb === each.verb && last.of.place === each.place && size <= 60_000;
    const bare = { ...each.element, value: NONE, comment: NONE };
    const bytes = element(each.verb === "add" ? each.element : bare, each.place.holdsVerdicts === true);
    if (goesOn) last.elements.push(bytes);
    else lists.push({ of: each, elements: [bytes] });
    size = (goesOn ? size : 4) + bytes.length;
  }
  const messages = lists.map(({ of: { verb, place }, elements }, i) => {
    const flags =
      NLM_F.request + (verb === "add" ? NLM_F.create : 0) + (i + 1 === lists.length ? NLM_F.acknowledge : 0);
    const names = [attribute(1, text(place.table)), attribute(2, text(place.set))];
    return message((NFNL.nfTables << 8) + NFT_MSG[verb], flags, AF[place.family], 0, ...names, nested(3, ...elements));
  });
  return Buffer.concat([
    message(NFNL.batchBegin, NLM_F.request, 0, NFNL.nfTables),
    ...messages,
    message(NFNL.batchEnd, NLM_F.request, 0, NFNL.nfTables),
  ]);
}

function written(all: readonly Written[]): Buffer {
  const batch = new ElementBatch();
  for (const { verb, place, element: each } of all) batch[verb](place, each);
  expect(batch.size).toBe(all.length);
  return batch.finish();
}

const NONE = new Uint8Array(0);
const bytes = (length: number, first = 1): Uint8Array => Uint8Array.from({ length }, (_, i) => (first + i) & 255);

const PLACES: readonly ElementPlace[] = [
  { family: "ip", table: "kpc", set: "addresses" },
  { family: "ip", table: "kpc", set: "blocks" },
  { family: "ip6", table: "kpc", set: "blocks" },
  { family: "ip6", table: "other", set: "blocks" },
  { family: "ip", table: "kpc", set: "services-with-a-long-name", holdsVerdicts: true },
];

const oneElement = (holdsVerdicts: boolean): fc.Arbitrary<ElementBytes> =>
  fc.record({
    key: fc.integer({ min: 1, max: 40 }).map((length) => bytes(length)),
    end: fc.constantFrom(0, 0, 1, 3, 8).map((length) => bytes(length, 7)),
    value: holdsVerdicts
      ? fc.constantFrom("-3 some-chain", "-4 x", "1 ", "-5 ", "0 ").map((verdict) => Buffer.from(verdict))
      : fc.constantFrom(0, 1, 4, 6, 12).map((length) => bytes(length, 60)),
    comment: fc.constantFrom(0, 0, 1, 2, 3, 4, 127).map((length) => bytes(length, 65)),
  });

const anything: fc.Arbitrary<Written> = fc.constantFrom(...PLACES).chain((place) =>
  fc.record({
    verb: fc.constantFrom("add", "add", "remove"),
    place: fc.constant(place),
    element: oneElement(place.holdsVerdicts === true),
  }),
);

describe("a batch", () => {
  test("of nothing has a beginning and an end", () => {
    expect(written([])).toEqual(batchOf([]));
  });

  test("of any elements is what its messages are", () => {
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 60 }), (all) => {
        expect(written(all).equals(batchOf(all))).toBe(true);
      }),
      { numRuns: runs(1600) },
    );
  });

  test.each([0, 1, 2, 3, 5, 31, 64, 100, 127])(
    "grows with many elements with comments of %i bytes, and lists are cut",
    (length) => {
      const [place] = PLACES as [ElementPlace];
      const all = Array.from(
        { length: 900 },
        (): Written => ({
          verb: "add",
          place,
          element: { key: bytes(13), end: NONE, value: NONE, comment: bytes(length) },
        }),
      );
      for (const count of [250, 900])
        expect(written(all.slice(0, count)).equals(batchOf(all.slice(0, count)))).toBe(true);
    },
  );

  test("grows wherever an element, a message or the end does not fit any more", () => {
    const placeOfName = (set: string): ElementPlace => ({ family: "ip", table: "t", set });
    const places = ["a", "b"].map((each) => placeOfName(each.repeat(150)));
    const short: ElementBytes = { key: bytes(4), end: NONE, value: NONE, comment: bytes(127) };
    const long: ElementBytes = { key: bytes(100), end: bytes(100), value: bytes(100), comment: bytes(127) };
    // The first bytes, most of which are a name, end at each place around the one at which there is room for no more.
    for (let first = 2900; first < 4100; first += EVERYTHING || IS_JUDGED ? 4 : 52) {
      const filling = [placeOfName("f".repeat(first)), ...places];
      for (const elements of [[short], [short, long], [short, long, long], [short, short]]) {
        const all = elements.map(
          (element, i): Written => ({ verb: "add", place: filling[i] as ElementPlace, element }),
        );
        expect(written(all).equals(batchOf(all))).toBe(true);
      }
    }
  });

  test("a list goes on as long as it has no more than 60,000 bytes", () => {
    const [place] = PLACES as [ElementPlace];
    // A head of 4 bytes, an element of 28 and 3,748 of 16.
    const all = Array.from(
      { length: 3752 },
      (_, i): Written => ({
        verb: "add",
        place,
        element: { key: bytes(4, i), end: NONE, value: NONE, comment: i === 0 ? bytes(5) : NONE },
      }),
    );
    expect(written(all).equals(batchOf(all))).toBe(true);
  });

  test("places that are told anew are the same where their names and families are", () => {
    const [place] = PLACES as [ElementPlace];
    const all = [place, { ...place }].map((each, i): Written => {
      return { verb: "add", place: each, element: { key: bytes(4, i), end: NONE, value: NONE, comment: NONE } };
    });
    expect(written(all)).toEqual(batchOf(all.map((each) => ({ ...each, place }))));
  });
});

describe("changes", () => {
  const TABLE = `table ip t {
    set plain { type ipv4_addr; }
    set timed { type ipv4_addr; flags timeout; }
    set limited { type ipv4_addr; }
    set blocks { type ipv4_addr; flags interval; }
    map verdicts { type ipv4_addr : verdict; }
    chain c { }
  }`;
  const withElements = (set: string, elements: string): TableChange[] => {
    return changesTo(TABLE.replace(new RegExp(`(${set} {[^}]*)`), `$1 elements = { ${elements} };`));
  };
  const changesTo = (text: string): TableChange[] => {
    const [from, to] = [TABLE, text].map((each) => mustReadNft(each).ruleset.tables[0]);
    const change = differenceOf(from, to);
    return change === undefined ? [] : [change];
  };

  test.each([
    ["plain elements", withElements("plain", "10.0.0.1, 10.0.0.2"), true],
    ["an element with a timeout", withElements("timed", "10.0.0.1 timeout 5s"), false],
    ["elements with and without one", withElements("timed", "10.0.0.1, 10.0.0.2 timeout 5s"), false],
    ["an element that counts", withElements("limited", "10.0.0.1 counter packets 0 bytes 0"), false],
    ["blocks of one address", withElements("blocks", "10.0.0.0/8"), false],
    ["verdicts", withElements("verdicts", "10.0.0.1 : accept"), true],
    [
      "several of which one is not",
      [...withElements("plain", "10.0.0.1"), ...withElements("blocks", "10.0.0.0/8")],
      false,
    ],
    ["none", [], true],
  ])("of %s: whether they can be a batch", (_, changes, isBatch) => {
    expect(areOfPlainElements(changes)).toBe(isBatch);
  });

  test("of more than elements take nft", () => {
    expect(areOfPlainElements(changesTo(TABLE.replace("chain c { }", "chain c { accept; }")))).toBe(false);
  });

  test("of several sets take nft where one of them does", () => {
    const changes = changesTo(
      TABLE.replace("set plain { type ipv4_addr;", "$& elements = { 10.0.0.1 };").replace(
        "set blocks { type ipv4_addr; flags interval;",
        "$& elements = { 10.0.0.0/8 };",
      ),
    );
    expect(changes.map(({ elements }) => elements.length)).toEqual([2]);
    expect(areOfPlainElements(changes)).toBe(false);
  });

  test.each([
    ["plain", "10.0.0.1", false],
    ["verdicts", "10.0.0.1 : accept", true],
  ])("tell the place of the set or map %s", (set, elements, holdsVerdicts) => {
    const [change] = withElements(set, elements) as [TableChange];
    const [head] = change.elements;
    expect(head && placeOf(change, head.of)).toEqual({ family: "ip", table: "t", set, holdsVerdicts });
  });
});

describe("what becomes of a batch", () => {
  const port = (commit: () => Promise<number>): NetlinkPort => ({ commit, ask: () => Promise.resolve() });
  const batch = (): ElementBatch => {
    const made = new ElementBatch();
    made.add(PLACES[0] as ElementPlace, { key: bytes(4), end: NONE, value: NONE, comment: NONE });
    return made;
  };

  test("none is sent without elements", async () => {
    const sent = port(() => Promise.reject(new Error("sent")));
    expect(await commitBatch(sent, new ElementBatch())).toEqual({ kind: "done" });
  });

  test("the kernel takes it, refuses it, or the helper is gone", async () => {
    expect(
      await commitBatch(
        port(() => Promise.resolve(0)),
        batch(),
      ),
    ).toEqual({ kind: "done" });
    expect(
      await commitBatch(
        port(() => Promise.resolve(17)),
        batch(),
      ),
    ).toEqual({
      kind: "refused",
      reason: "exists",
      message: "netfilter refuses: file already exists",
    });
    const gone = port(() => Promise.reject(new NetfilterTrouble("gone")));
    expect(await commitBatch(gone, batch())).toEqual({ kind: "refused", reason: "ended", message: "gone" });
    const broken = port(() => Promise.reject("EPIPE"));
    expect(await commitBatch(broken, batch())).toEqual({ kind: "refused", reason: "ended", message: "EPIPE" });
  });
});
