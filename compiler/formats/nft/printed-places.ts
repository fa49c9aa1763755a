/** Rules that no file holds have their place in the text that they are printed as. */
import type { Source, Span } from "../../diagnostics.ts";
import { required } from "../../invariant.ts";
import type { Chain, Table } from "../../ir/types.ts";
import { printTable } from "./print.ts";

/** `tables`, each rule with its line in the text of all of them as its origin; `name`: that of the text. Nothing is printed until somebody
 *  asks for a place. All chains have names: others take several lines of a rule. */
export function withPrintedPlaces(tables: readonly Table[], name: string): Table[] {
  let spans: readonly Span[] | undefined;
  const spanOf = (index: number): Span => {
    spans ??= printSpans(tables, name);
    return required(spans[index], "each rule of the tables is printed");
  };
  let count = 0;
  return tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain): Chain => {
      const rules = chain.rules.map((rule) => {
        const index = count++;
        return { ...rule, origin: { span: () => spanOf(index) } };
      });
      return { ...chain, rules };
    }),
  }));
}

/** Of the rules of all chains, in their order. The text is indented by spaces, and has no empty lines. */
function printSpans(tables: readonly Table[], name: string): Span[] {
  const texts = tables.map((table) => printTable(table).replaceAll("\n\n", "\n").replaceAll("\t", "  "));
  const source: Source = { name, text: texts.join("") };
  const spans: Span[] = [];
  let from = 0;
  for (const [i, { chains }] of tables.entries()) {
    let at = from;
    for (const chain of chains) {
      const head = `  chain ${chain.name} {\n`;
      at = source.text.indexOf(head, at) + head.length;
      const lines = source.text.slice(at, source.text.indexOf("  }\n", at)).split("\n").slice(0, -1);
      const firstRule = lines.length - chain.rules.length;
      for (const [j, line] of lines.entries()) {
        const end = at + line.length;
        if (j >= firstRule) spans.push({ source, start: at + RULE_INDENT, end });
        at = end + 1;
      }
    }
    from += texts[i]?.length ?? 0;
  }
  return spans;
}

const RULE_INDENT = "    ".length;
