/** What slots say to people: whose row it is, and for how long clients are remembered. */
import * as L from "../../../assembly/layout.ts";
import type { PortRow } from "../../tabulate/types.ts";

export interface Labels {
  /** An ABOUT record for each slot. */
  readonly about: Uint32Array;
  readonly texts: Uint8Array;
}

/** `slots`: that of each row, of `count` in all. */
export function writeLabels(rows: readonly PortRow[], slots: Uint32Array, count: number): Labels {
  const encoder = new TextEncoder();
  // Neighbours have one label mostly, and share its text.
  const different: string[] = [];
  let before: string | undefined;
  for (const { label } of rows) {
    if (label !== before) different.push(label);
    before = label;
  }
  const joined = different.join("");
  const texts = encoder.encode(joined);
  const isPlain = texts.length === joined.length;
  const about = new Uint32Array(count * (L.ABOUT_BYTES / 4));
  let at = 0;
  let length = 0;
  before = undefined;
  for (let i = 0; i < rows.length; i++) {
    const { label, stickySeconds } = rows[i] as PortRow;
    if (label !== before) {
      at += length;
      length = isPlain ? label.length : encoder.encode(label).length;
      before = label;
    }
    const record = ((slots[i] as number) * L.ABOUT_BYTES) / 4;
    about[record + L.ABOUT_LABEL / 4] = at;
    about[record + L.ABOUT_LABEL_LENGTH / 4] = length;
    about[record + L.ABOUT_SECONDS / 4] = secondsWord(stickySeconds);
  }
  return { about, texts };
}

/** The last word of an ABOUT record. */
export function secondsWord(stickySeconds: number | undefined): number {
  return stickySeconds === undefined ? 0 : stickySeconds + 1;
}
