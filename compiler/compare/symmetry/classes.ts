/** Values that no interval tells apart. */

import { FAMILIES } from "../../net/address.ts";
import { addressTypes } from "../../packets/address-type.ts";
import type { Named, Sort } from "./fields.ts";
import type { NamedInterval } from "./intervals.ts";

/** More pairs of an interval and a part of it are not listed: then each part is a class of its own. */
const MOST_LISTED = 1_000_000;

/** A number for each value of a sort: of two with one number every interval of `tests` has both or none, and they are of one family
 *  and type. */
export function classesBy(sort: Sort, tests: readonly NamedInterval[]): (value: Named) => number {
  const all = sort === "address" ? [...tests, ...TYPES] : tests;
  const numbers = classesAmong(
    all.filter(({ from }) => typeof from === "number"),
    "number",
  );
  const bigints = classesAmong(
    all.filter(({ from }) => typeof from === "bigint"),
    "bigint",
  );
  const ids = new Map<string, number>();
  return (value) => {
    const text = typeof value === "number" ? numbers(value) : bigints(value);
    let id = ids.get(text);
    if (id === undefined) {
      id = ids.size;
      ids.set(text, id);
    }
    return id;
  };
}

const TYPES: readonly NamedInterval[] = FAMILIES.flatMap((family) =>
  addressTypes(family, new Set()).flatMap(({ addresses: { cuts } }) =>
    Array.from({ length: cuts.length / 2 }, (_, i): NamedInterval => {
      const [from, end] = [cuts[2 * i] as Named, cuts[2 * i + 1] as Named];
      return { from, to: typeof end === "bigint" ? end - 1n : end - 1 };
    }),
  ),
);

function classesAmong(tests: readonly NamedInterval[], family: string): (value: Named) => string {
  const next = (value: Named): Named => (typeof value === "bigint" ? value + 1n : value + 1);
  const borders = [...new Set(tests.flatMap(({ from, to }) => [from, next(to)]))].sort((a, b) => (a < b ? -1 : 1));
  /** The last border that is not above `value`. */
  const partOf = (value: Named): number => {
    let [low, high] = [0, borders.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((borders[middle] as Named) <= value) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  };
  const met: number[][] = borders.map(() => []);
  let listed = 0;
  for (const [i, { from, to }] of tests.entries())
    for (let part = partOf(from); part <= partOf(to); part++) {
      if (++listed > MOST_LISTED) return (value) => `${family} part ${partOf(value)}`;
      met[part]?.push(i);
    }
  const texts = met.map((each) => `${family} ${each.join(" ")}`);
  return (value) => texts[partOf(value)] ?? `${family} outside`;
}
