/** The lines of printed rules, each with the line of the manifest that it comes from. */

import { NOTHING_INSTALLED } from "../../../compiler/formats/iptables/installed.ts";
import { printIr } from "../../../compiler/formats/ir/print.ts";
import { type Mark, markedLines } from "../../../compiler/formats/marks.ts";
import { printTable } from "../../../compiler/formats/nft/print.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import { printIptables } from "../../../compiler/print.ts";
import { placeAt } from "../../../compiler/trace/view.ts";
import type { RuleLine, RuleText } from "../protocol.ts";

/** The rules of `program` in each language that can hold them. */
export function programTexts(program: Program): RuleText[] {
  const { tables } = program.ruleset;
  return [
    { language: "nft", lines: linesOf((mark) => tables.map((table) => printTable(table, mark)).join("")) },
    ...iptablesText(program, "ip"),
    ...iptablesText(program, "ip6"),
    { language: "ir", lines: linesOf((mark) => printIr(program, mark)) },
  ];
}

/** Nothing where iptables cannot say what the program does. */
function iptablesText(program: Program, family: "ip" | "ip6"): RuleText[] {
  let isWhole = true;
  const lines = linesOf((mark) => {
    const { text, unsupported } = printIptables(program, family, NOTHING_INSTALLED, [], mark);
    isWhole = unsupported.length === 0;
    return text.trimStart();
  });
  return isWhole ? [{ language: family === "ip" ? "iptables" : "ip6tables", lines }] : [];
}

function linesOf(print: (mark: Mark) => string): RuleLine[] {
  return markedLines(print).map(({ text, subject }) => {
    const line = text.replaceAll("\t", "  ");
    if (subject?.origin === undefined) return { text: line };
    const { file, line: number } = placeAt(subject.origin);
    return { text: line, place: { file, line: number } };
  });
}
