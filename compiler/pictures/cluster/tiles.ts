/** Many nodes: a tile for each, a square for each pod. */
import { unreachable } from "../../invariant.ts";
import type { SceneShape } from "../scene.ts";
import { boxAt, EDGE, textAt } from "../walk/shapes.ts";
import { shortened, spanWidth } from "../widths.ts";
import { PARTS, type PodPart, type StoryNode } from "./story.ts";

/** Nodes, as they are drawn. */
export interface DrawnNodes {
  readonly shapes: readonly SceneShape[];
  readonly bottom: number;
  /** Where wires leave below; none for tiles. */
  readonly wires: readonly number[];
  /** What has to be said of the drawing; empty: nothing. */
  readonly note: string;
}

const GAP = 8;
const SQUARE = 9;
const STEP = 12;
const MOST_COLUMNS = 10;
/** With more nodes a tile is a zone. */
const MOST_NODES = 100;
/** Squares that a tile of a node, or of a zone, has at most. */
const MOST_SQUARES = { node: 64, zone: 400 };

interface Tile {
  readonly name: string;
  readonly tip: string;
  readonly counts: Readonly<Record<PodPart, number>>;
  readonly isFaulty: boolean;
}

export function drawTiles(nodes: readonly StoryNode[], top: number, width: number): DrawnNodes {
  const byZone = nodes.length > MOST_NODES;
  const tiles = byZone ? zoneTiles(nodes) : nodes.map((node) => tileOf(node.name, [node]));
  const room = width - 2 * EDGE;
  const columns = Math.min(tiles.length, byZone ? 4 : MOST_COLUMNS);
  const tileWidth = Math.floor((room - (columns - 1) * GAP) / columns);
  const perRow = Math.floor((tileWidth - 20) / STEP);
  const most = Math.max(...tiles.map(({ counts }) => PARTS.reduce((sum, part) => sum + counts[part], 0)));
  const scale = scaleOf(most, byZone ? MOST_SQUARES.zone : MOST_SQUARES.node);
  const squares = tiles.map(({ counts }) =>
    PARTS.flatMap((part) => Array<PodPart>(Math.ceil(counts[part] / scale)).fill(part)),
  );
  const height = 44 + Math.ceil(Math.max(...squares.map(({ length }) => length)) / perRow) * STEP + 8;
  const shapes = tiles.map((tile, i): SceneShape => {
    const x = EDGE + (i % columns) * (tileWidth + GAP);
    const y = top + 20 + Math.floor(i / columns) * (height + GAP);
    const drawn = (squares[i] ?? []).map((part, k) =>
      squareOf(part, x + 10 + (k % perRow) * STEP, y + 40 + Math.floor(k / perRow) * STEP),
    );
    return { kind: "group", tip: tile.tip, shapes: [...tileHead(tile, x, y, tileWidth, height), ...drawn] };
  });
  const rows = Math.ceil(tiles.length / columns);
  const notes = [byZone ? "a tile is a zone" : "", scale === 1 ? "" : `a square stands for up to ${scale} pods`];
  return {
    shapes,
    bottom: top + 20 + rows * (height + GAP) - GAP,
    wires: [],
    note: notes.filter((part) => part !== "").join("; "),
  };
}

function tileHead({ name, counts, isFaulty }: Tile, x: number, y: number, width: number, height: number): SceneShape[] {
  const mine = counts.ready + counts["not-ready"];
  const count = mine === 0 ? "" : String(mine);
  const mark = isFaulty ? `${count} ✕`.trim() : count;
  const room = width - 28 - spanWidth({ text: mark, isBold: true }, 13);
  let short = name;
  for (let most = [...name].length; most > 1 && spanWidth({ text: short, isBold: true }, 13) > room; most--)
    short = shortened(name, most - 1);
  return [
    boxAt(x, y, width, height, {
      radius: 6,
      fill: "panel",
      stroke: isFaulty ? "markLine" : "line",
      strokeWidth: isFaulty ? 2 : 1,
    }),
    ...(isFaulty ? [boxAt(x + 1, y + 1, width - 2, 31, { radius: 5, fill: "mark" })] : []),
    textAt(x + 10, y + 21, short, { isBold: true, colour: isFaulty ? "markInk" : "ink" }),
    ...(mark === ""
      ? []
      : [textAt(x + width - 10, y + 21, mark, { anchor: "end", isBold: true, colour: isFaulty ? "markInk" : "req" })]),
  ];
}

export function squareOf(part: PodPart, x: number, y: number): SceneShape {
  switch (part) {
    case "ready":
      return boxAt(x, y, SQUARE, SQUARE, { radius: 2, fill: "req" });
    case "not-ready":
      return boxAt(x + 0.75, y + 0.75, SQUARE - 1.5, SQUARE - 1.5, { radius: 2, stroke: "req", strokeWidth: 1.5 });
    case "other":
      return boxAt(x, y, SQUARE, SQUARE, { radius: 2, fill: "bar" });
    default:
      return unreachable(part);
  }
}

function zoneTiles(nodes: readonly StoryNode[]): Tile[] {
  const zones = new Map<string, StoryNode[]>();
  for (const node of nodes) {
    const name = node.zone ?? "no zone";
    const mine = zones.get(name) ?? [];
    if (mine.push(node) === 1) zones.set(name, mine);
  }
  return [...zones]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, mine]) => tileOf(`${name}: ${countOf(mine.length, "node")}`, mine));
}

function tileOf(name: string, nodes: readonly StoryNode[]): Tile {
  const pods = nodes.flatMap((node) => node.pods);
  const count = (part: PodPart): number => pods.filter((pod) => pod.part === part).length;
  const counts = { ready: count("ready"), "not-ready": count("not-ready"), other: count("other") };
  const mine = counts.ready + counts["not-ready"];
  const tip = `${name}: ${countOf(pods.length, "pod")}${mine === 0 ? "" : `, ${mine} of the Service`}`;
  return { name, tip, counts, isFaulty: nodes.some(({ isFaulty }) => isFaulty) };
}

/** How many pods a square stands for. */
function scaleOf(most: number, squares: number): number {
  let scale = 1;
  for (const next of [5, 2, 2, 2.5, 2, 2, 2.5, 2, 2]) if (most / scale > squares) scale *= next;
  return scale;
}

/** `1 pod`, `2 pods`. */
export function countOf(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
