/** The lines of a walk: polylines along wires, bridges and switches. */
import { keptRight } from "../lines.ts";
import type { ScenePoint, SceneShape } from "../scene.ts";
import { isIn, isOnBridge, isPassing, isRightward, isWrapping, type Visit, type VisitSide } from "./columns.ts";
import {
  BAR,
  columnWith,
  LAN_STEP,
  PASSING,
  type PlacedColumn,
  type Places,
  type RowHeights,
  rowOf,
  uplinkOn,
} from "./placed.ts";
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
  const visits = places.visits.get(way) ?? [];
  const points: ScenePoint[] = [];
  const heads = new Set<number>();
  let lostFrom: number | undefined;
  const go = (x: number, at: number, hasHead = false): void => {
    if (hasHead && points.length > 0) heads.add(points.length - 1);
    points.push([x, at]);
  };
  const hops = way.hops.filter(
    ({ host }, i) => story.hosts.get(host)?.kind !== "switch" && way.hops[i - 1]?.host !== host,
  );
  let before: { readonly column: PlacedColumn; readonly visit: Visit } | undefined;
  for (const [i, hop] of hops.entries()) {
    const isFirst = i === 0;
    const isLast = i === hops.length - 1;
    const home = columnWith(places, hop.host);
    const wire = home?.ends.find(({ host }) => host.name === hop.host)?.wire;
    if (wire !== undefined) {
      if (isLast) lostFrom = Math.max(0, points.length - 1);
      goToEnd(way, hop, { isFirst, isLast }, wire, places, go);
      continue;
    }
    const visit = visits.find((each) => each.hops[0] === hop);
    const column = visit && columnOfVisit(visit, places);
    const row = column && rowOf(places, column);
    if (visit === undefined || column === undefined || row === undefined) continue;
    const last = before;
    if (last !== undefined && last.column !== column && visit.from.kind === "uplink") {
      goAlong(way, { ...last, to: column }, places, go);
      go(uplinkOn(column, visit.from.side), row.y.end, true);
    }
    before = { column, visit };
    if (isLast) lostFrom = points.length - (visit.from.kind === "end" ? 0 : 1);
    goThrough(visit, way, column, row.y, places, go);
    if (visit.to.kind === "uplink") go(uplinkOn(column, visit.to.side), row.y.end);
  }
  const lastHop = way.hops.at(-1);
  const row = before && rowOf(places, before.column);
  if (lastHop !== undefined && story.hosts.get(lastHop.host)?.kind === "switch" && before !== undefined && row) {
    lostFrom = points.length - 1;
    const outer = places.steps.find(({ anchor, step }) => anchor.kind === "outer" && step.hop === lastHop);
    const end = outer?.anchor.kind === "outer" ? outer.anchor.end : undefined;
    const wire = columnWith(places, end ?? "")?.ends.find(({ host }) => host.name === end)?.wire;
    const isTunnelled = before.visit.hops.some(isWrapping);
    const line = ((isTunnelled ? row.y.tunnel : row.y.lan) ?? row.y.end) + BAR / 2;
    if (wire !== undefined) go(wire, (row.y.podEnd + row.y.bar) / 2);
    else {
      const x = uplinkOn(before.column, 1);
      go(x, line, true);
      go(x + LAN_STEP, line);
    }
  }
  return { points, heads, lostFrom: way.isLost ? lostFrom : undefined };
}

type Go = (x: number, at: number, hasHead?: boolean) => void;

/** From a pod or a host outside, or to it. */
function goToEnd(
  way: StoryWay,
  hop: StoryWay["hops"][number],
  { isFirst, isLast }: { readonly isFirst: boolean; readonly isLast: boolean },
  wire: number,
  places: Places,
  go: Go,
): void {
  const column = columnWith(places, hop.host);
  const y = column && rowOf(places, column)?.y;
  if (y === undefined) return;
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
  if (isLast && (!isFirst || asked !== undefined)) go(wire, y.pod + (ofWay.at(-1)?.y ?? 75));
}

/** Along the switches, or the tunnel, from one column to another one. */
function goAlong(
  way: StoryWay,
  { column: from, visit, to }: { readonly column: PlacedColumn; readonly visit: Visit; readonly to: PlacedColumn },
  { rows, trunks, visits }: Places,
  go: Go,
): void {
  const kind = visit.hops.some(isWrapping) ? "tunnel" : "lan";
  const order = rows.flatMap(({ columns }) => columns);
  const [a, b] = [from, to].map((column) => rows.findIndex(({ columns }) => columns.includes(column)));
  const next = visits.get(way)?.find((each) => each.column === to.plan);
  if (a === undefined || b === undefined || next === undefined) return;
  // A reply that goes on in the request's direction keeps to its own side.
  const isOnward = way.direction === "reply" && order.indexOf(to) > order.indexOf(from);
  const lineOfRow = (r: number): number => {
    const y = rows[r]?.y;
    const middle = (y?.[kind] ?? y?.lan ?? y?.end ?? 0) + BAR / 2;
    return isOnward ? middle + (isRightward(r) ? -2 * SIDE : 2 * SIDE) : middle;
  };
  go(uplinkOn(from, visit.to.kind === "uplink" ? visit.to.side : -1), lineOfRow(a), true);
  const forth = a <= b ? 1 : -1;
  for (let r = a; r !== b; r += forth) {
    const trunk = trunks[Math.min(r, r + forth)];
    if (trunk === undefined) continue;
    const x = trunk[kind] + (isOnward ? 2 * SIDE : 0);
    go(x, lineOfRow(r), true);
    go(x, lineOfRow(r + forth), true);
  }
  go(uplinkOn(to, next.from.kind === "uplink" ? next.from.side : -1), lineOfRow(b), true);
}

function columnOfVisit(visit: Visit, { rows }: Places): PlacedColumn | undefined {
  return rows.flatMap(({ columns }) => columns).find(({ plan }) => plan === visit.column);
}

function goThrough(visit: Visit, way: StoryWay, column: PlacedColumn, y: RowHeights, { steps }: Places, go: Go): void {
  const { from, to, column: plan } = visit;
  const turn = y.end - TURN;
  const [a = 0, b = 0] = [from, to].map((side) =>
    side.kind === "uplink" ? uplinkOn(column, side.side) : wireOf(side, column),
  );
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
  const top = y.zone + PASSING / 2 + 2;
  if (from.kind === "none") {
    go(to.kind === "none" || visit.hasTwoWires ? column.uplink : b, y.zone + first);
    if (to.kind === "none") return;
    if (b !== column.uplink && visit.hasTwoWires) {
      go(column.uplink, top);
      go(b, top);
    }
  } else if (to.kind === "none") {
    if (a !== column.uplink && visit.hasTwoWires) {
      go(a, top);
      go(column.uplink, top);
      go(column.uplink, y.zone + last);
    } else go(a, y.zone + last);
    return;
  }
  if (isPassing(visit)) {
    go(a, top);
    go(b, top);
  } else if (a !== b && from.kind !== "none") {
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

function wireOf(side: VisitSide, { ends, uplink }: PlacedColumn): number {
  const end = side.kind === "end" ? ends.find(({ host }) => host.name === side.host) : undefined;
  return end?.wire ?? uplink;
}

/** The way of an answer over a bridge, as it would be if the rules of the node saw it. */
export function shouldWay({ from, to }: Visit, column: PlacedColumn, y: RowHeights): ScenePoint[] {
  if (from.kind !== "end" || to.kind !== "end") return [];
  const [a = 0, b = 0] = [from, to].map((side) => wireOf(side, column));
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
