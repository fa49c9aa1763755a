import type { FlowResult } from "../cases/run.ts";

/** Results as JUnit XML: a suite for each case, mode and engine. */
export function printJunit(results: readonly FlowResult[]): string {
  const suites = new Map<string, FlowResult[]>();
  for (const result of results) {
    const name = `${result.case} (${result.mode}, ${result.engine})`;
    suites.set(name, [...(suites.get(name) ?? []), result]);
  }
  const parts = [...suites].map(([name, cases]) => {
    const count = (status: FlowResult["status"]): number => cases.filter((result) => result.status === status).length;
    const head = `<testsuite name="${escapeXml(name)}" tests="${cases.length}" failures="${count("fail")}" skipped="${count("skip")}">`;
    return `  ${head}\n${cases.map((result) => `    ${printCase(name, result)}\n`).join("")}  </testsuite>\n`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${parts.join("")}</testsuites>\n`;
}

function printCase(suite: string, { flow, status, reason = "", expected, actual }: FlowResult): string {
  const head = `<testcase classname="${escapeXml(suite)}" name="${escapeXml(flow)}"`;
  switch (status) {
    case "pass":
      return `${head}/>`;
    case "skip":
      return `${head}><skipped message="${escapeXml(reason)}"/></testcase>`;
    case "fail":
      return `${head}><failure message="${escapeXml(reason)}">expected ${escapeXml(expected)}, got ${escapeXml(actual)}</failure></testcase>`;
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has no way to write control characters
const UNWRITABLE = /[\x00-\x08\x0b\x0c\x0e-\x1f]/g;

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escapeXml(text: string): string {
  return text.replace(UNWRITABLE, "").replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}
