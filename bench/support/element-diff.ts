/**
 * The smallest transaction that takes a host from one compiled program to another, when only elements differ. Programs are as
 * `kpc compile -o ir` prints them: keys and values are texts and numbers that nft reads as they are.
 */
import { printRule } from "../../compiler/formats/nft/print.ts";
import type { Rule } from "../../compiler/ir/types.ts";

type Part = string | number;

interface ListedElement {
  readonly key: readonly (Part | { readonly from: Part; readonly to: Part })[];
  /** Data, or a verdict. */
  readonly value?: readonly Part[] | { readonly kind: string; readonly chain?: string };
  readonly comment?: string;
}

interface Collection {
  readonly name: string;
  readonly elements: readonly ListedElement[];
}

interface ListedTable {
  readonly family: "ip" | "ip6";
  readonly name: string;
  readonly sets: readonly Collection[];
  readonly maps: readonly Collection[];
  readonly chains: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

/** A program as JSON. */
export interface ListedProgram {
  readonly ruleset: { readonly tables: readonly ListedTable[] };
}

export interface ElementDifference {
  /** Commands that make the chains that `after` needs and `before` did not. */
  readonly chains: string;
  /** Commands that change elements; to be run in one transaction with or after the others. */
  readonly elements: string;
  /** How many elements. */
  readonly deleted: number;
  readonly added: number;
}

/** Elements that are gone or changed are deleted, those that are new or changed are added. Chains that `before` had and
 *  `after` needs no more stay: the next program may have them again. Throws when anything else differs. */
export function elementDiff(before: ListedProgram, after: ListedProgram): ElementDifference {
  let [chains, deletes, adds] = ["", "", ""];
  let [deleted, added] = [0, 0];
  for (const [was, is] of pairs(before.ruleset.tables, after.ruleset.tables, "table")) {
    const at = `${is.family} ${is.name}`;
    chains += printNewChains(was, is);
    for (const [from, to] of [...pairs(was.maps, is.maps, "map"), ...pairs(was.sets, is.sets, "set")]) {
      const old = new Map(from.elements.map((element) => [printKey(element), printElement(element)]));
      const now = new Map(to.elements.map((element) => [printKey(element), printElement(element)]));
      const gone = [...old].filter(([key, text]) => now.get(key) !== text).map(([key]) => key);
      const fresh = [...now].filter(([key, text]) => old.get(key) !== text).map(([, text]) => text);
      if (gone.length > 0) deletes += `delete element ${at} ${to.name} { ${gone.join(", ")} }\n`;
      if (fresh.length > 0) adds += `add element ${at} ${to.name} { ${fresh.join(", ")} }\n`;
      deleted += gone.length;
      added += fresh.length;
    }
  }
  return { chains, elements: deletes + adds, deleted, added };
}

/** The objects of both lists, which have to have the same names. */
function pairs<T extends { readonly name: string }>(
  before: readonly T[],
  after: readonly T[],
  what: string,
): [before: T, after: T][] {
  const names = (list: readonly T[]) => list.map(({ name }) => name).join(" ");
  if (names(before) !== names(after)) throw new Error(`a ${what} was added or removed: load the whole file instead`);
  return after.map((object, index) => [before[index] as T, object]);
}

/** Also for a chain that an earlier program has left behind, hence the flush. */
function printNewChains(was: ListedTable, is: ListedTable): string {
  const known = new Map(was.chains.map((chain) => [chain.name, JSON.stringify(chain)]));
  let text = "";
  for (const chain of is.chains) {
    const before = known.get(chain.name);
    if (before === JSON.stringify(chain)) continue;
    if (before !== undefined) throw new Error(`chain ${chain.name} has other rules: load the whole file instead`);
    const at = `${is.family} ${is.name} ${chain.name}`;
    text += `add chain ${at}\nflush chain ${at}\n`;
    for (const rule of chain.rules) text += `add rule ${at} ${printRule(rule, is.family)}\n`;
  }
  return text;
}

function printKey({ key }: ListedElement): string {
  return key.map((part) => (typeof part === "object" ? `${part.from}-${part.to}` : part)).join(" . ");
}

function printElement(element: ListedElement): string {
  const { value, comment } = element;
  const note = comment === undefined ? "" : ` comment "${comment}"`;
  return `${printKey(element)}${note}${value === undefined ? "" : ` : ${printValue(value)}`}`;
}

function printValue(value: NonNullable<ListedElement["value"]>): string {
  if (!("kind" in value)) return value.join(" . ");
  return value.chain === undefined ? value.kind : `${value.kind} ${value.chain}`;
}
