/** Records from left to right: a chain stands right of all that lead to it. One pass in each direction, so that equal input gives equal places. */
import { required } from "../../invariant.ts";
import type { ChainRecord, RecordRow } from "./fold.ts";

/** How large a record is, and at which heights its rows are. */
export interface RecordSize {
  readonly width: number;
  readonly height: number;
  /** Below its upper edge: where lines come in, and where one leaves from a row. */
  readonly entry: number;
  readonly exitOf: (row: RecordRow) => number;
}

export interface PlacedRecord {
  readonly record: ChainRecord;
  readonly x: number;
  readonly y: number;
}

/** A line from a row to a record: points in the order of x. */
export interface PlacedEdge {
  readonly row: RecordRow;
  readonly points: readonly (readonly [number, number])[];
}

export interface PlacedPart {
  readonly records: readonly PlacedRecord[];
  readonly edges: readonly PlacedEdge[];
  readonly width: number;
  readonly height: number;
}

const COLUMN_GAP = 60;
const ROW_GAP = 16;

/** What stands in a column: a record, or a line that passes it. */
interface Item {
  readonly record: ChainRecord | undefined;
  readonly column: number;
  readonly height: number;
  readonly entry: number;
  readonly from: Exit[];
  readonly to: Exit[];
  y: number;
  key: number;
}

/** Where a line leaves an item, and the item to which it goes. */
interface Exit {
  readonly item: Item;
  /** Below the upper edge of `item`. */
  readonly at: number;
  readonly next: Item;
}

/** Records that are joined, in parts that are not joined with each other; each in the order of `records`. */
export function connectedParts(records: readonly ChainRecord[]): ChainRecord[][] {
  const neighbours = new Map(records.map(({ id }) => [id, new Set<string>()]));
  for (const { id, rows } of records)
    for (const { target } of rows)
      if (target !== undefined) {
        neighbours.get(id)?.add(target);
        neighbours.get(target)?.add(id);
      }
  const left = new Set(neighbours.keys());
  const parts: ChainRecord[][] = [];
  for (const { id } of records) {
    if (!left.delete(id)) continue;
    const part = new Set([id]);
    for (const each of part) for (const other of neighbours.get(each) ?? []) if (left.delete(other)) part.add(other);
    parts.push(records.filter((record) => part.has(record.id)));
  }
  return parts;
}

/** Places for the records of one part. */
export function placed(records: readonly ChainRecord[], sizeOf: (record: ChainRecord) => RecordSize): PlacedPart {
  const columns: Item[][] = [];
  const put = (item: Item): Item => {
    const column = columns[item.column] ?? [];
    columns[item.column] = column;
    column.push(item);
    return item;
  };
  const depths = depthsOf(records);
  const items = new Map<string, Item>();
  for (const record of records) {
    const { height, entry } = sizeOf(record);
    const column = depths.get(record.id) ?? 0;
    items.set(record.id, put({ record, column, height, entry, from: [], to: [], y: 0, key: 0 }));
  }
  const ways: { readonly row: RecordRow; readonly exits: Exit[] }[] = [];
  for (const record of records) {
    const size = sizeOf(record);
    for (const row of record.rows) {
      const target = row.target === undefined ? undefined : items.get(row.target);
      const start = required(items.get(record.id), "each record has its item");
      // A jump back, which no kernel takes, is told by its row alone.
      if (target === undefined || target.column <= start.column) continue;
      const exits: Exit[] = [];
      let item = start;
      for (let at = size.exitOf(row); item !== target; at = PASSING / 2) {
        const column = item.column + 1;
        const next: Item =
          column === target.column
            ? target
            : put({ record: undefined, column, height: PASSING, entry: PASSING / 2, from: [], to: [], y: 0, key: 0 });
        const exit = { item, at, next };
        item.to.push(exit);
        next.from.push(exit);
        exits.push(exit);
        item = next;
      }
      ways.push({ row, exits });
    }
  }
  place(columns);
  const widths = columns.map((column) =>
    Math.max(...column.map(({ record }) => (record === undefined ? 0 : sizeOf(record).width))),
  );
  const lefts = widths.map((_, i) => widths.slice(0, i).reduce((sum, width) => sum + width + COLUMN_GAP, 0));
  const left = (item: Item): number => lefts[item.column] ?? 0;
  const right = (item: Item): number =>
    left(item) + (item.record === undefined ? (widths[item.column] ?? 0) : sizeOf(item.record).width);
  const all = columns.flat();
  const top = Math.min(...all.map(({ y }) => y));
  const edges = ways.map(({ row, exits }): PlacedEdge => {
    const points = exits.flatMap(({ item, at, next }) => [
      [right(item), item.y - top + at] as const,
      [left(next), next.y - top + next.entry] as const,
    ]);
    return { row, points };
  });
  return {
    records: all.flatMap((item) =>
      item.record === undefined ? [] : [{ record: item.record, x: left(item), y: item.y - top }],
    ),
    edges,
    width: (lefts.at(-1) ?? 0) + (widths.at(-1) ?? 0),
    height: Math.max(...all.map(({ y, height }) => y + height)) - top,
  };
}

const PASSING = 8;

/** The length of the longest way to each record. */
function depthsOf(records: readonly ChainRecord[]): ReadonlyMap<string, number> {
  const byId = new Map(records.map((record) => [record.id, record]));
  const depths = new Map(records.map(({ id }) => [id, 0]));
  const order: string[] = [];
  const state = new Map<string, "open" | "done">();
  const back = new Set<string>();
  const visit = (id: string): void => {
    state.set(id, "open");
    for (const { target } of byId.get(id)?.rows ?? []) {
      if (target === undefined || !byId.has(target)) continue;
      if (state.get(target) === "open") back.add(`${id} ${target}`);
      else if (!state.has(target)) visit(target);
    }
    state.set(id, "done");
    order.push(id);
  };
  for (const { id } of records) if (!state.has(id)) visit(id);
  for (const id of order.reverse())
    for (const { target } of byId.get(id)?.rows ?? [])
      if (target !== undefined && byId.has(target) && !back.has(`${id} ${target}`))
        depths.set(target, Math.max(depths.get(target) ?? 0, (depths.get(id) ?? 0) + 1));
  return depths;
}

/** Heights: each item at the mean of what leads to it, below its neighbour; then those that lead somewhere down to the mean of that. */
function place(columns: readonly Item[][]): void {
  for (const column of columns) {
    const wish = ({ from, entry }: Item): number => mean(from.map(({ item, at }) => item.y + at)) - entry;
    column.forEach((item, i) => {
      item.key = item.from.length === 0 ? i : wish(item);
    });
    column.sort((a, b) => a.key - b.key);
    let y = 0;
    for (const item of column) {
      item.y = item.from.length === 0 ? y : Math.max(y, wish(item));
      y = item.y + item.height + ROW_GAP;
    }
  }
  for (const column of columns.slice(0, -1).reverse())
    for (const [i, item] of [...column.entries()].reverse()) {
      if (item.to.length === 0) continue;
      const next = column[i + 1];
      const most = next === undefined ? Number.POSITIVE_INFINITY : next.y - item.height - ROW_GAP;
      const wish = mean(item.to.map(({ at, next: { y, entry } }) => y + entry - at));
      item.y = Math.max(item.y, Math.min(most, wish));
    }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
