/** What has to be done to small tables. `property/table-change` holds that what is done to random ones makes the others of them. */
import { describe, expect, test } from "vitest";
import {
  differenceOf,
  differenceOfElements,
  isEmptyChange,
  isOfElements,
  type TableChange,
} from "../../../compiler/ir/table-change.ts";
import type { Chain, ElementKey, SetElement, Table } from "../../../compiler/ir/types.ts";
import { mustReadNft } from "../../support/read.ts";

function table(body: string): Table {
  return mustReadNft(`table ip t {\n${body}\n}`).ruleset.tables[0] ?? expect.fail("a table");
}

const SET = "set s { type ipv4_addr; elements = { 10.0.0.1 }; }";
const MAP = "map m { type ipv4_addr : verdict; elements = { 10.0.0.1 : drop }; }";
const BASE = "chain base { type filter hook input priority 0; policy accept; drop; }";
const REGULAR = "chain one { drop; }";
const ALL = table(`${SET} ${MAP} ${BASE} ${REGULAR}`);

const NOTHING: TableChange = {
  family: "ip",
  name: "t",
  table: "kept",
  sets: [],
  maps: [],
  chains: [],
  elements: [],
  retired: { sets: [], maps: [], chains: [], objects: [] },
};

describe("a table that comes or goes", () => {
  test("comes with all that it holds, and with its comment", () => {
    const change = differenceOf(undefined, { ...ALL, comment: "ours" });
    expect(change).toMatchObject({
      family: "ip",
      name: "t",
      table: "added",
      comment: "ours",
      retired: NOTHING.retired,
    });
    expect(change?.sets.map(({ name }) => name)).toEqual(["s"]);
    expect(change?.maps.map(({ name }) => name)).toEqual(["m"]);
    expect(change?.chains.map(({ name }) => name)).toEqual(["base", "one"]);
    expect(change?.elements.map(({ of, removed, added }) => [of.name, removed.length, added.length])).toEqual([
      ["m", 0, 1],
      ["s", 0, 1],
    ]);
    expect(Object.keys(differenceOf(undefined, ALL) ?? {})).not.toContain("comment");
  });

  test("goes at once", () => {
    expect(differenceOf(ALL, undefined)).toEqual({ ...NOTHING, table: "deleted" });
  });

  test("is none", () => {
    expect(differenceOf(undefined, undefined)).toBeUndefined();
  });

  test("wakes as it is", () => {
    expect(differenceOf({ ...ALL, dormant: true }, ALL)).toEqual({ ...NOTHING, table: "added" });
    expect(differenceOf({ ...ALL, dormant: true }, { ...ALL, dormant: true })).toBeUndefined();
    expect(differenceOf(ALL, { ...ALL, dormant: true })).toBeUndefined();
  });
});

/** What becomes of a table: the change's word for it, or that there is no change. */
function fateOf(before: Table, after: Table): string {
  return differenceOf(before, after)?.table ?? "the same";
}

test.each<[what: string, before: string, after: string, fate: string]>([
  ["a set has keys of another type", SET, "set s { type inet_service; }", "remade"],
  ["a set has intervals", SET, "set s { type ipv4_addr; flags interval; elements = { 10.0.0.1 }; }", "remade"],
  ["one of two sets has keys of another type", `${SET} ${MAP}`, `set s { type mark; } ${MAP}`, "remade"],
  [
    "one of two maps has keys of another type",
    `${SET} ${MAP}`,
    `${SET} map m { type mark : verdict; elements = { 1 : drop }; }`,
    "remade",
  ],
  ["a map gives addresses", MAP, "map m { type ipv4_addr : ipv4_addr; }", "remade"],
  ["a map gives ports", "map m { type ipv4_addr : mark; }", "map m { type ipv4_addr : inet_service; }", "remade"],
  ["a map is a set", "map m { type ipv4_addr : mark; }", "set m { type ipv4_addr; }", "remade"],
  ["a set has a comment", SET, `set s { type ipv4_addr; comment "ours"; elements = { 10.0.0.1 }; }`, "the same"],
  ["a set holds others", SET, "set s { type ipv4_addr; elements = { 10.0.0.2 }; }", "kept"],
  ["a set is new", MAP, `${SET} ${MAP}`, "kept"],
  ["a chain is of another type", BASE, BASE.replace("filter", "nat"), "remade"],
  ["a chain is of another hook", BASE, BASE.replace("input", "output"), "remade"],
  ["a chain has another priority", BASE, BASE.replace("priority 0", "priority 1"), "remade"],
  ["a chain has another policy", BASE, BASE.replace("accept", "drop"), "remade"],
  ["a chain is entered at a hook", "chain base { drop; }", BASE, "remade"],
  ["a chain is entered at no hook", BASE, "chain base { drop; }", "remade"],
  [
    "one of two chains is of another hook",
    `${BASE} ${REGULAR}`,
    `${BASE.replace("input", "output")} ${REGULAR}`,
    "remade",
  ],
  ["a chain has other rules", BASE, BASE.replace("drop;", "accept;"), "kept"],
  ["a chain is new", BASE, `${BASE} ${REGULAR}`, "kept"],
  ["a chain is gone", `${BASE} ${REGULAR}`, BASE, "kept"],
  ["nothing", BASE, BASE, "the same"],
])("where %s, a table is changed in place or made anew", (_, before, after, fate) => {
  expect(fateOf(table(before), table(after))).toBe(fate);
});

