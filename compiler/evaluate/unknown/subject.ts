/** What several unknown matches ask for the value of: not all of their answers go together. */

import { partHolds } from "../../ir/interval.ts";
import type { KeyPart, Value } from "../../ir/types.ts";
import type { About } from "./assumption.ts";

/** Which answers one value gives, by the numbers of those who ask. */
export type AnswerNumbers = ReadonlySet<number>;

/** The answers that values give to all of `abouts`, which ask for one thing: those of each value that is named by itself. Any other
 *  value gives no answer but to `open` ones, which name intervals. */
export function answersTo(abouts: readonly About[]): {
  readonly points: readonly AnswerNumbers[];
  readonly open: ReadonlySet<number>;
} {
  const byValue = new Map<Value, Set<number>>();
  const open = new Set<number>();
  for (const [i, { values }] of abouts.entries()) {
    if (values.every(isPoint)) for (const value of values.filter(isPoint)) byValue.set(value, new Set());
    else open.add(i);
  }
  for (const [i, { values }] of abouts.entries()) {
    for (const value of values) {
      if (isPoint(value)) byValue.get(value)?.add(i);
      else for (const [point, answers] of byValue) if (partHolds(value, point)) answers.add(i);
    }
  }
  const unique = new Map([...byValue.values()].map((answers) => [[...answers].join(), answers]));
  return { points: [...unique.values()], open };
}

function isPoint(value: KeyPart): value is Value {
  return typeof value !== "object";
}

/** Some of the values that are named by themselves. */
export function pointsOf({ values }: About, most: number): readonly Value[] {
  return values.filter(isPoint).slice(0, most);
}
