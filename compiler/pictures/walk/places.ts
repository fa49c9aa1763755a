/** Coordinates of the drawing of a walk: nodes in rows of three, each above its switch. */
import { lineWidth } from "../widths.ts";
import { isRightward, type PlanColumn, ROW_COLUMNS, type Visit, visitsIn } from "./columns.ts";
import { type AnchoredStep, anchoredSteps, type ColumnNotes, placeNotes } from "./notes.ts";
import { placeColumn, tagWidth } from "./place-column.ts";
import {
  ALONG,
  ALONG_ROW,
  BAR,
  BAR_ROW,
  COLUMN_GAP,
  HEAD,
  LAN_ROW,
  lanPlace,
  type PlacedColumn,
  type PlacedRow,
  type PlacedStep,
  type PlacedTag,
  type Places,
  POD_HEAD,
  type RowHeights,
  TRUNK,
  TRUNK_GAP,
  WIRE,
} from "./placed.ts";
import { BESIDE, EDGE, lanSpans } from "./shapes.ts";
import type { Story, StoryWay } from "./story.ts";

const ROW_GAP = 48;

/** `width`: what the columns fill at least. */
export function placeWalk(
  story: Story,
  plans: readonly PlanColumn[],
  top: number,
  width: number,
  tags: readonly Omit<PlacedTag, "x">[],
): Places {
  const visits = visitsIn(story, plans);
  const anchored = anchoredSteps(story, plans, visits);
  const steps: PlacedStep[] = [];
  const notes = plans.map((plan) => placeNotes(plan, anchored, visits, steps));
  for (const { step, anchor } of anchored)
    if (anchor.kind === "outer") steps.push({ step, anchor, head: [], facts: [], y: 0 });
  const columns = placeColumns(plans, width, (plan, x, least) =>
    placeColumn(
      plan,
      x,
      least,
      steps,
      tags,
      straightEnd(plan, visits),
      notes.some((each) => each.plan === plan && each.isPassed),
    ),
  );
  const isNetworked = plans.length > 1 || anchored.some(({ anchor }) => anchor.kind === "lan");
  const right = Math.max(...columns.flat().map((column) => column.x + column.width));
  const isTunnelled = [...visits.keys()].some(({ hops }) =>
    hops.some((hop) => hop.steps.some((step) => step.kind === "encapsulated")),
  );
  const trunks = trunksOf(columns.length, right, isTunnelled);
  const rows: PlacedRow[] = [];
  let y = top;
  for (const [i, row] of columns.entries()) {
    const own = notes.filter(({ plan }) => row.some((column) => column.plan === plan));
    const isCrowded = columns.length > 1 || row.some(({ uplink, rightUplink }) => uplink !== rightUplink);
    const lan = placeLanNotes(row, isCrowded, anchored, steps);
    const isMissed = own.some(({ isAlongBar }) => isAlongBar) && story.reply?.end.kind === "stranger";
    rows.push({ columns: row, isCrowded, y: heightsOf(own, lan, y, { isMissed, isNetworked, isTunnelled }) });
    y = (rows[i]?.y.bottom ?? y) + ROW_GAP;
  }
  const used = new Map<string, number>();
  const placedTags = tags.map((tag) => {
    const at = used.get(tag.end) ?? BESIDE;
    used.set(tag.end, at + tagWidth(tag) + 28);
    return { ...tag, x: at };
  });
  return {
    rows,
    steps,
    visits,
    tags: placedTags,
    trunks,
    right: trunks.length === 0 ? right : Math.max(...trunks.map(({ lan }) => lan)) + TRUNK / 2 + TRUNK_LABEL,
    bottom: y - ROW_GAP,
  };
}

/** Of what stands beside the switch. */
const TRUNK_LABEL = 110;

// --- from left to right ----------------------------------------------------------------------------------------------------

function placeColumns(
  plans: readonly PlanColumn[],
  width: number,
  place: (plan: PlanColumn, x: number, least: number) => PlacedColumn,
): PlacedColumn[][] {
  const rows: PlanColumn[][] = [];
  for (let i = 0; i < plans.length; i += ROW_COLUMNS) rows.push(plans.slice(i, i + ROW_COLUMNS));
  const share = (width - COLUMN_GAP * (ROW_COLUMNS - 1)) / ROW_COLUMNS;
  const left = EDGE + (rows.length > 2 ? TRUNK_GAP + TRUNK : 0);
  const placed = rows.map((row, r): PlacedColumn[] => {
    const room = rows.length === 1 ? width - COLUMN_GAP * (row.length - 1) : share * row.length;
    const least = evenWidths(
      row.map((plan) => place(plan, 0, 0).width),
      room,
    );
    const inOrder = row.map((plan, i) => ({ plan, least: least[i] ?? 0 }));
    let x = left;
    const columns = (isRightward(r) ? inOrder : inOrder.toReversed()).map((each): PlacedColumn => {
      const column = place(each.plan, x, each.least);
      x += column.width + COLUMN_GAP;
      return column;
    });
    return isRightward(r) ? columns : columns.toReversed();
  });
  const right = Math.max(...placed.flat().map((column) => column.x + column.width));
  return placed.map((row, r) => {
    const shift = isRightward(r) ? 0 : right - Math.max(...row.map((column) => column.x + column.width));
    return shift === 0 ? row : row.map(({ plan, x, width: wide }) => place(plan, x + shift, wide));
  });
}

