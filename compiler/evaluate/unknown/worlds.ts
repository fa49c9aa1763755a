/** The ways in which the unknown matches can turn out, as far as they make a difference. */
import { ALWAYS, both, type Condition, isPossible, not } from "./condition.ts";

/** What happens with a probability where a condition holds. */
interface Weighed {
  readonly condition: Condition;
  readonly weight: number;
}

/** What can happen together, and where. */
export interface World<T> {
  readonly condition: Condition;
  readonly parts: readonly T[];
}

/** Below this a probability is what rounding left of one. */
const ALL = 1 - 1e-9;

/** `parts` by what happens together: in each of the worlds, which have nothing in common, all of its parts happen, and no others. */
export function worldsOf<T extends Weighed>(parts: readonly T[]): World<T>[] {
  const byCondition = new Map<Condition, T[]>();
  for (const part of parts) {
    const known = byCondition.get(part.condition);
    if (known === undefined) byCondition.set(part.condition, [part]);
    else known.push(part);
  }
  // Where something happens for certain nothing else does: such a world is not held against the other parts.
  const whole: World<T>[] = [];
  let open: (World<T> & { readonly weight: number })[] = [{ condition: ALWAYS, parts: [], weight: 0 }];
  for (const [condition, some] of byCondition) {
    const more = some.reduce((sum, { weight }) => sum + weight, 0);
    const next: typeof open = [];
    for (const world of open) {
      const inside = both(world.condition, condition);
      const outside = both(world.condition, not(condition));
      if (isPossible(inside)) {
        const after = { condition: inside, parts: [...world.parts, ...some], weight: world.weight + more };
        if (after.weight >= ALL) whole.push(after);
        else next.push(after);
      }
      if (isPossible(outside)) next.push({ ...world, condition: outside });
    }
    open = next;
  }
  return [...whole, ...open.filter((world) => world.parts.length > 0)];
}
