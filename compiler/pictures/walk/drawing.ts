/** The drawing of a walk from inside the cluster: nodes with their pods, the lines of the request and the reply, and a note at each step. */
import { unreachable } from "../../invariant.ts";
import { keptRight } from "../lines.ts";
import type { ScenePoint, SceneShape } from "../scene.ts";
import { numberWidth, wrapped } from "../widths.ts";
import { isIn, isOnBridge, type PlanColumn, type Visit } from "./columns.ts";
import type { PicturePart } from "./heading.ts";
import { isUpward } from "./notes.ts";
import { bridgeSpans, ZONE_LABEL } from "./place-column.ts";
import {
  ALONG_ROW,
  ALONG_STEP,
  BAR,
  BAR_ROW,
  columnWith,
  HEAD,
  LAN_ROW,
  lanPlace,
  PAD,
  type PlacedColumn,
  type PlacedEnd,
  type PlacedRow,
  type PlacedStep,
  type PlacedTag,
  type Places,
  POD_HEAD,
  type RowHeights,
  replyStep,
  rowOf,
  TRUNK,
  WIRE,
} from "./placed.ts";
import { placeWalk } from "./places.ts";
import {
  addressSpans,
  BESIDE,
  boxAt,
  DIRECTION_COLOUR,
  lanSpans,
  lineOf,
  numberAt,
  numbersOf,
  SIDE,
  spansAt,
  stepGroup,
  textAt,
} from "./shapes.ts";
import type { Story, StoryWay } from "./story.ts";
import { StoryTags } from "./tags.ts";
import { drawnWay, layWay, shouldWay } from "./ways.ts";

export interface Drawing extends PicturePart {
  readonly right: number;
}

export function layDrawing(story: Story, plans: readonly PlanColumn[], top: number, width: number): Drawing {
  const places = placeWalk(story, plans, top, width, new StoryTags(story, plans).tags);
  const { rows, right, bottom, tags } = places;
  const ways = [...places.visits.keys()];
  const shapes: SceneShape[] = rows.flatMap(({ columns, y }) => columns.flatMap((column) => layColumn(column, y)));
  shapes.push(...layNetwork(places, story));
  const missed = missedVisit(ways, places);
  if (missed !== undefined) shapes.push(...missed);
  let last: ScenePoint | undefined;
  for (const way of ways) {
    const drawn = drawnWay(way, places, story);
    shapes.push(...layWay(way, drawn, last));
    last = keptRight(drawn.points, SIDE).at(-1);
  }
  for (const tag of tags) shapes.push(...layTag(tag, places));
  for (const placed of places.steps) shapes.push(layStep(placed, places, ways));
  return { shapes, bottom, right };
}

/** The dotted way of an answer that a bridge has passed by the rules. */
function missedVisit(ways: readonly StoryWay[], places: Places): SceneShape[] | undefined {
  const [request, reply] = ways;
  if (request === undefined || reply?.end.kind !== "stranger") return undefined;
  const visit = places.visits.get(reply)?.find((each) => isOnBridge(each, reply));
  const undone = request.steps.find(
    ({ hop, source, destination }) =>
      visit !== undefined && hop?.host === visit.hops[0]?.host && (source ?? destination) !== undefined,
  );
  if (visit === undefined) return undefined;
  const column = places.rows.flatMap(({ columns }) => columns).find(({ plan }) => plan === visit.column);
  const row = column && rowOf(places, column);
  if (row === undefined || column === undefined) return undefined;
  const points = shouldWay(visit, column, row.y);
  const x = Math.min(...points.map(([at]) => at));
  const what = undone === undefined ? "" : `: conntrack would undo ${undone.number}`;
  return [
    lineOf(points, "rep", 3, { radius: 10, dash: "should" }),
    textAt(x + BESIDE - SIDE, row.y.end - 44, `the way back through the rules${what}`, {
      colour: "rep",
      isItalic: true,
    }),
  ];
}

// --- hosts -----------------------------------------------------------------------------------------------------------------

