import { asOneOf, type Context } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import type { Scope } from "../network/types.ts";

const SCOPES = ["global", "site", "link", "host", "nowhere"] as const satisfies readonly Scope[];

/** The scope of an address or a route: global where none is printed. Undefined: it is none, which is reported. */
export function asScope(context: Context, field: Field | undefined): Scope | undefined {
  return field === undefined ? "global" : asOneOf(context, field, SCOPES);
}
