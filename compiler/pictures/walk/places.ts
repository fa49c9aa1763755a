/** Coordinates of the drawing of a walk: boxes, wires, and where each number stands. */
import { lineWidth, spanWidth, wrapped } from "../widths.ts";
import { anchorOf, isIn, isOnBridge, type PlanColumn, type StepAnchor, type Visit, visitsOf } from "./columns.ts";
import { addressSpans, BESIDE, EDGE } from "./shapes.ts";
import type { Story, StoryAddress, StoryHost, StoryOther, StoryStep, StoryWay } from "./story.ts";

/** Heights. */
export const HEAD = 44;
export const POD_HEAD = 62;
export const WIRE = 64;
export const PAD = 24;
const BAR = 44;
/** Of a bar with lines along it: what the lines take, a row of notes on them, and one of notes at wires that go through. */
const ALONG = 40;
export const ALONG_ROW = 20;
export const BAR_ROW = 28;
/** From a wire to a number on a line along the bar. */
export const ALONG_STEP = 48;
const POD_WIDTH = 200;
const POD_GAP = 24;
const COLUMN_GAP = 80;
/** On nodes without a bridge. */
export const ZONE_LABEL = "rules and routes";
/** Widest lines of notes. */
const NOTE_WIDTH = 420;
const POD_NOTE_WIDTH = 300;

/** A step in the drawing. */
export interface PlacedStep {
  readonly step: StoryStep;
  readonly anchor: StepAnchor;
  readonly head: readonly string[];
  readonly facts: readonly string[];
  /** Of its number's line, relative to the part that it stands in. */
  readonly y: number;
}

/** A pod, or a host outside. */
export interface PlacedEnd {
  readonly host: StoryHost;
  readonly x: number;
  readonly width: number;
  readonly wire: number;
  readonly isOther: boolean;
  readonly note: string | undefined;
}

export interface PlacedColumn {
  readonly plan: PlanColumn;
  readonly x: number;
  readonly width: number;
  readonly ends: readonly PlacedEnd[];
  /** Pods that are not on the walk. */
  readonly more: { readonly x: number; readonly width: number } | undefined;
  /** Of the wire to the other nodes. */
  readonly uplink: number;
}

/** A source and a destination beside a wire. */
export interface PlacedTag {
  readonly end: string;
  readonly direction: "request" | "reply";
  readonly source: StoryAddress;
  readonly destination: StoryAddress;
  readonly x: number;
}

export interface Places {
  readonly columns: readonly PlacedColumn[];
  readonly steps: readonly PlacedStep[];
  readonly visits: ReadonlyMap<StoryWay, readonly Visit[]>;
  readonly tags: readonly PlacedTag[];
  readonly right: number;
  readonly y: {
    readonly top: number;
    readonly pod: number;
    readonly podEnd: number;
    readonly bar: number;
    readonly barHeight: number;
    /** Of lines along the bar. */
    readonly barLine: number;
    /** Where notes begin at wires that go through the bar. */
    readonly barNotes: number;
    readonly zone: number;
    readonly end: number;
    readonly tunnel: number | undefined;
    readonly lan: number | undefined;
    readonly bottom: number;
  };
}

