/** The drawing of a walk with branches, or from outside: stages from left to right, a lane for each node, bands as thick as they are likely. */
import type { ScenePoint, SceneShape } from "../scene.ts";
import { numberWidth, spanWidth, wrapped } from "../widths.ts";
import type { Drawing } from "./drawing.ts";
import { type Fan, type FanBox, type FanDetour, type FanFlow, fanOf } from "./fan.ts";
import { boxAt, EDGE, lineOf, numberAt, numbersOf, spansAt, stepGroup, textAt } from "./shapes.ts";
import type { Story, StoryStep } from "./story.ts";

/** Thickness of what always happens. */
const FULL = 72;
const LEAST = 3;
/** From a band's chance to the next one's, at least. */
const LABEL = 20;
const BOX_WIDTH = 192;
const NOTE_WIDTH = 190;
const BAND_ROW = 38;
const NOTE_ROW = 28;
const BOX_HEAD = 58;
const LANE_GAP = 24;
const LANE_PAD = 16;
/** Between boxes that stand above each other. */
const BOX_GAP = 20;
/** Least room for a band. */
const LEAST_GAP = 96;

interface PlacedBox {
  readonly box: FanBox;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly notes: readonly BoxNote[];
}

interface BoxNote {
  readonly step: StoryStep;
  readonly lines: readonly string[];
  /** Of its number, below the box's top. */
  readonly y: number;
}

/** Middles of the ends of a band. */
interface BandEnds {
  out: number;
  in: number;
}

export function layLanes(story: Story, top: number, room: number): Drawing {
  const fan = fanOf(story);
  const boxes = placeBoxes(fan, top, room);
  const right = Math.max(...boxes.map(({ x, width }) => x + width)) + LANE_PAD;
  const laneTops = lanesOf(fan, boxes);
  const shapes: SceneShape[] = [];
  const first = Math.min(...boxes.filter(({ box }) => box.lane !== undefined).map(({ x }) => x));
  for (const { title, top: y, bottom } of laneTops)
    shapes.push(
      boxAt(first - LANE_PAD, y, right - first + LANE_PAD, bottom - y, {
        radius: 10,
        fill: "panel",
        stroke: "line",
        strokeWidth: 1.5,
      }),
      textAt(first, y + 28, title, { size: 16, isBold: true }),
      textAt(right - LANE_PAD, y + 27, "node", { colour: "dim", anchor: "end" }),
    );
  const ends = bandEnds(fan, boxes);
  const above: SceneShape[] = [];
  for (const flow of fan.flows) {
    const [from, to, end] = [byId(boxes, flow.from), byId(boxes, flow.to), ends.get(flow)];
    if (from === undefined || to === undefined || end === undefined) continue;
    const a: ScenePoint = [from.x + from.width, end.out];
    const b: ScenePoint = [to.x, end.in];
    const hasReply = story.reply !== undefined && flow.reply !== "none";
    shapes.push(...bandShapes(flow, a, b, hasReply));
    above.push(...bandLabels(flow, a, b, to, hasReply));
  }
  for (const each of boxes) shapes.push(...boxShapes(each));
  let bottom = Math.max(...boxes.map(({ y, height }) => y + height), ...laneTops.map((lane) => lane.bottom));
  for (const detour of fan.detours) {
    const [from, to] = [byId(boxes, detour.from), byId(boxes, detour.to)];
    if (from === undefined || to === undefined) continue;
    const past = boxes.filter(({ box }) => box.stage > to.box.stage && box.stage < from.box.stage);
    bottom += DETOUR;
    above.push(...detourShapes(detour, from, to, past, bottom - 16));
  }
  return { shapes: [...shapes, ...above], bottom, right };
}

/** It says what it sees, a row for each band. */
function isReceiver({ id }: FanBox, flows: readonly FanFlow[]): boolean {
  return !flows.some(({ from }) => from === id) && flows.some(({ to, seen }) => to === id && seen !== undefined);
}

/** What stands on a band needs as much. */
function bandLength({ chance, steps }: FanFlow): number {
  const label = 18 + spanWidth({ text: chance, isBold: true }, 13);
  const numbers = (["request", "reply"] as const).map((direction) =>
    numberWidth(numbersIn(steps, direction)?.label ?? ""),
  );
  return label + (steps.length === 0 ? 30 : Math.max(...numbers) + 48);
}

/** The steps of one direction, and their numbers. */
function numbersIn(
  steps: readonly StoryStep[],
  direction: StoryStep["direction"],
): { readonly first: StoryStep; readonly last: StoryStep; readonly label: string } | undefined {
  const own = steps.filter((step) => step.direction === direction);
  const [first, last] = [own[0], own.at(-1)];
  return first && last && { first, last, label: numbersOf(first.number, last.last) };
}

