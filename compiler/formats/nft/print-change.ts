/** A change of a table as commands for `nft -f`: one transaction. */

import { dataTypesOf, isMap, keyTypesOf } from "../../ir/sets.ts";
import { isOfElements, type TableChange } from "../../ir/table-change.ts";
import type { MapDeclaration, SetDeclaration } from "../../ir/types.ts";
import { printHook, printRule } from "./print.ts";
import { printElement, quoteComment } from "./print-elements.ts";
import { declareSet } from "./print-sets.ts";

/** The commands in the order in which the kernel can take them. Rules stand before elements: to bind a map to a rule, the kernel
 *  walks over the elements that the map has already. */
export function printChange(change: TableChange): string {
  const { family, name, table, comment } = change;
  const at = `${family} ${name}`;
  if (table === "deleted") return `delete table ${at}\n`;
  const lines: string[] = [];
  if (table === "remade") lines.push(`delete table ${at}`);
  if (table !== "kept")
    lines.push(`add table ${at}${comment === undefined ? "" : ` { comment ${quoteComment(comment)}; }`}`);
  if (!isOfElements(change)) lines.push(...printStructure(change, at));
  for (const { of, removed, added } of change.elements) {
    const set = { ...of, elements: [] };
    const types = keyTypesOf(set);
    const data = isMap(set) ? dataTypesOf(set) : undefined;
    const command = (verb: "delete" | "add", elements: readonly string[]): void => {
      if (elements.length > 0) lines.push(`${verb} element ${at} ${of.name} { ${elements.join(", ")} }`);
    };
    command(
      "delete",
      removed.map(({ key }) => printElement({ key }, types, undefined)),
    );
    command(
      "add",
      added.map((element) => printElement(element, types, data)),
    );
  }
  const { retired } = change;
  for (const chain of retired.chains) lines.push(`flush chain ${at} ${chain}`);
  for (const map of retired.maps) lines.push(`delete map ${at} ${map}`);
  for (const set of retired.sets) lines.push(`delete set ${at} ${set}`);
  for (const chain of retired.chains) lines.push(`delete chain ${at} ${chain}`);
  for (const object of retired.objects) lines.push(`delete ${object.replace(/ (?=\S+$)/, ` ${at} `)}`);
  return lines.map((line) => `${line}\n`).join("");
}

function printStructure({ family, sets, maps, chains }: TableChange, at: string): string[] {
  return [
    ...maps.map((map) => printDeclaration("map", { ...map, elements: [] }, at)),
    ...sets.map((set) => printDeclaration("set", { ...set, elements: [] }, at)),
    ...chains.map((chain) => {
      const { kind, name, comment } = chain;
      const head = [
        ...(kind === "base" ? [printHook(chain, family)] : []),
        ...(comment === undefined ? [] : [`comment ${quoteComment(comment)};`]),
      ];
      return `add chain ${at} ${name}${head.length === 0 ? "" : ` { ${head.join(" ")} }`}`;
    }),
    ...chains.map(({ name }) => `flush chain ${at} ${name}`),
    ...chains.flatMap(({ name, rules }) => rules.map((rule) => `add rule ${at} ${name} ${printRule(rule, family)}`)),
  ];
}

/** The command that declares a set or map, without its elements, in the table `at`. */
export function printDeclaration(
  kind: "set" | "map",
  declaration: SetDeclaration | MapDeclaration,
  at: string,
): string {
  const lines = declareSet(declaration).map((line) => `${line};`);
  return `add ${kind} ${at} ${declaration.name} { ${lines.join(" ")} }`;
}
