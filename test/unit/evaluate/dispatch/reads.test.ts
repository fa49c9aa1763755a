/** What nobody asks for any more is forgotten: ways that differ in it alone are one. */
import { describe, expect, test } from "vitest";
import { forget, type Reads, readBehind, uniteReads } from "../../../../compiler/evaluate/dispatch/reads.ts";
import { Evaluator } from "../../../../compiler/evaluate/evaluate.ts";
import { Hooks } from "../../../../compiler/evaluate/hooks.ts";
import { alone, environmentOf, type Packet } from "../../../../compiler/evaluate/packet.ts";
import { changeShared, type SharedState, startState } from "../../../../compiler/evaluate/state.ts";
import { startRun } from "../../../../compiler/run.ts";
import { dispatches, each, SIX } from "../../../support/dispatches.ts";
import { PACKET } from "../../../support/ir.ts";
import { mustReadNft } from "../../../support/read.ts";
import { address } from "../../../support/service-port.ts";

dispatches([
  [
    "six that mark, and are asked for it",
    `${each(SIX, "ip saddr 10.#.0.0/16 meta mark set #")}; meta mark 3 drop`,
    "",
    16,
    10,
  ],
  ["six that mark, and are not asked for it", each(SIX, "ip saddr 10.#.0.0/16 meta mark set #"), "", 2, 2],
  [
    "six bits, of which one is asked for",
    `${each(SIX, "ip saddr 10.#.0.0/16 meta mark set #")}; meta mark & 1 == 1 drop`,
    "",
    8,
    10,
  ],
  [
    "six bits that are set, of which one is asked for in another chain",
    each(SIX, "ip saddr 10.#.0.0/16 meta mark set meta mark or #"),
    "chain z { type filter hook postrouting priority 0; meta mark & 4 == 4 drop; }",
    8,
    8,
  ],
  [
    "marks of connections",
    each(SIX, "ip saddr 10.#.0.0/16 ct mark set #"),
    "chain z { type filter hook postrouting priority 0; jump y; } chain y { ct mark 2 drop; }",
    45,
    11,
  ],
  [
    "a mark that is copied",
    each(SIX, "ip saddr 10.#.0.0/16 meta mark set #"),
    "chain z { type filter hook postrouting priority 0; ct mark set meta mark; ct mark & 2 == 2 drop; }",
    45,
    15,
  ],
  [
    "a priority",
    `${each(SIX, "ip saddr 10.#.0.0/16 meta priority set #:0")}`,
    "chain z { type filter hook postrouting priority 0; meta priority 2:0 drop; }",
    16,
    6,
  ],
  [
    "marks by a map of verdicts",
    each(SIX, "ip saddr 10.#.0.0/16 meta mark set #"),
    "chain z { type filter hook postrouting priority 0; tcp dport vmap { 80 : jump y, 81 : accept }; } chain y { meta mark 2 drop; }",
    23,
    8,
  ],
  [
    "priorities that nobody asks for",
    `${each(SIX, "ip saddr 10.#.0.0/16 meta priority set #:0")}; tcp dport 80 drop`,
    "",
    4,
    4,
  ],
  [
    "marks of connections that nobody asks for",
    `${each(SIX, "ip saddr 10.#.0.0/16 ct mark set #")}; meta mark 1 drop`,
    "",
    4,
    6,
  ],
  [
    "bits of marks that packets came with",
    `${each(SIX, "ip saddr 10.#.0.0/16 meta mark set meta mark xor #")}; meta mark & 4 == 4 drop`,
    "",
    8,
    10,
  ],
  [
    "the first bit of marks that are kept",
    `${each(SIX, "ip saddr 10.#.0.0/16 meta mark set meta mark and 0x#1")}; meta mark & 1 == 1 drop`,
    "",
    6,
    6,
  ],
  [
    "bits of marks that are kept",
    `${each(SIX, "ip saddr 10.#.0.0/16 meta mark set meta mark and 0xf#")}; meta mark & 0x10 == 0x10 drop`,
    "",
    6,
    6,
  ],
  [
    "marks in a key",
    `${each(SIX, "ip saddr 10.#.0.0/16 meta mark set #")}; meta mark . tcp dport { 3 . 80, 4 . 81 } drop`,
    "",
    16,
    12,
  ],
  [
    "marks that a chain before asks for",
    "meta mark 7 drop",
    `chain y { type filter hook forward priority 10; ${each(SIX, "ip saddr 10.#.0.0/16 meta mark set #")}; }
     chain z { type filter hook forward priority 20; tcp dport 80 drop; }`,
    6,
    7,
  ],
]);

