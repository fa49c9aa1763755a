/** The lines of printed rules, each with the line of the manifest that it comes from. */

import type { Origin } from "../../../compiler/diagnostics.ts";
import { NOTHING_INSTALLED } from "../../../compiler/formats/iptables/installed.ts";
import { printIr } from "../../../compiler/formats/ir/print.ts";
import { type Mark, markedLines } from "../../../compiler/formats/marks.ts";
import { printTable } from "../../../compiler/formats/nft/print.ts";
import type { Program } from "../../../compiler/ir/types.ts";
import { printIptables } from "../../../compiler/print.ts";
import { placeAt } from "../../../compiler/trace/view.ts";
import type { RuleText } from "../protocol.ts";

/** The rules of `program` in each language that can hold them. */
export function programTexts(program: Program): RuleText[] {
  const { tables } = program.ruleset;
  return [
    ruleText("nft", (mark) => tables.map((table) => printTable(table, mark)).join("")),
    ...iptablesText(program, "ip"),
    ...iptablesText(program, "ip6"),
    ruleText("ir", (mark) => printIr(program, mark)),
  ];
}

/** Nothing where iptables cannot say what the program does. */
function iptablesText(program: Program, family: "ip" | "ip6"): RuleText[] {
  let isWhole = true;
  const text = ruleText(family === "ip" ? "iptables" : "ip6tables", (mark) => {
    const printed = printIptables(program, family, NOTHING_INSTALLED, [], mark);
    isWhole = printed.unsupported.length === 0;
    return printed.text.trimStart();
  });
  return isWhole ? [text] : [];
}

function ruleText(language: RuleText["language"], print: (mark: Mark) => string): RuleText {
  const lines = markedLines(print);
  const files: string[] = [];
  const places = new Int32Array(2 * lines.length);
  const numbers = new Map<Origin, readonly [number, number]>();
  const numbersOf = (origin: Origin): readonly [number, number] => {
    const known = numbers.get(origin);
    if (known !== undefined) return known;
    const { file, line } = placeAt(origin);
    if (!files.includes(file)) files.push(file);
    const made = [files.indexOf(file) + 1, line] as const;
    numbers.set(origin, made);
    return made;
  };
  for (const [i, { subject }] of lines.entries())
    if (subject?.origin !== undefined) places.set(numbersOf(subject.origin), 2 * i);
  return { language, text: lines.map(({ text }) => text.replaceAll("\t", "  ")).join("\n"), files, places };
}
