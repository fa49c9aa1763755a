/** The drawing of a walk as coordinates: boxes, wires, and where each number stands. */
import type { ColumnSide, PlanColumn, StepAnchor, Visit } from "./columns.ts";
import type { StoryAddress, StoryHost, StoryStep, StoryWay } from "./story.ts";

/** Heights. */
export const HEAD = 44;
export const POD_HEAD = 62;
export const WIRE = 64;
export const PAD = 24;
export const BAR = 44;
/** Of a bar with lines along it: what the lines take, a row of notes on them, and one of notes at wires that go through. */
export const ALONG = 40;
export const ALONG_ROW = 20;
export const BAR_ROW = 28;
/** From a wire to a number on a line along the bar. */
export const ALONG_STEP = 48;
const REPLY_STEP = 30;
/** From an uplink to a number on the switch. */
export const LAN_STEP = 96;
/** From an uplink to a number on the switch, where wires stand close to each other. */
const CROWDED_STEP = 56;
export const LAN_ROW = 18;
export const POD_WIDTH = 200;
export const POD_GAP = 24;
export const COLUMN_GAP = 80;
/** From the nodes to what joins the switches of two rows, and its width. */
export const TRUNK_GAP = 24;
export const TRUNK = 44;
/** Above the notes of a host that is passed, where the lines turn. */
export const PASSING = 30;

/** A step in the drawing. */
export interface PlacedStep {
  readonly step: StoryStep;
  readonly anchor: StepAnchor;
  readonly head: readonly string[];
  readonly facts: readonly string[];
  /** Of its number's line, relative to the part that it stands in; at a switch the line of text, from 0 below it, from -1 above it. */
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
  /** Where the packet passes through, of the wire on the right; else the same. */
  readonly rightUplink: number;
}

/** A source and a destination beside a wire. */
export interface PlacedTag {
  readonly end: string;
  readonly direction: "request" | "reply";
  readonly source: StoryAddress;
  readonly destination: StoryAddress;
  readonly x: number;
}

/** Nodes beside each other, above one switch. */
export interface PlacedRow {
  /** In the order in which the request comes to them: from left to right, in every other row from right to left. */
  readonly columns: readonly PlacedColumn[];
  /** Wires stand close to each other, and what is said at the switch stands below it. */
  readonly isCrowded: boolean;
  readonly y: RowHeights;
}

export interface RowHeights {
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
}

export interface Places {
  readonly rows: readonly PlacedRow[];
  readonly steps: readonly PlacedStep[];
  readonly visits: ReadonlyMap<StoryWay, readonly Visit[]>;
  readonly tags: readonly PlacedTag[];
  /** Of the drawing. */
  readonly right: number;
  readonly bottom: number;
  /** Middles of what joins the switches of the row and of the next one: a row has it on the side where its request leaves. */
  readonly trunks: readonly { readonly lan: number; readonly tunnel: number }[];
}

export function rowOf({ rows }: Pick<Places, "rows">, column: PlacedColumn): PlacedRow | undefined {
  return rows.find(({ columns }) => columns.includes(column));
}

export function columnWith({ rows }: Pick<Places, "rows">, end: string): PlacedColumn | undefined {
  return rows
    .flatMap(({ columns }) => columns)
    .find(({ ends }) => ends.some(({ host, isOther }) => !isOther && host.name === end));
}

/** Of the wire to the other nodes on that side. */
export function uplinkOn({ uplink, rightUplink }: PlacedColumn, side: ColumnSide): number {
  return side === 1 ? rightUplink : uplink;
}

/** Where a number on the switch stands, and on which side of it the text begins. */
export function lanPlace(
  column: PlacedColumn,
  { side, isToOtherRow }: Pick<Extract<StepAnchor, { readonly kind: "lan" }>, "side" | "isToOtherRow">,
  isCrowded: boolean,
): { readonly x: number; readonly isStart: boolean } {
  const x = uplinkOn(column, side) + side * (isCrowded ? CROWDED_STEP : LAN_STEP);
  return { x, isStart: (side === 1) !== isToOtherRow };
}

/** How much further the numbers of a reply on a bridge are, if those of the request are on it, too. */
export function replyStep(steps: readonly PlacedStep[], plan: PlanColumn): number {
  const along = steps.filter(({ anchor }) => anchor.kind === "bar" && anchor.isAlong && anchor.column === plan);
  return new Set(along.map(({ step }) => step.direction)).size > 1 ? REPLY_STEP : 0;
}

export function isAlong(anchor: StepAnchor): boolean {
  return anchor.kind === "bar" && anchor.isAlong;
}
