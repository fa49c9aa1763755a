/** A ruleset in several transactions: of one that holds a large cluster, nft and the kernel need memory for all of it at once. */
import type { MapDeclaration, MapElement, SetDeclaration, SetElement, Table } from "../../ir/types.ts";
import { addElements } from "./print-sets.ts";

/** Elements that come into force together. */
export interface PieceOfTable {
  readonly table: Pick<Table, "family" | "name">;
  readonly set: SetDeclaration | MapDeclaration;
  readonly elements: readonly (SetElement | MapElement)[];
}

/** What has to be in one transaction: the elements of one Service, or some that nobody asks for alone. */
export type PieceGroup = readonly PieceOfTable[];

/** Services, or that many groups, of one transaction. */
export const SERVICES_AT_ONCE = 500;

/** Elements without a Service's name of one group. */
const DATA_AT_ONCE = 20;

/**
 * The elements of `tables` in groups, in the order in which they are to be loaded.
 *
 * After each of them each Service is whole or absent. Elements with the name of a Service lead packets to it, or refuse them: all of one
 * Service are one group. What they lead to, and what is asked of packets that have been there, has no name and comes before.
 */
export function groupsOf(tables: readonly Table[]): PieceGroup[] {
  const data: PieceGroup[] = [];
  const services = new Map<string, PieceOfTable[]>();
  for (const table of tables) {
    for (const set of [...table.maps, ...table.sets]) {
      const unnamed: (SetElement | MapElement)[] = [];
      const named = new Map<string, (SetElement | MapElement)[]>();
      for (const element of set.elements) {
        if (element.comment === undefined) unnamed.push(element);
        else listOf(named, serviceIn(element.comment)).push(element);
      }
      for (let at = 0; at < unnamed.length; at += DATA_AT_ONCE)
        data.push([{ table, set, elements: unnamed.slice(at, at + DATA_AT_ONCE) }]);
      for (const [service, elements] of named) listOf(services, service).push({ table, set, elements });
    }
  }
  return [...data, ...services.values()];
}

/** `shop/web` of `shop/web:http`. */
function serviceIn(comment: string): string {
  return comment.split(":", 1)[0] ?? "";
}

function listOf<Of>(lists: Map<string, Of[]>, key: string): Of[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

/** One transaction that adds the elements of `groups`. */
export function printGroups(groups: readonly PieceGroup[]): string {
  const bySet = new Map<
    string,
    { readonly at: string; readonly set: PieceOfTable["set"]; readonly elements: (SetElement | MapElement)[] }
  >();
  for (const { table, set, elements } of groups.flat()) {
    const at = `${table.family} ${table.name}`;
    const key = `${at} ${set.name}`;
    const known = bySet.get(key) ?? { at, set, elements: [] };
    bySet.set(key, known);
    for (const element of elements) known.elements.push(element);
  }
  return [...bySet.values()]
    .map(({ at, set, elements }) => addElements(at, { ...set, elements } as typeof set))
    .join("");
}
