/** The lines of a walk: polylines along wires, bridges and switches. */
import { keptRight } from "../lines.ts";
import type { ScenePoint, SceneShape } from "../scene.ts";
import { isIn, isOnBridge, type Visit, type VisitSide } from "./columns.ts";
import type { PlacedColumn, Places } from "./places.ts";
import { DIRECTION_COLOUR, lineOf, SIDE } from "./shapes.ts";
import type { Story, StoryWay } from "./story.ts";

/** A way over the drawing. */
export interface DrawnWay {
  /** In the middle of wires. */
  readonly points: readonly ScenePoint[];
  /** Those of the points behind which an arrow head stands. */
  readonly heads: ReadonlySet<number>;
  /** From which point on the packet does not come any further; undefined: it arrives. */
  readonly lostFrom: number | undefined;
}

/** From a bridge to where the line turns. */
const TURN = 26;

export function drawnWay(way: StoryWay, places: Places, story: Story): DrawnWay {
  const { y, columns } = places;
  const visits = places.visits.get(way) ?? [];
  const points: ScenePoint[] = [];
  const heads = new Set<number>();
  let lostFrom: number | undefined;
  const go = (x: number, at: number, hasHead = false): void => {
    if (hasHead && points.length > 0) heads.add(points.length - 1);
    points.push([x, at]);
  };
  const isTunnelled = way.hops.some(({ steps }) => steps.some(({ kind }) => kind === "encapsulated"));
  const lan = isTunnelled ? y.tunnel : y.lan;
  const lanLine = (lan ?? y.end) + 22;
  const turn = y.end - TURN;
  const wireOf = (name: string): number | undefined =>
    columns.flatMap(({ ends }) => ends).find(({ host }) => host.name === name)?.wire;
  const hops = way.hops.filter(
    ({ host }, i) => story.hosts.get(host)?.kind !== "switch" && way.hops[i - 1]?.host !== host,
  );
  let before: PlacedColumn | undefined;
  for (const [i, hop] of hops.entries()) {
    const isFirst = i === 0;
    const isLast = i === hops.length - 1;
    const wire = wireOf(hop.host);
    if (isLast) lostFrom = Math.max(0, points.length - 1);
    if (wire !== undefined) {
      const own = places.steps.filter(({ anchor }) => anchor.kind === "end" && anchor.end === hop.host);
      const ofWay = own.filter(({ step }) => step.direction === way.direction);
      // An answer begins where the request has ended.
      const start = isFirst ? (ofWay.find(({ step }) => step.hop === hop) ?? own.at(0)) : undefined;
      const asked =
        way.direction === "reply" && isFirst ? own.findLast(({ step }) => step.direction === "request") : undefined;
      if (isFirst) go(wire, y.pod + (asked?.y ?? start?.y ?? 75));
      const isOuter = places.steps.some(
        ({ anchor, step }) => anchor.kind === "outer" && anchor.end === hop.host && step.direction === way.direction,
      );
      if (!(isFirst && isLast)) go(wire, y.podEnd, !isFirst && !isOuter);
      if (isLast && !isFirst) go(wire, y.pod + (ofWay.at(-1)?.y ?? 75));
      before = columns.find(({ ends }) => ends.some(({ host }) => host.name === hop.host));
      continue;
    }
    const visit = visits.find((each) => each.hops[0] === hop);
    const column = columns.find(({ plan }) => plan === visit?.column);
    if (visit === undefined || column === undefined) continue;
    if (before !== undefined && before !== column && visit.from.kind === "uplink") {
      // A reply that goes on in the request's direction keeps to its own side.
      const isOnward = way.direction === "reply" && column.uplink > before.uplink;
      const line = isOnward ? lanLine - 2 * SIDE : lanLine;
      go(before.uplink, line, true);
      go(column.uplink, line, true);
      go(column.uplink, y.end, true);
    }
    before = column;
    const xOf = (side: VisitSide): number =>
      side.kind === "end" ? (wireOf(side.host) ?? column.uplink) : column.uplink;
    goThrough(visit, way, column, { x: xOf, turn }, places, go);
    if (visit.to.kind === "uplink") go(column.uplink, y.end);
  }
  const lastHop = way.hops.at(-1);
  if (lastHop !== undefined && story.hosts.get(lastHop.host)?.kind === "switch" && before !== undefined) {
    lostFrom = points.length - 1;
    const outer = places.steps.find(({ anchor, step }) => anchor.kind === "outer" && step.hop === lastHop);
    const wire = outer?.anchor.kind === "outer" ? wireOf(outer.anchor.end) : undefined;
    if (wire === undefined) go(before.uplink, lanLine, true);
    else go(wire, (y.podEnd + y.bar) / 2);
  }
  return { points, heads, lostFrom: way.isLost ? lostFrom : undefined };
}