function layColumn(column: PlacedColumn, y: RowHeights): SceneShape[] {
  const { plan, x, width, ends, more, uplink, rightUplink } = column;
  const { host, isOpen } = plan;
  const frame = isOpen ? y.bar : y.top;
  const shapes: SceneShape[] = [
    boxAt(x, frame, width, y.end - frame, { radius: 10, fill: "panel", stroke: "line", strokeWidth: 1.5 }),
  ];
  const kind = KIND_WORDS[host.kind];
  const isWired = isOpen && ends.length > 0;
  shapes.push(
    textAt(x + PAD + (isWired ? 70 : 0), frame + HEAD - 15, host.title, { size: 16, isBold: true }),
    textAt(x + width - PAD, frame + HEAD - 16, kind, { colour: "dim", anchor: "end" }),
  );
  if (host.bridge !== undefined)
    shapes.push(
      boxAt(x + PAD / 2, y.bar, width - PAD, y.barHeight, { radius: 5, fill: "bar" }),
      spansAt(
        x + width - PAD,
        y.barNotes > y.bar ? y.bar + 30 : y.bar + y.barHeight / 2 + 5,
        bridgeSpans(host),
        13,
        "end",
      ),
    );
  else if (!isOpen && ends.length > 0)
    shapes.push(
      boxAt(x + PAD / 2, y.bar, width - PAD, y.end - y.bar - 12, { radius: 5, stroke: "line" }),
      textAt(x + width - PAD, y.bar + 20, ZONE_LABEL, { colour: "dim", anchor: "end" }),
    );
  if (more !== undefined) {
    const bottom = y.podEnd - 8;
    shapes.push(
      boxAt(more.x + 8, y.pod + 8, more.width, bottom - y.pod, {
        radius: 8,
        fill: "panel",
        stroke: "line",
        isDashed: true,
      }),
      boxAt(more.x, y.pod, more.width, bottom - y.pod, { radius: 8, fill: "panel", stroke: "line", isDashed: true }),
      textAt(more.x + 16, y.pod + POD_HEAD - 35, `+ ${plan.more} ${plan.more === 1 ? "pod" : "pods"}`, {
        size: 16,
        isBold: true,
        colour: "dim",
      }),
      textAt(more.x + 16, y.pod + POD_HEAD - 15, "not on this walk", { colour: "dim" }),
    );
  }
  for (const end of ends) shapes.push(...layEnd(end, column, y));
  if (y.lan !== undefined)
    shapes.push(
      ...[...new Set([uplink, rightUplink])].flatMap((at) => [
        wire([at, y.end], [at, y.lan ?? y.end]),
        port(at, y.lan ?? y.end),
      ]),
      // One interface, however often it is passed.
      port(uplink, y.end, rightUplink),
      textAt(uplink + BESIDE, y.end + 21, host.uplink ?? "", { isMono: true, colour: "dim" }),
    );
  return shapes;
}

const KIND_WORDS = {
  node: "node",
  gateway: "router",
  "load-balancer": "load balancer",
  pod: "pod",
  outside: "outside",
  switch: "switch",
} as const;

function layEnd(
  { host, x, width, wire: at, isOther, note }: PlacedEnd,
  column: PlacedColumn,
  y: RowHeights,
): SceneShape[] {
  const isDashed = isOther || column.plan.isOpen;
  return [
    wire([at, y.podEnd], [at, y.bar]),
    boxAt(x, y.pod, width, y.podEnd - y.pod, {
      radius: 8,
      fill: isOther ? "panel" : "card",
      stroke: isOther ? "line" : "ink",
      strokeWidth: isOther ? 1 : 1.5,
      ...(isDashed ? { isDashed } : {}),
    }),
    textAt(x + 16, y.pod + POD_HEAD - 35, host.title, { size: 16, isBold: true, colour: isOther ? "dim" : "ink" }),
    textAt(x + 16, y.pod + POD_HEAD - 15, host.address, { isMono: true, colour: "dim" }),
    ...(note === undefined
      ? []
      : wrapped(note, width - 32, 13).map((line, i) =>
          textAt(x + 16, y.pod + POD_HEAD + 10 + i * 18, line, { colour: "dim" }),
        )),
    port(at, y.podEnd),
    port(at, y.bar),
  ];
}

function port(x: number, y: number, right = x): SceneShape {
  return boxAt(x - 22, y - 6, right - x + 44, 12, { radius: 3, fill: "bar", stroke: "line" });
}

function wire(a: ScenePoint, b: ScenePoint): SceneShape {
  return lineOf([a, b], "line", 2);
}

