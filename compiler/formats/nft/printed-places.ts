/** Rules that no file holds have their place in the text that they are printed as. */
import type { Source, Span } from "../../diagnostics.ts";
import { required } from "../../invariant.ts";
import type { Chain, Rule, Table } from "../../ir/types.ts";
import { markedLines, type Subject } from "../marks.ts";
import { printTable } from "./print.ts";

/** `tables`, each rule with its line in the text of all of them as its origin; `name`: that of the text. Nothing is printed until somebody
 *  asks for a place. All chains have names: others take several lines of a rule. */
export function withPrintedPlaces(tables: readonly Table[], name: string): Table[] {
  let spans: ReadonlyMap<Subject, Span> | undefined;
  const spanOf = (rule: Subject): Span => {
    spans ??= printSpans(placed, name);
    return required(spans.get(rule), "each rule of the tables is printed");
  };
  // Copies: tables may share rules.
  const placed = tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain): Chain => {
      const rules = chain.rules.map((rule) => {
        const copy: Rule = { ...rule, origin: { span: () => spanOf(copy) } };
        return copy;
      });
      return { ...chain, rules };
    }),
  }));
  return placed;
}

/** Of the rules of all chains. The text is indented by spaces, and has no empty lines. */
function printSpans(tables: readonly Table[], name: string): Map<Subject, Span> {
  const lines = tables
    .flatMap((table) => markedLines((mark) => printTable(table, mark)))
    .filter(({ text }) => text !== "")
    .map(({ text, subject }) => ({ text: text.replaceAll("\t", "  "), subject }));
  const source: Source = { name, text: lines.map(({ text }) => `${text}\n`).join("") };
  const spans = new Map<Subject, Span>();
  let at = 0;
  for (const { text, subject } of lines) {
    const end = at + text.length;
    if (subject !== undefined) spans.set(subject, { source, start: end - text.trimStart().length, end });
    at = end + 1;
  }
  return spans;
}
