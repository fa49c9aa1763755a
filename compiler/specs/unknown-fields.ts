/** Fields that the API does not have, as far as kpc knows it. */

import { isDeciding, placeOf } from "./deciding-fields.ts";
import { type Context, reportField } from "./decode.ts";
import { nearest, sharingStart } from "./nearest.ts";
import type { Node } from "./node.ts";
import { show } from "./show.ts";

/** Names of fields: a set, or a map by name. */
type KnownMembers = Pick<ReadonlySet<string>, "has" | "keys">;

/** Findings of one object about fields that do not exist: more would only hide the others. */
const MAX_UNKNOWN = 20;

/** Reports members of `node`, an object of the API, that are not in `known`. Such a field may be newer than kpc: a warning. An
 *  error where it is a slip of a field that decides rules, or such a field in the wrong place: without it the rules would
 *  be other ones. An object that an API server has stored (it has a uid) has no field that the server does not know, so that
 *  `hostIPs` beside `hostIP` is a newer field. */
export function checkApiMembers(context: Context, node: Node, known: KnownMembers): void {
  const isStored = typeof context.root.get("metadata")?.get("uid")?.value === "string";
  const path = node.fieldPath(context.root);
  report(context, node, known, (key) => {
    const near = nearest(key, known.keys());
    const shared = near === undefined ? sharingStart(key, known.keys()) : undefined;
    const meant = near ?? (shared?.startsWith(key) ? shared : undefined); // what only goes on from a known name may be new
    if (meant !== undefined && isDeciding(context.subject, path === "" ? meant : `${path}.${meant}`))
      return { hint: meant, isError: !isStored || node.get(meant) === undefined };
    const place = near === undefined && !isStored ? placeOf(context.subject, key) : undefined;
    return place === undefined ? { hint: near ?? shared, isError: false } : { hint: place, isError: true };
  });
}

/** Reports members of `node`, a part of a file of kpc's own kinds, that are not in `known`: errors. */
export function checkMembers(context: Context, node: Node, known: KnownMembers): void {
  report(context, node, known, (key) => ({
    hint: nearest(key, known.keys()) ?? sharingStart(key, known.keys()),
    isError: true,
  }));
}

interface Verdict {
  /** What was meant, probably. */
  readonly hint: string | undefined;
  readonly isError: boolean;
}

function report(context: Context, node: Node, known: KnownMembers, judge: (key: string) => Verdict): void {
  const left: boolean[] = [];
  let count = 0;
  for (const key in node.value as object) {
    if (known.has(key)) continue;
    const { hint, isError } = judge(key);
    if (++count > MAX_UNKNOWN) {
      left.push(isError);
      continue;
    }
    const member = node.member(key);
    context.report({
      severity: isError ? "error" : "warning",
      code: "unknown-field",
      message: `unknown field ${show(withEnd(node.fieldPath(context.root), member.fieldPath(context.root)))}${hint === undefined ? "" : `, did you mean "${hint}"?`}`,
      origin: member.key(),
    });
  }
  if (left.length === 0) return;
  const severity = left.includes(true) ? "error" : "warning";
  reportField(context, node, "unknown-field", `${left.length} more unknown fields`, severity);
}

/** Characters of a long way to an object that are shown: the last ones. */
const MAX_SHOWN = 40;

/** `path` of a member of the object at `parent`, without the beginning of a long way: `show` would cut the name off. */
function withEnd(parent: string, path: string): string {
  return parent.length <= MAX_SHOWN ? path : `...${path.slice(parent.length - MAX_SHOWN)}`;
}
