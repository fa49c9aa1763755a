/** Results of expectations as people and programs read them. */
import type { FlowResult } from "../cases/run.ts";
import { lineAndColumn, printPlace } from "../diagnostics.ts";

/** How many of each. */
export function summaryOf(results: readonly FlowResult[]): {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
} {
  const count = (status: FlowResult["status"]): number => results.filter((result) => result.status === status).length;
  return { passed: count("pass"), failed: count("fail"), skipped: count("skip") };
}

/** What failed, with the place of the expectation, what was skipped, and how many of each; `broken` cases did not run. */
export function renderResults(results: readonly FlowResult[], broken: number): string {
  const { passed, failed, skipped } = summaryOf(results);
  const failures = results.filter(({ status }) => status === "fail");
  const skips = new Map(
    results.filter(({ status }) => status === "skip").map(({ engine, reason }) => [engine, reason]),
  );
  const lines = [
    ...failures.map(
      ({ case: name, flow, mode, engine, reason, origin }) =>
        `FAIL ${printPlace(origin.span())}: ${name} / ${flow} (${mode}, ${engine}): ${reason}`,
    ),
    ...[...skips].map(([engine, reason]) => `SKIP engine ${engine}: ${reason}`),
    `${passed} passed, ${failed} failed, ${skipped} skipped${broken === 0 ? "" : `, ${broken} invalid`}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** A result as plain data, with file, line and column of the expectation. */
export function resultToJson({ origin, ...result }: FlowResult): object {
  const span = origin.span();
  return { ...result, file: span.source.name, ...lineAndColumn(span) };
}
