/** Routes and policy rules of several files: `ip -j route show table all` prints both families, `ip -6 -j route ...` one of them again. */
import type { Report } from "../diagnostics.ts";
import { FAMILIES, type Family } from "../net/address.ts";
import type { PolicyRule } from "../network/types.ts";
import type { ListOf } from "./lists.ts";
import type { TabledRoute } from "./routes.ts";

/** The routes of each family once: of two files that have them, those of the one with more tables. Reports `repeated-node-file`
 *  where the files contradict each other. */
export function mergeRoutes(lists: readonly ListOf<TabledRoute>[], report: Report): readonly TabledRoute[] {
  return FAMILIES.flatMap((family) => {
    const parts = lists.map(({ items, origin }) => ({ origin, items: items.filter((each) => each.family === family) }));
    return longest(parts, `the ${family} routes`, textOfRoute, report);
  });
}

/** A list of policy rules, and whether its family is certain. */
export interface RuleList extends ListOf<PolicyRule> {
  readonly family: Family;
  readonly isSure: boolean;
}

/** The rules of each family; undefined: no file has them. A list whose family is not certain is of the one that no other list is of. */
export function mergeRules(
  lists: readonly RuleList[],
  report: Report,
): Readonly<Record<Family, readonly PolicyRule[] | undefined>> {
  const byFamily: Record<Family, RuleList[]> = { IPv4: [], IPv6: [] };
  const others: Readonly<Record<Family, Family>> = { IPv4: "IPv6", IPv6: "IPv4" };
  for (const each of [...lists].sort((a, b) => Number(b.isSure) - Number(a.isSure))) {
    const { family } = each;
    const isTaken = byFamily[family].some((other) => !hasAllOf(other, each) && !hasAllOf(each, other));
    const isOther = !each.isSure && isTaken && byFamily[others[family]].length === 0;
    byFamily[isOther ? others[family] : family].push(each);
  }
  const of = (family: Family): readonly PolicyRule[] | undefined =>
    byFamily[family].length === 0 ? undefined : longest(byFamily[family], `the ${family} policy rules`, textOf, report);
  return { IPv4: of("IPv4"), IPv6: of("IPv6") };
}

function hasAllOf({ items }: RuleList, others: RuleList): boolean {
  const known = new Set(items.map(textOf));
  return others.items.every((item) => known.has(textOf(item)));
}

/** The list that has all items of the others. */
function longest<T>(
  lists: readonly ListOf<T>[],
  what: string,
  print: (item: T) => string,
  report: Report,
): readonly T[] {
  const [first, ...others] = [...lists]
    .filter(({ items }) => items.length > 0)
    .sort((a, b) => b.items.length - a.items.length);
  if (first === undefined) return [];
  const known = new Set(first.items.map(print));
  for (const { items, origin } of others) {
    const odd = items.findIndex((item) => !known.has(print(item)));
    if (odd < 0) continue;
    report({
      severity: "error",
      code: "repeated-node-file",
      message: `${what} here are others than in another file of the node: expected files of one moment`,
      origin: origin.item(odd),
      notes: [{ message: "the other file", origin: first.origin }],
    });
  }
  return first.items;
}

function textOfRoute({ table, route }: TabledRoute): string {
  return `${table} ${textOf(route)}`;
}

/** All but where it stands. */
function textOf(item: object): string {
  return JSON.stringify(item, (key, value: unknown) =>
    key === "provenance" ? undefined : typeof value === "bigint" ? `${value}n` : value,
  );
}
