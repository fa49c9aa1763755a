/** Trees of chains that look for an address, laid flat: the rules at their leaves, in one chain. */
import { countRules, everyRule, forEachRule } from "../../ir/rule-rows.ts";
import type { Chain, Rule, Step, Table, Value, Verdict } from "../../ir/types.ts";
import { mayGiveVerdicts, verdictsOf } from "../../ir/walk.ts";
import { type Guard, guardBy, guardIn, isPure, type Named, type SortedField } from "./fields.ts";
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

interface DispatchRule {
  readonly from: Named;
  readonly to: Named;
  /** The chain that it leads to, where it does nothing else, and the protocol whose packets it leads there. */
  readonly target: string | undefined;
  readonly protocol: Value | undefined;
  /** What it asks of other fields. */
  readonly others: readonly Guard[];
  /** The part of a tree that it leads to, when that is known. */
  part: Dispatch | undefined;
}

/** The chains of `table` without those that are parts of a tree, each with its rules. README.md says why packets fare alike. */
export function flatChainsOf(table: Table): Map<Chain, readonly RuleRun[]> {
  const dispatches = new Map<string, Dispatch>();
  for (const chain of table.chains) {
    const dispatch = chain.kind === "regular" ? dispatchOf(chain) : undefined;
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
    const others: DispatchRule[] = [];
    forEachRule(chain, (rule, i) => {
      const own = guardBy(rule, guard.field);
      if (own === undefined || own.from < guard.from || own.to > guard.to) others.push(rules[i] as DispatchRule);
    });
    return others.every((each) => {
      const part = partBehind(each, field);
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
  const add = (verdict: Verdict): void => {
    const dispatch = "chain" in verdict ? dispatches.get(verdict.chain) : undefined;
    if (dispatch !== undefined) dispatch.references++;
  };
  for (const chain of chains)
    forEachRule(chain, ({ steps }) => {
      for (const step of steps) {
        // As most rules end: there may be half a million.
        if (step.kind === "verdict") add(step.verdict);
        else if (mayGiveVerdicts(step)) for (const verdict of verdictsOf(step, () => [])) add(verdict);
      }
    });
  for (const map of maps)
    if (map.data === "verdict") for (const { value } of map.elements) if ("kind" in value) add(value);
}

function dispatchOf(chain: Chain): Dispatch | undefined {
  let field: SortedField | undefined;
  const found: DispatchRule[] = [];
  let isSorted = true;
  const isOfField = everyRule(chain, (rule) => {
    const guard = guardBy(rule, field);
    const last = found.at(-1);
    if (guard === undefined || (last !== undefined && typeof last.from !== typeof guard.from)) return false;
    field = guard.field;
    const { from, to, at } = guard;
    if (last !== undefined && from <= last.to) isSorted = false;
    const { target, others } = leadOf(rule, at);
    found.push({ from, to, target, protocol: protocolOf(rule), others, part: undefined });
    return true;
  });
  if (!isOfField || field === undefined) return undefined;
  const sorted = isSorted ? found : [...found].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
  if (!isSorted && sorted.some(({ from }, i) => i > 0 && from <= (sorted[i - 1] as DispatchRule).to)) return undefined;
  const [first, last] = [sorted[0] as DispatchRule, sorted.at(-1) as DispatchRule];
  const { protocol } = first;
  const isOne = found.every((each) => each.protocol === protocol);
  return {
    chain,
    field,
    rules: found,
    low: first.from,
    high: last.to,
    protocol: isOne ? protocol : undefined,
    references: 0,
  };
}

/** The chain that a rule leads to that asks for a protocol, perhaps, and for guards, of which one is step `at`, and nothing else;
 *  and the other guards. */
function leadOf({ steps, whileReplacing }: Rule, at: number): Pick<DispatchRule, "target" | "others"> {
  const last = steps.at(-1);
  if (last?.kind !== "verdict" || !("chain" in last.verdict) || whileReplacing) return NOWHERE;
  let others: Guard[] | undefined;
  for (let i = 0; i < steps.length - 1; i++) {
    const step = steps[i] as Step;
    if (i === at) continue;
    const guard = guardIn(step, i);
    if (guard === undefined && (i > 0 || protocolIn(step) === undefined)) return NOWHERE;
    if (guard !== undefined) {
      others ??= [];
      others.push(guard);
    }
  }
  return { target: last.verdict.chain, others: others ?? NOWHERE.others };
}

const NOWHERE: Pick<DispatchRule, "target" | "others"> = { target: undefined, others: [] };

/** The protocol without which `step` fails. */
function protocolIn(step: Step | undefined): Value | undefined {
  if (step?.kind !== "compare" || step.operator !== "==" || step.orAbsent) return undefined;
  return step.left.kind === "meta" && step.left.key === "l4proto" ? step.right : undefined;
}

/** The first protocol that a rule asks for before it does anything. */
function protocolOf({ steps }: Rule): Value | undefined {
  for (const step of steps) {
    const protocol = protocolIn(step);
    if (protocol !== undefined) return protocol;
    if (!isPure(step)) return undefined;
  }
  return undefined;
}
