/** Numbers for names: which one a name gets depends on the name alone, as long as no other name wants the same one. */
import { hashText } from "../net/hash.ts";

/** Tries after which a name takes the next free number. Until a range is nearly full, hardly any name needs three. */
const ROUNDS = 16;

/** A number from 0 to `size` - 1 for each of `names`, none twice and none that `isTaken`; no number where none is left.
 *  In each round every name that has none tries one number of its own; of names that try the same one the first by code
 *  units gets it. So the order of `names` does not matter, and a name that comes or goes moves only names whose numbers it
 *  wants. */
export function chooseNumbers(
  names: readonly string[],
  size: number,
  isTaken: (number: number) => boolean,
): Map<string, number> {
  const chosen = new Map<string, number>();
  const used = new Set<number>();
  const take = (name: string, number: number): boolean => {
    if (used.has(number) || isTaken(number)) return false;
    used.add(number);
    chosen.set(name, number);
    return true;
  };
  let pending = size > 0 ? [...new Set(names)].sort() : [];
  for (let round = 0; round < ROUNDS && pending.length > 0; round++)
    pending = pending.filter((name) => !take(name, numberOf(name, round, size)));
  for (const name of pending) {
    const first = numberOf(name, 0, size);
    let steps = 0;
    while (steps < size && !take(name, (first + steps) % size)) steps++;
    if (steps === size) break; // all are taken, also for the names behind it
  }
  return chosen;
}

/** The number that `name` tries in a round. */
export function numberOf(name: string, round: number, size: number): number {
  return hashText(round === 0 ? name : `${name}#${round}`) % size;
}