/** The switch between the columns, and a tunnel that runs over it; of several rows they are one each. */
function layNetwork({ rows, trunks }: Places, story: Story): SceneShape[] {
  const name =
    [...story.hosts.values()].find(({ kind, name: own }) => kind === "switch" && own === "switch")?.title ?? "switch";
  const tunnel = `${story.tunnel ?? ""} tunnel`.trim();
  const shapes: SceneShape[] = [];
  for (const [r, { columns, y }] of rows.entries()) {
    if (y.lan === undefined) continue;
    const below = rows[r + 1]?.y;
    const joined = [trunks[r - 1], trunks[r]];
    for (const kind of ["lan", "tunnel"] as const) {
      const top = y[kind];
      if (top === undefined) continue;
      const xs = [
        ...columns.flatMap(({ uplink, rightUplink }) => [uplink - 48, rightUplink + 48]),
        ...joined.flatMap((trunk) => (trunk === undefined ? [] : [trunk[kind] - TRUNK / 2, trunk[kind] + TRUNK / 2])),
      ];
      const from = Math.min(...xs);
      const to = rows.length > 1 ? Math.max(...xs) : Math.max(...xs, from + 480);
      shapes.push(networkBox(kind, from, top, to - from, BAR));
      if (r === 0)
        shapes.push(textAt(to + 16, top + 27, kind === "lan" ? name : tunnel, { isMono: true, colour: "dim" }));
      const [trunk, next] = [trunks[r], below?.[kind]];
      if (trunk !== undefined && next !== undefined)
        shapes.push(networkBox(kind, trunk[kind] - TRUNK / 2, top, TRUNK, next + BAR - top));
    }
  }
  return shapes;
}

function networkBox(kind: "lan" | "tunnel", x: number, y: number, width: number, height: number): SceneShape {
  if (kind === "lan") return boxAt(x, y, width, height, { radius: 5, fill: "bar" });
  return boxAt(x, y, width, height, { radius: 22, fill: "card", stroke: "line", strokeWidth: 1.5, isDashed: true });
}

// --- steps -----------------------------------------------------------------------------------------------------------------

function layTag({ end, direction, source, destination, x }: PlacedTag, places: Places): SceneShape[] {
  const at = placeOf(end, places);
  if (at === undefined) return [];
  const y = at.y.podEnd + WIRE / 2;
  const row = (dy: number, word: string, value: typeof source): SceneShape =>
    spansAt(at.wire + x, y + dy, [
      { text: `${word} `, isMono: true, colour: DIRECTION_COLOUR[direction] },
      ...addressSpans(value),
    ]);
  return [row(-4, "src", source), row(14, "dst", destination)];
}

/** The wire of a pod or a host outside, and its row. */
function placeOf(end: string, places: Places): { readonly wire: number; readonly y: RowHeights } | undefined {
  const column = columnWith(places, end);
  const wire = column?.ends.find(({ host }) => host.name === end)?.wire;
  const row = column && rowOf(places, column);
  return wire === undefined || row === undefined ? undefined : { wire, y: row.y };
}

function layStep(placed: PlacedStep, places: Places, ways: readonly StoryWay[]): SceneShape {
  const { step } = placed;
  const { shapes, number } = stepShapes(placed, places, ways);
  const [x, y] = number;
  const mark: SceneShape = step.isLost ? { kind: "cross", x, y, radius: 12 } : numberAt(x, y, step);
  return stepGroup(step, [mark, ...shapes]);
}

interface StepShapes {
  readonly number: ScenePoint;
  readonly shapes: readonly SceneShape[];
}

function stepShapes(
  { step, anchor, head, facts, y: own }: PlacedStep,
  places: Places,
  ways: readonly StoryWay[],
): StepShapes {
  const way = ways.find(({ direction }) => direction === step.direction);
  const visits = (way && places.visits.get(way)) ?? [];
  const visit = visits.find((each) => isIn(step, each));
  // Wide numbers reach over the wire, not over the text beside it.
  const half = numberWidth(numbersOf(step.number, step.last)) / 2;
  const side = (x: number, isUp: boolean): number => x + (isUp ? Math.min(SIDE, BESIDE - 6 - half) : -SIDE);
  switch (anchor.kind) {
    case "end": {
      const place = placeOf(anchor.end, places);
      const [x, at] = [place?.wire ?? 0, (place?.y.pod ?? 0) + own];
      // A request that stays on its host is drawn where requests end.
      const isFirst =
        way?.hops[0] === step.hop && (way?.hops.length !== 1 || (way.isLost && way.direction === "reply"));
      return {
        number: [side(x, !isFirst), at],
        shapes: head.map((line, i) => textAt(x + BESIDE, at + 5 + i * 18, line, { isBold: step.isLost })),
      };
    }
    case "zone": {
      const column = columnOf(anchor.column, places);
      const x = wireIn(column, anchor.wire);
      const at = (column?.row.y.zone ?? 0) + own;
      return {
        number: [side(x, visit !== undefined && isUpward(visit)), at],
        shapes: [
          ...head.map((line, i) => textAt(x + BESIDE, at + 5 + i * 20, line, { size: 14, isBold: true })),
          ...facts.map((line, i) =>
            textAt(x + BESIDE, at + 5 + head.length * 20 - 1 + i * 18, line, { isMono: true, colour: "dim" }),
          ),
        ],
      };
    }
    case "bar":
      return barShapes({ step, anchor, head, facts, y: own }, places, way, visit);
    case "outer": {
      const place = placeOf(anchor.end, places);
      const isUp = visits.some(({ to }) => to.kind === "end" && to.host === anchor.end);
      const middle = place === undefined ? 0 : (place.y.podEnd + place.y.bar) / 2;
      return { number: [side(place?.wire ?? 0, isUp), middle + (isUp ? 10 : -10)], shapes: [] };
    }
    case "lan":
      return lanShapes({ step, anchor, head, facts, y: own }, places);
    default:
      return unreachable(anchor);
  }
}

