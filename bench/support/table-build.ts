/** What it takes to make a table: time by its parts, and bytes. */
import * as L from "../../assembly/layout.ts";
import { checksumOf } from "../../compiler/formats/tables/bytes.ts";
import { encodeTable } from "../../compiler/formats/tables/encode.ts";
import { Endpoints } from "../../compiler/formats/tables/endpoints.ts";
import { writeLabels } from "../../compiler/formats/tables/labels.ts";
import { LiveTable } from "../../compiler/formats/tables/live-table.ts";
import { buildPerfectHash } from "../../compiler/formats/tables/perfect-hash.ts";
import { TableView } from "../../compiler/formats/tables/view.ts";
import { FAMILIES, type Family } from "../../compiler/net/address.ts";
import type { FamilyPart, TablePart } from "../../compiler/tabulate/part.ts";
import type { AddressRow, Tabulation } from "../../compiler/tabulate/types.ts";
import { type Summary, summarise } from "./statistics.ts";

export interface BuildFigures {
  readonly keys: number;
  readonly bytes: number;
  /** Entries and pilots. */
  readonly bytesPerKey: number;
  /** Milliseconds by part; the first is the whole. */
  readonly parts: readonly (readonly [name: string, milliseconds: Summary])[];
  /** Milliseconds that a patch takes: other endpoints of one Service in both families. */
  readonly patch: Summary;
}

export function measureBuild(tabulation: Tabulation, rounds: number): BuildFigures {
  const bytes = encodeTable(tabulation, "");
  const view = new TableView(bytes);
  const [keys0, keys1] = keysOf(view);
  const rowsOf = FAMILIES.map((family) => {
    const { rows, localClasses } = tabulation.families[family];
    return [...rows, ...localClasses.flatMap((kind) => kind.rows)];
  });
  const slotCount = view.word(L.H_SLOT_MASK) + 1;
  const slots = Uint32Array.from({ length: keys0.length }, (_, i) => i);
  const parts: readonly (readonly [string, () => unknown])[] = [
    ["all", () => encodeTable(tabulation, "")],
    ["perfect hash", () => buildPerfectHash(keys0, keys1)],
    ["places of endpoints", () => rowsOf.map((rows) => new Endpoints(rows))],
    ["labels", () => writeLabels(rowsOf.flat(), slots, slotCount)],
    ["checksum", () => checksumOf(bytes, L.H_SEED)],
  ];
  const found = parts.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, [, run]] of parts.entries()) {
      const start = performance.now();
      run();
      found[i]?.push(performance.now() - start);
    }
  }
  const hashBytes = (view.word(L.H_SLOT_MASK) + 1) * L.ENTRY_BYTES + (view.word(L.H_BUCKET_MASK) + 1) * 2;
  return {
    keys: keys0.length,
    bytes: bytes.length,
    bytesPerKey: hashBytes / keys0.length,
    parts: parts.map(([name], i) => [name, summarise(found[i] as number[])]),
    patch: measurePatches(tabulation),
  };
}

const PATCHES = 500;

function measurePatches(tabulation: Tabulation): Summary {
  const live = new LiveTable(tabulation, "");
  const found: number[] = [];
  for (let i = 0; i < PATCHES; i++) {
    const number = (i >> 1) % tabulation.families.IPv4.rows.length;
    // Each Service loses its endpoints' order, and gets it back.
    const [before, after] = [i % 2 === 1, i % 2 === 0].map((isTurned) => partOf(tabulation, number, isTurned));
    const start = performance.now();
    if (live.replace(before as TablePart, after as TablePart) === undefined) throw new Error("there is no patch");
    found.push(performance.now() - start);
  }
  return summarise(found.slice(PATCHES / 5));
}

function partOf(
  { behaviours, endpointTreatments, families }: Tabulation,
  number: number,
  isTurned: boolean,
): TablePart {
  const ofFamily = (family: Family): FamilyPart => {
    const row = families[family].rows[number] as AddressRow;
    return {
      rows: [{ ...row, lists: isTurned ? row.lists.map((list) => list.toReversed()) : row.lists }],
      local: [],
      points: [],
    };
  };
  return { behaviours, endpointTreatments, families: { IPv4: ofFamily("IPv4"), IPv6: ofFamily("IPv6") } };
}

/** The keys of all entries. */
function keysOf(view: TableView): [Uint32Array, Uint32Array] {
  const keys: [number[], number[]] = [[], []];
  for (let slot = 0; slot <= view.word(L.H_SLOT_MASK); slot++) {
    const entry = view.word(L.H_ENTRIES) + slot * L.ENTRY_BYTES;
    const key1 = view.word(entry + L.ENTRY_KEY1);
    if (key1 === L.KEY_NOTHING >>> 0) continue;
    keys[0].push(view.word(entry));
    keys[1].push(key1);
  }
  return [Uint32Array.from(keys[0]), Uint32Array.from(keys[1])];
}
