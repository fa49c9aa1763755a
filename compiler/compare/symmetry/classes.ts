/** Addresses that no interval tells apart. */

import { FAMILIES } from "../../net/address.ts";
import { addressTypes } from "../../packets/address-type.ts";

interface AddressInterval {
  readonly from: number | bigint;
  readonly to: number | bigint;
}

/** More pairs of an interval and a part of it are not listed: then each part is a class of its own. */
const MOST_LISTED = 1_000_000;

/** A number for each address: of two with one number every interval of `tests` has both or none, and they have one type. */
export function addressClasses(tests: Iterable<AddressInterval>): (address: number | bigint) => number {
  const all: AddressInterval[] = [...tests];
  for (const family of FAMILIES)
    for (const { addresses } of addressTypes(family, new Set()))
      for (let i = 0; i + 1 < addresses.cuts.length; i += 2) {
        const [from, end] = [addresses.cuts[i] as number | bigint, addresses.cuts[i + 1] as number | bigint];
        all.push({ from, to: typeof end === "bigint" ? end - 1n : end - 1 });
      }
  const numbers = classesAmong(
    all.filter(({ from }) => typeof from === "number"),
    "IPv4",
  );
  const bigints = classesAmong(
    all.filter(({ from }) => typeof from === "bigint"),
    "IPv6",
  );
  const ids = new Map<string, number>();
  return (address) => {
    const text = typeof address === "number" ? numbers(address) : bigints(address);
    let id = ids.get(text);
    if (id === undefined) {
      id = ids.size;
      ids.set(text, id);
    }
    return id;
  };
}

function classesAmong(tests: readonly AddressInterval[], family: string): (address: number | bigint) => string {
  const next = (value: number | bigint): number | bigint => (typeof value === "bigint" ? value + 1n : value + 1);
  const borders = [...new Set(tests.flatMap(({ from, to }) => [from, next(to)]))].sort((a, b) => (a < b ? -1 : 1));
  /** The last border that is not above `address`. */
  const partOf = (address: number | bigint): number => {
    let [low, high] = [0, borders.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((borders[middle] as number | bigint) <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  };
  const met: number[][] = borders.map(() => []);
  let listed = 0;
  for (const [i, { from, to }] of tests.entries())
    for (let part = partOf(from); part <= partOf(to); part++) {
      if (++listed > MOST_LISTED) return (address) => `${family} part ${partOf(address)}`;
      met[part]?.push(i);
    }
  const texts = met.map((each) => `${family} ${each.join(" ")}`);
  return (address) => texts[partOf(address)] ?? `${family} outside`;
}
