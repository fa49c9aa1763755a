/** Trees of chains that look for an address, laid flat: the rules at their leaves, in one chain. */
import type { Chain, Rule, Table } from "../../ir/types.ts";
import { verdictsOf } from "../../ir/walk.ts";
import { type AddressValue, guardBy } from "./address-fields.ts";

/** A chain all rules of which ask one field for values that no other of its rules asks for. */
interface Dispatch {
  readonly field: string;
  readonly rules: readonly DispatchRule[];
  readonly low: AddressValue;
  readonly high: AddressValue;
}

interface DispatchRule {
  readonly rule: Rule;
  readonly from: AddressValue;
  readonly to: AddressValue;
  /** The chain that it leads to, where it does nothing else. */
  readonly target: string | undefined;
}

/** The chains of `table` without those that are parts of a tree, each with its rules. README.md says why packets fare alike. */
export function flatChainsOf(table: Table): Map<Chain, readonly Rule[]> {
  const references = referencesIn(table);
  const dispatches = new Map<string, Dispatch>();
  for (const chain of table.chains) {
    const dispatch = chain.kind === "regular" ? dispatchOf(chain.rules) : undefined;
    if (dispatch !== undefined) dispatches.set(chain.name, dispatch);
  }
  /** The part of a tree that `rule` of a chain that dispatches by `field` leads to. */
  const partBehind = ({ target, from, to }: DispatchRule, field: string): Dispatch | undefined => {
    const inner = target === undefined || references.get(target) !== 1 ? undefined : dispatches.get(target);
    if (inner === undefined || inner.field !== field || typeof inner.low !== typeof from) return undefined;
    return inner.low >= from && inner.high <= to ? inner : undefined;
  };
  const parts = new Set<Dispatch>();
  for (const { rules, field } of dispatches.values())
    for (const rule of rules) {
      const part = partBehind(rule, field);
      if (part !== undefined) parts.add(part);
    }
  const flat = new Map<Chain, readonly Rule[]>();
  for (const chain of table.chains) {
    const dispatch = dispatches.get(chain.name);
    if (dispatch === undefined) flat.set(chain, chain.rules);
    else if (!parts.has(dispatch)) flat.set(chain, [...leavesOf(dispatch, partBehind)]);
  }
  return flat;
}

function* leavesOf(
  { rules, field }: Dispatch,
  partBehind: (rule: DispatchRule, field: string) => Dispatch | undefined,
): Generator<Rule> {
  for (const each of rules) {
    const part = partBehind(each, field);
    if (part === undefined) yield each.rule;
    else yield* leavesOf(part, partBehind);
  }
}

/** How often a verdict names each chain. */
function referencesIn({ chains, maps }: Table): Map<string, number> {
  const found = new Map<string, number>();
  const add = (name: string): void => void found.set(name, (found.get(name) ?? 0) + 1);
  for (const { rules } of chains)
    for (const { steps } of rules)
      for (const step of steps)
        for (const verdict of verdictsOf(step, () => [])) if ("chain" in verdict) add(verdict.chain);
  for (const { elements } of maps) for (const { value } of elements) if ("chain" in value) add(value.chain);
  return found;
}

function dispatchOf(rules: readonly Rule[]): Dispatch | undefined {
  const field = rules[0] && guardBy(rules[0], undefined)?.field;
  if (field === undefined) return undefined;
  const found: DispatchRule[] = [];
  let isSorted = true;
  for (const rule of rules) {
    const guard = guardBy(rule, field);
    const last = found.at(-1);
    if (guard === undefined || (last !== undefined && typeof last.from !== typeof guard.from)) return undefined;
    const { from, to, at } = guard;
    if (last !== undefined && from <= last.to) isSorted = false;
    found.push({ rule, from, to, target: at === 0 ? targetOf(rule) : undefined });
  }
  const sorted = isSorted ? found : [...found].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
  if (!isSorted && sorted.some(({ from }, i) => i > 0 && from <= (sorted[i - 1] as DispatchRule).to)) return undefined;
  const [first, last] = [sorted[0] as DispatchRule, sorted.at(-1) as DispatchRule];
  return { field, rules: found, low: first.from, high: last.to };
}

/** The chain that a rule of a guard and a verdict leads to. */
function targetOf({ steps, whileReplacing }: Rule): string | undefined {
  const [, step, another] = steps;
  if (step?.kind !== "verdict" || another !== undefined || whileReplacing) return undefined;
  return "chain" in step.verdict ? step.verdict.chain : undefined;
}
