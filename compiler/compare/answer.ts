/** The answer to a question that comparisons were made for. */
import type { Comparison } from "./compare.ts";

/** What all comparisons together found, and what that rests on. */
export interface ComparisonAnswer extends Omit<Comparison, "space" | "environment"> {
  /** What was not read or not compared, besides `open`: a sentence each. */
  readonly gaps: readonly string[];
  /** What the comparison assumed: printed behind `assuming`. */
  readonly given: readonly string[];
  /** What was compared besides all packets, for the end of the verdict. */
  readonly also?: string;
}

export function answerOf(
  comparisons: readonly Comparison[],
  known: Pick<ComparisonAnswer, "gaps" | "given" | "also">,
): ComparisonAnswer {
  const sum = (key: "differing" | "boxes"): number =>
    comparisons.reduce((total, comparison) => total + comparison[key], 0);
  return {
    ...known,
    gaps: unique([...known.gaps, ...comparisons.flatMap(({ gaps }) => gaps)]),
    given: unique([...known.given, ...comparisons.flatMap(({ space, given }) => [...space.given, ...given])]),
    regions: comparisons.flatMap(({ regions }) => regions),
    differing: sum("differing"),
    boxes: sum("boxes"),
    open: comparisons.flatMap(({ open }) => open),
  };
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

/** Whether everything was read and compared. */
export function isWhole({ open, gaps }: ComparisonAnswer): boolean {
  return open.length === 0 && gaps.length === 0;
}

/** The answer is `equal` only where all packets were compared. */
export function opinionOf(answer: ComparisonAnswer): "different" | "no difference found" | "equal" {
  if (answer.differing > 0) return "different";
  return isWhole(answer) ? "equal" : "no difference found";
}