function lanShapes({ step, anchor, facts, y: own }: PlacedStep, places: Places): StepShapes {
  const place = anchor.kind === "lan" && anchor.column !== undefined ? columnOf(anchor.column, places) : undefined;
  if (place === undefined || anchor.kind !== "lan") return { number: [0, 0], shapes: [] };
  const { y } = place.row;
  const bar = (anchor.isTunnelled ? y.tunnel : y.lan) ?? y.end;
  const { x, isStart } = lanPlace(place.column, anchor, place.row.isCrowded);
  const at = own < 0 ? bar - 12 + (own + 1) * LAN_ROW : (y.lan ?? y.end) + 62 + own * LAN_ROW;
  const spans = lanSpans(step, facts, place.row.isCrowded);
  const note = spansAt(isStart ? x - 11 : x + 11, at, spans, 13, isStart ? "start" : "end");
  return { number: [x, bar + BAR / 2 + anchor.side * SIDE], shapes: [note] };
}

interface ColumnPlace {
  readonly column: PlacedColumn;
  readonly row: PlacedRow;
}

function columnOf(plan: PlanColumn, { rows }: Places): ColumnPlace | undefined {
  for (const row of rows) {
    const column = row.columns.find((each) => each.plan === plan);
    if (column !== undefined) return { column, row };
  }
  return undefined;
}

/** The wire of an end of the column; undefined: the one to the other nodes. */
function wireIn(place: ColumnPlace | undefined, name: string | undefined): number {
  const end = place?.column.ends.find(({ host }) => host.name === name);
  return end?.wire ?? place?.column.uplink ?? 0;
}

function barShapes(
  { step, anchor, head, y: own }: PlacedStep,
  places: Places,
  way: StoryWay | undefined,
  visit: Visit | undefined,
): StepShapes {
  const [text = ""] = head;
  const wireName = anchor.kind === "bar" ? anchor.wire : undefined;
  const place = anchor.kind === "bar" ? columnOf(anchor.column, places) : undefined;
  if (place === undefined) return { number: [0, 0], shapes: [] };
  const { y } = place.row;
  const x = wireIn(place, wireName);
  if (visit !== undefined && way !== undefined && isOnBridge(visit, way)) {
    const [a = x, b = x] = [visit.from, visit.to].map((side) =>
      side.kind === "end" ? wireIn(place, side.host) : x + 160,
    );
    const forth = Math.sign(b - a) || 1;
    const isFirst = x === a && !step.isLost;
    // Numbers of both directions stand beside each other, not above.
    const away = ALONG_STEP + (step.direction === "reply" ? replyStep(places.steps, visit.column) : 0);
    const at = x === a && step.isLost ? b : x + (isFirst ? forth : -forth) * away;
    // Texts stand between the wires, below their numbers.
    const isLeft = step.isLost || isFirst === forth > 0;
    const style = { isBold: step.isLost, anchor: isLeft ? "start" : "end" } as const;
    const note = textAt(isLeft ? at - 11 : at + 11, y.bar + 57 + own * ALONG_ROW, text, style);
    return { number: [at, y.barLine + forth * SIDE], shapes: [note] };
  }
  const isUp =
    visit?.to.kind === "end" &&
    visit.to.host === wireName &&
    !(visit.from.kind === "end" && visit.from.host === wireName);
  const at = y.barNotes + 22 + own * BAR_ROW;
  return {
    number: [x + (isUp ? SIDE : -SIDE), at],
    shapes: [textAt(x + BESIDE, at + 5, text, { isBold: step.isLost })],
  };
}
