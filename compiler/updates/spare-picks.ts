/** Chains that pick one of n endpoints, made before a Service has n endpoints: while a rule is added, the kernel walks all elements of the
 *  map that it asks. */
import type { PickChain } from "../lower/contribution.ts";
import { LIST_CAPACITY, pickChainName } from "../lower/endpoints.ts";

/** Numbers of endpoints for which chains are made when the table is made, while it is empty. Chains of session affinity have two rules for
 *  each endpoint: of those only neighbours are made. */
const FROM_THE_START = 64;

/** Unused chains that are kept. */
const MAX_UNUSED = 4096;

/** `used` with the chains that Services may need next; `kept`: those that are there already, empty when the table is being made. Of these go those
 *  of a protocol or a timeout that no Service has any more: the maps and chains that they name go too. */
export function withSpares(
  used: ReadonlyMap<string, PickChain>,
  kept: ReadonlyMap<string, PickChain>,
): Map<string, PickChain> {
  const protocols = new Set([...used.values()].map(({ protocol }) => protocol));
  const timeouts = new Set([undefined, ...[...used.values()].map(({ affinitySeconds }) => affinitySeconds)]);
  const isUsable = ({ protocol, affinitySeconds }: PickChain): boolean =>
    protocols.has(protocol) && timeouts.has(affinitySeconds);
  const all = new Map(kept.size - used.size > MAX_UNUSED ? [] : [...kept].filter(([, pick]) => isUsable(pick)));
  const add = (pick: PickChain): void => {
    if (pick.count > 0 && pick.count <= LIST_CAPACITY) all.set(pickChainName(pick), pick);
  };
  for (const pick of used.values()) {
    const isNew = !kept.has(pickChainName(pick));
    add(pick);
    if (isNew) for (const count of [pick.count - 1, pick.count + 1]) add({ ...pick, count });
    if (kept.size === 0 && pick.affinitySeconds === undefined)
      for (let count = 1; count <= FROM_THE_START; count++) add({ ...pick, count });
  }
  return all;
}
