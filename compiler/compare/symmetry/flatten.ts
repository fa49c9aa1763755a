/** Trees of chains that look for an address, laid flat: the rules at their leaves, in one chain. */
import { forEachElement } from "../../ir/element-rows.ts";
import { countRules } from "../../ir/rule-rows.ts";
import { RuleTargets } from "../../ir/rule-targets.ts";
import type { Chain, Rule, Table, Value, Verdict } from "../../ir/types.ts";
import { mayGiveVerdicts, verdictsOf } from "../../ir/walk.ts";
import type { Guard, Named, SortedField } from "./fields.ts";
import type { NamedInterval } from "./intervals.ts";
import { Leads } from "./leads.ts";
import type { RuleRun } from "./rule-runs.ts";
import type { Twin } from "./twins.ts";

/** A chain all rules of which ask one field for values that no other of its rules asks for. */
interface Dispatch {
  readonly chain: Chain;
  readonly field: SortedField;
  readonly low: Named;
  readonly high: Named;
  /** The protocol that all rules ask for before they do anything. */
  readonly protocol: Value | undefined;
  /** How often a verdict names the chain. */
  references: number;
  /** The parts of a tree that it leads to, by the numbers of the rules, when they are known. */
  parts: readonly DispatchPart[];
}

interface DispatchPart {
  readonly at: number;
  readonly dispatch: Dispatch;
}

/** The chains of `table` without those that are parts of a tree, each with its rules. README.md says why packets fare alike. */
export function flatChainsOf(table: Table): Map<Chain, readonly RuleRun[]> {
  const dispatches = new Map<string, Dispatch>();
  const leads = new Leads();
  for (const chain of table.chains) {
    const dispatch = chain.kind === "regular" ? dispatchOf(chain, leads) : undefined;
    if (dispatch !== undefined) dispatches.set(chain.name, dispatch);
  }
  countReferences(table, dispatches);
  /** The part of a tree that the last rule leads to that `leads` has read, of a chain that dispatches by `field`. */
  const partBehind = (field: SortedField): Dispatch | undefined => {
    const { target, protocol, from, to, others } = leads;
    const inner = target === undefined ? undefined : dispatches.get(target);
    if (inner?.references !== 1 || inner.field !== field || typeof inner.low !== typeof from) return undefined;
    if (protocol !== undefined && inner.protocol !== protocol) return undefined;
    if (inner.low < from || inner.high > to) return undefined;
    return others.every((guard) => asksFor(inner, guard)) ? inner : undefined;
  };
  /** Whether no packet that `guard` keeps out passes a rule of `inner`. */
  const asksFor = ({ chain, field }: Dispatch, guard: Guard): boolean => {
    const count = countRules(chain);
    for (let i = 0; i < count; i++) {
      const own = leads.rangeOf(chain, i, guard.field);
      if (own !== undefined && own.from >= guard.from && own.to <= guard.to) continue;
      leads.read(chain, i, field);
      const part = partBehind(field);
      if (part === undefined || !asksFor(part, guard)) return false;
    }
    return true;
  };
  const partsOf = ({ chain, field }: Dispatch): readonly DispatchPart[] => {
    const parts: DispatchPart[] = [];
    const count = countRules(chain);
    for (let at = 0; at < count; at++) {
      leads.read(chain, at, field);
      const dispatch = leads.target === undefined ? undefined : partBehind(field);
      if (dispatch !== undefined) parts.push({ at, dispatch });
    }
    return parts;
  };
  const inner = new Set<Dispatch>();
  for (const dispatch of dispatches.values()) {
    dispatch.parts = partsOf(dispatch);
    for (const part of dispatch.parts) inner.add(part.dispatch);
  }
  const flat = new Map<Chain, readonly RuleRun[]>();
  for (const chain of table.chains) {
    const dispatch = dispatches.get(chain.name);
    if (dispatch === undefined) flat.set(chain, [wholeRun(chain)]);
    else if (!inner.has(dispatch)) flat.set(chain, leavesOf(dispatch));
  }
  return flat;
}

/** Those of `table` and of its twin. */
export function flatTwinsOf(
  table: Table,
  twin: Twin,
): {
  readonly flat: ReadonlyMap<Chain, readonly RuleRun[]>;
  readonly flatTwin: ReadonlyMap<Chain, readonly RuleRun[]>;
} {
  const flat = flatChainsOf(table);
  if (!haveSameTrees(table, twin)) return { flat, flatTwin: flatChainsOf(twin.table) };
  const twinOf = (chain: Chain): Chain => twin.chains.get(chain) as Chain;
  const flatTwin = new Map(
    [...flat].map(([chain, runs]): [Chain, readonly RuleRun[]] => [
      twinOf(chain),
      twin.changed.has(chain)
        ? [wholeRun(twinOf(chain))]
        : runs.map(({ chain: part, first, end }) => ({ chain: twinOf(part), first, end })),
    ]),
  );
  return { flat, flatTwin };
}

