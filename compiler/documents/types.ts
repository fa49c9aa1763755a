import type { Source, Span } from "../diagnostics.ts";
import type { AlikeElement } from "./alike-elements.ts";

/** One document of a source: plain data, and a way back to the text. */
export interface Document {
  readonly source: Source;
  /** What JSON.parse would give: objects, arrays, strings, numbers, booleans, null. */
  readonly value: unknown;
  /** Lets go of the value; who asks for it again makes it be read again. */
  readonly forget?: () => void;
  /** Elements of one member that `value` lacks: only while `readAlike` reads. */
  readonly alike?: AlikeList | undefined;
  /** Where the elements of one member were read by their form: calls `read`, for which that member of `value` is empty, and they are in
   *  `alike`. What `read` gives is the result, unless it gives undefined; then nothing has been read. */
  readonly readAlike?: <Result>(read: () => Result | undefined) => Result | undefined;
  /** The place of the value at `path`, or of its key; of the nearest value above where nothing stands there. Reads the
   *  document again, with positions. */
  readonly locate: (path: Path, what: "key" | "value") => Span;
  /** When the reader has taken a List apart and `value` is one of its items: what the List says of its items. */
  readonly list?: TypeMeta;
}

/** The elements of a member that is an array. */
export interface AlikeList {
  readonly key: string;
  readonly elements: readonly AlikeElement[];
}

/** Keys and indices from the document's root to a value. */
export type Path = readonly (string | number)[];

/** What an object says it is, unchecked. */
export interface TypeMeta {
  readonly apiVersion: unknown;
  readonly kind: unknown;
}
