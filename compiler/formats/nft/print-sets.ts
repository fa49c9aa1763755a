/** Sets and maps as nft declares and lists them. */
import { type AnySet, dataTypesOf, isMap, keyTypesOf } from "../../ir/sets.ts";
import type { Component, MapDeclaration, MapElement, SetDeclaration, SetElement } from "../../ir/types.ts";
import { type Mark, UNMARKED } from "../marks.ts";
import { printElement, quoteComment } from "./print-elements.ts";
import { printExpression } from "./print-expression.ts";
import { printDuration } from "./times.ts";

/** The lines of a set or map in its table: what declares it, and its elements. `mark` is given each of these. */
export function listSet(declaration: SetDeclaration | MapDeclaration, mark: Mark): string[] {
  return [...declareSet(declaration), ...listElements(declaration, mark)];
}

/** The lines that declare a set or map, without its elements, in the order in which nft lists them. */
export function declareSet(declaration: SetDeclaration | MapDeclaration): string[] {
  const { policy, size, statements, autoMerge, timeoutSeconds, gcIntervalSeconds, comment } = declaration;
  const flags = flagsOf(declaration);
  return [
    printTypes(declaration.key, "data" in declaration ? declaration.data : undefined),
    ...(policy === undefined ? [] : [`policy ${policy}`]),
    ...(size === undefined ? [] : [`size ${size}`]),
    ...(flags.length === 0 ? [] : [`flags ${flags.join(",")}`]),
    ...(statements === undefined ? [] : [statements.join(" ")]),
    ...(autoMerge === undefined ? [] : ["auto-merge"]),
    ...(timeoutSeconds === undefined ? [] : [`timeout ${printDuration(timeoutSeconds)}`]),
    ...(gcIntervalSeconds === undefined ? [] : [`gc-interval ${printDuration(gcIntervalSeconds)}`]),
    ...(comment === undefined ? [] : [`comment ${quoteComment(comment)}`]),
  ];
}

/** A time-out says by itself that elements have one: nft lists the flag with other flags only. */
function flagsOf({ constant, dynamic, interval, timeouts, timeoutSeconds }: SetDeclaration | MapDeclaration): string[] {
  const others = [
    ...(constant ? ["constant"] : []),
    ...(dynamic ? ["dynamic"] : []),
    ...(interval ? ["interval"] : []),
  ];
  return timeouts || (timeoutSeconds !== undefined && others.length > 0) ? [...others, "timeout"] : others;
}

/** `type …`, or `typeof …` where a component's type has no name that a concatenation may hold. */
function printTypes(key: readonly Component[], data?: "verdict" | readonly Component[]): string {
  const parts = data === undefined || data === "verdict" ? key : [...key, ...data];
  const needsSamples = parts.some(({ type }) => type === "integer");
  const print = (components: readonly Component[]): string =>
    components.map(({ type, sample }) => (needsSamples ? printExpression(sample, "ip") : type)).join(" . ");
  const value = data === undefined ? "" : ` : ${data === "verdict" ? "verdict" : print(data)}`;
  return `${needsSamples ? "typeof" : "type"} ${print(key)}${value}`;
}

function listElements(declaration: SetDeclaration | MapDeclaration, mark: Mark): string[] {
  if (declaration.elements.length === 0) return [];
  return [`elements = { ${joinElements(declaration, ",\n\t\t\t     ", mark)} }`];
}

/** The command that adds all elements of a set or map of the table `at`, which is its family and name; empty where there are none. */
export function addElements(at: string, declaration: SetDeclaration | MapDeclaration): string {
  if (declaration.elements.length === 0) return "";
  return `add element ${at} ${declaration.name} {\n\t${joinElements(declaration, ",\n\t", UNMARKED)}\n}\n`;
}

/** In the order of the program: a Service's elements stand together. */
function joinElements(declaration: SetDeclaration | MapDeclaration, between: string, mark: Mark): string {
  const elements: readonly (SetElement | MapElement)[] = declaration.elements;
  const types = keyTypesOf(declaration);
  const data = isMap(declaration) ? dataTypesOf(declaration) : undefined;
  const runs: string[] = [];
  for (let start = 0; start < elements.length; start += RUN) {
    const run = elements.slice(start, start + RUN);
    runs.push(run.map((element) => mark(printElement(element, types, data), element)).join(between));
  }
  return runs.join(between);
}

/** Elements whose texts are held one by one: of a million of them each would outlive several garbage collections. */
const RUN = 256;

/** An element of `set`. */
export function printElementOf(element: SetElement | MapElement, set: AnySet): string {
  return printElement(element, keyTypesOf(set), isMap(set) ? dataTypesOf(set) : undefined);
}
