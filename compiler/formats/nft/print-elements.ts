/** Elements of sets and maps in nft's spelling. */
import { isForOthers } from "../../ir/sets.ts";
import type { AskedMap, AskedSet, DataType, MapElement, SetElement, Value, Verdict } from "../../ir/types.ts";
import { printKey } from "./print-values.ts";
import { printDuration } from "./times.ts";

/** An element of a set whose keys have `types`, or of a map whose values have the types `data`, or are verdicts. */
export function printElement(
  element: SetElement | MapElement,
  types: readonly DataType[],
  data: "verdict" | readonly DataType[] | undefined,
): string {
  const { key, timeoutSeconds, statements, comment } = element;
  let text = isForOthers(key) ? "*" : printKey(key, types);
  if (statements !== undefined) text += ` ${statements.join(" ")}`;
  if (timeoutSeconds !== undefined) text += ` timeout ${printDuration(timeoutSeconds)}`;
  if (comment !== undefined) text += ` comment ${quoteComment(comment)}`;
  if (data === undefined || !("value" in element)) return text;
  const { value } = element;
  return `${text} : ${data === "verdict" ? printVerdict(value as Verdict) : printKey(value as readonly Value[], data)}`;
}

/** A set or map as a rule asks it: `@NAME`, or its elements in braces. */
export function printAsked(asked: AskedSet | AskedMap): string {
  if (typeof asked === "string") return `@${asked}`;
  const data = "data" in asked ? asked.data : undefined;
  return `{ ${asked.elements.map((element) => printElement(element, asked.key, data)).join(", ")} }`;
}

export function printVerdict(verdict: Verdict): string {
  return verdict.kind === "jump" || verdict.kind === "goto" ? `${verdict.kind} ${verdict.chain}` : verdict.kind;
}

/** A comment. nft strings have no escapes: what could end one is replaced. */
export function quoteComment(text: string): string {
  return `"${keptComment(text)}"`;
}

/** What nft keeps of a comment that is printed. */
export function keptComment(text: string): string {
  return text.replace(/[^\x20-\x7e]|["\\]/g, "?").slice(0, 127);
}
