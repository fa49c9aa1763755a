/** The rooms of compiler/, its folders, as a picture: each stands above all rooms that it imports. */

import { required } from "../../compiler/invariant.ts";
import type { Scene, SceneShape } from "../../compiler/pictures/scene.ts";
import { boxAt, lineOf, textAt } from "../../compiler/pictures/walk/shapes.ts";
import { isFolder, partsImportedIn } from "./imports.ts";

/** Rooms, and the rooms that each of them imports. */
export type Rooms = ReadonlyMap<string, ReadonlySet<string>>;

/** The folders of compiler/. */
export function roomsIn(imported: ReadonlyMap<string, readonly string[]>): Rooms {
  const parts = [...partsImportedIn(imported, "compiler")].filter(([name]) => isFolder(name));
  return new Map(parts.map(([name, others]) => [name, new Set([...others].filter(isFolder))]));
}

/** How many arrows there are from room to room. */
export function arrowsOf(rooms: Rooms): number {
  return [...rooms.values()].reduce((sum, { size }) => sum + size, 0);
}

/** Rooms by floors, the lowest first: a room stands one floor above the highest that it imports. Throws where rooms import each other. */
export function floorsOf(rooms: Rooms): string[][] {
  const floors: string[][] = [];
  const known = new Map<string, number>();
  const floorOf = (room: string, way: readonly string[]): number => {
    if (way.includes(room)) throw new Error(`rooms import each other: ${[...way, room].join(" → ")}`);
    const found =
      known.get(room) ?? Math.max(-1, ...importsOf(rooms, room).map((each) => floorOf(each, [...way, room]))) + 1;
    known.set(room, found);
    return found;
  };
  for (const room of rooms.keys()) {
    const floor = floorOf(room, []);
    for (let i = floors.length; i <= floor; i++) floors.push([]);
    required(floors[floor], "floors are there").push(room);
  }
  return floors;
}

function importsOf(rooms: Rooms, room: string): string[] {
  return [...(rooms.get(room) ?? [])];
}

/** The arrows that do not follow from others: no imported room of `room` leads there as well. */
function nearest(rooms: Rooms, room: string): string[] {
  const behind = new Set<string>();
  const visit = (each: string): void => {
    for (const next of importsOf(rooms, each)) {
      if (behind.has(next)) continue;
      behind.add(next);
      visit(next);
    }
  };
  for (const each of importsOf(rooms, room)) visit(each);
  return importsOf(rooms, room).filter((each) => !behind.has(each));
}

const WIDTH = 1080;
const BOX = { width: 132, height: 32 };
const FLOOR = 76;
const TOP = 64;

/** The picture. Arrows that follow from others are left out. */
export function drawRooms(rooms: Rooms, title: string): Scene {
  const floors = floorsOf(rooms);
  const places = new Map<string, { readonly x: number; readonly y: number }>();
  const height = TOP + floors.length * FLOOR;
  for (const [floor, names] of floors.entries()) {
    const middle = (room: string): number => {
      const xs = nearest(rooms, room).map((each) => places.get(each)?.x ?? 0);
      return xs.reduce((sum, x) => sum + x, 0) / Math.max(1, xs.length);
    };
    const sorted = [...names].sort((a, b) => middle(a) - middle(b) || (a < b ? -1 : 1));
    const step = WIDTH / sorted.length;
    for (const [i, name] of sorted.entries())
      places.set(name, { x: step * (i + 0.5), y: height - (floor + 1) * FLOOR + 10 });
  }
  const lines: SceneShape[] = [];
  const boxes: SceneShape[] = [];
  for (const [room, { x, y }] of places) {
    for (const each of nearest(rooms, room)) {
      const to = required(places.get(each), "each room has its place");
      lines.push(
        lineOf(
          [
            [x, y + BOX.height],
            [to.x, to.y],
          ],
          "line",
          1.5,
        ),
      );
    }
    boxes.push(boxAt(x - BOX.width / 2, y, BOX.width, BOX.height, { radius: 5, fill: "card", stroke: "line" }));
    boxes.push(textAt(x, y + 21, room, { size: 14, anchor: "middle" }));
  }
  const description = floors.map((names, i) => `Floor ${i}: ${names.join(", ")}.`).join(" ");
  return {
    width: WIDTH,
    height,
    title,
    description,
    shapes: [textAt(24, 36, title, { size: 16, isBold: true }), ...lines, ...boxes],
  };
}

/** What a picture of rooms has as its title. */
export function titleOf(rooms: Rooms, when: string): string {
  return `The rooms of compiler/ ${when}: ${rooms.size} rooms on ${floorsOf(rooms).length} floors, ${arrowsOf(rooms)} arrows down, none up`;
}
