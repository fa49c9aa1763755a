/** What a reader makes of texts of one shape: the same, but for values that stand in holes. */
import { unreachable } from "../../invariant.ts";
import { isSame } from "../../ir/same-data.ts";
import type { HoleValue } from "./holes.ts";
import type { ProbeText, Shape } from "./shape.ts";

/** Makes what a text of the shape is read as, from the values of its holes. What no hole changes is shared. */
type Fill<T> = (values: readonly HoleValue[]) => T;

/** What texts of one shape are read as. */
export class ShapeTemplate<T> {
  readonly fill: Fill<T>;
  /** How many values a text has. */
  readonly width: number;
  /** Of each of them, whether it is a number. */
  readonly isNumber: readonly boolean[];
  private readonly part: AnswerPart;

  constructor(part: AnswerPart, { values }: ProbeText) {
    this.part = part;
    this.fill = fillOf(part) as Fill<T>;
    this.width = values.length;
    this.isNumber = values.map((value) => typeof value === "number");
  }

  /** What any text of the shape is when its values are put into all `places`. */
  mask(): Mask<T> {
    const places: HolePlace[] = [];
    return { is: maskOf(this.part, places) as T, places };
  }
}

export interface Mask<T> {
  readonly is: T;
  readonly places: readonly HolePlace[];
}

/** Where the value of a hole stands. */
export interface HolePlace {
  readonly of: Record<string | number, unknown>;
  readonly key: string | number;
  readonly slot: number;
}

/**
 * How `read`'s answers to texts of `shape` follow from the values of the holes, as its answers to probes show it; undefined:
 * they do not, or `read` has no answer. Answers are plain data without circles.
 */
export function learn<T>(shape: Shape, read: (text: string) => T | undefined): ShapeTemplate<T> | undefined {
  const probes = shape.probes();
  const [first, second, ...more] = probes.map((probe) => ({ probe, found: read(probe.text) }));
  if (first?.found === undefined || second?.found === undefined || more.length < 2) return undefined;
  const used = new Set<number>();
  const part = partOf(first.found, second.found, { first: first.probe, second: second.probe, used });
  if (part === undefined || used.size < shape.width) return undefined;
  const template = new ShapeTemplate<T>(part, first.probe);
  const isRight = more.every(({ probe, found }) => found !== undefined && isSame(template.fill(probe.values), found));
  return isRight ? template : undefined;
}

// --- parts ---------------------------------------------------------------------------------------------------------------

/** A part of an answer. */
type AnswerPart =
  | { readonly kind: "same"; readonly value: unknown }
  | { readonly kind: "hole"; readonly slot: number }
  | {
      readonly kind: "list";
      readonly sample: readonly unknown[];
      readonly parts: readonly (readonly [number, AnswerPart])[];
    }
  | { readonly kind: "object"; readonly sample: object; readonly parts: readonly (readonly [string, AnswerPart])[] };

interface Probed {
  readonly first: ProbeText;
  readonly second: ProbeText;
  /** The slots that were found in the answer. */
  readonly used: Set<number>;
}

/** The part that is `a` in the answer to the first probe, and `b` in that to the second one. */
function partOf(a: unknown, b: unknown, probed: Probed): AnswerPart | undefined {
  if (isObject(a) && isObject(b)) return partOfObjects(a, b, probed);
  if (a === b) return { kind: "same", value: a };
  const slot = probed.first.values.findIndex((value, i) => value === a && probed.second.values[i] === b);
  if (slot < 0) return undefined;
  probed.used.add(slot);
  return { kind: "hole", slot };
}

function partOfObjects(a: object, b: object, probed: Probed): AnswerPart | undefined {
  const [mine, others] = [Object.entries(a), Object.entries(b)];
  if (Array.isArray(a) !== Array.isArray(b) || mine.length !== others.length) return undefined;
  const parts: (readonly [string, AnswerPart])[] = [];
  for (const [i, [key, value]] of mine.entries()) {
    const [other, otherValue] = others[i] as [string, unknown];
    const part = key === other ? partOf(value, otherValue, probed) : undefined;
    if (part === undefined) return undefined;
    if (part.kind !== "same") parts.push([key, part]);
  }
  if (parts.length === 0) return { kind: "same", value: a };
  return Array.isArray(a)
    ? { kind: "list", sample: a, parts: parts.map(([key, part]) => [Number(key), part]) }
    : { kind: "object", sample: a, parts };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

// --- filling -------------------------------------------------------------------------------------------------------------

function fillOf(part: AnswerPart): Fill<unknown> {
  switch (part.kind) {
    case "same":
      return () => part.value;
    case "hole":
      return (values) => values[part.slot];
    case "list":
      return fillList(part.sample, part.parts);
    case "object":
      return fillObject(part.sample, part.parts);
    default:
      return unreachable(part);
  }
}

function fillList(sample: readonly unknown[], parts: readonly (readonly [number, AnswerPart])[]): Fill<unknown> {
  const fills = parts.map(([i, part]) => [i, fillOf(part)] as const);
  return sharing(parts, (values) => {
    const made = sample.slice();
    for (const [i, fill] of fills) made[i] = fill(values);
    return made;
  });
}

function fillObject(sample: object, parts: readonly (readonly [string, AnswerPart])[]): Fill<unknown> {
  const fills = parts.map(([key, part]) => [key, fillOf(part)] as const);
  return sharing(parts, (values) => {
    // A copy of a sample has its members in the sample's order, as all objects that the reader makes.
    const made: Record<string, unknown> = { ...sample };
    for (const [key, fill] of fills) made[key] = fill(values);
    return made;
  });
}

/** A part of one hole is what it was the last time where the hole has the same value: many rules lead to one chain. */
function sharing(parts: readonly (readonly [unknown, AnswerPart])[], fill: Fill<unknown>): Fill<unknown> {
  const [slot, ...others] = slotsOf(parts);
  if (slot === undefined || others.length > 0) return fill;
  let value: HoleValue | undefined;
  let made: unknown;
  return (values) => {
    if (values[slot] !== value) {
      value = values[slot];
      made = fill(values);
    }
    return made;
  };
}

function slotsOf(parts: readonly (readonly [unknown, AnswerPart])[]): ReadonlySet<number> {
  return new Set(
    parts.flatMap(([, part]) =>
      part.kind === "hole" ? [part.slot] : part.kind === "same" ? [] : [...slotsOf(part.parts)],
    ),
  );
}

// --- masks ---------------------------------------------------------------------------------------------------------------

/** A copy of what `part` is, but for what no hole changes; where holes stand in it is added to `places`. */
function maskOf(part: AnswerPart, places: HolePlace[]): unknown {
  switch (part.kind) {
    case "same":
      return part.value;
    case "hole":
      return undefined;
    case "list":
    case "object": {
      const of = (Array.isArray(part.sample) ? part.sample.slice() : { ...part.sample }) as HolePlace["of"];
      for (const [key, inner] of part.parts) {
        if (inner.kind === "hole") places.push({ of, key, slot: inner.slot });
        else of[key] = maskOf(inner, places);
      }
      return of;
    }
    default:
      return unreachable(part);
  }
}
