/** What a comparison has found, held against the differences that are meant. */

import { distributionOf } from "../../evaluate/distribution.ts";
import { type Evaluation, Evaluator, knownOutcomes } from "../../evaluate/evaluate.ts";
import type { Environment } from "../../evaluate/packet.ts";
import type { Program } from "../../ir/types.ts";
import { type ComparisonAnswer, isWhole } from "../answer.ts";
import { type Box, firstOf } from "../box.ts";
import type { Comparison, Discrepancy } from "../compare.ts";
import { type Difference, differencesOf } from "../outcomes.ts";
import { packetAt } from "../traffic-kinds.ts";
import { distributionKey, isDeclared } from "./distribution.ts";
import type { Declaration } from "./types.ts";
import { divide, isBehind } from "./where.ts";

export interface AppliedExceptions {
  /** What is left of the differing regions, in their order. */
  readonly undeclared: readonly Discrepancy[];
  /** For each declaration, how many of the differing regions it is about: 0 where it is stale. */
  readonly uses: readonly Use[];
  /** Differing regions that were counted only: nothing is known of them. */
  readonly unseen: number;
  /** There is no difference but what is declared, and all of that. */
  readonly asDeclared: boolean;
}

export interface Use {
  readonly declaration: Declaration;
  readonly regions: number;
}

/** What has been compared. */
export interface Compared {
  readonly programs: readonly [Program, Program];
}

/** Every packet of every differing region has to be one that `declarations` name, with what happens to it on both sides; and
 *  each of these has to name some. */
export function applyExceptions(
  comparison: Comparison,
  declarations: readonly Declaration[],
  { programs }: Compared,
): AppliedExceptions {
  const { regions, differing, environment } = comparison;
  const evaluators = programs.map((program) => new Evaluator(program)) as [Evaluator, Evaluator];
  const byKey = new Map<string, Declaration[]>();
  for (const declaration of declarations) {
    const key = keyOf(distributionKey(declaration.left), distributionKey(declaration.right));
    byKey.set(key, [...(byKey.get(key) ?? []), declaration]);
  }
  const uses = new Map(declarations.map((declaration) => [declaration, 0]));
  const undeclared: Discrepancy[] = [];
  let openRegions = 0;
  for (const region of regions) {
    const used = new Set<Declaration>();
    const { differences, isAll } = differencesIn(region, evaluators, environment);
    if (!isAll) openRegions++;
    for (const difference of differences) {
      const key = keyOf(
        distributionKey(distributionOf(difference.left)),
        distributionKey(distributionOf(difference.right)),
      );
      const candidates = (byKey.get(key) ?? []).filter((each) => isAbout(each, region, difference));
      for (const box of takeAway(region, candidates, used))
        undeclared.push({ ...region, ...difference, box, packet: packetAt(region.trafficKind, firstOf(box)) });
    }
    for (const declaration of used) uses.set(declaration, (uses.get(declaration) ?? 0) + 1);
  }
  const unseen = differing - regions.length + openRegions;
  const isExact = undeclared.length === 0 && ![...uses.values()].includes(0);
  return {
    undeclared,
    uses: [...uses].map(([declaration, count]) => ({ declaration, regions: count })),
    unseen,
    asDeclared: isExact && unseen === 0 && comparison.open.length === 0,
  };
}

/** The settlements of several comparisons, each against the same declarations. */
export function joinApplied(allApplied: readonly AppliedExceptions[]): AppliedExceptions {
  const [first] = allApplied;
  const uses = (first?.uses ?? []).map(({ declaration }, i) => ({
    declaration,
    regions: allApplied.reduce((sum, applied) => sum + (applied.uses[i]?.regions ?? 0), 0),
  }));
  const undeclared = allApplied.flatMap((applied) => applied.undeclared);
  return {
    undeclared,
    uses,
    unseen: allApplied.reduce((sum, { unseen }) => sum + unseen, 0),
    asDeclared: undeclared.length === 0 && uses.every(({ regions }) => regions > 0),
  };
}

/** Whether every difference has been held against what is declared. */
export function isComplete({ unseen }: AppliedExceptions, answer: ComparisonAnswer): boolean {
  return isWhole(answer) && unseen === 0;
}

/** Whether everything was compared, and differs as it is declared. */
export function isAsDeclared(applied: AppliedExceptions, answer: ComparisonAnswer): boolean {
  return applied.asDeclared && isComplete(applied, answer);
}

function keyOf(left: string, right: string): string {
  return `${left}\n\n${right}`;
}

/** The differences that packets of `region` can meet: several where matches are not understood, and not all where these are too many. */
function differencesIn(
  region: Discrepancy,
  evaluators: readonly [Evaluator, Evaluator],
  environment: Environment,
): { readonly differences: readonly Difference[]; readonly isAll: boolean } {
  if (region.assumptions.length === 0) return { differences: [region], isAll: true };
  const [left, right] = evaluators.map((each) => each.evaluate(region.packet, environment)) as [Evaluation, Evaluation];
  return {
    differences: [...differencesOf(knownOutcomes(left), knownOutcomes(right))],
    isAll: left.incomplete === undefined && right.incomplete === undefined,
  };
}

function isAbout(
  { where, left, right, assumptions }: Declaration,
  { trafficKind }: Discrepancy,
  difference: Difference,
): boolean {
  return (
    isBehind(trafficKind, where) &&
    isDeclared(left, distributionOf(difference.left)) &&
    isDeclared(right, distributionOf(difference.right)) &&
    (assumptions === undefined || JSON.stringify(assumptions) === JSON.stringify(difference.assumptions))
  );
}

/** The parts of a region that none of `declarations` names. Adds to `used` those that name any. */
function takeAway(
  { box, trafficKind }: Discrepancy,
  declarations: readonly Declaration[],
  used: Set<Declaration>,
): readonly Box[] {
  let left: readonly Box[] = [box];
  for (const declaration of declarations) {
    // Also where others have named it already: to be named twice is not stale.
    if (!used.has(declaration) && divide(box, trafficKind, declaration.where).inside.length > 0) used.add(declaration);
    left = left.flatMap((part) => divide(part, trafficKind, declaration.where).outside);
  }
  return left;
}
