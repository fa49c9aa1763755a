/** Routes as `ip -j route show table all` prints them, of both families together or of one. */
import type { Report } from "../diagnostics.ts";
import { asArray, asObject, asString, type Context, reportInvalid, reportMissing } from "../documents/decode.ts";
import type { Field } from "../documents/field.ts";
import { show } from "../documents/show.ts";
import { type Address, type Family, familyOf, parseAddress } from "../net/address.ts";
import type { NextHop, RouteKind, TableRoute } from "../network/types.ts";
import { asScope } from "./scope.ts";
import { asAddress, asNameOrNumber, asNumber, asPrefix, asTable, asTexts, hasMember, withMember } from "./values.ts";

/** A route with the table that it is in. */
export interface TabledRoute {
  readonly family: Family;
  readonly table: string;
  readonly route: TableRoute;
}

/** The routes of a list, in its order. Those of multicast are left out; others that kpc does not follow are reported,
 *  `unsupported-network`, and left out. */
export function readRoutes(entries: readonly Field[], root: Field, report: Report): readonly TabledRoute[] {
  const context: Context = { report, root, subject: "a route" };
  return withMember(context, entries, "dst").flatMap(({ entry, member }) => readRoute(context, entry, member) ?? []);
}

function readRoute(context: Context, entry: Field, to: Field): TabledRoute | undefined {
  const kind = kindOf(context, entry.get("type"));
  if (kind === undefined) return undefined;
  const prefix = asPrefix(context, to, familyOfDefault(entry));
  if (prefix === undefined) return undefined;
  const unfollowed = UNFOLLOWED.find(([member]) => hasMember(entry, member));
  if (unfollowed !== undefined) {
    const [member, why] = unfollowed;
    const route = `route to ${show(to.value)}`;
    const message = `kpc leaves out the ${route}, which has ${member}: ${why}`;
    context.report({ severity: "warning", code: "unsupported-network", message, origin: to });
    return undefined;
  }
  const family = familyOf(prefix.address);
  const scope = asScope(context, entry.get("scope"));
  const hops = isRefusing(kind) ? [] : readHops(context, entry, to);
  const source = asAddress(context, entry.get("prefsrc"));
  const mtu = mtuOf(context, entry.get("metrics"));
  if (scope === undefined || hops === undefined) return undefined;
  return {
    family,
    table: asTable(context, entry.get("table")) ?? "main",
    route: {
      kind,
      prefix,
      metric: asNumber(context, entry.get("metric")) ?? 0,
      scope,
      hops,
      ...(source === undefined ? {} : { preferredSource: source }),
      ...(mtu === undefined ? {} : { mtu }),
      ...(asNameOrNumber(context, entry.get("protocol")) === "kernel" ? { isAutomatic: true } : {}),
      provenance: { origin: to },
    },
  };
}

/** Members of routes that kpc does not follow, and what they do. */
const UNFOLLOWED: readonly (readonly [string, string])[] = [
  ["from", "it holds for packets of certain sources only"],
  ["tos", "it holds for packets of one type of service only"],
  ["encap", "it wraps packets"],
  ["as_to", "it changes labels"],
];

const KINDS: ReadonlyMap<string, RouteKind> = new Map(
  (["unicast", "local", "broadcast", "anycast", "throw", "blackhole", "unreachable", "prohibit"] as const).map(
    (kind) => [kind, kind],
  ),
);

function kindOf(context: Context, field: Field | undefined): RouteKind | undefined {
  const text = asString(context, field) ?? "unicast";
  const kind = KINDS.get(text);
  if (kind !== undefined || field === undefined || text === "multicast") return kind;
  reportInvalid(context, field, `expected a kind of route: ${[...KINDS.keys()].join(", ")}, multicast`);
  return undefined;
}

function isRefusing(kind: RouteKind): boolean {
  return kind === "throw" || kind === "blackhole" || kind === "unreachable" || kind === "prohibit";
}

/** The family of a route to `default`, which does not say it: only IPv6 has router preferences. */
function familyOfDefault(entry: Field): Family {
  if (entry.get("pref") !== undefined) return "IPv6";
  for (const member of [entry.get("gateway"), entry.get("prefsrc"), entry.get("nexthops")?.item(0).get("gateway")]) {
    const address = typeof member?.value === "string" ? parseAddress(member.value) : undefined;
    if (address !== undefined) return familyOf(address);
  }
  return "IPv4";
}

/** Undefined: the route has none, which is reported. */
function readHops(context: Context, entry: Field, to: Field): readonly NextHop[] | undefined {
  const several = entry.get("nexthops");
  const fields = several === undefined ? [entry] : asArray(context, several);
  const hops: NextHop[] = [];
  for (const field of fields) {
    const name = asString(context, field.get("dev"));
    if (name === undefined) {
      const id = field.get("nhid")?.value;
      if (id === undefined) reportMissing(context, field, "dev", "expected the interface of the next hop");
      else
        context.report({
          severity: "error",
          code: "unsupported-network",
          message: `the route to ${show(to.value)} names next hop ${show(id)} by its number only: expected the interface, which ip prints if net.ipv4.nexthop_compat_mode is 1`,
          origin: to,
        });
      return undefined;
    }
    const flags = asTexts(context, field.get("flags"));
    // The kernel does not take it: its interface is down, or has no carrier and ignore_routes_with_linkdown is set.
    if (flags.includes("dead")) continue;
    const gateway = gatewayOf(context, field);
    hops.push({
      interface: name,
      ...(gateway === undefined ? {} : { gateway }),
      ...(flags.includes("onlink") ? { isOnLink: true } : {}),
      weight: asNumber(context, field.get("weight")) ?? 1,
    });
  }
  return hops;
}

/** Also one of the other family: `via inet6 fe80::1`. */
function gatewayOf(context: Context, field: Field): Address | undefined {
  return (
    asAddress(context, field.get("gateway")) ?? asAddress(context, asObject(context, field.get("via"))?.get("host"))
  );
}

function mtuOf(context: Context, field: Field | undefined): number | undefined {
  for (const metric of asArray(context, field)) {
    const mtu = asNumber(context, asObject(context, metric)?.get("mtu"));
    if (mtu !== undefined && mtu > 0) return mtu;
  }
  return undefined;
}