/** Whether what is not the same on both sides is no part of a tree, and leads to the same chains: trees depend on nothing else. */
function haveSameTrees({ maps }: Table, { chains, changed, refilled }: Twin): boolean {
  if (maps.some((map) => map.data === "verdict" && refilled.has(map))) return false;
  const leads = new Leads();
  return [...changed].every((chain) => {
    const twin = chains.get(chain) as Chain;
    if ([chain, twin].some((each) => each.kind === "regular" && dispatchOf(each, leads) !== undefined)) return false;
    const [own, theirs] = [chain, twin].map((each) => namesIn(each).sort()) as [string[], string[]];
    return own.length === theirs.length && own.every((name, i) => name === theirs[i]);
  });
}

/** As often as rules name them. */
function namesIn(chain: Chain): string[] {
  const names: string[] = [];
  new RuleTargets(chainsNamedIn).every(chain, (name) => {
    names.push(name);
    return true;
  });
  return names;
}

function wholeRun(chain: Chain): RuleRun {
  return { chain, first: 0, end: countRules(chain) };
}

function leavesOf({ chain, parts }: Dispatch, leaves: RuleRun[] = []): readonly RuleRun[] {
  let first = 0;
  for (const { at, dispatch } of parts) {
    if (first < at) leaves.push({ chain, first, end: at });
    leavesOf(dispatch, leaves);
    first = at + 1;
  }
  const end = countRules(chain);
  if (first < end) leaves.push({ chain, first, end });
  return leaves;
}

function countReferences({ chains, maps }: Table, dispatches: ReadonlyMap<string, Dispatch>): void {
  const add = (name: string): true => {
    const dispatch = dispatches.get(name);
    if (dispatch !== undefined) dispatch.references++;
    return true;
  };
  const targets = new RuleTargets(chainsNamedIn);
  for (const chain of chains) targets.every(chain, add);
  for (const map of maps)
    if (map.data === "verdict")
      forEachElement(map, (element) => {
        if ("value" in element && "kind" in element.value && "chain" in element.value) add(element.value.chain);
      });
}

/** The chains that a rule names, but for those in maps that its table declares. */
function chainsNamedIn({ steps }: Rule): readonly string[] {
  const nameIn = (verdict: Verdict): readonly string[] => ("chain" in verdict ? [verdict.chain] : []);
  return steps.flatMap((step) => {
    // As most rules end.
    if (step.kind === "verdict") return nameIn(step.verdict);
    return mayGiveVerdicts(step) ? [...verdictsOf(step, () => [])].flatMap(nameIn) : [];
  });
}

function dispatchOf(chain: Chain, leads: Leads): Dispatch | undefined {
  const count = countRules(chain);
  if (count === 0 || !leads.read(chain, 0, undefined)) return undefined;
  const { field, protocol, from: low } = leads;
  if (field === undefined) return undefined;
  let high = leads.to;
  let [isSorted, isOne] = [true, true];
  for (let i = 1; i < count; i++) {
    if (!leads.read(chain, i, field) || typeof leads.from !== typeof low) return undefined;
    isOne &&= leads.protocol === protocol;
    isSorted &&= leads.from > high;
    high = leads.to;
  }
  const ends = isSorted ? { low, high } : endsOf(chain, field, leads);
  return ends && { chain, field, ...ends, protocol: isOne ? protocol : undefined, references: 0, parts: [] };
}

/** Of what all rules of `chain` ask of `field`; undefined: two of them ask for one value. */
function endsOf(chain: Chain, field: SortedField, leads: Leads): Pick<Dispatch, "low" | "high"> | undefined {
  const ranges = Array.from({ length: countRules(chain) }, (_, i): NamedInterval => {
    leads.read(chain, i, field);
    return { from: leads.from, to: leads.to };
  });
  ranges.sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
  if (ranges.some(({ from }, i) => i > 0 && from <= (ranges[i - 1] as NamedInterval).to)) return undefined;
  return { low: (ranges[0] as NamedInterval).from, high: (ranges.at(-1) as NamedInterval).to };
}
