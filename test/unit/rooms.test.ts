/** The rooms of compiler/ as compiler/README.md shows them. `KPC_UPDATE_PAGES=1` draws the picture anew. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { paint } from "../../compiler/pictures/paint.ts";
import { importsBelow } from "../support/imports.ts";
import { arrowsOf, drawRooms, floorsOf, type Rooms, roomsIn, titleOf } from "../support/rooms.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const README = readFileSync(join(ROOT, "compiler/README.md"), "utf8");
const ROOMS = roomsIn(importsBelow(ROOT));

test("each room has one line in the table", () => {
  const rows = [...README.matchAll(/^\| `([\w-]+)\/` \|/gm)].map(([, name = ""]) => name);
  expect(rows.sort()).toEqual([...ROOMS.keys()].sort());
});

test("the text has the numbers of rooms, floors and arrows", () => {
  expect(README).toContain(`${ROOMS.size} rooms on ${floorsOf(ROOMS).length} floors, with ${arrowsOf(ROOMS)} arrows`);
});

test("rooms.svg is the picture of the rooms", () => {
  const path = join(ROOT, "compiler/rooms.svg");
  const drawn = paint(drawRooms(ROOMS, titleOf(ROOMS, "now")));
  if (process.env["KPC_UPDATE_PAGES"] === "1") writeFileSync(path, drawn);
  expect(readFileSync(path, "utf8")).toBe(drawn);
});

describe("floors", () => {
  const rooms = (all: Readonly<Record<string, readonly string[]>>): Rooms =>
    new Map(Object.entries(all).map(([name, others]) => [name, new Set(others)]));

  test("a room stands above all that it imports", () => {
    expect(floorsOf(rooms({ top: ["middle", "low"], middle: ["low"], low: [], other: ["low"] }))).toEqual([
      ["low"],
      ["middle", "other"],
      ["top"],
    ]);
  });

  test("rooms that import each other stand nowhere", () => {
    expect(() => floorsOf(rooms({ a: ["b"], b: ["c"], c: ["a"] }))).toThrow("rooms import each other: a → b → c → a");
  });

  test("an arrow that follows from others is not drawn", () => {
    const { shapes } = drawRooms(rooms({ top: ["middle", "low"], middle: ["low"], low: [] }), "Three");
    expect(shapes.filter(({ kind }) => kind === "line").length).toBe(2);
  });
});
