/** Which steps of a packet's path mattered: a slice, from what decided back to what it rests on. */

import { isRefused, sourceOf } from "../evaluate/disposition.ts";
import type { MissedStep, PathStep, Result, RuleStep } from "../evaluate/packet.ts";
import { unreachable } from "../invariant.ts";
import { describe } from "../ir/describe.ts";
import type { Expression, Rule, Step, Value } from "../ir/types.ts";
import { expressionsOf, isMatch, partsOf, unmasked } from "../ir/walk.ts";

/** A step that mattered. */
export interface ShownStep {
  readonly step: PathStep;
  /** Writes before it that it tests, by bits that are written and tested. */
  readonly because: readonly TestedWrite[];
}

/** What of a result its trace is told by. */
export type TracedResult = Pick<Result, "path" | "disposition">;

/** A write of bits that a later step tests. */
export interface TestedWrite {
  readonly write: RuleStep;
  /** The steps before the write. */
  readonly before: readonly PathStep[];
}

export interface SliceOptions {
  /** The rules were read from a file: jumps without a condition and policies are shown, too. */
  readonly rulesWereRead: boolean;
}

/** The steps of `result` that mattered, in order: those that decided, the jumps that led there, writes that are tested later, and
 *  what kept an untouched source from being masqueraded. */
export function sliceOf(result: TracedResult, options: SliceOptions): ShownStep[] {
  const { path } = result;
  const exempting = exemptionsOf(result);
  const shown: ShownStep[] = [];
  let tests: readonly FieldTest[] = [];
  for (let i = path.length - 1; i >= 0; i--) {
    const step = path[i] as PathStep;
    if (!isShown(step, shown[0]?.step, { tests, exempting, ...options })) continue;
    const found = testsOf(step);
    const because = found.flatMap((test) => lastWrite(path.slice(0, i), test));
    tests = [...tests.flatMap((test) => without(test, step)), ...found];
    shown.unshift({ step, because });
  }
  return shown;
}

interface Context extends SliceOptions {
  readonly tests: readonly FieldTest[];
  readonly exempting: ReadonlySet<PathStep>;
}

/** `next`: the step that is shown behind it. */
function isShown(step: PathStep, next: PathStep | undefined, context: Context): boolean {
  switch (step.kind) {
    case "policy":
      return step.base.policy === "drop" || (context.rulesWereRead && isFilter(step) && step.base.rules.length > 0);
    case "missed":
      return context.exempting.has(step) || (next !== undefined && isSpared(step, next));
    case "rule":
      return isEffectShown(step, next, context);
    default:
      return unreachable(step);
  }
}

function isEffectShown(step: RuleStep, next: PathStep | undefined, context: Context): boolean {
  const { effect } = step;
  switch (effect.kind) {
    case "write":
      return context.tests.some((test) => isMetBy(test, step));
    case "verdict":
      if ("chain" in effect.verdict) {
        if (next === undefined || next.base !== step.base || next.depth <= step.depth) return false;
        return context.rulesWereRead || step.rule.steps.length > 1 || step.element !== undefined;
      }
      return effect.verdict.kind === "accept" || effect.verdict.kind === "drop" || context.exempting.has(step);
    default:
      // Whatever else a rule did matters.
      return true;
  }
}

const FILTERING: ReadonlySet<string> = new Set(["input", "forward", "output"]);

/** Whether it is one of the chains that people mean by a policy. */
function isFilter({ base, hook }: PathStep): boolean {
  return base.type === "filter" && base.priority === 0 && FILTERING.has(hook);
}

/** Whether `next` would not have come, had the rule applied: it is behind it in one chain, or led to from there. */
function isSpared(step: MissedStep, next: PathStep): boolean {
  const last = step.rule.steps.at(-1);
  const ends = last?.kind === "verdict" || last?.kind === "reject" || last?.kind === "dnat";
  return (
    ends && next.base === step.base && next.depth >= step.depth && step.failed.every((test) => isWritable(test.left))
  );
}

// --- masquerading ----------------------------------------------------------------------------------------------------------

/** What kept a packet that is delivered from being masqueraded: rules that let it out of a chain that masquerades, and rules that
 *  it missed. */
