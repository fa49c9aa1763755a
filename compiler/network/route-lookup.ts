/** Which route a packet takes: policy rules, the longest prefix, the lowest metric (Linux: fib_rules.c, fib_trie.c). */
import { unreachable } from "../invariant.ts";
import type { Address } from "../net/address.ts";
import { maskAddress, prefixContains } from "../net/prefix.ts";
import type { NextHop, PolicyRule, RefusingRoute, RoutingTables, TableRoute } from "./types.ts";

/** What a route is looked for by. */
export interface RouteKey {
  readonly destination: Address;
  /** Undefined: the packet has none yet. */
  readonly source: Address | undefined;
  readonly mark: number;
  /** Undefined: the host sends it. */
  readonly inInterface: string | undefined;
  /** The host sends it in the name of another one, as it does with TCP resets (FLOWI_FLAG_ANYSRC). */
  readonly isForged?: true;
}

/** A route that was found, or how there is none. */
export type FoundRoute =
  | { readonly kind: "route"; readonly route: TableRoute; readonly hops: readonly NextHop[]; readonly table: string }
  | { readonly kind: RefusingRoute; readonly by: TableRoute | PolicyRule }
  | { readonly kind: "none" };

/** Looks for a route. `hops` are the next hops that are usable: those of interfaces that are up. */
export function lookUpRoute(host: RoutingTables, key: RouteKey): FoundRoute {
  const index = indexOf(host);
  if (index.hasDefaultRules)
    return lookUpInTables(host, index.localAndMain, key) ?? lookUpInTables(host, index.table("default"), key) ?? NONE;
  for (const rule of index.rules) {
    if (!appliesTo(rule, key)) continue;
    if (rule.action.kind !== "table") return { kind: rule.action.kind, by: rule };
    const found = lookUpInTables(host, index.table(rule.action.table), key);
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

/** What is the same for each packet that a host looks a route for. */
interface HostIndex {
  readonly hasDefaultRules: boolean;
  /** By priority. */
  readonly rules: readonly PolicyRule[];
  readonly up: ReadonlySet<string>;
  readonly localAndMain: RouteIndex;
  table(name: string): RouteIndex;
}

/** Routes of one table or of several: longest prefixes first, and behind that by the block's address. */
type RouteIndex = readonly (readonly [length: number, routes: ReadonlyMap<Address, readonly TableEntry[]>])[];

interface TableEntry {
  readonly route: TableRoute;
  readonly table: string;
}

const indexes = new WeakMap<RoutingTables, HostIndex>();

function indexOf(host: RoutingTables): HostIndex {
  const known = indexes.get(host);
  if (known !== undefined) return known;
  const tables = new Map<string, RouteIndex>();
  const made: HostIndex = {
    hasDefaultRules: isDefault([...host.rules].sort(byPriority)),
    rules: [...host.rules].sort(byPriority),
    up: new Set(host.interfaces.flatMap(({ name, isUp }) => (isUp ? [name] : []))),
    localAndMain: routeIndex(host, ["local", "main"]),
    table: (name) => {
      const index = tables.get(name) ?? routeIndex(host, [name]);
      tables.set(name, index);
      return index;
    },
  };
  indexes.set(host, made);
  return made;
}

function byPriority(a: PolicyRule, b: PolicyRule): number {
  return a.priority - b.priority;
}

/** Of equal prefixes those of earlier tables come first, then those of lower metrics. */
function routeIndex(host: RoutingTables, tables: readonly string[]): RouteIndex {
  const lengths = new Map<number, Map<Address, TableEntry[]>>();
  for (const table of tables)
    for (const route of [...(host.tables[table] ?? [])].sort((a, b) => a.metric - b.metric)) {
      const { address, length } = route.prefix;
      const blocks = lengths.get(length) ?? new Map<Address, TableEntry[]>();
      lengths.set(length, blocks);
      const entries = blocks.get(address) ?? [];
      blocks.set(address, entries);
      entries.push({ route, table });
    }
  return [...lengths].sort(([a], [b]) => b - a);
}

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
  const index = indexOf(host);
  const key = { destination, inInterface: undefined };
  return lookUpInTables(host, index.hasDefaultRules ? index.localAndMain : index.table("local"), key);
}

function appliesTo({ from, to, mark, inInterface, isNegated }: PolicyRule, key: RouteKey): boolean {
  const holds =
    (from === undefined || (key.source === undefined ? from.length === 0 : prefixContains(from, key.source))) &&
    (to === undefined || prefixContains(to, key.destination)) &&
    (mark === undefined || ((key.mark ^ mark.value) & mark.mask) === 0) &&
    (inInterface === undefined || inInterface === (key.inInterface ?? "lo"));
  return holds !== (isNegated === true);
}

/** Undefined: the tables have no answer, and the next rule is asked. */
function lookUpInTables(
  host: RoutingTables,
  index: RouteIndex,
  { destination, inInterface }: Pick<RouteKey, "destination" | "inInterface">,
): FoundRoute | undefined {
  const { up } = indexOf(host);
  for (const [length, blocks] of index) {
    const entries = blocks.get(maskAddress(destination, length));
    if (entries === undefined) continue;
    for (const { route, table } of host.family === "IPv6" ? backFirst(entries, inInterface) : entries)
      switch (route.kind) {
        case "throw":
          return undefined;
        case "blackhole":
        case "unreachable":
        case "prohibit":
          return { kind: route.kind, by: route };
        // Linux keeps them when the interface goes down (fib_sync_down_dev).
        case "local":
          if (route.hops.length > 0) return { kind: "route", route, hops: route.hops, table };
          continue;
        case "unicast":
        case "broadcast":
        case "anycast": {
          const hops = route.hops.every((hop) => up.has(hop.interface))
            ? route.hops
            : route.hops.filter((hop) => up.has(hop.interface));
          if (hops.length > 0) return { kind: "route", route, hops, table };
          continue;
        }
        default:
          return unreachable(route.kind);
      }
  }
  return undefined;
}

/** Of equal routes IPv6 takes the one back by the interface that the packet came in by (rt6_score_route). */
function backFirst(entries: readonly TableEntry[], inInterface: string | undefined): readonly TableEntry[] {
  const [first, second] = entries;
  if (first === undefined || second === undefined || inInterface === undefined) return entries;
  const leadsBack = ({ route }: TableEntry): boolean => route.hops.some((hop) => hop.interface === inInterface);
  return [...entries].sort(
    (a, b) =>
      Number(a.table !== first.table) - Number(b.table !== first.table) ||
      a.route.metric - b.route.metric ||
      Number(leadsBack(b)) - Number(leadsBack(a)),
  );
}
