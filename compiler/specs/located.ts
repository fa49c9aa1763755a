import type { Field } from "../documents/field.ts";

/** A value, and where it stands. */
export interface Located<T> {
  readonly value: T;
  readonly field: Field;
  /** The value does not stand there: kpc has chosen it. */
  readonly assumed?: true;
}

/** An object, and `namespace/name` as far as it says. */
export interface NamedField {
  readonly field: Field;
  readonly name: string;
}
