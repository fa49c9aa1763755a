/** The notes of the drawing of a walk: what stands where, in lines, and how much of each part they need. */
import { wrapped } from "../widths.ts";
import { anchorOf, isIn, isOnBridge, type PlanColumn, type StepAnchor, type Visit } from "./columns.ts";
import { isAlong, PASSING, type PlacedStep, POD_HEAD } from "./placed.ts";
import type { Story, StoryStep, StoryWay } from "./story.ts";

/** Widest lines of notes. */
const NOTE_WIDTH = 420;
const POD_NOTE_WIDTH = 300;

/** What the notes of one column take. */
export interface ColumnNotes {
  readonly plan: PlanColumn;
  /** Heights, in pods and where rules and routes are. */
  readonly pod: number;
  readonly zone: number;
  /** Lines of notes on the bridge: at wires that go through, and on lines along it. */
  readonly barRows: number;
  readonly alongRows: number;
  readonly isAlongBar: boolean;
  /** The packet turns in the node, from a pod to another one, or back. */
  readonly isTurning: boolean;
  /** It comes from other nodes, and goes on to others. */
  readonly isPassed: boolean;
}

export interface AnchoredStep {
  readonly step: StoryStep;
  readonly way: StoryWay;
  readonly anchor: StepAnchor;
}

type Visits = ReadonlyMap<StoryWay, readonly Visit[]>;

export function anchoredSteps(story: Story, plans: readonly PlanColumn[], visits: Visits): AnchoredStep[] {
  return [...visits].flatMap(([way, own]) =>
    way.steps.map((step) => ({ step, way, anchor: anchorOf(step, way, own, plans, story) })),
  );
}

/** The notes in a column, and on its bridge. `placed` gets them. */
export function placeNotes(
  plan: PlanColumn,
  anchored: readonly AnchoredStep[],
  visits: Visits,
  placed: PlacedStep[],
): ColumnNotes {
  let pod = 0;
  for (const end of plan.ends) {
    let y = POD_HEAD + 13;
    for (const { step, anchor } of anchored) {
      if (anchor.kind !== "end" || anchor.end !== end.name) continue;
      const head = wrapped(podText(step), POD_NOTE_WIDTH, 13, step.isLost ? { isBold: true } : {});
      placed.push({ step, anchor, head, facts: [], y });
      y += 26 + (head.length - 1) * 18;
    }
    pod = Math.max(pod, y - POD_HEAD - 13);
  }
  const isHere = (anchor: StepAnchor): boolean =>
    (anchor.kind === "zone" || anchor.kind === "bar") && anchor.column === plan;
  const here = anchored.filter(({ anchor }) => isHere(anchor));
  const own = [...visits].flatMap(([way, all]) =>
    all.flatMap((visit) => (visit.column === plan ? [{ way, visit }] : [])),
  );
  const isPassed = own.some(({ visit }) => visit.hasTwoWires);
  let y = 26 + (isPassed ? PASSING : 0);
  for (const { step, anchor } of inOrderOfLines(
    here.filter((each) => each.anchor.kind === "zone"),
    visits,
  )) {
    const head = wrapped(step.head, NOTE_WIDTH, 14, { isBold: true });
    const facts = step.facts.flatMap((fact) => wrapped(fact, NOTE_WIDTH, 13, { isMono: true }));
    placed.push({ step, anchor, head, facts, y });
    y += 32 + (head.length - 1) * 20 + facts.length * 18;
  }
  const along = [...new Set(here.flatMap(({ step, anchor }) => (isAlong(anchor) ? [step.direction] : [])))];
  const isLostAlong = here.some(({ step, anchor }) => isAlong(anchor) && step.isLost);
  const rows = new Map<string | undefined, number>();
  for (const { step, anchor } of here) {
    if (anchor.kind !== "bar") continue;
    // Where a line ends in the bar, what is said there stands in the last row.
    const row = step.isLost ? along.length : along.indexOf(step.direction);
    const at = anchor.isAlong ? row : (rows.get(anchor.wire) ?? 0);
    if (!anchor.isAlong) rows.set(anchor.wire, at + 1);
    placed.push({ step, anchor, head: [step.head], facts: [], y: at });
  }
  return {
    plan,
    pod,
    zone: y - 26,
    barRows: Math.max(0, ...rows.values()),
    alongRows: along.length + (isLostAlong ? 1 : 0),
    isAlongBar: own.some(({ way, visit }) => isOnBridge(visit, way)),
    isPassed,
    isTurning: own.some(
      ({ way, visit }) => visit.from.kind === "end" && visit.to.kind === "end" && !isOnBridge(visit, way),
    ),
  };
}

/** Notes beside a wire stand in the order in which the packet comes to them: from above for who goes down. */
function inOrderOfLines<T extends { readonly step: StoryStep; readonly way: StoryWay }>(
  steps: readonly T[],
  visits: ReadonlyMap<StoryWay, readonly Visit[]>,
): T[] {
  return (["request", "reply"] as const).flatMap((direction) => {
    const own = steps.filter(({ step }) => step.direction === direction);
    const [first] = own;
    const visit = first && visits.get(first.way)?.find((each) => isIn(first.step, each));
    return visit !== undefined && isUpward(visit) ? own.toReversed() : own;
  });
}

/** The packet goes up at the wire where the notes stand. */
export function isUpward({ from, to, column, hasTwoWires }: Visit): boolean {
  const first = column.ends.find(({ name }) => [from, to].some((side) => side.kind === "end" && side.host === name));
  if (first === undefined) {
    // Notes of a host that is passed stand at its left wire.
    if (!hasTwoWires) return from.kind === "uplink";
    return from.kind === "uplink" ? from.side === -1 : to.kind === "uplink" && to.side === 1;
  }
  return to.kind === "end" && to.host === first.name;
}

/** What a step on a pod says there. */
function podText({ head, facts: [fact], atPod = fact, spot }: StoryStep): string {
  return spot === "end" || atPod === undefined ? head : atPod;
}
