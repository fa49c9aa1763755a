/** The chain graph as a scene. */
import type { Scene, SceneShape, SceneText, TextSpan } from "../scene.ts";
import { lineWidth, spanWidth, wrapped } from "../widths.ts";
import type { ChainRecord, RecordRow } from "./fold.ts";
import { connectedParts, type PlacedEdge, type PlacedPart, placed, type RecordSize } from "./layers.ts";
import { type ChainTable, thousands } from "./tables.ts";

const MARGIN = 40;
const PADDING = 12;
const LEAST_WIDTH = 1280;
const ROW = 21;
const NEXT_LINE = 17;
const HEAD = 30;
const HOOK_LINE = 18;
const INDENT = 16;
const BETWEEN_PARTS = 56;
/** More lines of a row are cut. */
const MOST_LINES = 3;
const STACKED = 4;

/** The scene of `tables`; `subject`: whose rules they are, such as `node-1` or a file. */
export function drawChains(tables: readonly ChainTable[], subject: string): Scene {
  const sections = tables.map((table) => ({ table, parts: connectedParts(table.records).map(laidPart) }));
  const widest = Math.max(...sections.flatMap(({ parts }) => parts.map(({ part }) => part.width)));
  const width = Math.max(LEAST_WIDTH, Math.ceil(widest) + 2 * MARGIN);
  const [only] = tables;
  const about = tables.length === 1 && only !== undefined ? `, table ${only.title}` : "";
  const title = `Rules of ${subject}${about}: which chain leads to which`;
  const titleLines = wrapped(title, width - 2 * MARGIN, 24, { isBold: true });
  const shapes: SceneShape[] = titleLines.map((line, i) =>
    text(MARGIN, 52 + i * 32, [{ text: line, isBold: true }], 24),
  );
  let y = 52 + (titleLines.length - 1) * 32 + 30;
  for (const line of legendLines(tables, width - 2 * MARGIN)) {
    shapes.push(text(MARGIN, y, line, 14));
    y += 22;
  }
  y += 20;
  for (const { table, parts } of sections) {
    if (tables.length > 1) {
      shapes.push(
        text(
          MARGIN,
          y + 12,
          [
            { text: "table ", colour: "dim" },
            { text: table.title, isBold: true },
          ],
          16,
        ),
      );
      y += 36;
    }
    const shelves = packed(parts, width);
    for (const { part, x, top } of shelves.places) shapes.push(...drawnPart(part, MARGIN + x, y + top));
    y += shelves.height + 32;
    for (const line of wrapped(table.footnote, width - 2 * MARGIN, 13)) {
      shapes.push(text(MARGIN, y, [{ text: line, colour: "dim" }]));
      y += NEXT_LINE;
    }
    y += 28;
  }
  return { width, height: Math.ceil(y), title, description: described(tables), shapes };
}

/** Only the marks that occur. */
function legendLines(tables: readonly ChainTable[], width: number): TextSpan[][] {
  const records = tables.flatMap(({ records }) => records);
  const rows = records.flatMap(({ rows }) => rows);
  const verdict = rows.find((row) => row.verdict !== undefined && row.verdict.length < 12)?.verdict;
  const dim = (words: string): TextSpan => ({ text: words, colour: "dim" });
  const keys: TextSpan[][] = [
    ...(rows.some(({ elements }) => elements !== undefined)
      ? [[{ text: "@", isMono: true }, dim(" a map or set, and how many elements it has")]]
      : []),
    ...(rows.some(({ kind, target }) => kind === "entry" && target !== undefined)
      ? [[dim("orange line: elements lead there; thicker: more of them")]]
      : []),
    ...(records.some(({ hook }) => hook !== undefined) ? [[dim("bold frame: a hook of the kernel")]] : []),
    ...(records.some(({ copies }) => copies > 1) ? [[dim("stack: chains of equal shape")]] : []),
    ...(verdict === undefined
      ? []
      : [[{ text: verdict, isBold: true, colour: "svc" } as const, dim(" what a rule does")]]),
  ];
  const lines: TextSpan[][] = [];
  for (const key of keys) {
    const line = lines.at(-1);
    const longer = [...(line ?? []), dim("  ·  "), ...key];
    if (line === undefined || lineWidth(longer, 14) > width) lines.push(key);
    else line.splice(0, line.length, ...longer);
  }
  return lines;
}

interface LaidPart {
  readonly part: PlacedPart;
  readonly layoutOf: (record: ChainRecord) => RecordLayout;
}

