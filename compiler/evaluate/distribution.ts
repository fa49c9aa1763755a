/** All that can happen to a packet, with the chance of each. */
import { Cursor, type Disposition, dispositionKey, printDisposition, readDisposition } from "./disposition.ts";

/** By `dispositionKey`; the chances add up to 1. */
export type Distribution = ReadonlyMap<string, Chance>;

export interface Chance {
  readonly disposition: Disposition;
  readonly probability: number;
}

/** Chances that differ by less are the same: iptables rounds them to 31 bits, and cascades of rules add up. */
export const TOLERANCE = 1e-6;

/** Equal dispositions once, with their chances added up, in the order in which they come first. */
export function distributionOf({ results }: { readonly results: readonly Chance[] }): Distribution {
  const chances = new Map<string, Chance>();
  for (const { disposition, probability } of results) {
    const key = dispositionKey(disposition);
    chances.set(key, { disposition, probability: probability + (chances.get(key)?.probability ?? 0) });
  }
  return chances;
}

/** Whether the same can happen with the same chances. */
export function areSame(left: Distribution, right: Distribution): boolean {
  const isIn = (one: Distribution, other: Distribution): boolean =>
    [...one].every(([key, { probability }]) => Math.abs(probability - (other.get(key)?.probability ?? 0)) <= TOLERANCE);
  return isIn(left, right) && isIn(right, left);
}

/** `pass`, or with chances: `to 10.0.0.1:80 (50.00 %), or to 10.0.0.2:80 (50.00 %)`. */
export function printDistribution(distribution: Distribution, print = printDisposition): string {
  return printChances(distribution, 2, print).join(", or ");
}

/** Likewise, each by itself. `digits`: of the percentages. */
export function printChances(distribution: Distribution, digits: number, print = printDisposition): string[] {
  const chances = [...distribution.values()];
  if (chances.length === 1) return chances.map(({ disposition }) => print(disposition));
  return chances.map(
    ({ disposition, probability }) => `${print(disposition)} (${(probability * 100).toFixed(digits)} %)`,
  );
}

/** A disposition, and its chance in percent as it is written. */
export interface WrittenChance {
  readonly disposition: Disposition;
  readonly percent: string | undefined;
}

/** What `printDistribution` has written, or people in its words; undefined: that is not what the text says. */
export function parseDistribution(text: string): readonly WrittenChance[] | undefined {
  const cursor = new Cursor(text.trim());
  const chances: WrittenChance[] = [];
  do {
    const disposition = readDisposition(cursor);
    if (disposition === undefined) return undefined;
    chances.push({ disposition, percent: cursor.take(PERCENT)?.[1] });
  } while (cursor.take(OR) !== undefined);
  return cursor.isAtEnd ? chances : undefined;
}

const PERCENT = /\s+\((\d+(?:\.\d+)?)\s?%\)/y;
const OR = /,\s+or\s+/y;
