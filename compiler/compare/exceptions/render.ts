/** An answer that has been held against expected differences, for people and for programs. */

import { type Diagnostic, lineAndColumn, type Origin, printPlace } from "../../diagnostics.ts";
import type { ComparisonAnswer } from "../answer.ts";
import { answerToData, renderExtent, renderGiven, renderOpen, type Sides } from "../render.ts";
import { type AppliedExceptions, isAsDeclared, isComplete, type Use } from "./apply.ts";

/** As `renderConclusion`: what each declaration stands for, and what was proved. */
export function renderAnswer(applied: AppliedExceptions, answer: ComparisonAnswer): string[] {
  const { uses, unseen } = applied;
  const lines = uses
    .filter(({ regions }) => regions > 0)
    .map(({ declaration: { origin, reason }, regions }) => {
      const why = reason === undefined ? "" : `: ${reason.trim().replace(/\s+/g, " ")}`;
      return `expected: ${printPlace(origin.span())}, ${regions === 1 ? "1 class" : `${regions} classes`}${why}`;
    });
  const open = renderOpen(answer);
  if (unseen > 0) open.push(`not compared with the expected differences: ${unseen} more differing classes`, "");
  return [
    ...(lines.length > 0 ? [...lines, ""] : []),
    ...open,
    `=> ${opinionOf(applied, answer)}${renderGiven(answer)}: ${renderExtent(answer)}`,
  ];
}

function opinionOf(applied: AppliedExceptions, answer: ComparisonAnswer): string {
  const { undeclared, uses } = applied;
  const stale = uses.filter(({ regions }) => regions === 0).length;
  if (isAsDeclared(applied, answer))
    return uses.length === 0 ? "equal" : `equal except for ${differences(uses.length)}`;
  if (undeclared.length > 0) return "different, also where no difference is expected";
  if (!isComplete(applied, answer)) return "no unexpected difference found";
  return `different: ${stale} of ${differences(uses.length)} no longer occurs`;
}

function differences(count: number): string {
  return count === 1 ? "1 expected difference" : `${count} expected differences`;
}

/** What is declared and no longer so. Nothing is said where not everything was compared: it may be there. */
export function staleFindings(applied: AppliedExceptions, answer: ComparisonAnswer): Diagnostic[] {
  if (!isComplete(applied, answer)) return [];
  return applied.uses.filter(isStale).map(({ declaration: { origin } }) => ({
    severity: "error",
    code: "stale-difference",
    message: "this difference no longer occurs: no packet has these two results",
    origin,
  }));
}

function isStale({ regions }: Use): boolean {
  return regions === 0;
}

/** As `answerToData`, of what is not declared: besides `{equalExceptExpected, expected, unexpected, notChecked}`. */
export function appliedToData(applied: AppliedExceptions, answer: ComparisonAnswer, sides: Sides, limit: number) {
  const { undeclared, uses, unseen } = applied;
  const isSure = isComplete(applied, answer);
  const { equal, ...rest } = answerToData({ ...answer, regions: undeclared }, sides, limit);
  return {
    equal,
    equalExceptExpected: isAsDeclared(applied, answer),
    expected: uses.map(({ declaration: { origin, reason }, regions }) => ({
      ...placeOf(origin),
      ...(reason === undefined ? {} : { reason }),
      classes: regions,
      stale: regions > 0 ? false : isSure ? true : null,
    })),
    unexpected: undeclared.length,
    notChecked: unseen,
    ...rest,
    verdict: opinionOf(applied, answer),
  };
}

function placeOf(origin: Origin): object {
  const span = origin.span();
  return { file: span.source.name, ...lineAndColumn(span) };
}
