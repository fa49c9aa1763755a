/** The lines of printed rules, each with the line of the manifest that it comes from. */
import type { Origin } from "../../../compiler/diagnostics.ts";
import { printIr } from "../../../compiler/formats/ir/print.ts";
import { printTable } from "../../../compiler/formats/nft/print.ts";
import type { Program, Table } from "../../../compiler/ir/types.ts";
import { printIptables } from "../../../compiler/print.ts";
import { placeAt } from "../../../compiler/trace/view.ts";
import type { LinePlace, RuleLine, RuleText } from "../protocol.ts";

/** The rules of `program` in each language that can hold them. */
export function programTexts(program: Program): RuleText[] {
  const nft = program.ruleset.tables.flatMap(nftLines);
  const saved = (["ip", "ip6"] as const).flatMap((family): RuleText[] => {
    const { text, unsupported } = printIptables(program, family);
    const language = family === "ip" ? "iptables" : "ip6tables";
    return unsupported.length > 0 ? [] : [{ language, lines: plainLines(text) }];
  });
  return [{ language: "nft", lines: nft }, ...saved, { language: "ir", lines: plainLines(printIr(program)) }];
}

function plainLines(text: string): RuleLine[] {
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => ({ text: line }));
}

/** A table as `nft list table` shows it. Elements and rules have a line each, in the order of the table. */
function nftLines(table: Table): RuleLine[] {
  const origins = new Map<string, readonly (Origin | undefined)[]>([
    ...table.maps.map(({ name, elements }) => [`map ${name}`, elements.map(({ origin }) => origin)] as const),
    ...table.sets.map(({ name, elements }) => [`set ${name}`, elements.map(({ origin }) => origin)] as const),
    ...table.chains.map(({ name, rules }) => [`chain ${name}`, rules.map(({ origin }) => origin)] as const),
  ]);
  const lines = printTable(table).replace(/\n$/, "").split("\n");
  const told: RuleLine[] = [];
  let own: readonly (Origin | undefined)[] = [];
  let next = 0;
  let isInside = false;
  for (const [i, line] of lines.entries()) {
    const head = /^\t(map|set|chain) (\S+) \{$/.exec(line);
    if (head !== null) {
      own = origins.get(`${head[1]} ${head[2]}`) ?? [];
      next = 0;
      isInside = head[1] === "chain" && !/^\t\ttype /.test(lines[i + 1] ?? "");
    } else if (line === "\t}") isInside = false;
    const starts = /^\t\telements = \{/.test(line);
    const origin = (isInside && head === null) || starts ? own[next++] : undefined;
    if (starts || /^\t\ttype .* hook /.test(line)) isInside = true;
    told.push({ text: line.replaceAll("\t", "  "), ...(origin === undefined ? {} : { place: linePlace(origin) }) });
  }
  return told;
}

function linePlace(origin: Origin): LinePlace {
  const { file, line } = placeAt(origin);
  return { file, line };
}