/** `width`: what the columns fill at least. */
export function placeWalk(
  story: Story,
  plans: readonly PlanColumn[],
  top: number,
  width: number,
  tags: readonly Omit<PlacedTag, "x">[],
): Places {
  const ways = [story.request, ...(story.reply === undefined ? [] : [story.reply])];
  const visits = new Map(ways.map((way) => [way, visitsOf(way, plans, story)]));
  const anchored = ways.flatMap((way) =>
    way.steps.map((step) => ({ step, way, anchor: anchorOf(step, way, visits.get(way) ?? [], plans, story) })),
  );
  const steps: PlacedStep[] = [];
  let podNotes = 0;
  let zoneNotes = 0;
  let barRows = 0;
  let alongRows = 0;
  for (const plan of plans) {
    for (const end of plan.ends) {
      let y = POD_HEAD + 13;
      for (const { step, anchor } of anchored) {
        if (anchor.kind !== "end" || anchor.end !== end.name) continue;
        const head = wrapped(podText(step), POD_NOTE_WIDTH, 13, step.isLost ? { isBold: true } : {});
        steps.push({ step, anchor, head, facts: [], y });
        y += 26 + (head.length - 1) * 18;
      }
      podNotes = Math.max(podNotes, y - POD_HEAD - 13);
    }
    const isHere = (anchor: StepAnchor): boolean =>
      (anchor.kind === "zone" || anchor.kind === "bar") && anchor.column === plan;
    const here = anchored.filter(({ anchor }) => isHere(anchor));
    let y = 26;
    for (const { step, anchor } of inOrderOfLines(
      here.filter((each) => each.anchor.kind === "zone"),
      visits,
    )) {
      const head = wrapped(step.head, NOTE_WIDTH, 14, { isBold: true });
      const facts = step.facts.flatMap((fact) => wrapped(fact, NOTE_WIDTH, 13, { isMono: true }));
      steps.push({ step, anchor, head, facts, y });
      y += 32 + (head.length - 1) * 20 + facts.length * 18;
    }
    zoneNotes = Math.max(zoneNotes, y - 26);
    const along = [...new Set(here.flatMap(({ step, anchor }) => (isAlong(anchor) ? [step.direction] : [])))];
    alongRows = Math.max(
      alongRows,
      along.length + (here.some(({ step, anchor }) => isAlong(anchor) && step.isLost) ? 1 : 0),
    );
    const rows = new Map<string | undefined, number>();
    for (const { step, anchor } of here) {
      if (anchor.kind !== "bar") continue;
      // Where a line ends in the bar, what is said there stands in the last row.
      const row = step.isLost ? along.length : along.indexOf(step.direction);
      const at = anchor.isAlong ? row : (rows.get(anchor.wire) ?? 0);
      if (!anchor.isAlong) rows.set(anchor.wire, at + 1);
      steps.push({ step, anchor, head: [step.head], facts: [], y: at });
      if (!anchor.isAlong) barRows = Math.max(barRows, at + 1);
    }
  }
  const lanRows = { request: 0, reply: 0 };
  for (const { step, anchor } of anchored) {
    if (anchor.kind === "outer") steps.push({ step, anchor, head: [], facts: [], y: 0 });
    if (anchor.kind !== "lan") continue;
    const facts = step.facts.length > 0 ? step.facts : [step.head];
    steps.push({ step, anchor, head: [], facts, y: lanRows[step.direction]++ });
  }
  const isTurning = ways.some((way) =>
    visits.get(way)?.some((visit) => visit.from.kind === "end" && visit.to.kind === "end" && !isOnBridge(visit, way)),
  );
  const isAlongBar = ways.some((way) => visits.get(way)?.some((visit) => isOnBridge(visit, way)) === true);
  const isMissed = isAlongBar && story.reply?.end.kind === "stranger";
  const pod = top + HEAD;
  const podEnd = pod + POD_HEAD + podNotes + (podNotes > 0 ? 8 : 0);
  const bar = podEnd + WIRE;
  const hasBar = plans.some(({ host, isOpen }) => host.bridge !== undefined || isOpen);
  const alongHeight = isAlongBar ? ALONG + alongRows * ALONG_ROW : 0;
  const barHeight = hasBar ? Math.max(BAR, alongHeight + (isAlongBar ? 8 : 16) + barRows * BAR_ROW) : 0;
  const zone = bar + barHeight;
  const end = zone + Math.max(48, zoneNotes + 24) + (isTurning ? 40 : 0) + (isMissed ? 28 : 0);
  const isNetworked = plans.length > 1 || anchored.some(({ anchor }) => anchor.kind === "lan");
  const isTunnelled = ways.some(({ hops }) =>
    hops.some((hop) => hop.steps.some((step) => step.kind === "encapsulated")),
  );
  const tunnel = isNetworked && isTunnelled ? end + WIRE + 16 : undefined;
  const lan = isNetworked ? (tunnel === undefined ? end + WIRE : tunnel + BAR + 40) : undefined;
  const bottom = lan === undefined ? end : lan + BAR + (lanRows.reply > 0 ? lanRows.reply * 20 : 0);
  const barLine = isAlongBar ? bar + 26 : bar + barHeight / 2;
  const barNotes = bar + alongHeight;
  const room = width - COLUMN_GAP * (plans.length - 1);
  const needed = plans.map((plan) => placeColumn(plan, 0, 0, steps, tags, straightEnd(plan, visits)).width);
  const least = evenWidths(needed, room);
  const columns: PlacedColumn[] = [];
  let x = EDGE;
  for (const [i, plan] of plans.entries()) {
    const column = placeColumn(plan, x, least[i] ?? 0, steps, tags, straightEnd(plan, visits));
    columns.push(column);
    x += column.width + COLUMN_GAP;
  }
  const right = x - COLUMN_GAP;
  const used = new Map<string, number>();
  const placedTags = tags.map((tag) => {
    const at = used.get(tag.end) ?? BESIDE;
    used.set(tag.end, at + tagWidth(tag) + 28);
    return { ...tag, x: at };
  });
  return {
    columns,
    steps,
    visits,
    tags: placedTags,
    right,
    y: { top, pod, podEnd, bar, barHeight, barLine, barNotes, zone, end, tunnel, lan, bottom },
  };
}

