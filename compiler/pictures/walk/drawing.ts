/** The drawing of a walk from inside the cluster: nodes with their pods, the lines of the request and the reply, and a note at each step. */
import { unreachable } from "../../invariant.ts";
import { keptRight } from "../lines.ts";
import type { ScenePoint, SceneShape } from "../scene.ts";
import { wrapped } from "../widths.ts";
import { isIn, isOnBridge, type PlanColumn, type Visit } from "./columns.ts";
import type { PicturePart } from "./heading.ts";
import {
  ALONG_ROW,
  ALONG_STEP,
  BAR_ROW,
  bridgeSpans,
  HEAD,
  isUpward,
  PAD,
  type PlacedColumn,
  type PlacedEnd,
  type PlacedStep,
  type PlacedTag,
  type Places,
  POD_HEAD,
  placeWalk,
  WIRE,
  ZONE_LABEL,
} from "./places.ts";
import {
  addressSpans,
  BESIDE,
  boxAt,
  DIRECTION_COLOUR,
  lineOf,
  numberAt,
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
  const { columns, y, right, tags } = places;
  const ways = [...places.visits.keys()];
  const shapes: SceneShape[] = columns.flatMap((column) => layColumn(column, places));
  shapes.push(...layNetwork(places, story));
  const missed = missedVisit(ways, places);
  if (missed !== undefined) shapes.push(...missed);
  let last: ScenePoint | undefined;
  for (const way of ways) {
    const drawn = drawnWay(way, places, story);
    shapes.push(...layWay(way, drawn, last));
    last = keptRight(drawn.points, SIDE).at(-1);
  }
  for (const tag of tags) shapes.push(...layTag(tag, columns, y.podEnd + WIRE / 2));
  for (const placed of places.steps) shapes.push(layStep(placed, places, ways));
  return { shapes, bottom: y.bottom, right };
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
  const points = shouldWay(visit, places);
  const x = Math.min(...points.map(([at]) => at));
  const what = undone === undefined ? "" : `: conntrack would undo ${undone.number}`;
  return [
    lineOf(points, "rep", 3, { radius: 10, dash: "should" }),
    textAt(x + BESIDE - SIDE, places.y.end - 44, `the way back through the rules${what}`, {
      colour: "rep",
      isItalic: true,
    }),
  ];
}

// --- hosts -----------------------------------------------------------------------------------------------------------------

