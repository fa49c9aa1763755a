/** Routes, policy rules and addresses of a host as messages to the kernel. */
import { type Address, FAMILIES, type Family, familyOf, printAddress } from "../../compiler/net/address.ts";
import { printPrefix } from "../../compiler/net/prefix.ts";
import { FIRST_RULES } from "../../compiler/network/automatic-routes.ts";
import type { Host, HostInterface } from "../../compiler/network/network.ts";
import type {
  InterfaceAddress,
  NextHop,
  PolicyRule,
  RouteKind,
  Scope,
  TableRoute,
} from "../../compiler/network/types.ts";
import {
  AF,
  addressBytes,
  afOf,
  attribute,
  type NetlinkMessage,
  NLM,
  NOTHING,
  RTM,
  text,
  u8,
  u16,
  u32,
} from "./netlink.ts";

const AF_OF: Readonly<Record<Family, number>> = { IPv4: AF.inet, IPv6: AF.inet6 };
const SCOPES: Readonly<Record<Scope, number>> = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 };
const KINDS: Readonly<Record<RouteKind, number>> = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
};
const TABLES: Readonly<Record<string, number>> = { local: 255, main: 254, default: 253 };

function tableNumber(table: string): number {
  return TABLES[table] ?? Number(table);
}

/** The indexes of a host's interfaces, by their names. */
export type InterfaceIndexes = ReadonlyMap<string, number>;

function indexOf(indexes: InterfaceIndexes, name: string): number {
  const index = indexes.get(name);
  if (index === undefined) throw new Error(`invariant broken: there is an interface ${name}`);
  return index;
}

/** Without those that the kernel gives the loopback interface. */
export function addressMessages(host: Host, own: HostInterface, index: number): NetlinkMessage[] {
  const isMade = ({ address }: InterfaceAddress): boolean =>
    own.kind === "loopback" && (address === 1n || address === 0x7f000001);
  const added = own.addresses.filter((each) => !isMade(each));
  const ipv4 = added.filter(({ address }) => familyOf(address) === "IPv4");
  // Linux lists the IPv6 address first that was added last.
  const ipv6 = added.filter(({ address }) => familyOf(address) === "IPv6").reverse();
  return [...ipv4, ...ipv6].map((each) => addressMessage(host, own.name, each, index));
}

const IFA = { address: 1, local: 2, cacheInfo: 6, flags: 8 } as const;
const NO_DUPLICATE_DETECTION = 0x2;
const NO_PREFIX_ROUTE = 0x200;
const FOREVER = 0xffffffff;

export function addressMessage(
  { routing }: Host,
  name: string,
  { address, length, scope, peer, isDeprecated }: InterfaceAddress,
  index: number,
): NetlinkMessage {
  const family = familyOf(address);
  const hasRoute = (routing[family].tables["main"] ?? []).some(
    ({ isAutomatic, hops: [hop] }) => isAutomatic === true && hop?.interface === name,
  );
  const flags =
    (family === "IPv6" ? NO_DUPLICATE_DETECTION : 0) |
    (hasRoute || (family === "IPv4" && length === 32) ? 0 : NO_PREFIX_ROUTE);
  const deprecated = attribute(IFA.cacheInfo, u32(0), u32(FOREVER), u32(0), u32(0));
  const body = Buffer.concat([
    u8(AF_OF[family], length, 0, SCOPES[scope]),
    u32(index),
    attribute(IFA.local, addressBytes(address)),
    attribute(IFA.address, addressBytes(peer ?? address)),
    attribute(IFA.flags, u32(flags)),
    isDeprecated === true ? deprecated : NOTHING,
  ]);
  const does = `address ${printAddress(address)}/${length} on ${name}`;
  return { does, type: RTM.newAddress, flags: NLM.create | NLM.excl, body };
}

/** Without those that the kernel makes for addresses, and those by interfaces that are down, which it does not take. */
export function routeMessages({ routing, interfaces }: Host, indexes: InterfaceIndexes): NetlinkMessage[] {
  const isUp = (name: string): boolean => interfaces.some((each) => each.name === name && each.isUp);
  return FAMILIES.flatMap((family) => {
    const seen = new Set<string>();
    const routes = Object.entries(routing[family].tables).flatMap(([table, own]) =>
      own
        .filter(({ isAutomatic, hops }) => isAutomatic !== true && hops.every((hop) => isUp(hop.interface)))
        .filter(({ prefix, metric }) => {
          // IPv6 has one route for a prefix and a metric: the first that was described counts.
          const key = `${table} ${printPrefix(prefix)} ${metric}`;
          const isNew = family === "IPv4" || !seen.has(key);
          seen.add(key);
          return isNew;
        })
        .map((route) => ({ table, route })),
    );
    // Routes to gateways are to be there first.
    const isDirect = ({ hops }: TableRoute): boolean => hops.every(({ gateway }) => gateway === undefined);
    return [...routes.filter(({ route }) => isDirect(route)), ...routes.filter(({ route }) => !isDirect(route))].map(
      ({ table, route }) => routeMessage(family, table, route, indexes),
    );
  });
}

const RTA = { to: 1, out: 4, gateway: 5, metric: 6, source: 7, metrics: 8, hops: 9, table: 15, via: 18 } as const;
const RTAX_MTU = 2;
const ON_LINK = 4;
const PROTOCOL_STATIC = 4;

