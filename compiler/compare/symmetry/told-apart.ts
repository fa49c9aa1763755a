/** Which forms the packets tell apart that two programs treat differently: README.md says what for. */
import type { PacketSet } from "../../packets/packet-set.ts";
import type { Ranges } from "../../packets/ranges.ts";
import type { Named, Sort } from "./fields.ts";
import { bySort } from "./intervals.ts";
import type { Parameter } from "./row-template.ts";

/** The sets of values that regions have of each sort. What `meta priority` holds is no part of them. */
const FIELDS = {
  address: ["daddr", "saddr", "toaddr"],
  port: ["dport", "sport", "toport"],
  identity: [],
} as const satisfies Readonly<Record<Sort, readonly (keyof PacketSet)[]>>;

/** Values that are tried on each side of one: a block of 65,536 that is full does not end the search. */
const MOST_TRIED = 2 ** 17;

/** Finds a value of the class of `value` that nothing names. Undefined: there is none near it. */
export function plainValues(
  classOf: (value: Named) => number,
  isNamed: (value: Named) => boolean,
  most: Named,
): (value: Named) => Named | undefined {
  const known = new Map<number, Named | undefined>();
  const find = (value: Named, wanted: number): Named | undefined => {
    for (let i = 1; i <= MOST_TRIED; i++)
      for (const by of [i, -i]) {
        const other = typeof value === "bigint" ? value + BigInt(by) : value + by;
        if (other >= 0 && other <= most && !isNamed(other) && classOf(other) === wanted) return other;
      }
    return undefined;
  };
  return (value) => {
    const wanted = classOf(value);
    if (!known.has(wanted)) known.set(wanted, find(value, wanted));
    return known.get(wanted);
  };
}

/** A value that may be exchanged, and one of its class that nothing names. */
export interface Exchanged {
  readonly sort: Sort;
  readonly value: Named;
  readonly plain: Named | undefined;
}

/** The forms with a parameter that is in another of `regions` than a value of its class that nothing names.
 *  `kept`: by form, the parameters of components that stay. `exchangedAs`: undefined for chains. */
export function formsToldApart(
  regions: readonly PacketSet[],
  kept: readonly (readonly Parameter[])[],
  exchangedAs: (parameter: Parameter) => Exchanged | undefined,
): Set<number> {
  const told = new Set<number>();
  const rangesOf = (sort: Sort): ReadonlySet<Ranges> =>
    new Set(regions.flatMap((region) => FIELDS[sort].map((field) => region[field])));
  const ranges = bySort(rangesOf);
  for (const [form, parameters] of kept.entries()) {
    const isTold = parameters.some((parameter) => {
      const exchanged = exchangedAs(parameter);
      if (exchanged === undefined || ranges[exchanged.sort].size === 0) return false;
      const { sort, value, plain } = exchanged;
      if (plain === undefined) return true;
      for (const range of ranges[sort])
        if (typeof range.cuts[0] === typeof value && range.has(value) !== range.has(plain)) return true;
      return false;
    });
    if (isTold) told.add(form);
  }
  return told;
}
