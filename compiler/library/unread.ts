/** What an answer about rules rests on, where not all of the rules were read. */
import { type Diagnostic, type Origin, printPlace } from "../diagnostics.ts";
import type { Assumption } from "../evaluate/unknown/assumption.ts";

/** Findings about rules that were not read. A text that is blank has none: ip6tables-save prints it where nobody has rules. */
export function unreadIn(findings: readonly Diagnostic[]): Diagnostic[] {
  return findings.filter(
    ({ severity, code, origin }) =>
      severity === "error" && !(code === "empty-input" && origin?.span().source.text.trim() === ""),
  );
}

/** What is taken for given about rules that were left out with a warning. */
function noneLeftOut(findings: readonly Diagnostic[]): string[] {
  const names = findings
    .filter(({ severity, code }) => severity === "warning" && code === "rules-include")
    .flatMap(({ origin }) => textOf(origin))
    .map((text) => text.replace(/^include\s+/, ""));
  return [...new Set(names)].map((name) => `no file matches ${name}`);
}

/** What is taken for given about rules that were left out, to stand behind "assuming". */
export function leftOutIn(findings: readonly Diagnostic[]): string[] {
  return noneLeftOut(findings).map((text) => `that ${text}`);
}

function textOf(origin: Origin | undefined): string[] {
  if (origin === undefined) return [];
  const { source, start, end } = origin.span();
  return [source.text.slice(start, end)];
}

/** What was not compared because it was not read, or is not there: in words. */
export function unreadGaps(findings: readonly Diagnostic[]): string[] {
  const unread = unreadIn(findings);
  const parts = unread.length === 1 ? "the unreadable part" : `${unread.length} unreadable parts`;
  return [
    ...(unread.length === 0 ? [] : [`${parts}${placeOfFirst(unread)}`]),
    ...findings.flatMap(({ restsOn }) => restsOn?.gap ?? []),
  ];
}

/** What every outcome of a trace assumes. Errors for which the program holds a step that may do anything are no part of it:
 *  packets that come to that step have the assumption of their own. */
export function assumptionsAbout(findings: readonly Diagnostic[]): Assumption[] {
  const loose = unreadIn(findings).filter(({ contained }) => contained !== true);
  const parts = loose.length === 1 ? "the unreadable part does" : `the ${loose.length} unreadable parts do`;
  return [
    ...noneLeftOut(findings).map((text) => ({ text, holds: true })),
    ...(loose.length === 0 ? [] : [{ text: `${parts} nothing to this packet${placeOfFirst(loose)}`, holds: true }]),
    ...findings.flatMap(({ restsOn }) =>
      restsOn?.assumption === undefined ? [] : [{ text: restsOn.assumption, holds: true }],
    ),
  ];
}

function placeOfFirst([first, second]: readonly Diagnostic[]): string {
  if (first?.origin === undefined) return "";
  return `, ${second === undefined ? "" : "the first "}at ${printPlace(first.origin.span())}`;
}
