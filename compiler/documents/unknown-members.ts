/** Members of objects that do not exist, as far as kpc knows. */
import { type Context, reportField } from "./decode.ts";
import type { Field } from "./field.ts";
import { nearest, sharingStart } from "./nearest.ts";
import { show } from "./show.ts";

/** Names of fields: a set, or a map by name. */
export type KnownMembers = Pick<ReadonlySet<string>, "has" | "keys">;

/** Findings of one object about fields that do not exist: more would only hide the others. */
const MAX_UNKNOWN = 20;

/** Reports members of `field`, a part of a file of kpc's own kinds, that are not in `known`: errors. */
export function checkMembers(context: Context, field: Field, known: KnownMembers): void {
  reportUnknown(context, field, known, (key) => ({
    hint: nearest(key, known.keys()) ?? sharingStart(key, known.keys()),
    isError: true,
  }));
}

/** What an unknown member is taken for. */
interface Unknown {
  /** What was meant, probably. */
  readonly hint: string | undefined;
  readonly isError: boolean;
}

/** Reports members of `field` that are not in `known`, each as `judge` takes it. */
export function reportUnknown(
  context: Context,
  field: Field,
  known: KnownMembers,
  judge: (key: string) => Unknown,
): void {
  const left: boolean[] = [];
  let count = 0;
  for (const key in field.value as object) {
    if (known.has(key)) continue;
    const { hint, isError } = judge(key);
    if (++count > MAX_UNKNOWN) {
      left.push(isError);
      continue;
    }
    const member = field.member(key);
    context.report({
      severity: isError ? "error" : "warning",
      code: "unknown-field",
      message: `unknown field ${show(withEnd(field.fieldPath(context.root), member.fieldPath(context.root)))}${hint === undefined ? "" : `, did you mean "${hint}"?`}`,
      origin: member.key(),
    });
  }
  if (left.length === 0) return;
  const severity = left.includes(true) ? "error" : "warning";
  reportField(context, field, "unknown-field", `${left.length} more unknown fields`, severity);
}

/** Characters of a long way to an object that are shown: the last ones. */
const MAX_SHOWN = 40;

/** `path` of a member of the object at `parent`, without the beginning of a long way: `show` would cut the name off. */
function withEnd(parent: string, path: string): string {
  return parent.length <= MAX_SHOWN ? path : `...${path.slice(parent.length - MAX_SHOWN)}`;
}
