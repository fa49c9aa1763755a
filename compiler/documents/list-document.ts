/** Documents of kpc's own that are a list. */
import { asArray, asObject, asOneOf, type Context, reportMissing } from "./decode.ts";
import type { Field } from "./field.ts";
import { checkMembers } from "./unknown-members.ts";

interface ListDocument {
  readonly apiVersion: string;
  readonly kind: string;
  /** The member that is the list. */
  readonly list: string;
}

/** The items of a document that has its version, its kind and a list, and no more. Reports what is wrong, and leaves out items that `decodeItem`
 *  makes nothing of. */
export function decodeListDocument<T>(
  context: Context,
  root: Field,
  { apiVersion, kind, list }: ListDocument,
  decodeItem: (item: Field) => T | undefined,
): T[] {
  if (asObject(context, root) === undefined) return [];
  const members = new Set(["apiVersion", "kind", list]);
  checkMembers(context, root, members);
  for (const key of members) if (root.get(key) === undefined) reportMissing(context, root, key);
  asOneOf(context, root.get("apiVersion"), [apiVersion]);
  asOneOf(context, root.get("kind"), [kind]);
  return asArray(context, root.get(list)).flatMap((item) => decodeItem(item) ?? []);
}
