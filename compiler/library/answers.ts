/** What comparisons were made for, and how their answers are shown. */
import { answerOf, type ComparisonAnswer } from "../compare/answer.ts";
import type { Comparison, Discrepancy } from "../compare/compare.ts";
import { answerToData, renderConclusion, type Sides } from "../compare/render.ts";
import type { Diagnostic } from "../diagnostics.ts";
import { diagnosticToJson } from "../documents/render.ts";
import type { Program } from "../ir/types.ts";
import { unreadGaps, unreadIn } from "./unread.ts";

/** Two programs, and what was found when they were compared. */
export interface ComparedPrograms {
  readonly programs: readonly [Program, Program];
  readonly comparison: Comparison;
}

/** What was compared for one question, and what the answer rests on. */
export interface ComparedQuestion extends Pick<ComparisonAnswer, "gaps" | "given" | "also"> {
  /** The kind of its JSON. */
  readonly kind: "Comparison" | "Verification";
  readonly parts: readonly ComparedPrograms[];
  readonly sides: Sides;
  /** Findings about the rules: where some could not be read, no equality is claimed. */
  readonly diagnosed: readonly Diagnostic[];
}

/** How an answer is shown: the regions of each part, those that were declared left out. `count`: how many there are. */
export interface AnswerView {
  readonly text: (regions: readonly (readonly Discrepancy[])[], count: number) => readonly string[];
  /** What the answer holds besides, for programs. */
  readonly data: (regions: readonly (readonly Discrepancy[])[]) => object;
}

/** The most that is shown: rows of the table, counterexamples, and entries of each list in data. */
export type AnswerLimits = Readonly<Record<"rows" | "examples" | "data", number>>;

/** The answer, which also names what was not read. */
export function answerTo(question: ComparedQuestion): ComparisonAnswer {
  const gaps = [...unreadGaps(question.diagnosed), ...question.gaps];
  return answerOf(
    question.parts.map(({ comparison }) => comparison),
    { ...question, gaps },
  );
}

/** The answer as people read it. */
export function answerText({ parts }: ComparedQuestion, answer: ComparisonAnswer, shown: AnswerView): string {
  const regions = parts.map(({ comparison }) => comparison.regions);
  return `${[...shown.text(regions, answer.differing), ...renderConclusion(answer)].join("\n")}\n`;
}

/** The members of the answer, for programs. */
export function answerData(
  { parts, sides, diagnosed }: ComparedQuestion,
  answer: ComparisonAnswer,
  shown: AnswerView,
  limit: number,
) {
  const regions = parts.map(({ comparison }) => comparison.regions);
  return {
    ...answerToData(answer, sides, limit),
    ...shown.data(regions),
    errors: unreadIn(diagnosed).map(diagnosticToJson),
  };
}
