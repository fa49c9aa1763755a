/** What happens to all packets of a door, as far as it can be seen. */
import type { Condition } from "../evaluate/condition.ts";
import type { Fate } from "../evaluate/evaluate.ts";
import { type Spread, valuesBehind, whereEqual } from "../evaluate/preimage.ts";
import { type Cut, EMPTY, Ranges } from "../evaluate/ranges.ts";
import { type Region, within, without } from "../evaluate/region.ts";
import { type Now, nowKey } from "../evaluate/state.ts";
import { resultKey } from "./outcomes.ts";

/** One of the things that happen to the packets of a region: what happens to a packet is told by all leaves that it is in,
 *  each with its probability. */
export interface Leaf {
  readonly region: Region;
  readonly probability: number;
  /** Equal for what is the same for the packet. */
  readonly result: string;
  readonly condition: Condition;
}

/** The leaves of both sides. Where one side leaves a packet's destination as it is, or a part of it, and another one names that
 *  address, both say the same. */
export function leavesOf(sides: readonly [readonly Fate[], readonly Fate[]]): readonly [Leaf[], Leaf[]] {
  const named = { address: new Map<string, Now<Cut>>(), port: new Map<string, Now<Cut>>() };
  for (const { endpoint } of sides.flat()) {
    if (endpoint === undefined) continue;
    for (const part of ["address", "port"] as const) named[part].set(nowKey(endpoint[part]), endpoint[part]);
  }
  const [left, right] = sides.map((fates) =>
    fates.flatMap((fate) =>
      resolve(fate, "address", [...named.address.values()])
        .flatMap((each) => resolve(each, "port", [...named.port.values()]))
        .map(toLeaf),
    ),
  );
  return [left as Leaf[], right as Leaf[]];
}

/** `fate` with `part` of its destination as a value, for the packets that have one of `others` there; else in the form that
 *  comes first of those that say the same. */
function resolve(fate: Fate, part: "address" | "port", others: readonly Now<Cut>[]): Fate[] {
  const { endpoint } = fate;
  const now: Now<Cut> | undefined = endpoint?.[part];
  if (endpoint === undefined || now === undefined || isValue(now)) return [fate];
  const own = spreadOf(now);
  const found: Fate[] = [];
  let rest: Region | undefined = fate.region;
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
    const at: Region | undefined = within(rest, own.field, values);
    if (at === undefined) continue;
    found.push({ ...fate, region: at, endpoint: { ...endpoint, [part]: other } });
    rest = without(rest, own.field, values);
  }
  return rest === undefined ? found : [...found, { ...fate, region: rest }];
}

function isValue(now: Now<Cut>): now is Cut {
  return typeof now === "number" || typeof now === "bigint";
}

/** Any order will do that is the same on both sides. */
function comesFirst(a: Now<Cut>, b: Now<Cut>): boolean {
  return nowKey(a) < nowKey(b);
}

function spreadOf(now: Exclude<Now<Cut>, Cut>): Spread {
  return typeof now === "object" ? now : { field: now };
}

function toLeaf({ region, probability, condition, ...fate }: Fate): Leaf {
  return { region, probability, condition, result: resultKey(fate) };
}