function layColumn(column: PlacedColumn, { y }: Places): SceneShape[] {
  const { plan, x, width, ends, more, uplink } = column;
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
      wire([uplink, y.end], [uplink, y.lan]),
      port(uplink, y.end),
      port(uplink, y.lan),
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
  y: Places["y"],
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

function port(x: number, y: number): SceneShape {
  return boxAt(x - 22, y - 6, 44, 12, { radius: 3, fill: "bar", stroke: "line" });
}

function wire(a: ScenePoint, b: ScenePoint): SceneShape {
  return lineOf([a, b], "line", 2);
}

/** The switch between the columns, and a tunnel that runs over it. */
function layNetwork({ columns, y }: Places, story: Story): SceneShape[] {
  const uplinks = columns.map(({ uplink }) => uplink);
  const from = Math.min(...uplinks) - 48;
  const to = Math.max(Math.max(...uplinks) + 48, from + 480);
  const shapes: SceneShape[] = [];
  if (y.lan === undefined) return shapes;
  const name =
    [...story.hosts.values()].find(({ kind, name: own }) => kind === "switch" && own === "switch")?.title ?? "switch";
  shapes.push(
    boxAt(from, y.lan, to - from, 44, { radius: 5, fill: "bar" }),
    textAt(to + 16, y.lan + 27, name, { isMono: true, colour: "dim" }),
  );
  if (y.tunnel !== undefined)
    shapes.push(
      boxAt(from, y.tunnel, to - from, 44, {
        radius: 22,
        fill: "card",
        stroke: "line",
        strokeWidth: 1.5,
        isDashed: true,
      }),
      textAt(to + 16, y.tunnel + 27, "tunnel", { isMono: true, colour: "dim" }),
    );
  return shapes;
}

// --- steps -----------------------------------------------------------------------------------------------------------------

function layTag(
  { end, direction, source, destination, x }: PlacedTag,
  columns: readonly PlacedColumn[],
  y: number,
): SceneShape[] {
  const at = columns.flatMap(({ ends }) => ends).find(({ host }) => host.name === end)?.wire;
  if (at === undefined) return [];
  const row = (dy: number, word: string, value: typeof source): SceneShape =>
    spansAt(at + x, y + dy, [
      { text: `${word} `, isMono: true, colour: DIRECTION_COLOUR[direction] },
      ...addressSpans(value),
    ]);
  return [row(-4, "src", source), row(14, "dst", destination)];
}

function layStep(placed: PlacedStep, places: Places, ways: readonly StoryWay[]): SceneShape {
  const { step } = placed;
  const { shapes, number } = stepShapes(placed, places, ways);
  const [x, y] = number;
  const mark: SceneShape = step.isLost
    ? { kind: "cross", x, y, radius: 12 }
    : numberAt(x, y, step.number, step.direction);
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
  const { y, columns } = places;
  const way = ways.find(({ direction }) => direction === step.direction);
  const visits = (way && places.visits.get(way)) ?? [];
  const visit = visits.find((each) => isIn(step, each));
  const wireOf = (name: string): number =>
    columns.flatMap(({ ends }) => ends).find(({ host }) => host.name === name)?.wire ?? 0;
  const side = (x: number, isUp: boolean): number => x + (isUp ? SIDE : -SIDE);
  switch (anchor.kind) {
    case "end": {
      const x = wireOf(anchor.end);
      const at = y.pod + own;
      const isFirst = way?.hops[0] === step.hop && !(way?.hops.length === 1);
      return {
        number: [side(x, !isFirst), at],
        shapes: head.map((line, i) => textAt(x + BESIDE, at + 5 + i * 18, line, { isBold: step.isLost })),
      };
    }
    case "zone": {
      const column = columns.find(({ plan }) => plan === anchor.column);
      const x = anchor.wire === undefined ? (column?.uplink ?? 0) : wireOf(anchor.wire);
      const at = y.zone + own;
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
      return barShapes({ step, anchor, head, facts, y: own }, places, way, visit, wireOf);
    case "outer": {
      const x = wireOf(anchor.end);
      const isUp = visits.some(({ to }) => to.kind === "end" && to.host === anchor.end);
      return { number: [side(x, isUp), (y.podEnd + y.bar) / 2 + (isUp ? 10 : -10)], shapes: [] };
    }
    case "lan": {
      const isRequest = step.direction === "request";
      const order = columns.map(({ uplink }) => uplink).toSorted((a, b) => a - b);
      const [from = 0, to = from] = [order[0], order.at(-1)];
      const bar =
        (way?.hops.some(({ steps }) => steps.some(({ kind }) => kind === "encapsulated")) ? y.tunnel : y.lan) ?? y.end;
      const line = bar + 22 + (isRequest ? SIDE : -SIDE);
      const x = isRequest || to === from ? from + 96 + own * 40 : to - 96 - own * 40;
      const text = facts.join(" ");
      if (isRequest)
        return { number: [x, line], shapes: [textAt(x - 11, bar - 12 - own * 18, text, { isMono: true })] };
      return { number: [x, line], shapes: [textAt(x + 11, (y.lan ?? y.end) + 62 + own * 18, text, { anchor: "end" })] };
    }
    default:
      return unreachable(anchor);
  }
}

function barShapes(
  { step, anchor, head, y: own }: PlacedStep,
  places: Places,
  way: StoryWay | undefined,
  visit: Visit | undefined,
  wireOf: (name: string) => number,
): StepShapes {
  const { y, columns } = places;
  const [text = ""] = head;
  const wireName = anchor.kind === "bar" ? anchor.wire : undefined;
  const column = columns.find(({ plan }) => anchor.kind === "bar" && plan === anchor.column);
  const x = wireName === undefined ? (column?.uplink ?? 0) : wireOf(wireName);
  if (visit !== undefined && way !== undefined && isOnBridge(visit, way)) {
    const [a = x, b = x] = [visit.from, visit.to].map((side) => (side.kind === "end" ? wireOf(side.host) : x + 160));
    const forth = Math.sign(b - a) || 1;
    const isFirst = x === a && !step.isLost;
    const at = x === a && step.isLost ? b : x + (isFirst ? forth : -forth) * ALONG_STEP;
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