function trunksOf(rows: number, right: number, isTunnelled: boolean): Places["trunks"] {
  const tunnelled = isTunnelled ? TRUNK + 16 : 0;
  return Array.from({ length: rows - 1 }, (_, r) => {
    const isRight = isRightward(r);
    const inner = isRight ? right + TRUNK_GAP + TRUNK / 2 : EDGE + TRUNK / 2;
    return { tunnel: inner, lan: isRight ? inner + tunnelled : inner };
  });
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

/** The end between which and the other nodes a packet goes: a straight line. */
function straightEnd(plan: PlanColumn, visits: ReadonlyMap<StoryWay, readonly Visit[]>): string | undefined {
  for (const { column, from, to } of [...visits.values()].flat()) {
    if (column !== plan) continue;
    if (from.kind === "end" && to.kind === "uplink") return from.host;
    if (from.kind === "uplink" && to.kind === "end") return to.host;
  }
  return undefined;
}

// --- from above to below ---------------------------------------------------------------------------------------------------

/** Lines of notes above and below a switch. */
interface LanNotes {
  readonly above: number;
  readonly below: number;
}

/** What is said at a row's switch: requests above it, replies below; all below where wires would run through. Texts that would meet stand in
 *  lines of their own. */
function placeLanNotes(
  columns: readonly PlacedColumn[],
  isCrowded: boolean,
  anchored: readonly AnchoredStep[],
  placed: PlacedStep[],
): LanNotes {
  const lines: Record<"above" | "below", number[]> = { above: [], below: [] };
  for (const direction of ["request", "reply"] as const) {
    const part = direction === "reply" || isCrowded ? "below" : "above";
    const first = lines[part].length;
    const notes = anchored.flatMap(({ step, anchor }) => {
      const column = anchor.kind === "lan" ? columns.find(({ plan }) => plan === anchor.column) : undefined;
      if (anchor.kind !== "lan" || column === undefined || step.direction !== direction) return [];
      const facts = step.facts.length > 0 ? step.facts : [step.head];
      const { x, isStart } = lanPlace(column, anchor, isCrowded);
      const width = lineWidth(lanSpans(step, facts, isCrowded), 13);
      const from = isStart ? x - 11 : x + 11 - width;
      return [{ step, anchor, facts, from, to: from + width + 16 }];
    });
    for (const { step, anchor, facts, from, to } of notes.toSorted((a, b) => a.from - b.from)) {
      const free = lines[part].findIndex((end, line) => line >= first && end < from);
      const line = free < 0 ? lines[part].length : free;
      lines[part][line] = to;
      placed.push({ step, anchor, head: [], facts, y: part === "above" ? -1 - line : line });
    }
  }
  return { above: lines.above.length, below: lines.below.length };
}

function heightsOf(
  notes: readonly ColumnNotes[],
  lanNotes: LanNotes,
  top: number,
  has: { readonly isMissed: boolean; readonly isNetworked: boolean; readonly isTunnelled: boolean },
): RowHeights {
  const most = (of: (each: ColumnNotes) => number): number => Math.max(0, ...notes.map(of));
  const isAlongBar = notes.some((each) => each.isAlongBar);
  const pod = top + HEAD;
  const podNotes = most((each) => each.pod);
  const podEnd = pod + POD_HEAD + podNotes + (podNotes > 0 ? 8 : 0);
  const bar = podEnd + WIRE;
  const hasBar = notes.some(({ plan: { host, isOpen } }) => host.bridge !== undefined || isOpen);
  const alongHeight = isAlongBar ? ALONG + most(({ alongRows }) => alongRows) * ALONG_ROW : 0;
  const barNeeds = alongHeight + (isAlongBar ? 8 : 16) + most(({ barRows }) => barRows) * BAR_ROW;
  const barHeight = hasBar ? Math.max(BAR, barNeeds) : 0;
  const zone = bar + barHeight;
  const isTurning = notes.some((each) => each.isTurning);
  const end = zone + Math.max(48, most((each) => each.zone) + 24) + (isTurning ? 40 : 0) + (has.isMissed ? 28 : 0);
  const wire = WIRE + Math.max(0, lanNotes.above - 1) * LAN_ROW;
  const tunnel = has.isNetworked && has.isTunnelled ? end + wire + 16 : undefined;
  const lan = has.isNetworked ? (tunnel === undefined ? end + wire : tunnel + BAR + 40) : undefined;
  return {
    top,
    pod,
    podEnd,
    bar,
    barHeight,
    barLine: isAlongBar ? bar + 26 : bar + barHeight / 2,
    barNotes: bar + alongHeight,
    zone,
    end,
    tunnel,
    lan,
    bottom: lan === undefined ? end : lan + BAR + lanNotes.below * 20,
  };
}
