/** From which of several starts the chains of a table are reached. */

/** By chain, the starts that lead to it, those of `chainsOf` among them. Chains that the same starts lead to share a set.
 *  There may be 31 starts at most. */
export function startsOfChains<Start>(
  chainsOf: ReadonlyMap<Start, Iterable<string>>,
  targetsOf: (chain: string) => Iterable<string>,
): ReadonlyMap<string, ReadonlySet<Start>> {
  const starts = [...chainsOf.keys()];
  const masks = new Map<string, number>();
  for (const [i, chains] of [...chainsOf.values()].entries()) {
    const reached = new Set(chains);
    for (const each of reached) for (const target of targetsOf(each)) reached.add(target);
    for (const each of reached) masks.set(each, (masks.get(each) ?? 0) | (1 << i));
  }
  const sets = new Map<number, ReadonlySet<Start>>();
  const known = new Map<string, ReadonlySet<Start>>();
  for (const [chain, mask] of masks) {
    const set = sets.get(mask) ?? new Set(starts.filter((_, i) => (mask & (1 << i)) !== 0));
    sets.set(mask, set);
    known.set(chain, set);
  }
  return known;
}
