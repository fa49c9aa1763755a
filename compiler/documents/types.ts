import type { Source, Span } from "../diagnostics.ts";

/** One document of a source: plain data, and a way back to the text. */
export interface Document {
  readonly source: Source;
  /** What JSON.parse would give: objects, arrays, strings, numbers, booleans, null. */
  readonly value: unknown;
  /** Lets go of the value; who asks for it again makes it be read again. */
  readonly forget?: () => void;
  /** The place of the value at `path`, or of its key; of the nearest value above where nothing stands there. Reads the
   *  document again, with positions. */
  readonly locate: (path: Path, what: "key" | "value") => Span;
  /** When the reader has taken a List apart and `value` is one of its items: what the List says of its items. */
  readonly list?: TypeMeta;
}

/** Keys and indices from the document's root to a value. */
export type Path = readonly (string | number)[];

/** What an object says it is, unchecked. */
export interface TypeMeta {
  readonly apiVersion: unknown;
  readonly kind: unknown;
}
