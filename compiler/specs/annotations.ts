/** Annotations of kpc's own, `kpc.dev/…`: what Ingresses and Services can say to its proxy alone. */
import { type Context, warnInvalid } from "../documents/decode.ts";
import { nearest } from "../documents/nearest.ts";
import { show } from "../documents/show.ts";
import type { Meta } from "./types.ts";

/** One that an object can have, and its values. */
export interface OwnAnnotation {
  readonly key: string;
  readonly words: readonly string[];
}

const PREFIX = "kpc.dev/";

/** The value of each of `known`; undefined where it is absent or wrong. Warns of wrong values (`invalid-value`) and of other annotations
 *  of kpc's (`unknown-field`): nobody else reads them. */
export function decodeOwnAnnotations(
  context: Context,
  { annotations, field }: Meta,
  known: readonly OwnAnnotation[],
): readonly (string | undefined)[] {
  const map = field.member("metadata").member("annotations");
  const keys = known.map(({ key }) => key);
  for (const key of annotations.keys()) {
    if (!key.startsWith(PREFIX) || keys.includes(key)) continue;
    const near = nearest(key, keys);
    const hint = near === undefined ? "" : `, did you mean "${near}"?`;
    const message = `unknown annotation ${show(key)}${hint}`;
    context.report({ severity: "warning", code: "unknown-field", message, origin: map.member(key).key() });
  }
  return known.map(({ key, words }) => {
    const value = annotations.get(key);
    if (value === undefined || words.includes(value)) return value;
    warnInvalid(context, map.member(key), `supported values: ${words.map(show).join(", ")}`);
    return undefined;
  });
}
