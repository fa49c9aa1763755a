/** From which of several starts the chains of a table are reached. */

/** Tells of a chain the starts that lead to it, those of `chainsOf` among them. Chains that the same starts lead to share a set.
 *  There may be 31 starts at most. */
export function startsOfChains<Start>(
  chainsOf: ReadonlyMap<Start, Iterable<string>>,
  targetsOf: (chain: string) => Iterable<string>,
): (chain: string) => ReadonlySet<Start> {
  const starts = [...chainsOf.keys()];
  const none: Group<Start> = { mask: 0, starts: new Set() };
  const groups = new Map([[0, none]]);
  const groupOf = (mask: number): Group<Start> => {
    const group = groups.get(mask) ?? { mask, starts: new Set(starts.filter((_, i) => (mask & (1 << i)) !== 0)) };
    groups.set(mask, group);
    return group;
  };
  const known = new Map<string, Group<Start>>();
  for (const [i, chains] of [...chainsOf.values()].entries()) {
    const open = [...chains];
    for (let chain = open.pop(); chain !== undefined; chain = open.pop()) {
      const { mask } = known.get(chain) ?? none;
      if ((mask & (1 << i)) !== 0) continue;
      known.set(chain, groupOf(mask | (1 << i)));
      for (const target of targetsOf(chain)) open.push(target);
    }
  }
  return (chain) => (known.get(chain) ?? none).starts;
}

/** Chains that the same starts lead to. */
interface Group<Start> {
  /** A bit for each of `starts`. */
  readonly mask: number;
  readonly starts: ReadonlySet<Start>;
}
