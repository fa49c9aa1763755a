/** What happens to all packets of a door, as far as it can be seen. */
import type { Condition } from "../evaluate/condition.ts";
import type { Fate } from "../evaluate/evaluate.ts";
import { type Cut, Ranges, unite } from "../evaluate/ranges.ts";
import { type Region, within, without } from "../evaluate/region.ts";
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

/** The leaves of both sides. Where one side leaves a packet's destination as it is, and another one names that address, both
 *  say the same. */
export function leavesOf(sides: readonly [readonly Fate[], readonly Fate[]]): readonly [Leaf[], Leaf[]] {
  const named = { address: new Set<Cut>(), port: new Set<Cut>() };
  for (const { endpoint } of sides.flat()) {
    if (endpoint === undefined) continue;
    if (typeof endpoint.address !== "string") named.address.add(endpoint.address);
    if (typeof endpoint.port !== "string") named.port.add(endpoint.port);
  }
  const [left, right] = sides.map((fates) =>
    fates.flatMap((fate) =>
      resolve(fate, "address", named.address)
        .flatMap((each) => resolve(each, "port", named.port))
        .map(toLeaf),
    ),
  );
  return [left as Leaf[], right as Leaf[]];
}

/** `fate` with `part` of its destination as a value, for the packets that have one of `values` there. */
function resolve(fate: Fate, part: "address" | "port", values: ReadonlySet<Cut>): Fate[] {
  const { endpoint, region } = fate;
  const field = endpoint?.[part];
  if (endpoint === undefined || typeof field !== "string") return [fate];
  const own = [...values].filter((value) => region[field].has(value)).map((value) => Ranges.of(value));
  const named = own.flatMap((value): Fate[] => {
    const at = within(region, field, value);
    return at === undefined ? [] : [{ ...fate, region: at, endpoint: { ...endpoint, [part]: value.single as Cut } }];
  });
  const others = without(region, field, unite(own));
  return others === undefined ? named : [...named, { ...fate, region: others }];
}

function toLeaf({ region, probability, condition, ...fate }: Fate): Leaf {
  return { region, probability, condition, result: resultKey(fate) };
}
