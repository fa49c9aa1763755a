/** Putting together what goes the same way. */
import { type Destination, dispositionKey } from "../evaluate/disposition.ts";
import { verdictOf } from "../evaluate/outcome.ts";
import type { Outcome, PathStep, Result } from "../evaluate/packet.ts";
import { describe } from "../ir/describe.ts";
import type { Rule } from "../ir/types.ts";
import { isInert } from "../ir/walk.ts";
import type { Address } from "../net/address.ts";
import { type ShownStep, type SliceOptions, sliceOf } from "./slice.ts";

/** Results that went the same way but for the endpoint, and what came of it but for the endpoint. */
export interface FoldedResult {
  readonly probability: number;
  /** At least one, each with its steps. */
  readonly ways: readonly FoldedPath[];
}

export interface FoldedPath {
  readonly result: Result;
  readonly steps: readonly ShownStep[];
}

/** The branches of an outcome, in the order in which they came up. */
export function branchesOf({ results }: Outcome, options: SliceOptions): FoldedResult[] {
  const groups = new Map<string, FoldedPath[]>();
  for (const result of results) {
    const steps = sliceOf(result, options);
    const key = [...steps.map(({ step }) => shapeOf(step)), shapeOfEnd(result)].join("\n");
    groups.set(key, [...(groups.get(key) ?? []), { result, steps }]);
  }
  return [...groups.values()].map((ways) => ({
    probability: ways.reduce((sum, { result }) => sum + result.probability, 0),
    ways,
  }));
}

/** The number of steps at the beginning that `branches` have in common. */
export function commonSteps(branches: readonly FoldedResult[]): number {
  const [first, ...others] = branches.map(({ ways }) => ways[0]?.steps ?? []);
  if (first === undefined || others.length === 0) return 0;
  const differs = first.findIndex(({ step }, i) => others.some((steps) => !isSame(step, steps[i]?.step)));
  return differs < 0 ? first.length : differs;
}

/** Whether two steps are one rule, or element, that did the same. */
export function isSame(a: PathStep, b: PathStep | undefined): boolean {
  if (b === undefined || a.kind !== b.kind || a.base !== b.base) return false;
  if (a.kind !== "rule" || b.kind !== "rule") return a.kind !== "missed" || b.kind !== "missed" || a.rule === b.rule;
  const [to, other] = [a.translated, b.translated];
  return a.rule === b.rule && a.element === b.element && to?.address === other?.address && to?.port === other?.port;
}

/** Equal for results that differ in the endpoint only. */
function shapeOfEnd(result: Result): string {
  const { disposition } = result;
  const same = disposition.kind === "dnat" ? { ...disposition, to: NOWHERE, stickySeconds: undefined } : disposition;
  return `${verdictOf(result)} ${dispositionKey(same)}`;
}

const NOWHERE: Destination = { address: 0 as Address, port: 0 };

/** Equal for steps that differ in values only: rules for one endpoint and for another. */
function shapeOf(step: PathStep): string {
  const where = `${step.hook} ${step.table} ${step.base.name} ${step.depth} ${step.kind}`;
  if (step.kind === "policy") return where;
  return `${where} ${step.kind === "rule" ? `${step.effect.kind} ${step.translated !== undefined}` : ""} ${shapeOfRule(step.rule)}`;
}

function shapeOfRule({ steps }: Rule): string {
  const shapes = steps.flatMap((step) => {
    switch (step.kind) {
      case "compare":
      case "within":
      case "name-prefix":
        return [`${step.kind} ${describe(step.left)}`];
      case "chance":
      case "opaque":
        return [];
      case "verdict":
        return [step.verdict.kind];
      default:
        // What else rules do is the same for all endpoints.
        return isInert(step) ? [] : [step.kind];
    }
  });
  return shapes.join();
}