function routeMessage(family: Family, table: string, route: TableRoute, indexes: InterfaceIndexes): NetlinkMessage {
  const { kind, prefix, metric, scope, hops, preferredSource, mtu } = route;
  const [first, second] = hops;
  const single = first !== undefined && second === undefined ? first : undefined;
  const number = tableNumber(table);
  const body = Buffer.concat([
    u8(AF_OF[family], prefix.length, 0, 0, number > 255 ? 0 : number, PROTOCOL_STATIC),
    u8(family === "IPv4" && kind !== "throw" ? SCOPES[scope] : 0, KINDS[kind]),
    u32(single?.isOnLink === true ? ON_LINK : 0),
    attribute(RTA.table, u32(number)),
    prefix.length === 0 ? NOTHING : attribute(RTA.to, addressBytes(prefix.address)),
    metric === 0 ? NOTHING : attribute(RTA.metric, u32(metric)),
    preferredSource === undefined ? NOTHING : attribute(RTA.source, addressBytes(preferredSource)),
    mtu === undefined ? NOTHING : attribute(RTA.metrics, attribute(RTAX_MTU, u32(mtu))),
    single === undefined ? NOTHING : attribute(RTA.out, u32(indexOf(indexes, single.interface))),
    single === undefined ? NOTHING : gatewayAttribute(family, single.gateway),
    second === undefined ? NOTHING : attribute(RTA.hops, ...hops.map((hop) => nextHop(family, hop, indexes))),
  ]);
  const flags = NLM.create | (family === "IPv4" ? NLM.append : NLM.excl);
  return { does: `${kind} route ${printPrefix(prefix)} in table ${table}`, type: RTM.newRoute, flags, body };
}

function gatewayAttribute(family: Family, gateway: Address | undefined): Buffer {
  if (gateway === undefined) return NOTHING;
  if (familyOf(gateway) === family) return attribute(RTA.gateway, addressBytes(gateway));
  return attribute(RTA.via, u16(afOf(gateway)), addressBytes(gateway));
}

/** struct rtnexthop. */
function nextHop(family: Family, hop: NextHop, indexes: InterfaceIndexes): Buffer {
  const gateway = gatewayAttribute(family, hop.gateway);
  const flags = hop.isOnLink === true ? ON_LINK : 0;
  const index = u32(indexOf(indexes, hop.interface));
  return Buffer.concat([u16(8 + gateway.length), u8(flags, hop.weight - 1), index, gateway]);
}

/** What makes the rules that a host starts with those of `host`. */
export function ruleMessages({ routing }: Host): NetlinkMessage[] {
  return FAMILIES.flatMap((family) => {
    if (routing[family].rules === FIRST_RULES[family]) return [];
    const bodies = routing[family].rules.map((rule) => ({ rule, body: ruleBody(family, rule) }));
    const first = FIRST_RULES[family].map((rule) => ({ rule, body: ruleBody(family, rule) }));
    const isIn = (list: typeof first, body: Buffer): boolean => list.some((each) => each.body.equals(body));
    return [
      ...bodies
        .filter(({ body }) => !isIn(first, body))
        .map(({ rule, body }) => ({
          does: `policy rule of priority ${rule.priority}`,
          type: RTM.newRule,
          flags: NLM.create | NLM.excl,
          body,
        })),
      ...first
        .filter(({ body }) => !isIn(bodies, body))
        .map(({ rule, body }) => ({
          does: `removal of the policy rule of priority ${rule.priority}`,
          type: RTM.deleteRule,
          flags: 0,
          body,
        })),
    ];
  });
}

const FRA = { to: 1, from: 2, inInterface: 3, priority: 6, mark: 10, suppress: 14, table: 15, mask: 16 } as const;
const ACTIONS = { table: 1, blackhole: 6, unreachable: 7, prohibit: 8 } as const;
const INVERT = 2;

function ruleBody(family: Family, rule: PolicyRule): Buffer {
  const { priority, from, to, mark, inInterface, isNegated, suppressPrefixLength, action } = rule;
  const table = action.kind === "table" ? tableNumber(action.table) : 0;
  return Buffer.concat([
    u8(AF_OF[family], to?.length ?? 0, from?.length ?? 0, 0, table > 255 ? 0 : table, 0, 0, ACTIONS[action.kind]),
    u32(isNegated === true ? INVERT : 0),
    attribute(FRA.priority, u32(priority)),
    table === 0 ? NOTHING : attribute(FRA.table, u32(table)),
    to === undefined || to.length === 0 ? NOTHING : attribute(FRA.to, addressBytes(to.address)),
    from === undefined || from.length === 0 ? NOTHING : attribute(FRA.from, addressBytes(from.address)),
    mark === undefined
      ? NOTHING
      : Buffer.concat([attribute(FRA.mark, u32(mark.value)), attribute(FRA.mask, u32(mark.mask))]),
    inInterface === undefined ? NOTHING : attribute(FRA.inInterface, text(inInterface)),
    suppressPrefixLength === undefined ? NOTHING : attribute(FRA.suppress, u32(suppressPrefixLength)),
  ]);
}
