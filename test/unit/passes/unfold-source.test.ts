/** What rules may ask of a table. */
import { describe, expect, test } from "vitest";
import type { Table } from "../../../compiler/ir/types.ts";
import { matchingElements, sourceOf } from "../../../compiler/passes/lookups/unfold-source.ts";
import { ipv4 } from "../../support/ir.ts";
import { mustReadNft } from "../../support/read.ts";

describe("a table", () => {
  const [table] = mustReadNft(`table ip t {
  set some { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 }; }
  set rest { type ipv4_addr; flags interval; elements = { 10.0.0.1, * }; }
  map ways { type ipv4_addr : verdict; elements = { 10.0.0.1 : drop, 10.0.0.3 : accept }; }
  map others { type ipv4_addr : verdict; elements = { 10.0.0.1 : drop, * : accept }; }
  chain c { accept; }
}
`).ruleset.tables;
  const { chains, sets, maps } = table as Table;
  const source = sourceOf(table as Table);
  const [first, second, third] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(ipv4);

  test("gives the rules of its chains; another chain has none", () => {
    expect(source.rulesOf("c")).toBe(chains[0]?.rules);
    expect(source.rulesOf("d")).toEqual([]);
  });

  test("gives its sets by name", () => {
    expect(source.setNamed("some")).toBe(sets.find(({ name }) => name === "some"));
    expect(source.setNamed("ways")).toBeUndefined();
  });

  test("gives the elements of its sets that may have a key", () => {
    const elements = sets.find(({ name }) => name === "some")?.elements;
    expect(source.setElements("some", [undefined])).toEqual(elements);
    expect(source.setElements("some", [second])).toEqual([elements?.[1]]);
    expect(source.setElements("some", [third])).toEqual([]);
    expect(source.setElements("ways", [undefined])).toEqual([]);
  });

  test("gives the elements of its maps that may have a key", () => {
    const elements = maps.find(({ name }) => name === "ways")?.elements;
    expect(source.mapElements("ways", [undefined])).toEqual(elements);
    expect(source.mapElements("ways", [third])).toEqual([elements?.[1]]);
    expect(source.mapElements("ways", [second])).toEqual([]);
    expect(source.mapElements("some", [undefined])).toEqual([]);
  });

  test("gives none where one is for all other keys", () => {
    expect(source.setElements("rest", [first])).toBeUndefined();
    expect(source.mapElements("others", [first])).toBeUndefined();
    expect(source.mapElements("others", [undefined])).toBeUndefined();
  });
});

test("a list gives the elements that may have a key, and none where one is for all other keys", () => {
  const elements = [{ key: [1, 2] }, { key: [1, 3] }, { key: [2, 3] }];
  expect(matchingElements(elements, [undefined, undefined])).toEqual(elements);
  expect(matchingElements(elements, [1, undefined])).toEqual(elements.slice(0, 2));
  expect(matchingElements(elements, [2, 2])).toEqual([]);
  expect(matchingElements([...elements, { key: { kind: "others" } as const }], [1, 2])).toBeUndefined();
});
