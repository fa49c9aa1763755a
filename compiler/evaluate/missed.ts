/** Rules that a single packet just missed: why it was not masqueraded, or not dropped. */

import { describe } from "../ir/describe.ts";
import type { Chain, Expression, Rule } from "../ir/types.ts";
import type { ValueTest } from "../ir/value-test.ts";
import { unmasked } from "../ir/walk.ts";
import { evaluateExpression } from "./expression.ts";
import { type Frame, locationOf } from "./frame.ts";
import type { Bearing, MissedStep } from "./packet.ts";
import type { PlannedRule } from "./plan.ts";
import { Question } from "./question.ts";
import type { SharedState, State } from "./state.ts";
import type { TableIndex } from "./table-index.ts";
import { isUnknown } from "./unknown-expression.ts";

/** A rule that did nothing to a single packet, where one thing alone kept it from that: the packet's source, if the rule
 *  translates sources or writes a field; or a field that another rule wrote before. */
export function missed(planned: PlannedRule, state: State, frame: Frame): MissedStep | undefined {
  if (state.shared.path?.hasWritten !== true && !testsSource(planned)) return undefined;
  const { rule, first, steps } = planned;
  const failed: ValueTest[] = [];
  // Nearly all rules are missed for another reason: what a rule does is looked at where it matters.
  const mayBe = (step: Question): boolean => {
    if (holds(step, state, frame)) return true;
    failed.push(step.test);
    return isAboutSource(step.left)
      ? bearingOf(rule, frame.table) !== NOTHING
      : isWritten(unmasked(step.left), state.shared);
  };
  for (const question of first) if (!mayBe(question)) return undefined;
  for (const step of steps) {
    if (step instanceof Question) {
      if (!mayBe(step)) return undefined;
    } else if (step.kind === "member") return undefined;
    else if (step.kind !== "chance" && step.kind !== "opaque") break;
  }
  if (failed.length === 0) return undefined;
  return { kind: "missed", ...locationOf(frame), rule, bearing: bearingOf(rule, frame.table), failed };
}

const TESTING = new WeakMap<PlannedRule, boolean>();

/** Whether some match of a rule is about the source of packets. */
function testsSource(planned: PlannedRule): boolean {
  let tests = TESTING.get(planned);
  if (tests === undefined) {
    tests = [...planned.first, ...planned.steps].some((step) => step instanceof Question && isAboutSource(step.left));
    TESTING.set(planned, tests);
  }
  return tests;
}

/** Whether a match that is asked for itself holds; one that asks for what is not known may do so. */
function holds(question: Question, { shared, branches }: State, { table }: Frame): boolean {
  return branches.some((branch) => {
    if (isUnknown(question.left, shared)) return true;
    const possible = evaluateExpression(question.left, shared, branch, table);
    return possible.some(({ region, value }) => question.passing(value?.[0], region) !== undefined);
  });
}

/** Whether a rule wrote `field` before. */
function isWritten(field: Expression, { path }: SharedState): boolean {
  for (let at = path; at !== undefined; at = at.before) {
    const { step } = at;
    if (step.kind === "rule" && step.effect.kind === "write" && describe(step.effect.field) === describe(field))
      return true;
  }
  return false;
}

function isAboutSource(field: Expression): boolean {
  switch (field.kind) {
    case "ip":
    case "ip6":
      return field.field === "saddr";
    case "fib":
      return field.of === "saddr";
    case "meta":
      return field.key === "iif" || field.key === "iifname";
    default:
      // No other field tells where a packet is from.
      return false;
  }
}

const NOTHING: Bearing = { source: false, writes: new Set() };

const BEARINGS = new WeakMap<Chain, Bearing>();

/** What `rule` does besides verdicts; `NOTHING` itself where that is nothing. */
function bearingOf({ steps }: Rule, table: TableIndex): Bearing {
  let bearing = NOTHING;
  for (const step of steps) {
    if (step.kind === "snat" || step.kind === "masquerade") bearing = { ...bearing, source: true };
    else if (step.kind === "set")
      bearing = together(bearing, { source: false, writes: new Set([describe(step.field)]) });
    else if (step.kind === "verdict" && "chain" in step.verdict)
      bearing = together(bearing, bearingOfChain(table.chain(step.verdict.chain), table));
  }
  return bearing;
}

function bearingOfChain(chain: Chain, table: TableIndex): Bearing {
  const known = BEARINGS.get(chain);
  if (known !== undefined) return known;
  const bearing = chain.rules.map((rule) => bearingOf(rule, table)).reduce(together, NOTHING);
  BEARINGS.set(chain, bearing);
  return bearing;
}

function together(a: Bearing, b: Bearing): Bearing {
  if (a === NOTHING || b === NOTHING) return a === NOTHING ? b : a;
  return { source: a.source || b.source, writes: new Set([...a.writes, ...b.writes]) };
}
