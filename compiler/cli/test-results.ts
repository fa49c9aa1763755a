/** Results of expectations as people and programs read them. */

import { lineAndColumn, printPlace } from "../diagnostics.ts";
import type { FlowResult } from "../expectations/run.ts";

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
  const skips = new Set(
    results.filter(({ status }) => status === "skip").map(({ engine, reason }) => `SKIP engine ${engine}: ${reason}`),
  );
  const lines = [
    ...failures.flatMap((result) => {
      const { case: name, flow, reason, origin } = result;
      const head = `FAIL ${printPlace(origin.span())}: ${name} / ${flow} (${whereOf(result)}): ${reason}`;
      return [head, ...detailsOf(result)];
    }),
    ...skips,
    `${passed} passed, ${failed} failed, ${skipped} skipped${broken === 0 ? "" : `, ${broken} invalid`}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** The mode, if there are several, and the engine. */
export function whereOf({ mode, engine }: FlowResult): string {
  return mode === undefined ? engine : `${mode}, ${engine}`;
}

/** What a walk was to do, what it does, and how to look at it again. */
function detailsOf({ expected, got = [], trace }: FlowResult): string[] {
  if (trace === undefined) return [];
  return [
    `  expected ${expected}`,
    ...got.map((line, i) => `  ${i === 0 ? "got     " : "        "} ${line}`),
    `  replay   ${trace}`,
  ];
}

/** A result as plain data, with file, line and column of the expectation. */
export function resultToJson({ origin, got: _, ...result }: FlowResult): object {
  const span = origin.span();
  return { ...result, file: span.source.name, ...lineAndColumn(span) };
}
