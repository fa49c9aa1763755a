import type { Field } from "../documents/field.ts";

/** What one list of JSON says. */
export interface ListOf<T> {
  readonly items: readonly T[];
  readonly origin: Field;
}