function isAlong(anchor: StepAnchor): boolean {
  return anchor.kind === "bar" && anchor.isAlong;
}

/** Widths that fill `room`: as even as those allow that need more. */
function evenWidths(needed: readonly number[], room: number): number[] {
  let wide = new Set<number>();
  for (;;) {
    const taken = needed.reduce((sum, width, i) => sum + (wide.has(i) ? width : 0), 0);
    const share = (room - taken) / Math.max(1, needed.length - wide.size);
    const next = new Set(needed.flatMap((width, i) => (wide.has(i) || width > share ? [i] : [])));
    if (next.size === wide.size) return needed.map((width, i) => (wide.has(i) ? width : Math.floor(share)));
    wide = next;
  }
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
export function isUpward({ from, to, column }: Visit): boolean {
  const first = column.ends.find(({ name }) => [from, to].some((side) => side.kind === "end" && side.host === name));
  if (first === undefined) return from.kind === "uplink";
  return to.kind === "end" && to.host === first.name;
}

/** What a step on a pod says there. */
function podText({ head, facts, spot }: StoryStep): string {
  const [fact] = facts;
  return spot === "end" || fact === undefined ? head : fact.replace(/( via \S+) dev \S+$/, "$1");
}

export function tagWidth({ source, destination }: Omit<PlacedTag, "x">): number {
  const label = { text: "src ", isMono: true };
  return Math.max(
    ...[source, destination].map((value) => lineWidth([label, ...addressSpans(value, { isBold: true })], 13)),
  );
}

function noteWidth({ head, facts, anchor }: PlacedStep): number {
  const size = anchor.kind === "zone" ? 14 : 13;
  return Math.max(
    0,
    ...head.map((text) => spanWidth({ text, isBold: true }, size)),
    ...facts.map((text) => spanWidth({ text, isMono: true }, 13)),
  );
}

/** The end between which and the other nodes a packet goes: a straight line. */
function straightEnd(plan: PlanColumn, visits: ReadonlyMap<StoryWay, readonly Visit[]>): string | undefined {
  for (const { column, from, to } of [...visits.values()].flat()) {
    if (column !== plan) continue;
    if (from.kind === "end" && to.kind === "uplink") return from.host;
    if (from.kind === "uplink" && to.kind === "end") return to.host;
  }
  return undefined;
}

function placeColumn(
  plan: PlanColumn,
  x: number,
  least: number,
  steps: readonly PlacedStep[],
  tags: readonly Omit<PlacedTag, "x">[],
  straight: string | undefined,
): PlacedColumn {
  const { host, ends: planned, others, more: moreCount } = plan;
  const here = steps.filter(
    ({ anchor }) => (anchor.kind === "zone" || anchor.kind === "bar") && anchor.column === plan,
  );
  const zoneWidth = Math.max(0, ...here.filter(({ anchor }) => anchor.kind === "zone").map(noteWidth));
  const barWidthAt = (name: string | undefined): number =>
    Math.max(
      0,
      ...here.filter(({ anchor }) => anchor.kind === "bar" && !anchor.isAlong && anchor.wire === name).map(noteWidth),
    );
  const tagsWidthAt = (name: string): number =>
    tags.filter(({ end }) => end === name).reduce((sum, tag) => sum + tagWidth(tag) + 28, 0);
  const alongWidth = Math.max(
    ...(["request", "reply"] as const).map((direction) =>
      here
        .filter(({ step, anchor }) => isAlong(anchor) && step.direction === direction)
        .reduce((sum, step) => sum + noteWidth(step) + 40, 0),
    ),
  );
  const ends: PlacedEnd[] = [];
  let at = x + PAD;
  let right = at;
  const all: readonly (StoryHost | StoryOther)[] = [...planned, ...others];
  for (const [i, each] of all.entries()) {
    const end = "host" in each ? each.host : each;
    const notes = steps.filter(({ anchor }) => anchor.kind === "end" && anchor.end === end.name);
    const width = Math.max(
      POD_WIDTH,
      spanWidth({ text: end.title, isBold: true }, 16) + 32,
      spanWidth({ text: end.address, isMono: true }, 13) + 32,
      ...notes.map((note) => noteWidth(note) + 40 + BESIDE + 16),
    );
    const wire = at + 40;
    ends.push({
      host: end,
      x: at,
      width,
      wire,
      isOther: "host" in each,
      note: "host" in each ? each.note : undefined,
    });
    right = at + width;
    const isBetween = i < planned.length - 1;
    const beside = Math.max(
      tagsWidthAt(end.name),
      barWidthAt(end.name) + 56,
      isBetween ? Math.max(zoneWidth + 48, alongWidth + 2 * ALONG_STEP) : 0,
    );
    at += Math.max(width + POD_GAP, i < planned.length ? beside + BESIDE + (isBetween ? 24 : 0) : 0);
    if (i < planned.length) {
      const wide = Math.max(tagsWidthAt(end.name), barWidthAt(end.name));
      right = Math.max(right, wire + BESIDE + wide);
    }
  }
  const more = moreCount === 0 || host.kind !== "node" ? undefined : { x: at, width: POD_WIDTH };
  if (more !== undefined) right = at + POD_WIDTH + 8;
  const own = ends.filter(({ isOther }) => !isOther);
  const uplink = (own.find(({ host: end }) => end.name === straight) ?? own[0])?.wire ?? x + PAD + 40;
  const lastBar = Math.max(uplink, ...ends.filter(({ host: end }) => barWidthAt(end.name) > 0).map(({ wire }) => wire));
  // Beside lines along the bar its name stands above the notes.
  const hasAlong = here.some(({ anchor }) => isAlong(anchor));
  const label = host.bridge === undefined ? 0 : lineWidth(bridgeSpans(host), 13);
  const lastBarWidth = Math.max(barWidthAt(undefined), ...ends.map(({ host: end }) => barWidthAt(end.name)));
  const zoneLabel = host.bridge === undefined && !plan.isOpen ? spanWidth({ text: ZONE_LABEL }, 13) + 24 : 0;
  const lastZone = uplink + BESIDE + zoneWidth;
  const width = Math.max(
    least,
    right + PAD - x,
    lastZone + PAD + zoneLabel - x,
    lastBar + BESIDE + (hasAlong ? Math.max(lastBarWidth, label) : lastBarWidth + 40 + label) + PAD - x,
    spanWidth({ text: host.title, isBold: true }, 16) + 2 * PAD + 160,
    uplink + BESIDE + spanWidth({ text: host.uplink ?? "", isMono: true }, 13) + PAD - x,
  );
  return { plan, x, width, ends, more, uplink };
}

export function bridgeSpans({ bridge }: StoryHost): { text: string; isMono: true; isBold?: true; colour?: "dim" }[] {
  if (bridge === undefined) return [];
  return [
    { text: bridge.name, isMono: true, isBold: true },
    { text: ` ${bridge.address}  bridge`, isMono: true, colour: "dim" },
  ];
}
