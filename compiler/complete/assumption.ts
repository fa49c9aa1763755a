/** What was assumed, one by one, for the note and the list. */
import type { Assumed, Origin } from "../diagnostics.ts";
import type { Field } from "../documents/field.ts";

export interface CompletionAssumption {
  readonly what: readonly (Assumed | "node")[];
  /** The object, and what it has got: `Service default/web: cluster IP 10.96.7.1`. */
  readonly text: string;
  /** Undefined for a Node that stands nowhere. */
  readonly origin: Origin | undefined;
  /** The object, to count them. */
  readonly subject: string;
  /** The blocks that addresses are from. */
  readonly from: readonly string[];
}

/** Takes assumptions; a part of the stage gives them and goes on. */
export type Assume = (assumption: CompletionAssumption) => void;

/** Where the name of the object at `node` stands. */
export function nameOf(node: Field): Field {
  return node.get("metadata")?.get("name") ?? node;
}