function exemptionsOf({ path, disposition }: TracedResult): ReadonlySet<PathStep> {
  if (isRefused(disposition) || sourceOf(disposition).kind !== "kept") return new Set();
  const left = path.filter((step): step is RuleStep => step.kind === "rule" && isExempting(step));
  const marks = new Set(left.flatMap((step) => testsOf(step).map(({ field }) => field)));
  const missed = path.filter((step): step is MissedStep => step.kind === "missed");
  const direct = missed.filter(
    ({ bearing, base, failed }) => bearing.source && isSourceNat(base) && isInformative(failed),
  );
  const marking = missed.filter(({ bearing }) => [...bearing.writes].some((field) => marks.has(field)));
  // A rule that takes what is not from some block tells more than one that takes a single address.
  const telling = marking.filter(({ failed }) => isInformative(failed));
  return new Set<PathStep>([...left, ...direct, ...(telling.length > 0 ? telling : marking)]);
}

function isInformative(failed: MissedStep["failed"]): boolean {
  return failed.some((test) => (test.kind === "compare" ? test.operator === "!=" : test.negated));
}

function isExempting(step: RuleStep): boolean {
  const { effect, rule, base } = step;
  if (effect.kind !== "verdict" || !isSourceNat(base)) return false;
  return (effect.verdict.kind === "return" || effect.verdict.kind === "accept") && rule.steps.some(isTest);
}

function isSourceNat({ type, hook }: PathStep["base"]): boolean {
  return type === "nat" && hook === "postrouting";
}

function isTest(step: Step): boolean {
  return isMatch(step) && expressionsOf(step).length > 0;
}

// --- what is written and tested --------------------------------------------------------------------------------------------

/** A test of bits of a field that rules can write. */
interface FieldTest {
  readonly field: string;
  readonly mask: number;
}

const ALL_BITS = 0xffffffff;

/** The fields that the rule of `step` tests or reads. */
function testsOf(step: PathStep): FieldTest[] {
  return step.kind === "policy" ? [] : testsIn(step.rule, step.kind === "rule" ? step : undefined);
}

function testsIn({ steps }: Rule, done: RuleStep | undefined): FieldTest[] {
  return steps.flatMap((step) => {
    // What a write leaves as it is it does not read: `mark | 0x4000`.
    const isKept =
      step.kind === "set" && done?.effect.kind === "write" && describe(unmasked(step.value)) === describe(step.field);
    return isKept ? [] : expressionsOf(step).flatMap((expression) => testOf(expression, ALL_BITS));
  });
}

function testOf(expression: Expression, mask: number): FieldTest[] {
  if (expression.kind === "bitwise") return testOf(expression.operand, numberOf(expression.mask) & mask);
  if (isWritable(expression)) return [{ field: describe(expression), mask: mask >>> 0 }];
  return partsOf(expression).flatMap((part) => testOf(part, ALL_BITS));
}

/** Whether `expression` is a field that rules can write, or bits of one. */
function isWritable(expression: Expression): boolean {
  const field = unmasked(expression);
  if (field.kind === "meta") return field.key === "mark" || field.key === "priority";
  return field.kind === "ct" && (field.key === "mark" || field.key === "state");
}

function numberOf(value: Value): number {
  return typeof value === "number" ? value : ALL_BITS;
}

/** Whether `step` writes bits that are tested. */
function isMetBy({ field, mask }: FieldTest, step: RuleStep): boolean {
  return step.effect.kind === "write" && describe(step.effect.field) === field && (writtenBits(step) & mask) !== 0;
}

/** The bits that a write may change. */
function writtenBits({ rule, effect }: RuleStep): number {
  if (effect.kind !== "write") return 0;
  const field = describe(effect.field);
  const statement = rule.steps.find((step) => step.kind === "set" && describe(step.field) === field);
  if (statement?.kind !== "set" || statement.value.kind !== "bitwise") return ALL_BITS;
  const { operand, mask, xor } = statement.value;
  return describe(operand) === field ? (~numberOf(mask) | numberOf(xor)) >>> 0 : ALL_BITS;
}

/** The bits of a test that `step` does not write: what they are was decided before. */
function without(test: FieldTest, step: PathStep): FieldTest[] {
  if (step.kind !== "rule" || !isMetBy(test, step)) return [test];
  const mask = (test.mask & ~writtenBits(step)) >>> 0;
  return mask === 0 ? [] : [{ ...test, mask }];
}

/** The last write before of bits that are tested. */
function lastWrite(before: readonly PathStep[], test: FieldTest): TestedWrite[] {
  const at = before.findLastIndex((step) => step.kind === "rule" && isMetBy(test, step));
  const write = before[at];
  return write?.kind === "rule" ? [{ write, before: before.slice(0, at) }] : [];
}
