/** Putting together what becomes of packets in each order that chains may run in. */

import { regionKey } from "../packets/packet-set.ts";
import { isAlike } from "./alike.ts";
import type { AssumedOrder } from "./hook-order.ts";
import { type Branch, nowKey, type SharedState, type State, where, withShared } from "./state.ts";
import type { Assumption } from "./unknown/assumption.ts";
import { ALWAYS, both, type Condition, not, unknownMatch } from "./unknown/condition.ts";

export interface Ordered {
  /** Where chains run in this order. */
  readonly assumed: readonly AssumedOrder[];
  readonly states: readonly State[];
}

/** States of which it is not followed what becomes of them. */
export function inAnyOrder(states: readonly State[], assumed: readonly Assumption[]): State[] {
  const texts = assumed.map(({ text, holds }) => (holds ? text : `not ${text}`));
  return states.map((state) =>
    state.shared.end === undefined ? withShared(state, { takenBy: [...state.shared.takenBy, ...texts] }) : state,
  );
}

/** What happens in all of the orders is said without assumption, the rest under that of its order. */
export function joinOrders(orders: readonly Ordered[]): {
  readonly common: readonly State[];
  readonly open: readonly State[];
} {
  const classes: SharedState[] = [];
  const rests = orders.map(({ states }) => new Rest(states, classes));
  const common: State[] = [];
  const [first, ...others] = rests as [Rest, ...Rest[]];
  for (const state of orders[0]?.states ?? []) {
    const inCommon = state.branches.filter((branch) => {
      const key = first.keyOf(state.shared, branch);
      if (!others.every((rest) => rest.has(key))) return false;
      for (const rest of rests) rest.take(key);
      return true;
    });
    if (inCommon.length > 0) common.push({ shared: state.shared, branches: inCommon });
  }
  const conditions = conditionsOf(orders);
  const open = rests.flatMap((rest, i) => rest.left(conditions[i] ?? ALWAYS));
  return { common, open };
}

/** Where each order holds. The last one also has what no order has: with three chains, a run before b, b before c and c before a. So
 *  something happens to packets whatever is assumed. */
function conditionsOf(orders: readonly Ordered[]): Condition[] {
  const own = orders.map(({ assumed }) =>
    assumed.reduce((all, { text, holds }) => {
      const runsFirst = unknownMatch(text);
      return both(all, holds ? runsFirst : not(runsFirst));
    }, ALWAYS),
  );
  const others = own.slice(0, -1);
  return [...others, others.reduce((rest, each) => both(rest, not(each)), ALWAYS)];
}

/** The branches of one order that are not yet known to be in all of them. */
class Rest {
  private readonly classes: SharedState[];
  private readonly branches = new Map<string, { readonly shared: SharedState; readonly branch: Branch }[]>();

  constructor(states: readonly State[], classes: SharedState[]) {
    this.classes = classes;
    for (const { shared, branches } of states)
      for (const branch of branches) {
        const key = this.keyOf(shared, branch);
        this.branches.set(key, [...(this.branches.get(key) ?? []), { shared, branch }]);
      }
  }

  /** Equal for branches of which the same becomes. */
  keyOf(shared: SharedState, { region, probability, condition, destination, destinationPort }: Branch): string {
    let at = this.classes.findIndex((each) => isAlike(each, shared));
    if (at < 0) at = this.classes.push(shared) - 1;
    return `${at} ${nowKey(destination)} ${nowKey(destinationPort)} ${probability.toFixed(12)} ${condition.id} ${regionKey(region)}`;
  }

  has(key: string): boolean {
    return this.branches.get(key)?.[0] !== undefined;
  }

  take(key: string): void {
    this.branches.get(key)?.shift();
  }

  left(order: Condition): State[] {
    const byShared = new Map<SharedState, Branch[]>();
    for (const some of this.branches.values())
      for (const { shared, branch } of some) {
        const known = byShared.get(shared) ?? [];
        byShared.set(shared, known);
        known.push(where(branch, both(branch.condition, order)));
      }
    return [...byShared].map(([shared, branches]) => ({ shared, branches }));
  }
}
