/** What happens to all packets of a kind of traffic, with a key for what an observer can tell apart. */

import { destinationOf, keyOf, withDestination } from "../evaluate/disposition.ts";
import type { RegionResult } from "../evaluate/result.ts";
import { type Now, nowKey } from "../evaluate/state.ts";
import type { Condition } from "../evaluate/unknown/condition.ts";
import { type PacketSet, within, without } from "../packets/packet-set.ts";
import { type Spread, valuesBehind, whereEqual } from "../packets/preimage.ts";
import { type Cut, EMPTY, Ranges } from "../packets/ranges.ts";

/** One of the things that happen to the packets of a region: what happens to a packet is told by all results that it is in,
 *  each with its probability. */
export interface KeyedResult {
  readonly region: PacketSet;
  readonly probability: number;
  /** The key of what happens. */
  readonly result: string;
  readonly condition: Condition;
}

/** The results of both sides. Where one side results a packet's destination as it is, or a part of it, and another one names that
 *  address, both say the same. */
export function keyedResultsOf(
  sides: readonly [readonly RegionResult[], readonly RegionResult[]],
): readonly [KeyedResult[], KeyedResult[]] {
  const addresses = namedBy(sides, "address");
  const ports = namedBy(sides, "port");
  const keyedResults = (results: readonly RegionResult[]): KeyedResult[] => {
    const found: KeyedResult[] = [];
    for (const result of results) {
      const to = destinationOf(result.disposition);
      if (to === undefined || (isValue(to.address) && isValue(to.port))) found.push(toKeyed(result));
      else
        for (const each of resolve(result, "address", addresses))
          for (const keyed of resolve(each, "port", ports)) found.push(toKeyed(keyed));
    }
    return found;
  };
  return [keyedResults(sides[0]), keyedResults(sides[1])];
}

/** Each part of a destination, once. */
function namedBy(sides: readonly (readonly RegionResult[])[], part: "address" | "port"): readonly Now<Cut>[] {
  const named = new Map<Cut | string, Now<Cut>>();
  for (const results of sides)
    for (const { disposition } of results) {
      const now: Now<Cut> | undefined = destinationOf(disposition)?.[part];
      if (now !== undefined) named.set(isValue(now) ? now : nowKey(now), now);
    }
  return [...named.values()];
}

/** `result` with `part` of its destination as a value, for the packets that have one of `others` there; else in the form that
 *  comes first of those that say the same. */
function resolve(result: RegionResult, part: "address" | "port", others: readonly Now<Cut>[]): RegionResult[] {
  const { disposition } = result;
  const now: Now<Cut> | undefined = destinationOf(disposition)?.[part];
  if (now === undefined || isValue(now)) return [result];
  const own = spreadOf(now);
  const found: RegionResult[] = [];
  let rest: PacketSet | undefined = result.region;
  for (const other of [
    ...others.filter(isValue),
    ...others.filter((each) => !isValue(each) && comesFirst(each, now)),
  ]) {
    if (rest === undefined) break;
    const among: Ranges = rest[own.field];
    const values = isValue(other)
      ? valuesBehind(own, Ranges.of(other), among)
      : spreadOf(other).field === own.field
        ? whereEqual(own, spreadOf(other), among)
        : EMPTY;
    const at: PacketSet | undefined = within(rest, own.field, values);
    if (at === undefined) continue;
    found.push({
      ...result,
      region: at,
      disposition: withDestination(disposition, (to) => ({ ...to, [part]: other })),
    });
    rest = without(rest, own.field, values);
  }
  return rest === undefined ? found : [...found, { ...result, region: rest }];
}

function isValue(now: Now<Cut>): now is Cut {
  return typeof now === "number" || typeof now === "bigint";
}

/** A fixed order of forms: any order will do that is the same on both sides. */
function comesFirst(a: Now<Cut>, b: Now<Cut>): boolean {
  return nowKey(a) < nowKey(b);
}

function spreadOf(now: Exclude<Now<Cut>, Cut>): Spread {
  return typeof now === "object" ? now : { field: now };
}

function toKeyed({ region, probability, condition, disposition }: RegionResult): KeyedResult {
  const result = keyOf(disposition, ({ address, port }) => `${nowKey(address)} ${nowKey(port)}`);
  return { region, probability, condition, result };
}
