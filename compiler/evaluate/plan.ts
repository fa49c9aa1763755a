/** A rule, made ready to be run. */

import { describe } from "../ir/describe.ts";
import type { Expression, Rule, Step, Verdict } from "../ir/types.ts";
import { expressionsOf, isInert, isMatch, somePart } from "../ir/walk.ts";
import { intersect, type Ranges } from "../packets/ranges.ts";
import { bucketOf } from "./buckets.ts";
import { isField } from "./expression.ts";
import { listUseOf } from "./list-use.ts";
import { Question } from "./question.ts";

export interface PlannedRule {
  readonly kind: "rule";
  /** A key for what the rule does to packets that pass `first`; undefined: no key says it. */
  readonly effect: string | undefined;
  readonly rule: Rule;
  /** The chain that the rule leads to, if it does nothing else. */
  readonly jumpTarget: Extract<Verdict, { kind: "jump" | "goto" }> | undefined;
  /** Those of the matches before all statements that ask for a field: as they change nothing, they can be asked first. */
  readonly first: readonly Question[];
  readonly steps: readonly PlannedStep[];
  /** The values of fields that are known of all packets without which the rule does nothing; no field twice. */
  readonly requirements: readonly RequiredValues[];
}

export interface RequiredValues {
  readonly text: string;
  readonly field: Expression;
  readonly values: Ranges;
}

export type PlannedStep = Question | Exclude<Step, { kind: "compare" | "within" | "name-prefix" }>;

const PLANNED = new WeakMap<Rule, PlannedRule>();

/** `rule` made ready, once. */
export function plannedOf(rule: Rule): PlannedRule {
  const planned = PLANNED.get(rule) ?? planRule(rule);
  PLANNED.set(rule, planned);
  return planned;
}

export function planRule(rule: Rule): PlannedRule {
  const start = rule.steps.findIndex((step) => !isMatch(step) || fills(step));
  const matches = start === -1 ? rule.steps.length : start;
  const first: Question[] = [];
  const steps: PlannedStep[] = [];
  for (const [i, step] of rule.steps.entries()) {
    if (step.kind !== "compare" && step.kind !== "within" && step.kind !== "name-prefix") steps.push(step);
    else if (i < matches && isField(step.left)) first.push(new Question(step));
    else steps.push(new Question(step));
  }
  // What a mask leaves of few values is soon found.
  first.sort((a, b) => Number(a.left.kind === "bitwise") - Number(b.left.kind === "bitwise"));
  // Copies have no room to grow, which takes most of the memory of short lists.
  return {
    kind: "rule",
    rule,
    first: first.slice(),
    steps: steps.slice(),
    requirements: requirementsOf(first),
    effect: effectOf(steps),
    jumpTarget: jumpTargetOf(rule),
  };
}

function effectOf(steps: readonly PlannedStep[]): string | undefined {
  const [step, more] = steps.filter((each) => each instanceof Question || !isInert(each));
  if (step === undefined || more !== undefined || step instanceof Question) return undefined;
  if (step.kind === "verdict")
    return "chain" in step.verdict ? `${step.verdict.kind} ${step.verdict.chain}` : step.verdict.kind;
  return step.kind === "masquerade" ? JSON.stringify(step) : undefined;
}

/** The chain that a rule leads to, if it does nothing else. */
export function jumpTargetOf({ steps }: Rule): Extract<Verdict, { kind: "jump" | "goto" }> | undefined {
  const last = steps.at(-1);
  if (last?.kind !== "verdict" || (last.verdict.kind !== "jump" && last.verdict.kind !== "goto")) return undefined;
  return steps.every((step) => step === last || ((isMatch(step) || isInert(step)) && !fills(step)))
    ? last.verdict
    : undefined;
}

/** Matches that are not understood may fill lists, or buckets: those behind them are asked after that. */
function fills(step: Step): boolean {
  return listUseOf(step)?.fills === true || bucketOf(step) !== undefined;
}

function requirementsOf(questions: readonly Question[]): readonly RequiredValues[] {
  const requirements: RequiredValues[] = [];
  for (const { left, valuesPassing } of questions) {
    if (valuesPassing === undefined || !isAlwaysKnown(left)) continue;
    const text = describe(left);
    const at = requirements.findIndex((known) => known.text === text);
    if (at < 0) requirements.push({ text, field: left, values: valuesPassing });
    else
      requirements[at] = {
        text,
        field: left,
        values: intersect((requirements[at] as RequiredValues).values, valuesPassing),
      };
  }
  return requirements.length === 0 ? NOTHING : requirements.slice();
}

const NOTHING: readonly RequiredValues[] = [];

/** The values of a field without which a rule does nothing; undefined: the rule requires none. */
export function requiredValues({ requirements }: PlannedRule, text: string): RequiredValues | undefined {
  return requirements.find((known) => known.text === text);
}

function isAlwaysKnown(field: Expression): boolean {
  if (field.kind === "meta") return field.key === "l4proto";
  return (
    field.kind === "ip" ||
    field.kind === "ip6" ||
    field.kind === "transport" ||
    (field.kind === "ct" && field.key.startsWith("original-"))
  );
}

const TESTING = new WeakMap<PlannedStep, boolean>();

/** Whether `step` tests the type of the destination. */
export function testsLocality(step: PlannedStep): boolean {
  let tests = TESTING.get(step);
  if (tests === undefined) {
    tests = (step instanceof Question ? [step.left] : expressionsOf(step)).some(isAboutType);
    TESTING.set(step, tests);
  }
  return tests;
}

function isAboutType(expression: Expression): boolean {
  return somePart(expression, (part) => part.kind === "fib" && part.of === "daddr");
}
