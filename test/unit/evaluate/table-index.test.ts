/** The objects of a table by name. */
import { expect, test } from "vitest";
import { Lists } from "../../../compiler/evaluate/memory.ts";
import { TableIndex } from "../../../compiler/evaluate/table-index.ts";
import { mustReadNft } from "../../support/read.ts";

const [TABLE = expect.unreachable()] = mustReadNft(`table ip t {
  set s { type inet_service; elements = { 80 }; }
  map m { type inet_service : verdict; elements = { 80 : drop } }
  chain c { tcp dport @s drop; tcp dport vmap @m; }
}`).ruleset.tables;
const INDEX = new TableIndex(TABLE, new Lists([TABLE]), () => true);

test("objects are found by their names", () => {
  expect([INDEX.chain("c").name, INDEX.set("s").elements.length, INDEX.map("m").elements.length]).toEqual(["c", 1, 1]);
});

test.each<[what: string, ask: () => unknown, message: string]>([
  ["a chain", () => INDEX.chain("x"), "invariant broken: chain x is declared"],
  ["a set", () => INDEX.set("x"), "invariant broken: set x is declared"],
  ["the elements of a set", () => INDEX.setElements("m"), "invariant broken: set m is declared"],
  ["a map", () => INDEX.map("x"), "invariant broken: map x is declared"],
  ["the elements of a map", () => INDEX.mapElements("s"), "invariant broken: map s is declared"],
])("%s that is not declared is an error of ours", (_, ask, message) => {
  expect(ask).toThrow(message);
});

test("elements are indexed once", () => {
  expect(INDEX.setElements("s")).toBe(INDEX.setElements("s"));
  expect(INDEX.mapElements("m")).toBe(INDEX.mapElements("m"));
});