/** Parts side by side, and below each other where the picture ends. */
function packed(
  parts: readonly LaidPart[],
  width: number,
): { readonly places: { part: LaidPart; x: number; top: number }[]; readonly height: number } {
  const places: { part: LaidPart; x: number; top: number }[] = [];
  let [x, top, shelf] = [0, 0, 0];
  for (const part of parts) {
    const { width: wide, height } = part.part;
    if (x > 0 && x + wide > width - 2 * MARGIN) {
      top += shelf + 40;
      [x, shelf] = [0, 0];
    }
    places.push({ part, x, top });
    x += wide + BETWEEN_PARTS;
    shelf = Math.max(shelf, height);
  }
  return { places, height: top + shelf };
}

// --- one part -----------------------------------------------------------------------------------------------------------

interface RowLayout {
  readonly row: RecordRow;
  readonly lines: readonly string[];
  /** Below the upper edge of its record: of the base line of its first line. */
  readonly base: number;
  readonly count: string | undefined;
}

interface RecordLayout extends RecordSize {
  readonly title: readonly string[];
  readonly head: number;
  readonly rows: readonly RowLayout[];
}

function laidPart(records: readonly ChainRecord[]): LaidPart {
  const width = fittingWidth(records);
  const layouts = new Map(records.map((record) => [record.id, layoutOf(record, width)]));
  const of = (record: ChainRecord): RecordLayout => layouts.get(record.id) ?? layoutOf(record, width);
  return { part: placed(records, of), layoutOf: of };
}

/** As narrow as it can be with few rows of several lines. */
function fittingWidth(records: readonly ChainRecord[]): number {
  const rows = records.flatMap((record) => record.rows);
  const fits = (width: number): boolean =>
    rows.reduce((sum, row) => sum + linesOf(row, width).length, 0) <= 1.25 * rows.length + 1;
  return WIDTHS.find(fits) ?? Math.max(...WIDTHS);
}

const WIDTHS = [220, 264, 304, 344];

function layoutOf(record: ChainRecord, width: number): RecordLayout {
  const title = wrapped(titleOf(record), width - 2 * PADDING, 13, { isMono: true, isBold: true });
  const hookLines = record.hook === undefined ? [] : wrapped(record.hook, width - 2 * PADDING, 13);
  const head = HEAD + (title.length - 1) * NEXT_LINE + hookLines.length * HOOK_LINE;
  let base = head + 15;
  const rows = record.rows.map((row): RowLayout => {
    const laid = { row, lines: linesOf(row, width), base, count: countOf(row) };
    base += ROW + (laid.lines.length - 1) * NEXT_LINE;
    return laid;
  });
  const exits = new Map(rows.map((laid) => [laid.row, laid.base - 4.5]));
  const height = rows.length === 0 ? head : base - 15 + 8;
  return { width, height, entry: 15, exitOf: (row) => exits.get(row) ?? 15, title, head, rows };
}

function titleOf({ name, copies }: ChainRecord): string {
  return copies === 1 ? name : `${name} × ${thousands(copies)}`;
}

function countOf({ elements, kind }: RecordRow): string | undefined {
  return elements === undefined || kind === "empty" ? undefined : thousands(elements);
}

function linesOf(row: RecordRow, width: number): string[] {
  const count = countOf(row);
  const besides =
    (row.kind === "entry" ? INDENT : 0) +
    (count === undefined ? 0 : spanWidth({ text: count, isMono: true, isBold: true }, 13) + 8) +
    (row.verdict === undefined ? 0 : Math.min(spanWidth({ text: row.verdict, isBold: true }, 13), VERDICT_WIDTH) + 8);
  const style = { isMono: row.isMono };
  const lines = wrapped(row.text, width - 2 * PADDING - besides, 13, style);
  if (lines.length <= MOST_LINES) return lines;
  const last = lines[MOST_LINES - 1] ?? "";
  return [...lines.slice(0, MOST_LINES - 1), `${[...last].slice(0, -2).join("")}…`];
}

const VERDICT_WIDTH = 110;

function drawnPart({ part, layoutOf }: LaidPart, x: number, y: number): SceneShape[] {
  return [
    ...part.edges.flatMap((edge) => drawnEdge(edge, x, y)),
    ...part.records.map(({ record, ...at }) => drawnRecord(record, layoutOf(record), x + at.x, y + at.y)),
  ];
}

function drawnEdge({ row, points }: PlacedEdge, x: number, y: number): SceneShape[] {
  const isElements = row.kind === "entry";
  const colour = isElements ? "req" : "dim";
  const moved = points.map(([px, py]) => [px + x, py + y] as const);
  const [tx, ty] = moved.at(-1) ?? [x, y];
  const width = isElements ? 1.4 + Math.min(3, (row.elements ?? 0) * 0.6) : 1.4;
  return [
    { kind: "curve", points: [...moved.slice(0, -1), [tx - 6, ty]], colour, width },
    { kind: "arrow", from: [tx - 10, ty], tip: [tx - 1, ty], colour, size: 7 },
  ];
}

