/** What every object says of itself. */
import type { Field } from "../documents/field.ts";

export interface Meta {
  readonly name: string;
  /** `default` where the manifest gives none; empty for kinds that have no namespace. */
  readonly namespace: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  /** Milliseconds since 1970, when the manifest comes from a server. */
  readonly creationTimestamp: number | undefined;
  /** An API server has written the object: it has a uid or a resourceVersion. */
  readonly fromServer: boolean;
  /** `Kind/name` of the object that made this one. */
  readonly controller: string | undefined;
  /** The whole object. */
  readonly field: Field;
}