test("where a chain is entered at another device, or stands in a rule, a table is made anew", () => {
  const withChains = (change: (chain: Chain) => object): Table => ({
    ...ALL,
    chains: ALL.chains.map((chain) => ({ ...chain, ...change(chain) }) as Chain),
  });
  expect(
    fateOf(
      ALL,
      withChains(({ kind }) => (kind === "base" ? { device: "eth0" } : {})),
    ),
  ).toBe("remade");
  const anonymous = withChains(({ kind }) => (kind === "regular" ? { anonymous: true } : {}));
  expect([fateOf(ALL, anonymous), fateOf(anonymous, ALL), fateOf(anonymous, anonymous)]).toEqual([
    "remade",
    "remade",
    "the same",
  ]);
});

test("a table that sleeps is made anew where a chain is missing that the kernel enters", () => {
  const asleep = (body: string): Table => ({ ...table(body), dormant: true });
  expect(fateOf(asleep(BASE), table(`${BASE} ${REGULAR}`))).toBe("added");
  expect(fateOf(asleep(REGULAR), table(`${BASE} ${REGULAR}`))).toBe("remade");
  expect(fateOf(asleep(REGULAR), { ...table(`${BASE} ${REGULAR}`), dormant: true })).toBe("kept");
});

describe("a change of one part", () => {
  const [set] = ALL.sets;
  const [map] = ALL.maps;
  const elements = [{ of: set ?? expect.fail("a set"), removed: [], added: [] }];
  const retired = (kind: keyof TableChange["retired"]): Partial<TableChange> => ({
    retired: { ...NOTHING.retired, [kind]: ["x"] },
  });

  test.each<[what: string, part: Partial<TableChange>]>([
    ["its word", { table: "added" }],
    ["sets", { sets: set === undefined ? [] : [set] }],
    ["maps", { maps: map === undefined ? [] : [map] }],
    ["chains", { chains: ALL.chains }],
    ["sets that go", retired("sets")],
    ["maps that go", retired("maps")],
    ["chains that go", retired("chains")],
    ["counters that go", retired("objects")],
  ])("is no empty one, and none of elements: %s", (_, part) => {
    expect([isEmptyChange({ ...NOTHING, ...part }), isOfElements({ ...NOTHING, ...part })]).toEqual([false, false]);
  });

  test("may be of elements alone, or empty", () => {
    expect([isEmptyChange({ ...NOTHING, elements }), isOfElements({ ...NOTHING, elements })]).toEqual([false, true]);
    expect([isEmptyChange(NOTHING), isOfElements(NOTHING)]).toEqual([true, true]);
  });
});

describe("elements", () => {
  const at = (key: ElementKey, more: object = {}): SetElement => ({ key, ...more });
  const [one, two] = [at([1]), at([2])];

  test.each<[what: string, before: readonly SetElement[], after: readonly SetElement[], kept: boolean]>([
    ["the same", [one], [at([1])], true],
    ["a range of one", [one], [at([{ from: 1, to: 1 }])], true],
    ["a range of ranges of one", [at(["a", 1n])], [at(["a", { from: 1n, to: 1n }])], true],
    ["for all others", [at({ kind: "others" })], [at({ kind: "others" })], true],
    ["a range", [one], [at([{ from: 1, to: 2 }])], false],
    ["another range", [at([{ from: 0, to: 2 }])], [at([{ from: 1, to: 2 }])], false],
    ["for all others instead of one", [one], [at({ kind: "others" })], false],
    ["a text instead of a number", [one], [at(["1"])], false],
    ["a key of two parts", [at([11])], [at([1, 1])], false],
    ["two parts that are one text", [at(["a b"])], [at(["a", "b"])], false],
    ["a comment", [one], [at([1], { comment: "of a" })], false],
    ["another comment", [at([1], { comment: "of b" })], [at([1], { comment: "of a" })], false],
    ["a comment of the word undefined", [one], [at([1], { comment: "undefined" })], false],
    ["an empty comment", [one], [at([1], { comment: "" })], false],
    ["a timeout", [one], [at([1], { timeoutSeconds: 1 })], false],
    ["another timeout", [at([1], { timeoutSeconds: 2 })], [at([1], { timeoutSeconds: 1 })], false],
    ["a counter", [one], [at([1], { statements: ["counter"] })], false],
    ["a statement of the word undefined", [one], [at([1], { statements: ["undefined"] })], false],
    ["two statements", [at([1], { statements: ["a b"] })], [at([1], { statements: ["a", "b"] })], true],
    ["a value", [at([1], { value: [1] })], [at([1], { value: [1] })], true],
    ["another value", [at([1], { value: [1] })], [at([1], { value: [2] })], false],
    ["a verdict", [at([1], { value: { kind: "drop" } })], [at([1], { value: { kind: "drop" } })], true],
    ["another verdict", [at([1], { value: { kind: "drop" } })], [at([1], { value: { kind: "accept" } })], false],
    [
      "another chain",
      [at([1], { value: { kind: "goto", chain: "a" } })],
      [at([1], { value: { kind: "goto", chain: "b" } })],
      false,
    ],
    [
      "a jump",
      [at([1], { value: { kind: "goto", chain: "a" } })],
      [at([1], { value: { kind: "jump", chain: "a" } })],
      false,
    ],
  ])("stay where they are the same: %s", (_, before, after, kept) => {
    expect(differenceOfElements([...before, two], [two, ...after])).toEqual(
      kept ? { removed: [], added: [] } : { removed: before, added: after },
    );
  });

  test("come and go with nothing there", () => {
    expect(differenceOfElements([], [one, two])).toEqual({ removed: [], added: [one, two] });
    expect(differenceOfElements([one, two], [])).toEqual({ removed: [one, two], added: [] });
  });

  test("that rules add stay", () => {
    const dynamic = "set s { type ipv4_addr; flags dynamic; timeout 1m; }";
    const filled = table(dynamic);
    const [set] = filled.sets;
    expect(fateOf({ ...filled, sets: [{ ...(set ?? expect.fail("a set")), elements: [one] }] }, filled)).toBe(
      "the same",
    );
  });
});
