/** What all packets at a place in the graph have in common. */

import type { StepProgress } from "../../evaluate/frame.ts";
import type { Branch, SharedState, State } from "../../evaluate/state.ts";
import { ALWAYS } from "../../evaluate/unknown/condition.ts";

/** Equal knowledge is one object. The state is the evaluator's own, of all packets that come by one entry point: `toaddr` and `toport` are
 *  the destination that a translation gave them. */
export interface KnownState {
  readonly shared: SharedState;
  readonly branch: Branch;
  /** The packets' priority is what the last lookup gave. */
  readonly priorityFromMap: boolean;
  /** What decided so far, in the words of the program's comments. */
  readonly reasons: readonly string[];
}

export class Knowledge {
  private readonly interned = new Map<string, KnownState>();

  start({ shared, branches }: State): KnownState {
    return this.intern({ shared, branch: branches[0] as Branch, priorityFromMap: false, reasons: [] });
  }

  with(known: KnownState, change: Partial<KnownState>): KnownState {
    return this.intern({ ...known, ...change });
  }

  /** `known` after the evaluator made `state` of the packets; undefined: it tells some of them from others. */
  after(known: KnownState, { shared, branches }: State): KnownState | undefined {
    const [branch, other] = branches;
    if (branch === undefined || other !== undefined) return undefined;
    const isWhole = branch.region === known.branch.region && branch.probability === 1 && branch.condition === ALWAYS;
    if (!isWhole) return undefined;
    return shared === known.shared && branch === known.branch ? known : this.with(known, { shared, branch });
  }

  /** What one step did to all packets alike; undefined: it told some of them from others. */
  afterStep(
    known: KnownState,
    progress: readonly StepProgress[],
  ): { readonly known: KnownState; readonly flow: StepProgress["flow"] } | undefined {
    const [only, other] = progress;
    const after = only === undefined || other !== undefined ? undefined : this.after(known, only.state);
    return only === undefined || after === undefined ? undefined : { known: after, flow: only.flow };
  }

  private intern(known: KnownState): KnownState {
    const { shared, branch, priorityFromMap, reasons } = known;
    let text = `${branch.destination} ${branch.destinationPort} ${priorityFromMap} ${reasons.join("|")}`;
    for (const name in shared) if (!SAME.has(name)) text += `;${textOf(shared[name as keyof SharedState])}`;
    const found = this.interned.get(text);
    if (found !== undefined) return found;
    this.interned.set(text, known);
    return known;
  }
}

/** Properties that all packets of an entry point share on their whole way. */
const SAME: ReadonlySet<string> = new Set<keyof SharedState>([
  "original",
  "isSingle",
  "environment",
  "path",
  "member",
  "protocol",
]);

/** Equal for equal values. */
function textOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Set) return [...value].join();
  return Object.values(value).map(textOf).join();
}

/** `known` as the evaluator's functions take it. */
export function stateOf({ shared, branch }: KnownState): State {
  return { shared, branches: [branch] };
}
