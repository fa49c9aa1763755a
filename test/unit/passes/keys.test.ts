/** What is known of a key, and what is left to ask. */
import { describe, expect, test } from "vitest";
import { ChainGraph } from "../../../compiler/ir/chain-graph.ts";
import { MOST_NUMBERS } from "../../../compiler/ir/constants.ts";
import type { Chain, Expression, FieldExpression, KeyPart, SetElement, Step } from "../../../compiler/ir/types.ts";
import type { StepCursor } from "../../../compiler/passes/lookups/cursor.ts";
import { distinctOpenParts, narrowTo, openPartOf, readKey } from "../../../compiler/passes/lookups/keys.ts";
import { fieldName, type KnownFields, NOTHING_KNOWN, ReadFields } from "../../../compiler/passes/lookups/known.ts";

const SADDR: FieldExpression = { kind: "ip", field: "saddr" };
const DADDR: FieldExpression = { kind: "ip", field: "daddr" };
const MARK: FieldExpression = { kind: "meta", key: "mark" };

const numgen = (modulus: number, offset = 0): Expression => ({ kind: "numgen", mode: "random", modulus, offset });
const concat = (...parts: readonly Expression[]): Expression => ({ kind: "concat", parts });

describe("a key", () => {
  const known: KnownFields = new Map([["saddr", 7]]);

  test("has values where fields are known", () => {
    expect(readKey(concat(SADDR, MARK), known, "ip")).toEqual({
      values: [7, undefined],
      unknown: [{ field: MARK, position: 1, type: "mark" }],
      random: undefined,
    });
  });

  test("has one random number", () => {
    const random = { position: 1, mode: "random", modulus: MOST_NUMBERS, offset: 3 };
    expect(readKey(concat(SADDR, numgen(MOST_NUMBERS, 3)), known, "ip")).toEqual({
      ...{ values: [7, undefined], unknown: [], random },
    });
    expect(readKey(numgen(MOST_NUMBERS + 1), known, "ip")).toBeUndefined();
    expect(readKey(concat(numgen(2), numgen(2)), known, "ip")).toBeUndefined();
  });

  test("has the only number that there is as a value", () => {
    expect(readKey(concat(numgen(1, 5), SADDR), known, "ip")).toEqual({
      ...{ values: [5, 7], unknown: [], random: undefined },
    });
  });
});

test.each<[unknown: FieldExpression[], open: Expression]>([
  [[SADDR], SADDR],
  [[SADDR, MARK], concat(SADDR, MARK)],
  [[], concat()],
])("what is open of a key with %j is one expression", (fields, open) => {
  const unknown = fields.map((field, position) => ({ field, position, type: "mark" as const }));
  expect(openPartOf({ values: [], unknown, random: undefined })).toEqual(open);
});

test("of elements with the same open parts the first counts", () => {
  const keys: KeyPart[][] = [
    [1, 2, 23],
    [9, 2, 23],
    [1, 22, 3],
    [1, 2, 3],
  ];
  const elements = keys.map((key): SetElement => ({ key }));
  const unknown = [1, 2].map((position) => ({ field: MARK, position, type: "mark" as const }));
  const first = distinctOpenParts(elements, { values: [], unknown, random: undefined });
  expect(first).toEqual([elements[0], elements[2], elements[3]]);
});

describe("a test for the open parts of a key", () => {
  const cursor = (known: KnownFields = NOTHING_KNOWN): StepCursor => ({
    ...{ rule: { steps: [] }, at: 0, start: 0, matches: [], known },
    place: { chain: "c", index: 0, known },
  });

  /** How many tests are made. */
  const testsOf = (field: FieldExpression, part: KeyPart, known?: KnownFields): number => {
    const element: SetElement = { key: [part] };
    const { matches } = narrowTo(
      { element, parts: [part] },
      [{ field, position: 0, type: "ipv4_addr" }],
      cursor(known),
    );
    return matches.length;
  };

  test.each<[what: string, part: KeyPart, tests: number]>([
    ["all addresses of IPv4", { from: 0, to: 2 ** 32 - 1 }, 0],
    ["all but the first", { from: 1, to: 2 ** 32 - 1 }, 1],
    ["all but the last", { from: 0, to: 2 ** 32 - 2 }, 1],
    ["all addresses of IPv6", { from: 0n, to: 2n ** 128n - 1n }, 0],
    ["all of IPv6 but the first", { from: 1n, to: 2n ** 128n - 1n }, 1],
    ["all of IPv6 but the last", { from: 0n, to: 2n ** 128n - 2n }, 1],
    ["one address", 5, 1],
  ])("is made unless it leaves none out: %s", (_, part, tests) => {
    expect(testsOf(DADDR, part)).toBe(tests);
  });

  test("is not made of what is known", () => {
    const known = new Map([["daddr", 5]]);
    expect(testsOf(DADDR, 5, known)).toBe(0);
    expect(testsOf(DADDR, { from: 5, to: 9 }, known)).toBe(1);
    expect(testsOf(SADDR, 5, known)).toBe(1);
  });
});

test.each<[field: FieldExpression, name: string]>([
  [{ kind: "ct", key: "state" }, "ct state"],
  [{ kind: "fib", of: "daddr", result: "type" }, "fib daddr"],
  [SADDR, "saddr"],
  [MARK, "mark"],
  [{ kind: "header", field: "ip ttl" }, "ip ttl"],
])("%j has a name", (field, name) => {
  expect(fieldName(field)).toBe(name);
});

test.each<[what: string, step: Step, fields: string[]]>([
  ["masquerading", { kind: "masquerade", random: "none" }, []],
  ["masquerading to ports", { kind: "masquerade", ports: { from: 1, to: 9 }, random: "none" }, ["l4proto"]],
  ["redirection", { kind: "redirect", random: "none" }, []],
  ["redirection to a port", { kind: "redirect", ports: { from: 9, to: 9 }, random: "none" }, ["l4proto"]],
])("%s needs the protocol where it writes ports", (_, step, fields) => {
  const chains: Chain[] = [{ kind: "regular", name: "c", rules: [{ steps: [step] }] }];
  expect([...new ReadFields(new ChainGraph({ chains, maps: [] })).of("c")]).toEqual(fields);
});
