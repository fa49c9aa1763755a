/** What it takes to make a table: time by its parts, and bytes. */
import * as L from "../../assembly/layout.ts";
import { checksumOf } from "../../compiler/formats/tables/bytes.ts";
import { encodeTable } from "../../compiler/formats/tables/encode.ts";
import { Endpoints } from "../../compiler/formats/tables/endpoints.ts";
import { writeLabels } from "../../compiler/formats/tables/labels.ts";
import { buildPerfectHash } from "../../compiler/formats/tables/perfect-hash.ts";
import { TableView } from "../../compiler/formats/tables/view.ts";
import { FAMILIES } from "../../compiler/net/address.ts";
import type { Tabulation } from "../../compiler/tabulate/types.ts";
import { type Summary, summarise } from "./statistics.ts";

export interface BuildFigures {
  readonly keys: number;
  readonly bytes: number;
  /** Entries and pilots. */
  readonly bytesPerKey: number;
  /** Milliseconds by part; the first is the whole. */
  readonly parts: readonly (readonly [name: string, milliseconds: Summary])[];
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
  };
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
