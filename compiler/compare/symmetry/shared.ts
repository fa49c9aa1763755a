/**
 * Values that many parts of programs have in common, as an endpoint of many Services: they would make one part of all of these.
 *
 * A matter of speed alone: a value that is left as it is makes parts smaller and their forms more telling.
 */

import type { Items } from "./items.ts";
import type { Parameter } from "./row-template.ts";

/** A value is left as it is where more others than this lead to it. */
const MOST_LEADERS = 50;

/** The parameters, but for names of chains, that rows of many guards name, or rows of many chains. */
export function sharedIn({ count, lists, starts, parameters, guards, chainsOf }: Items): Parameter[] {
  const last = new Int32Array(chainsOf.length).fill(-1);
  const leaders = new Int32Array(chainsOf.length);
  const note = (row: number, leader: Parameter): void => {
    for (let at = starts[row] as number; at < (starts[row + 1] as number); at++) {
      const parameter = parameters[at] as Parameter;
      if (parameter === leader || last[parameter] === leader || chainsOf[parameter] !== undefined) continue;
      last[parameter] = leader;
      leaders[parameter] = (leaders[parameter] as number) + 1;
    }
  };
  const first = guards[0]?.[0] ?? [];
  for (let row = 0; row < count; row++) {
    const at = first[row] as number;
    if (at >= 0) note(row, parameters[at] as Parameter);
  }
  for (const list of lists)
    if (list.kind === "rules" && list.name !== undefined)
      for (let row = list.first; row < list.first + list.count; row++)
        if ((first[row] as number) < 0) note(row, list.name);
  return [...leaders.keys()].filter((parameter) => (leaders[parameter] as number) > MOST_LEADERS);
}
