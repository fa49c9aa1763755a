/** The fields that objects of the API have, and their types. A whole object is compared with its shape at once; nearly all
 *  fit, and what does is then read as the typed data that it is, without a `Field` or a check for each. */

import { type Context, reportType } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { isObject } from "../documents/show.ts";
import { unreachable } from "../invariant.ts";
import { checkApiMembers } from "./unknown-fields.ts";

/** What a value has to be: one of the words, an array of something, or an object with some of the members. `strings` is a
 *  map of strings to strings. `object` and `any` are for parts that kpc does not look into. */
type Shape =
  | "string"
  | "integer"
  | "boolean"
  | "integer or string"
  | "strings"
  | "object"
  | "any"
  | readonly [Shape]
  | { readonly [key: string]: Shape };

interface Words {
  readonly string: string;
  readonly integer: number;
  readonly boolean: boolean;
  readonly "integer or string": number | string;
  readonly strings: Readonly<Record<string, string | null>>;
  readonly object: Readonly<Record<string, unknown>>;
  readonly any: unknown;
}

/** The type of what fits `S`. Members may be absent or null, which the API treats alike. */
export type Fitting<S> = S extends keyof Words
  ? Words[S]
  : S extends readonly [infer Element]
    ? readonly Fitting<Element>[]
    : { readonly [K in keyof S]?: Fitting<S[K]> | null };

/** A shape made ready for comparing. */
export interface Pattern<S> {
  readonly matcher: Matcher;
  /** For the type checker, and for tests that go through all fields. */
  readonly shape: S;
}

type Matcher =
  | { readonly kind: keyof Words }
  | { readonly kind: "array"; readonly element: Matcher }
  | { readonly kind: "members"; readonly members: ReadonlyMap<string, Matcher> };

/** Makes `shape` ready. */
export function pattern<const S extends Shape>(shape: S): Pattern<S> {
  return { matcher: toMatcher(shape), shape };
}

function toMatcher(shape: Shape): Matcher {
  if (typeof shape === "string") return { kind: shape };
  if (Array.isArray(shape)) return { kind: "array", element: toMatcher((shape as readonly [Shape])[0]) };
  const members = Object.entries(shape as Readonly<Record<string, Shape>>);
  return { kind: "members", members: new Map(members.map(([key, member]) => [key, toMatcher(member)])) };
}

/** The value at `field`, when it has the wanted shape. Reports `unknown-field`, and `wrong-type` for every value that has
 *  not; like the API server, kpc looks no further into an object that cannot be decoded. */
export function readShape<S>(context: Context, field: Field, { matcher }: Pattern<S>): Fitting<S> | undefined {
  return fits(field.value, matcher) || reportMisfits(context, field, matcher) ? (field.value as Fitting<S>) : undefined;
}

function fits(value: unknown, matcher: Matcher): boolean {
  switch (matcher.kind) {
    case "members": {
      if (!isObject(value)) return false;
      const { members } = matcher;
      for (const key in value) {
        const member = value[key];
        const wanted = members.get(key);
        if (wanted === undefined || (member !== null && !fits(member, wanted))) return false;
      }
      return true;
    }
    case "array": {
      if (!Array.isArray(value)) return false;
      const { element } = matcher;
      for (const item of value) if (!fits(item, element)) return false;
      return true;
    }
    case "strings": {
      if (!isObject(value)) return false;
      for (const key in value) if (typeof value[key] !== "string" && value[key] !== null) return false;
      return true;
    }
    case "string":
      return typeof value === "string";
    case "integer":
      return Number.isInteger(value);
    case "boolean":
      return typeof value === "boolean";
    case "integer or string":
      return typeof value === "string" || Number.isInteger(value);
    case "object":
      return isObject(value);
    case "any":
      return true;
    default:
      return unreachable(matcher);
  }
}

/** Reports what does not fit; gives whether it is only unknown fields. */
function reportMisfits(context: Context, field: Field, matcher: Matcher): boolean {
  if (fits(field.value, matcher)) return true;
  if (matcher.kind === "array" && Array.isArray(field.value)) {
    return field.items().filter((item) => !reportMisfits(context, item, matcher.element)).length === 0;
  }
  if ((matcher.kind === "members" || matcher.kind === "strings") && isObject(field.value)) {
    const members = matcher.kind === "members" ? matcher.members : undefined;
    if (members !== undefined) checkApiMembers(context, field, members);
    const misfits = Object.keys(field.value).filter((key) => {
      const wanted = members === undefined ? STRING : members.get(key);
      const member = field.get(key);
      return wanted !== undefined && member !== undefined && !reportMisfits(context, member, wanted);
    });
    return misfits.length === 0;
  }
  const wanted = matcher.kind === "strings" || matcher.kind === "members" ? "object" : matcher.kind;
  reportType(context, field, wanted);
  return false;
}

const STRING: Matcher = { kind: "string" };
