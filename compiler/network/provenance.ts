import type { Origin } from "../diagnostics.ts";

/** From where a fact is known. */
export interface Provenance {
  readonly origin?: Origin;
  /** Undefined: it stands there. Else why it is taken for true: "a bridge has the first address of its node's pod CIDR". */
  readonly inferred?: string;
}
