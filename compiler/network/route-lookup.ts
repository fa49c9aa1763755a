/** Which route a packet takes: policy rules, the longest prefix, the lowest metric (Linux: fib_rules.c, fib_trie.c). */
import { unreachable } from "../invariant.ts";
import type { Address } from "../net/address.ts";
import { prefixContains } from "../net/prefix.ts";
import type { NextHop, PolicyRule, RefusingRoute, RoutingTables, TableRoute } from "./types.ts";

/** What a route is looked for by. */
export interface RouteKey {
  readonly destination: Address;
  /** Undefined: the packet has none yet. */
  readonly source: Address | undefined;
  readonly mark: number;
  /** Undefined: the host sends it. */
  readonly inInterface: string | undefined;
}

/** A route that was found, or how there is none. */
export type FoundRoute =
  | { readonly kind: "route"; readonly route: TableRoute; readonly hops: readonly NextHop[]; readonly table: string }
  | { readonly kind: RefusingRoute; readonly by: TableRoute | PolicyRule }
  | { readonly kind: "none" };

/** Looks for a route. `hops` are the next hops that are usable: those of interfaces that are up. */
export function lookUpRoute(host: RoutingTables, key: RouteKey): FoundRoute {
  const rules = [...host.rules].sort((a, b) => a.priority - b.priority);
  if (isDefault(rules))
    return lookUpInTables(host, ["local", "main"], key) ?? lookUpInTables(host, ["default"], key) ?? NONE;
  for (const rule of rules) {
    if (!appliesTo(rule, key)) continue;
    if (rule.action.kind !== "table") return { kind: rule.action.kind, by: rule };
    const { table } = rule.action;
    const found = lookUpInTables(host, [table], key);
    if (found !== undefined && !isSuppressed(found, rule)) return found;
  }
  return NONE;
}

/** Linux: fib4_rule_suppress, fib6_rule_suppress. Routes that refuse count all the same. */
function isSuppressed(found: FoundRoute, { suppressPrefixLength }: PolicyRule): boolean {
  if (suppressPrefixLength === undefined || found.kind !== "route") return false;
  return found.route.prefix.length <= suppressPrefixLength;
}

const NONE: FoundRoute = { kind: "none" };

/** With the rules of a host on which nobody has added any, Linux keeps the tables local and main as one: the longest prefix of both
 *  counts (fib_trie.c, fib_table_lookup). */
function isDefault(rules: readonly PolicyRule[]): boolean {
  const texts = rules.map(({ priority, action, provenance: _, ...match }) => {
    const table = action.kind === "table" ? action.table : action.kind;
    return Object.keys(match).length > 0 ? "" : `${priority} ${table}`;
  });
  return texts.join() === "0 local,32766 main,32767 default";
}

/** What the table of the host's own addresses says. */
export function lookUpInLocal(host: RoutingTables, destination: Address): FoundRoute | undefined {
  return lookUpInTables(host, isDefault(host.rules) ? ["local", "main"] : ["local"], {
    destination,
    inInterface: undefined,
  });
}

function appliesTo({ from, to, mark, inInterface, isNegated }: PolicyRule, key: RouteKey): boolean {
  const holds =
    (from === undefined || (key.source === undefined ? from.length === 0 : prefixContains(from, key.source))) &&
    (to === undefined || prefixContains(to, key.destination)) &&
    (mark === undefined || ((key.mark ^ mark.value) & mark.mask) === 0) &&
    (inInterface === undefined || inInterface === (key.inInterface ?? "lo"));
  return holds !== (isNegated === true);
}

/** Undefined: the tables have no answer, and the next rule is asked. Of equal prefixes those of earlier tables count. */
function lookUpInTables(
  host: RoutingTables,
  tables: readonly string[],
  { destination, inInterface }: Pick<RouteKey, "destination" | "inInterface">,
): FoundRoute | undefined {
  const up = new Set(host.interfaces.flatMap(({ name, isUp }) => (isUp ? [name] : [])));
  const leadsBack = ({ hops }: TableRoute): boolean =>
    host.family === "IPv6" && hops.some((hop) => hop.interface === inInterface);
  const matching = tables
    .flatMap((table, order) => (host.tables[table] ?? []).map((route) => ({ route, table, order })))
    .filter(({ route }) => prefixContains(route.prefix, destination))
    .sort(
      (a, b) =>
        b.route.prefix.length - a.route.prefix.length ||
        a.order - b.order ||
        a.route.metric - b.route.metric ||
        // Of equal routes IPv6 takes the one back by the interface that the packet came in by (rt6_score_route).
        Number(leadsBack(b.route)) - Number(leadsBack(a.route)),
    );
  for (const { route, table } of matching) {
    switch (route.kind) {
      case "throw":
        return undefined;
      case "blackhole":
      case "unreachable":
      case "prohibit":
        return { kind: route.kind, by: route };
      case "unicast":
      case "local":
      case "broadcast":
      case "anycast": {
        const hops = route.hops.filter((hop) => up.has(hop.interface));
        if (hops.length > 0) return { kind: "route", route, hops, table };
        continue;
      }
      default:
        return unreachable(route.kind);
    }
  }
  return undefined;
}
