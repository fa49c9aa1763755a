/** A plan of keys of which few have come or gone: what of the plan before still holds is taken from there. */
import type { DataType, SetElement } from "../../ir/types.ts";
import {
  type AddressSpan,
  type Bound,
  type Earlier,
  from,
  isSame,
  KeyPlan,
  type NewGroup,
  orderOf,
  PlannedGroup,
  type TreeBranch,
  type TreeKey,
  to,
} from "./plan.ts";

/** The branches at the root, as `planDispatch` gives them, of choices that are sorted by `comparedFirst`. A group of `before`, which an earlier
 *  plan gave, with the same choices in it is taken from there. `arePoints`: no part of a key is a range. */
export function planAgain<Element extends SetElement>(
  choices: readonly TreeKey<Element>[],
  types: readonly DataType[],
  arePoints: boolean,
  before: readonly TreeBranch<Element>[],
): readonly TreeBranch<Element>[] {
  const order = orderOf(types);
  const way = { order, bounds: [], stuck: 0, sortedBy: order[0] };
  return new KeyPlan<Element>(types, arePoints, recall).branches(choices, way, before);
}

function recall<Element extends SetElement>(
  before: readonly TreeBranch<Element>[],
  wanted: NewGroup<Element>,
): Earlier<Element> | undefined {
  const { part, interval } = wanted;
  const isThere = (one: TreeBranch<Element>): one is PlannedGroup<Element> =>
    one instanceof PlannedGroup &&
    one.part === part &&
    one.interval.from === interval.from &&
    one.interval.to === interval.to;
  const group = before.find(isThere);
  if (group === undefined) return undefined;
  const differing = differingKeys(group.members, wanted.members);
  return {
    group,
    stands: differing === undefined && hasBounds(group, wanted.bounds),
    spanAt: (other) => {
      const known = group.spans.find((span) => span.part === other);
      return known && differing && movedSpan(known, differing);
    },
  };
}

/** Whether the way to the group has tested the same addresses: what it asks below is the same then. */
function hasBounds<Element extends SetElement>(group: PlannedGroup<Element>, bounds: readonly Bound[]): boolean {
  return bounds.length === group.bounds.length && bounds.every((bound, i) => isSame(bound, group.bounds[i] as Bound));
}

/** The keys that only one of two groups has. */
interface DifferingKeys<Element extends SetElement> {
  readonly gone: readonly TreeKey<Element>[];
  readonly come: readonly TreeKey<Element>[];
}

/** How `own` keys differ from `members`, of which each stands once in its list; undefined: they are the same. */
function differingKeys<Element extends SetElement>(
  own: readonly TreeKey<Element>[],
  members: readonly TreeKey<Element>[],
): DifferingKeys<Element> | undefined {
  // Loops: there may be 100,000, and they are looked through for each change.
  let start = 0;
  while (start < own.length && own[start] === members[start]) start++;
  if (start === own.length && start === members.length) return undefined;
  // It does not reach `start`: in lists of one length what differs comes first, in others each key of the start is elsewhere, counted from the end.
  let end = 0;
  while (own[own.length - 1 - end] === members[members.length - 1 - end]) end++;
  return { gone: own.slice(start, own.length - end), come: members.slice(start, members.length - end) };
}

/** `span` after a change; undefined where all keys have to be looked at. */
function movedSpan<Element extends SetElement>(
  { part, low, high }: AddressSpan,
  { gone, come }: DifferingKeys<Element>,
): AddressSpan | undefined {
  if (gone.some((key) => from(key, part) === low || to(key, part) === high)) return undefined;
  const wider = { low, high };
  for (const key of come) {
    if (from(key, part) < wider.low) wider.low = from(key, part);
    if (to(key, part) > wider.high) wider.high = to(key, part);
  }
  return { part, ...wider };
}
