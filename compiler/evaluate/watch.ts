/** What can be watched of an evaluation. */
import type { Expression, Interval, SetElement, Value } from "../ir/types.ts";
import type { State } from "./state.ts";

/** What a value is held against: intervals, or the keys of elements. */
export type Against =
  | { readonly kind: "intervals"; readonly intervals: readonly Interval[] }
  | { readonly kind: "elements"; readonly elements: readonly SetElement[] };

export interface Watch {
  /** `expression` had `value` (a part for each part of a key) for the packet, which was then looked up or compared. */
  asked(expression: Expression, value: readonly Value[], against: Against, state: State): void;
}
