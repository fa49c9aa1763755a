import { type Diagnostic, lineAndColumn, printPlace } from "../diagnostics.ts";
import type { FlowResult } from "../expectations/run.ts";
import { whereOf } from "./test-results.ts";

/** A case that could not be read or compiled. */
export interface BrokenCase {
  readonly path: string;
  /** Undefined where it could not even be read. */
  readonly name: string | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** Results as JUnit XML: a suite for each case, mode and engine, and one for each case that could not run, with its errors. */
export function printJunit(results: readonly FlowResult[], broken: readonly BrokenCase[]): string {
  const suites = new Map<string, FlowResult[]>();
  for (const result of results) {
    const name = `${result.case} (${whereOf(result)})`;
    suites.set(name, [...(suites.get(name) ?? []), result]);
  }
  const parts = [...suites].map(([name, cases]) => {
    const count = (status: FlowResult["status"]): number => cases.filter((result) => result.status === status).length;
    return printSuite(
      name,
      { tests: cases.length, failures: count("fail"), errors: 0, skipped: count("skip") },
      cases.map((result) => printCase(name, result)),
    );
  });
  const errors = broken.map((each) => {
    const name = each.name ?? each.path;
    return printSuite(name, { tests: 1, failures: 0, errors: 1, skipped: 0 }, [printBroken(name, each)]);
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${[...errors, ...parts].join("")}</testsuites>\n`;
}

function printSuite(name: string, counts: Readonly<Record<string, number>>, cases: readonly string[]): string {
  const numbers = Object.entries(counts).map(([key, count]) => ` ${key}="${count}"`);
  const head = `<testsuite name="${escapeXml(name)}"${numbers.join("")}>`;
  return `  ${head}\n${cases.map((each) => `    ${each}\n`).join("")}  </testsuite>\n`;
}

function printCase(suite: string, { flow, status, reason = "", expected, actual, origin, trace }: FlowResult): string {
  const span = origin.span();
  const place = ` file="${escapeXml(span.source.name)}" line="${lineAndColumn(span).line}"`;
  const head = `<testcase classname="${escapeXml(suite)}" name="${escapeXml(flow)}"${place}`;
  switch (status) {
    case "pass":
      return `${head}/>`;
    case "skip":
      return `${head}><skipped message="${escapeXml(reason)}"/></testcase>`;
    case "fail": {
      const replay = trace === undefined ? "" : `\nreplay: ${trace}`;
      const text = `${printPlace(span)}: expected ${expected}, got ${actual}${replay}`;
      return `${head}><failure message="${escapeXml(reason)}">${escapeXml(text)}</failure></testcase>`;
    }
  }
}

function printBroken(suite: string, { path, diagnostics }: BrokenCase): string {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const lines = (errors.length > 0 ? errors : diagnostics).map(({ message, origin }) =>
    origin === undefined ? message : `${printPlace(origin.span())}: ${message}`,
  );
  const head = `<testcase classname="${escapeXml(suite)}" name="case" file="${escapeXml(path)}">`;
  return `${head}<error message="${escapeXml(lines[0] ?? "")}">${escapeXml(lines.join("\n"))}</error></testcase>`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has no way to write control characters
const UNWRITABLE = /[\x00-\x08\x0b\x0c\x0e-\x1f]/g;

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escapeXml(text: string): string {
  return text.replace(UNWRITABLE, "").replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}