function drawnRecord(record: ChainRecord, layout: RecordLayout, x: number, y: number): SceneShape {
  const { width, height, head } = layout;
  const isHook = record.hook !== undefined;
  const box = { kind: "box", width, height, radius: 7, fill: "card", strokeWidth: isHook ? 2 : 1.2 } as const;
  const hookLines = record.hook === undefined ? [] : wrapped(record.hook, width - 2 * PADDING, 13);
  const hookAt = y + 20 + (layout.title.length - 1) * NEXT_LINE + HOOK_LINE;
  const behind = [2, 1].map((i) => ({ ...box, x: x + i * STACKED, y: y + i * STACKED, stroke: "line" as const }));
  const shapes: SceneShape[] = [
    ...(record.copies > 1 ? behind : []),
    { ...box, x, y, stroke: isHook ? "ink" : "line" },
    { kind: "box", x: x + 1, y: y + 1, width: width - 2, height: head - 2, radius: 6, fill: isHook ? "bar" : "panel" },
    ...layout.title.map((line, i) =>
      text(x + PADDING, y + 20 + i * NEXT_LINE, [{ text: line, isMono: true, isBold: true }]),
    ),
    ...hookLines.map((line, i) => text(x + PADDING, hookAt + i * HOOK_LINE, [{ text: line, colour: "dim" }])),
    ...layout.rows.flatMap((row, i) => drawnRow(row, x, y, width, i > 0)),
  ];
  return { kind: "group", tip: `${titleOf(record)}${record.copies > 1 ? `, such as ${record.id}` : ""}`, shapes };
}

function drawnRow(
  { row, lines, base, count }: RowLayout,
  x: number,
  y: number,
  width: number,
  isBelow: boolean,
): SceneShape[] {
  const left = x + PADDING + (row.kind === "entry" ? INDENT : 0);
  const right = x + width - PADDING;
  const at = y + base;
  const verdict: TextSpan | undefined =
    row.verdict === undefined
      ? undefined
      : {
          text: cutTo(row.verdict, VERDICT_WIDTH),
          isBold: true,
          colour: row.verdict === "return" || row.verdict === "continue" ? "dim" : "svc",
        };
  const verdictWidth = verdict === undefined ? 0 : spanWidth(verdict, 13) + 8;
  return [
    ...(row.kind === "map" && isBelow
      ? [
          {
            kind: "line",
            points: [
              [x + 8, at - 15.5],
              [x + width - 8, at - 15.5],
            ],
            colour: "hair",
            width: 1,
            radius: 0,
          } as const,
        ]
      : []),
    ...lines.map((line, i) =>
      text(left, at + i * NEXT_LINE, [
        { text: line, isMono: row.isMono, ...(row.isQuiet ? { colour: "dim" as const } : {}) },
      ]),
    ),
    ...(count === undefined
      ? []
      : [
          text(
            right - verdictWidth,
            at,
            [{ text: count, isMono: true, isBold: row.kind !== "entry", colour: "req" }],
            13,
            "end",
          ),
        ]),
    ...(verdict === undefined ? [] : [text(right, at, [verdict], 13, "end")]),
  ];
}

/** The beginning of a word that is too wide. */
function cutTo(word: string, width: number): string {
  if (spanWidth({ text: word, isBold: true }, 13) <= width) return word;
  let short = [...word];
  while (short.length > 1 && spanWidth({ text: `${short.join("")}…`, isBold: true }, 13) > width)
    short = short.slice(0, -1);
  return `${short.join("")}…`;
}

function text(
  x: number,
  y: number,
  spans: readonly TextSpan[],
  size: SceneText["size"] = 13,
  anchor: SceneText["anchor"] = "start",
): SceneText {
  return { kind: "text", x, y, size, anchor, spans };
}

// --- in words -----------------------------------------------------------------------------------------------------------

function described(tables: readonly ChainTable[]): string {
  return tables
    .map(({ title, records, footnote }) => {
      const names = new Map(records.map((record) => [record.id, titleOf(record)]));
      return [`Table ${title}.`, ...records.map((record) => sentenceOf(record, names)), footnote].join(" ");
    })
    .join(" ");
}

function sentenceOf(record: ChainRecord, names: ReadonlyMap<string, string>): string {
  const rows = record.rows.filter(({ isQuiet }) => !isQuiet);
  const words = rows.map(({ text, target, verdict, elements, kind }) => {
    const name = target === undefined ? verdict : names.get(target);
    const size = elements === undefined ? "" : ` (${elements})`;
    if (kind === "entry") return `${elements} to ${name}`;
    return `${text}${size}${name === undefined ? "" : `: ${target === undefined ? "" : "to "}${name}`}`;
  });
  return `${titleOf(record)}${record.hook === undefined ? "" : ` (${record.hook})`}: ${words.length === 0 ? "no rules" : words.join("; ")}.`;
}