const NOTHING: Reads = { mark: 0, ctMark: 0, fields: 0 };
const ALL = 0xffffffff;
const HIGHEST = 0x80000000;

describe("what is asked for", () => {
  /** By rules of a chain at forward, with another chain that jumps lead to. */
  function readBy(rules: string, other = ""): Reads {
    const program = mustReadNft(
      `table ip t { chain d { ${other} } chain c { type filter hook forward priority 0; ${rules}; } }`,
    );
    const entries = new Hooks(program)
      .at("IPv4", "forward")
      .flatMap(({ orders }) => orders.flatMap((order) => order.entries ?? []));
    return readBehind({ entries, next: 0, later: [] });
  }

  test.each<[mark: number, ctMark: number, rules: string, other?: string]>([
    [0, 0, "tcp dport 80 drop"],
    [ALL, 0, "meta mark 1 drop"],
    [5, 0, "meta mark & 5 == 1 drop"],
    [HIGHEST, 0, "meta mark & 0x80000000 == 0 drop"],
    [0, ALL, "ct mark 1 drop"],
    [0, 3, "ct mark & 3 == 1 drop"],
    [6, 3, "ct mark & 3 == 1 drop; meta mark & 2 == 0 drop; meta mark & 4 == 0 drop"],
    [0, 0, "meta mark set 1"],
    [0, 0, "meta mark set meta mark & 0xf"],
    [0, 0, "meta mark set meta mark | 1"],
    [ALL, 0, "ct mark set meta mark"],
    [0xf, 0, "ct mark set meta mark & 0xf"],
    [ALL, 0, "meta mark . tcp dport { 1 . 80, 2 . 81 } drop"],
    [ALL, 0, "jump d", "meta mark 1 drop;"],
    [ALL, 0, "tcp dport vmap { 80 : jump d, 81 : accept }", "meta mark 1 drop;"],
    [0, 0, "accept", "meta mark 1 drop;"],
  ])("%i of marks, %i of connections' marks: %s %s", (mark, ctMark, rules, other) => {
    expect(readBy(rules, other)).toMatchObject({ mark, ctMark });
  });

  test("also of IPv6, by masks of addresses", () => {
    const program = mustReadNft(
      "table ip6 t { chain c { type filter hook forward priority 0; numgen random mod 2 0 meta mark set 1; ip6 saddr & ffff:: == fd00:: drop; } }",
    );
    const packet: Packet = { ...PACKET, source: address("fd00::1"), destination: address("fd00::2") };
    const outcomes = new Evaluator(program).evaluateWhole(packet, environmentOf([]));
    expect(outcomes.map(({ verdict }) => verdict)).toEqual(["drop"]);
  });

  test("at one place or another is all of both", () => {
    const [a, b] = [
      { mark: HIGHEST, ctMark: 1, fields: 2 },
      { mark: 4, ctMark: HIGHEST, fields: HIGHEST },
    ];
    const both = { mark: HIGHEST + 4, ctMark: HIGHEST + 1, fields: HIGHEST + 2 };
    expect(uniteReads(a, b)).toEqual(both);
    for (const [one, other] of [
      [both, a],
      [both, b],
      [both, NOTHING],
      [both, { ...both }],
      [
        { ...both, mark: 0 },
        { ...NOTHING, ctMark: 1 },
      ],
    ] as const) {
      expect(uniteReads(one, other)).toBe(one);
      if (uniteReads(other, one) !== other) expect(uniteReads(other, one)).toBe(one);
    }
    for (const more of ["mark", "ctMark", "fields"] as const) {
      const less = { ...both, [more]: 0 };
      expect([uniteReads(less, { ...NOTHING, [more]: both[more] }), uniteReads(less, both)]).toEqual([both, both]);
    }
  });
});

