/** Patches: the words of a table that a change has changed. */
import { checksumOf } from "./bytes.ts";

//   0       4         8      12     16           20
//   | magic | version | from | sum  | runs …     |
//   a run: | offset | words | the words … |
/** `kpcp` */
const MAGIC = 0x7063706b;
const VERSION = 1;
const P_MAGIC = 0;
const P_VERSION = 4;
/** The checksum of the table that the patch is for. */
const P_FROM = 8;
/** The patch's own, over all behind it. */
const P_CHECKSUM = 12;
const HEADER = 16;
const RUN_BYTES = 8;

/** `offsets`: of the words that were changed, sorted; `from`: the checksum of the table before. */
export function writePatch(table: Uint8Array, from: number, offsets: Uint32Array): Uint8Array {
  const runs: { readonly at: number; end: number }[] = [];
  for (const at of offsets) {
    const last = runs.at(-1);
    if (last?.end === at) last.end += 4;
    else runs.push({ at, end: at + 4 });
  }
  const bytes = new Uint8Array(HEADER + runs.length * RUN_BYTES + offsets.length * 4);
  const view = new DataView(bytes.buffer);
  let at = HEADER;
  for (const run of runs) {
    view.setUint32(at, run.at, true);
    view.setUint32(at + 4, (run.end - run.at) / 4, true);
    bytes.set(table.subarray(run.at, run.end), at + RUN_BYTES);
    at += RUN_BYTES + run.end - run.at;
  }
  view.setUint32(P_MAGIC, MAGIC, true);
  view.setUint32(P_VERSION, VERSION, true);
  view.setUint32(P_FROM, from, true);
  view.setUint32(P_CHECKSUM, checksumOf(bytes, HEADER), true);
  return bytes;
}

/** Words at an offset of a table. */
export interface PatchRun {
  readonly at: number;
  readonly bytes: Uint8Array;
}

export interface Patch {
  /** The checksum of the table that it is for. */
  readonly from: number;
  readonly runs: readonly PatchRun[];
}

/** What `bytes` change in a table of `length` bytes, or why they are no patch for it. */
export function readPatch(bytes: Uint8Array, length: number): Patch | string {
  const own = new Uint8Array(bytes); // `slice` of a Buffer is no copy
  const view = new DataView(own.buffer);
  if (own.length < HEADER || view.getUint32(P_MAGIC, true) !== MAGIC) return "this is no patch of kpc";
  if (view.getUint32(P_VERSION, true) !== VERSION) return `the patch has another layout: expected version ${VERSION}`;
  if (own.length % 4 !== 0 || view.getUint32(P_CHECKSUM, true) !== checksumOf(own, HEADER))
    return "the patch is damaged: its checksum is another one";
  const runs: PatchRun[] = [];
  for (let at = HEADER; at < own.length; ) {
    const size = at + RUN_BYTES <= own.length ? view.getUint32(at + 4, true) * 4 : Number.POSITIVE_INFINITY;
    const to = view.getUint32(at, true);
    const end = at + RUN_BYTES + size;
    if (size === 0 || to % 4 !== 0 || to + size > length || end > own.length)
      return "the patch is damaged: a part of it points out of the table";
    runs.push({ at: to, bytes: own.subarray(at + RUN_BYTES, end) });
    at = end;
  }
  return { from: view.getUint32(P_FROM, true), runs };
}