function byId(boxes: readonly PlacedBox[], id: string): PlacedBox | undefined {
  return boxes.find(({ box }) => box.id === id);
}

export function thickness(probability: number): number {
  return Math.max(LEAST, probability * FULL);
}

// --- boxes -----------------------------------------------------------------------------------------------------------------

interface SizedBox extends Omit<PlacedBox, "x" | "y"> {}

function placeBoxes(fan: Fan, top: number, room: number): PlacedBox[] {
  const sized = fan.boxes.map((box) => sizeOf(box, fan));
  const stages = Math.max(...fan.boxes.map(({ stage }) => stage)) + 1;
  const columns = Array.from({ length: stages }, (_, stage) => sized.filter(({ box }) => box.stage === stage));
  const widths = columns.map((column) => Math.max(BOX_WIDTH, ...column.map(({ width }) => width)));
  const weights = columns.slice(1).map((column, i) => {
    const [before, after] = [columns[i], column].map(
      (each) => each?.some(({ box }) => box.lane !== undefined) === true,
    );
    return before === true ? 52 : after === true ? 34 : 18;
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  // Lanes reach further than their boxes.
  const left = columns[0]?.some(({ box }) => box.lane !== undefined) === true ? LANE_PAD : 0;
  const free = room - left - LANE_PAD - widths.reduce((sum, width) => sum + width, 0);
  const stageOf = (id: string): number => fan.boxes.find((box) => box.id === id)?.stage ?? 0;
  const gaps = columns.map((_column, i) =>
    Math.max(LEAST_GAP, ...fan.flows.filter(({ to }) => stageOf(to) === i + 1).map(bandLength)),
  );
  let x = EDGE + left;
  const lefts = widths.map((width, i) => {
    const at = x;
    x += width + Math.max(gaps[i] ?? 0, ((weights[i] ?? 0) * free) / Math.max(1, total));
    return at;
  });
  const laneTops = new Map<string, { readonly top: number; readonly height: number }>();
  let y = top;
  const stack = (list: readonly SizedBox[]): number =>
    list.reduce((sum, { height }) => sum + height + BOX_GAP, -BOX_GAP);
  for (const { name } of fan.lanes) {
    const own = columns.map((column) => column.filter(({ box }) => box.lane === name));
    const height = Math.max(...own.filter((list) => list.length > 0).map(stack)) + 44 + 24;
    laneTops.set(name, { top: y, height });
    y += height + LANE_GAP;
  }
  const free0 = Math.max(0, ...columns.map((column) => stack(column.filter(({ box }) => box.lane === undefined))));
  const whole = Math.max(fan.lanes.length === 0 ? 0 : y - LANE_GAP - top, free0);
  return columns.flatMap((column, stage) => {
    const groups = new Map<string | undefined, SizedBox[]>();
    for (const each of column) groups.set(each.box.lane, [...(groups.get(each.box.lane) ?? []), each]);
    return [...groups].flatMap(([lane, list]) => {
      const place = lane === undefined ? undefined : laneTops.get(lane);
      const height = stack(list);
      // Beside lanes what is on no node stands in the middle, else below them.
      const free = groups.size > 1 ? top + whole + LANE_GAP : top + (whole - height) / 2;
      let at = place === undefined ? free : place.top + 44 + (place.height - 68 - height) / 2;
      return list.map((each) => {
        const placed = { ...each, x: lefts[stage] ?? EDGE, y: at, width: widths[stage] ?? BOX_WIDTH };
        at += each.height + BOX_GAP;
        return placed;
      });
    });
  });
}

function sizeOf(box: FanBox, { flows }: Fan): SizedBox {
  const incoming = flows.filter(({ to }) => to === box.id);
  const isEnd = isReceiver(box, flows);
  let y = BOX_HEAD + (isEnd ? incoming.length * BAND_ROW : 0) + 10;
  const notes = box.steps.map((step): BoxNote => {
    const lines = wrapped(step.head, NOTE_WIDTH, 13, step.isLost ? { isBold: true } : {});
    const note = { step, lines, y };
    y += NOTE_ROW + (lines.length - 1) * 17;
    return note;
  });
  const height = notes.length === 0 ? Math.max(BOX_HEAD + 12, y - 10 + (isEnd ? 0 : 4)) : y - 4;
  const seen = isEnd
    ? incoming.map((flow) => spanWidth({ text: `sees ${flow.seen ?? ""}`, isMono: true, isBold: true }, 13) + 32)
    : [];
  const width = Math.max(
    BOX_WIDTH,
    spanWidth({ text: box.title, isBold: true }, 16) + 32,
    spanWidth({ text: box.address, isMono: true }, 13) + 32,
    ...notes.flatMap(({ step, lines }) =>
      lines.map((text) => spanWidth({ text, isBold: step.isLost }, 13) + MARK_LEFT + marksWidth(notes) + 24),
    ),
    ...seen,
  );
  const out = flows.filter(({ from }) => from === box.id);
  const bands = Math.max(
    ...[out, incoming].map((list) =>
      list.reduce((sum, flow) => sum + Math.max(thickness(flow.probability) + 10, LABEL), 0),
    ),
  );
  return { box, width, height: Math.max(height, isEnd ? 0 : bands), notes };
}

function lanesOf(
  { lanes }: Fan,
  boxes: readonly PlacedBox[],
): { readonly title: string; readonly top: number; readonly bottom: number }[] {
  return lanes.map(({ name, title }) => {
    const own = boxes.filter(({ box }) => box.lane === name);
    return {
      title,
      top: Math.min(...own.map(({ y }) => y)) - 44,
      bottom: Math.max(...own.map(({ y, height }) => y + height)) + 24,
    };
  });
}

const MARK_LEFT = 16;

function marksWidth(notes: readonly BoxNote[]): number {
  return Math.max(...notes.map(({ step }) => numberWidth(numbersOf(step.number, step.last))));
}

function boxShapes({ box, x, y, width, height, notes }: PlacedBox): SceneShape[] {
  return [
    boxAt(x, y, width, height, { radius: 8, fill: "card", stroke: "ink", strokeWidth: 1.5 }),
    textAt(x + 16, y + 26, box.title, { size: 16, isBold: true }),
    textAt(x + 16, y + 45, box.address, { isMono: true, colour: "dim" }),
    ...notes.map(({ step, lines, y: own }): SceneShape => {
      const mark: SceneShape = step.isLost
        ? { kind: "cross", x: x + MARK_LEFT + 11, y: y + own, radius: 11 }
        : numberAt(x + MARK_LEFT + numberWidth(numbersOf(step.number, step.last)) / 2, y + own, step);
      const left = x + MARK_LEFT + marksWidth(notes) + 10;
      const texts = lines.map((line, i) => textAt(left, y + own + 4.5 + i * 17, line, { isBold: step.isLost }));
      return stepGroup(step, [mark, ...texts]);
    }),
  ];
}

// --- bands -----------------------------------------------------------------------------------------------------------------

/** At each side stacked in the order of the other ends, so that bands of one box never cross each other there. */
function bandEnds({ flows, boxes: all }: Fan, boxes: readonly PlacedBox[]): Map<FanFlow, BandEnds> {
  const ends = new Map(flows.map((flow): [FanFlow, BandEnds] => [flow, { out: 0, in: 0 }]));
  const yOf = (id: string): number => byId(boxes, id)?.y ?? 0;
  for (const placed of boxes) {
    const { box, y, height } = placed;
    const isEnd = isReceiver(box, flows);
    for (const side of ["out", "in"] as const) {
      const own = flows
        .filter((flow) => (side === "out" ? flow.from : flow.to) === box.id)
        .toSorted((a, b) => (side === "out" ? yOf(a.to) - yOf(b.to) : yOf(a.from) - yOf(b.from)));
      const gapBehind = ({ probability }: FanFlow): number => Math.max(10, LABEL - thickness(probability));
      const last = own.at(-1);
      const behind = last === undefined ? 0 : gapBehind(last);
      const total = own.reduce((sum, flow) => sum + thickness(flow.probability) + gapBehind(flow), -behind);
      let at = y + height / 2 - total / 2;
      for (const [i, flow] of own.entries()) {
        const high = thickness(flow.probability);
        const end = ends.get(flow);
        if (end === undefined) continue;
        end[side] = side === "in" && isEnd ? y + BOX_HEAD + BAND_ROW * i + BAND_ROW / 2 - 4 : at + high / 2;
        at += high + gapBehind(flow);
      }
    }
  }
  return all.length === 0 ? new Map() : ends;
}

function bandShapes(
  { probability, isTold, isLost, reply }: FanFlow,
  a: ScenePoint,
  b: ScenePoint,
  hasReply: boolean,
): SceneShape[] {
  const high = thickness(probability);
  const shifted = ([x, y]: ScenePoint, by: number): ScenePoint => [x, y + by];
  const edge = (by: number, colour: "req" | "rep", width: number, isDashed = false): SceneShape => ({
    kind: "band",
    ...(isDashed ? { isLost: true } : {}),
    from: shifted(a, by),
    to: shifted(b, by),
    thickness: width,
    colour,
  });
  const body: SceneShape = {
    kind: "band",
    from: a,
    to: b,
    thickness: high,
    colour: "req",
    opacity: isTold ? 0.5 : 0.2,
    ...(isLost ? { isLost } : {}),
  };
  return [body, edge(-high / 2, "req", 1.5), ...(hasReply ? [edge(high / 2, "rep", 2.2, reply === "lost")] : [])];
}

/** What stands on a band: its chance, the arrow heads, numbers, and what the receiver sees. */
function bandLabels(flow: FanFlow, a: ScenePoint, b: ScenePoint, to: PlacedBox, hasReply: boolean): SceneShape[] {
  const half = thickness(flow.probability) / 2;
  const shapes: SceneShape[] = [
    { kind: "arrow", from: [b[0] - 12, b[1] - half], tip: [b[0] - 1, b[1] - half], colour: "req", size: 7 },
  ];
  if (hasReply)
    shapes.push({
      kind: "arrow",
      from: [a[0] + 12, a[1] + half],
      tip: [a[0] + 1, a[1] + half],
      colour: "rep",
      size: 7,
    });
  if (flow.isLost && !flow.isTold) shapes.push({ kind: "cross", x: b[0] - 16, y: b[1], radius: 9 });
  const label = spanWidth({ text: flow.chance, isBold: true }, 13);
  const [x] = a;
  // Stripes would run through the letters.
  if (flow.isLost) shapes.push(boxAt(x + 12, a[1] - 11, label + 12, 22, { radius: 4, fill: "card" }));
  shapes.push(textAt(x + 18, a[1] + 4.5, flow.chance, { isBold: flow.isTold }));
  const from = x + 18 + label + 20;
  for (const direction of ["request", "reply"] as const) {
    const numbers = numbersIn(flow.steps, direction);
    if (numbers === undefined) continue;
    const at = Math.min(Math.max((a[0] + b[0]) / 2, from + 24), b[0] - 40);
    const apart = Math.max(half, 13);
    const y = onCurve(a, b, at) + (direction === "request" ? -apart : apart);
    shapes.push(markOf(flow.steps, direction, at, y));
  }
  if (flow.seen !== undefined)
    shapes.push(
      spansAt(to.x + 16, b[1] + 4.5, [
        { text: "sees ", isMono: true, colour: "dim" },
        { text: flow.seen, isMono: true, isBold: flow.isTold },
      ]),
    );
  return shapes;
}

/** One mark for all steps of a direction, at least one. */
function markOf(steps: readonly StoryStep[], direction: StoryStep["direction"], x: number, y: number): SceneShape {
  const own = steps.filter((step) => step.direction === direction);
  const [number = 0, last = number] = [own[0]?.number, own.at(-1)?.last];
  const mark: SceneShape =
    own.at(-1)?.isLost === true ? { kind: "cross", x, y, radius: 11 } : numberAt(x, y, { number, last, direction });
  return own.reduceRight<SceneShape>((inner, step) => stepGroup(step, [inner]), mark);
}

/** Room for a detour below the drawing. */
const DETOUR = 40;

/** The way of an answer below boxes that its request has passed. */
function detourShapes(
  { isLost, steps }: FanDetour,
  from: PlacedBox,
  to: PlacedBox,
  past: readonly PlacedBox[],
  y: number,
): SceneShape[] {
  const [a, b] = [from.y + from.height - 12, to.y + to.height - 12];
  const [right, left] = [from.x - LANE_PAD - 12, to.x + to.width + 28];
  const line = lineOf(
    [
      [from.x, a],
      [right, a],
      [right, y],
      [left, y],
      [left, b],
      [to.x + to.width, b],
    ],
    "rep",
    2.2,
    { radius: 10, ...(isLost ? { dash: "lost" } : {}) },
  );
  const tip = to.x + to.width + 1;
  const told = past.filter(({ box }) => box.lane === undefined || box.steps.length > 0).map(({ box }) => box.title);
  return [
    line,
    { kind: "arrow", from: [tip + 12, b], tip: [tip, b], colour: "rep", size: 7 },
    ...(steps.length === 0 ? [] : [markOf(steps, "reply", right - 40, y)]),
    textAt(left + 16, y - 8, `the answer goes past ${told.join(", ")}`, { colour: "rep", isItalic: true }),
  ];
}

/** The y of a band's middle at `x`. */
function onCurve([ax, ay]: ScenePoint, [bx, by]: ScenePoint, x: number): number {
  let t = 0;
  const xAt = (at: number): number => ax + (bx - ax) * (1.5 * at - 1.5 * at * at + at * at * at);
  while (t < 1 && xAt(t) < x) t += 0.01;
  return ay + (by - ay) * (3 * t * t - 2 * t * t * t);
}
