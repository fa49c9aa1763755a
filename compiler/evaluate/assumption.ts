/** What is assumed of a packet where it is not known. */
import { partHolds, prefixOfNames } from "../ir/interval.ts";
import type { KeyPart, Value } from "../ir/types.ts";

/** A match that is not understood, or asks for what is not known, was taken to hold or not to hold. */
export interface Assumption {
  readonly text: string;
  readonly holds: boolean;
  /** It holds when what `subject` names is one of `values`. */
  readonly about?: About;
}

export interface About {
  readonly subject: string;
  readonly values: readonly KeyPart[];
}

/** As text: that a value is one of `values`. */
export function describeTest({ subject, values }: About): string {
  const [only, more] = values;
  return only !== undefined && more === undefined && typeof only !== "object"
    ? `${subject} == ${only}`
    : `${subject} ${values.map(printPart).join()}`;
}

function printPart(part: KeyPart): string {
  if (typeof part !== "object") return String(part);
  const prefix = prefixOfNames(part);
  return prefix === undefined ? `${part.from}-${part.to}` : `${prefix}*`;
}

/** Whether one packet can be as all of `assumptions` say. */
export function areConsistent(assumptions: readonly Assumption[]): boolean {
  for (const [i, { text, holds, about }] of assumptions.entries()) {
    for (const other of assumptions.slice(0, i)) if (other.text === text && other.holds !== holds) return false;
    if (about === undefined || !holds) continue;
    const points = about.values.filter((value): value is Value => typeof value !== "object");
    if (points.length < about.values.length) continue;
    const same = assumptions.filter((each) => each.about?.subject === about.subject);
    if (!points.some((point) => same.every((each) => isOneOf(point, each.about) === each.holds))) return false;
  }
  return true;
}

function isOneOf(point: Value, about: About | undefined): boolean {
  return about?.values.some((value) => partHolds(value, point)) === true;
}
