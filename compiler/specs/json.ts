/** JSON texts: JSON.parse for the values, an own walk over the text for what it does not say. */
import type { Report, Source } from "../diagnostics.ts";
import type { Document } from "./document.ts";
import { countColons, type Layout, layoutOf, locateIn, repeatedKeys, syntaxErrorIn } from "./json-text.ts";
import { show } from "./show.ts";

/** Longest text that the YAML reader is asked about when it is no JSON: it needs about 70 bytes per character. */
const MAX_RETRY = 4 << 20;

/** Whether `text` is worth a try with JSON.parse, which is fifty times as fast as a YAML reader. */
export function looksLikeJson(text: string): boolean {
  return /^\ufeff?[ \t\r\n]*[{[]/.test(text);
}

/** The document in a JSON text. `not JSON`: the YAML reader should have a look, because YAML's flow style looks alike;
 *  `refused`: what is wrong has been reported. */
export function readJson(source: Source, report: Report): Document | "not JSON" | "refused" {
  const { text } = source;
  const start = text.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : 0;
  if (text.includes("\ufffd")) return "not JSON"; // broken UTF-8, which the caller reports
  let value: unknown;
  try {
    value = JSON.parse(start === 0 ? text : text.slice(start));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    if (text.length <= MAX_RETRY) return "not JSON";
    const { offset, message } = syntaxErrorIn(text, start);
    const origin = { span: () => ({ source, start: offset, end: Math.min(offset + 1, text.length) }) };
    report({ severity: "error", code: "json-syntax", message, origin });
    return "refused";
  }
  if (countColons(text) !== countMembers(value)) {
    for (const { key, first, second } of repeatedKeys(text, start)) {
      report({
        severity: "error",
        code: "duplicate-key",
        message: `key ${show(key)} already set in map`,
        origin: { span: () => ({ source, ...second }) },
        notes: [{ message: "first set here", origin: { span: () => ({ source, ...first }) } }],
      });
    }
    return "refused";
  }
  let layout: Layout | undefined;
  return {
    source,
    value,
    locate: (path, what) => {
      layout ??= layoutOf(text, start);
      return { source, ...locateIn(text, layout, path, what) };
    },
  };
}

/** Members of all objects in `root`: of two with the same key JSON.parse has kept one. */
function countMembers(root: unknown): number {
  let count = 0;
  const pending: unknown[] = [root]; // a recursion would overflow on deep nesting
  while (pending.length > 0) {
    const value = pending.pop();
    if (Array.isArray(value)) {
      for (const item of value) if (typeof item === "object" && item !== null) pending.push(item);
    } else if (typeof value === "object" && value !== null) {
      const members = value as Readonly<Record<string, unknown>>;
      for (const key in members) {
        count++;
        const member = members[key];
        if (typeof member === "object" && member !== null) pending.push(member);
      }
    }
  }
  return count;
}

const BYTE_ORDER_MARK = 0xfeff;