function goThrough(
  visit: Visit,
  way: StoryWay,
  column: PlacedColumn,
  { x, turn }: { readonly x: (side: VisitSide) => number; readonly turn: number },
  { y, steps }: Places,
  go: (x: number, at: number, hasHead?: boolean) => void,
): void {
  const { from, to, column: plan } = visit;
  const [a, b] = [x(from), x(to)];
  const isOuter = (side: VisitSide): boolean =>
    side.kind === "end" &&
    steps.some(
      ({ anchor, step }) => anchor.kind === "outer" && anchor.end === side.host && step.direction === way.direction,
    );
  if (from.kind === "end") go(a, y.bar, !isOuter(from));
  if (isOnBridge(visit, way)) {
    go(a, y.barLine);
    if (to.kind === "end") {
      go(b, y.barLine, true);
      go(b, y.bar);
    } else go(a + 160, y.barLine);
    return;
  }
  const own = steps.filter(({ step, anchor }) => isIn(step, visit) && anchor.kind === "zone" && anchor.column === plan);
  const inOrder = own.toSorted((one, other) => one.step.number - other.step.number);
  const first = inOrder[0]?.y ?? 26;
  const last = inOrder.at(-1)?.y ?? 26;
  if (from.kind === "none") {
    go(to.kind === "none" ? column.uplink : b, y.zone + first);
    if (to.kind === "none") return;
  } else if (to.kind === "none") {
    go(a, y.zone + last);
    return;
  }
  if (a !== b && from.kind !== "none") {
    go(a, turn);
    go(b, turn);
  }
  if (to.kind === "end") go(b, y.bar);
}

/** The line of a way, with its arrow heads. `begin`: from where it comes to its first point. */
export function layWay(way: StoryWay, { points, heads, lostFrom }: DrawnWay, begin?: ScenePoint): SceneShape[] {
  const colour = DIRECTION_COLOUR[way.direction];
  const moved = keptRight(points, SIDE);
  const style = { radius: 10 };
  const from = way.direction === "reply" && lostFrom !== undefined ? 0 : lostFrom;
  const shapes: SceneShape[] = [];
  // An answer begins at the number where the request has ended.
  const [start] = moved;
  if (begin !== undefined && start !== undefined && begin[1] === start[1])
    shapes.push(lineOf([begin, start], colour, 3.5));
  if (from === undefined) shapes.push(lineOf(moved, colour, 3.5, style));
  else {
    if (from > 0) shapes.push(lineOf(moved.slice(0, from + 1), colour, 3.5, style));
    shapes.push(lineOf(moved.slice(from), colour, 3.5, { ...style, dash: "lost" }));
  }
  for (const at of heads) {
    const [a, b] = [moved[at], moved[at + 1]];
    if (a === undefined || b === undefined) continue;
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
    if (length < 30) continue;
    const share = (length / 2 + 6) / length;
    shapes.push({
      kind: "arrow",
      from: a,
      tip: [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share],
      colour,
      size: 9,
    });
  }
  return shapes;
}

/** The way of an answer over a bridge, as it would be if the rules of the node saw it. */
export function shouldWay(visit: Visit, { columns, y }: Places): ScenePoint[] {
  const column = columns.find(({ plan }) => plan === visit.column);
  const { from, to } = visit;
  const wires = [from, to].map((side) =>
    side.kind === "end" ? column?.ends.find(({ host }) => host.name === side.host)?.wire : undefined,
  );
  const [a, b] = wires;
  if (a === undefined || b === undefined) return [];
  const turn = y.end - TURN;
  return keptRight(
    [
      [a, y.barLine],
      [a, turn],
      [b, turn],
      [b, y.barLine],
    ],
    SIDE,
  );
}
