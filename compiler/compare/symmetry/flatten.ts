/** Trees of chains that look for an address, laid flat: the rules at their leaves, in one chain. */
import { forEachElement } from "../../ir/element-rows.ts";
import { countRules } from "../../ir/rule-rows.ts";
import { RuleTargets } from "../../ir/rule-targets.ts";
import type { Chain, Rule, Table, Value, Verdict } from "../../ir/types.ts";
import { mayGiveVerdicts, verdictsOf } from "../../ir/walk.ts";
import type { Guard, Named, SortedField } from "./fields.ts";
import { type Lead, Leads } from "./leads.ts";
import type { RuleRun } from "./rule-runs.ts";

/** A chain all rules of which ask one field for values that no other of its rules asks for. */
interface Dispatch {
  readonly chain: Chain;
  readonly field: SortedField;
  readonly rules: readonly DispatchRule[];
  readonly low: Named;
  readonly high: Named;
  /** The protocol that all rules ask for before they do anything. */
  readonly protocol: Value | undefined;
  /** How often a verdict names the chain. */
  references: number;
}

interface DispatchRule extends Lead {
  /** The part of a tree that it leads to, when that is known. */
  part: Dispatch | undefined;
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
  /** The part of a tree that `rule` of a chain that dispatches by `field` leads to. */
  const partBehind = (
    { target, protocol, from, to, others }: DispatchRule,
    field: SortedField,
  ): Dispatch | undefined => {
    const inner = target === undefined ? undefined : dispatches.get(target);
    if (inner?.references !== 1 || inner.field !== field || typeof inner.low !== typeof from) return undefined;
    if (protocol !== undefined && inner.protocol !== protocol) return undefined;
    if (inner.low < from || inner.high > to) return undefined;
    return others.every((guard) => asksFor(inner, guard)) ? inner : undefined;
  };
  /** Whether no packet that `guard` keeps out passes a rule of `inner`. */
  const asksFor = ({ chain, rules, field }: Dispatch, guard: Guard): boolean => {
    return rules.every((rule, i) => {
      const own = leads.rangeOf(chain, i, guard.field);
      if (own !== undefined && own.from >= guard.from && own.to <= guard.to) return true;
      const part = partBehind(rule, field);
      return part !== undefined && asksFor(part, guard);
    });
  };
  const parts = new Set<Dispatch>();
  for (const { rules, field } of dispatches.values())
    for (const rule of rules) {
      rule.part = partBehind(rule, field);
      if (rule.part !== undefined) parts.add(rule.part);
    }
  const flat = new Map<Chain, readonly RuleRun[]>();
  for (const chain of table.chains) {
    const dispatch = dispatches.get(chain.name);
    if (dispatch === undefined) flat.set(chain, [{ chain, first: 0, end: countRules(chain) }]);
    else if (!parts.has(dispatch)) flat.set(chain, leavesOf(dispatch));
  }
  return flat;
}

function leavesOf({ chain, rules }: Dispatch, leaves: RuleRun[] = []): readonly RuleRun[] {
  let first = 0;
  for (const [i, { part }] of rules.entries()) {
    if (part === undefined) continue;
    if (first < i) leaves.push({ chain, first, end: i });
    leavesOf(part, leaves);
    first = i + 1;
  }
  if (first < rules.length) leaves.push({ chain, first, end: rules.length });
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
  const found: DispatchRule[] = [];
  let isSorted = true;
  let last: DispatchRule | undefined;
  for (let i = 0; i < count; i++) {
    const lead = leads.of(chain, i, last?.field);
    if (lead === undefined || (last !== undefined && typeof last.from !== typeof lead.from)) return undefined;
    if (last !== undefined && lead.from <= last.to) isSorted = false;
    last = { ...lead, part: undefined };
    found.push(last);
  }
  if (last === undefined) return undefined;
  const sorted = isSorted ? found : [...found].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
  if (!isSorted && sorted.some(({ from }, i) => i > 0 && from <= (sorted[i - 1] as DispatchRule).to)) return undefined;
  const { from: low, protocol } = sorted[0] as DispatchRule;
  const { to: high } = sorted.at(-1) as DispatchRule;
  const isOne = found.every((each) => each.protocol === protocol);
  const { field } = last;
  return { chain, field, rules: found, low, high, protocol: isOne ? protocol : undefined, references: 0 };
}