describe("what is forgotten", () => {
  const start = startState(alone({ ...PACKET, mark: 0 }), environmentOf([]), true).shared;
  const with_ = (change: Partial<SharedState>): SharedState => changeShared(start, change);
  const kept = (of: Partial<SharedState>, reads: Partial<Reads>): SharedState =>
    forget(with_(of), { ...NOTHING, ...reads });
  const bits = (mask: number, xor: number) => ({ field: "mark", masked: { mask, xor } }) as const;

  test.each<[what: string, held: SharedState["mark"], read: number, left: SharedState["mark"]]>([
    ["a number", 0x80000005, 0x80000004, 0x80000004],
    ["a number that nobody asks for", 5, 0, 0],
    ["what packets came with", { field: "mark" }, 1, { field: "mark" }],
    ["what they came with, and nobody asks for", { field: "mark" }, 0, 0],
    ["bits that are all asked for", bits(5, 2), 7, bits(5, 2)],
    ["bits of which one is asked for", bits(5, 2), 1, bits(1, 0)],
    ["bits of which others are asked for", bits(5, 2), 3, bits(1, 2)],
    ["bits of which none is asked for", bits(5, 2), 2, 2],
    ["the highest of bits that are set", bits(5, HIGHEST), HIGHEST, HIGHEST],
    ["bits that are kept, beside others that are set", bits(1, 2), 1, bits(1, 0)],
    ["the first bit", bits(3, 0), 1, bits(1, 0)],
  ])("of marks: %s", (_, held, read, left) => {
    expect(kept({ mark: held }, { mark: read, ctMark: ALL }).mark).toEqual(left);
    expect(kept({ ctMark: held }, { ctMark: read, mark: ALL }).ctMark).toEqual(left);
  });

  test("nothing where all is asked for, or nothing was written", () => {
    const all = { mark: ALL, ctMark: ALL, fields: ALL };
    for (const own of [
      start,
      with_({ mark: 1, ctMark: 2, priority: 3, overwritten: new Set(["a"]), accepted: true }),
      with_({ mark: bits(1, 2), ctMark: { field: "ctmark" } }),
    ])
      expect(forget(own, all)).toBe(own);
    expect(forget(start, NOTHING)).toBe(start);
  });

  test("the priority, and fields that a step may have written", () => {
    startRun();
    const own = { priority: 7, overwritten: new Set(["a", "b", "c"]), mark: 1, ctMark: 2 };
    const left = kept(own, { mark: 1 });
    expect([left.priority, [...left.overwritten], left.mark, left.ctMark]).toEqual([0, [], 1, 0]);
    expect(left.original).toBe(start.original);
    // A bit for each field, in the order in which they were met.
    expect(kept(own, { fields: 1 }).priority).toBe(7);
    expect([...kept(own, { fields: 2 }).overwritten]).toEqual(["a"]);
    expect([...kept(own, { fields: 12 }).overwritten]).toEqual(["b", "c"]);
    startRun();
    expect(kept({ ...own, overwritten: new Set(["c"]) }, { fields: 2 }).overwritten).toEqual(new Set(["c"]));
  });

  test("no field of more than there are bits, where all are asked for", () => {
    startRun();
    const many = new Set(Array.from({ length: 70 }, (_, i) => `field ${i}`));
    expect(kept({ overwritten: many }, { fields: ALL }).overwritten).toBe(many);
  });

  test("whether a rule has accepted, of many packets", () => {
    expect(kept({ accepted: true, isSingle: true }, {}).accepted).toBe(true);
    expect(kept({ accepted: true, isSingle: false }, {}).accepted).toBe(false);
    expect(kept({ accepted: false, isSingle: false }, {}).accepted).toBe(false);
  });
});
