/** Fields that the API does not have, as far as kpc knows it. */

import type { Context } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { nearest, sharingStart } from "../documents/nearest.ts";
import { type KnownMembers, reportUnknown } from "../documents/unknown-members.ts";
import { isDeciding, placeOf } from "./deciding-fields.ts";

/** Reports members of `field`, an object of the API, that are not in `known`. Such a field may be newer than kpc: a warning. An
 *  error where it is a slip of a field that decides rules, or such a field in the wrong place: without it the rules would
 *  be other ones. An object that an API server has stored (it has a uid) has no field that the server does not know, so that
 *  `hostIPs` beside `hostIP` is a newer field. */
export function checkApiMembers(context: Context, field: Field, known: KnownMembers): void {
  const isStored = typeof context.root.get("metadata")?.get("uid")?.value === "string";
  const path = field.fieldPath(context.root);
  reportUnknown(context, field, known, (key) => {
    const near = nearest(key, known.keys());
    const shared = near === undefined ? sharingStart(key, known.keys()) : undefined;
    const meant = near ?? (shared?.startsWith(key) ? shared : undefined); // what only goes on from a known name may be new
    if (meant !== undefined && isDeciding(context.subject, path === "" ? meant : `${path}.${meant}`))
      return { hint: meant, isError: !isStored || field.get(meant) === undefined };
    const place = near === undefined && !isStored ? placeOf(context.subject, key) : undefined;
    return place === undefined ? { hint: near ?? shared, isError: false } : { hint: place, isError: true };
  });
}
