/** Changes of the hosts of a network that no document describes. */
import { FAMILIES, type Family, familyOf } from "../../compiler/net/address.ts";
import { printPrefix } from "../../compiler/net/prefix.ts";
import { automaticRoutes } from "../../compiler/network/automatic-routes.ts";
import type { Host, HostInterface } from "../../compiler/network/network.ts";
import type { InterfaceAddress, PolicyRule, RoutingTables, TableRoute } from "../../compiler/network/types.ts";
import { addressOf } from "./walks.ts";

/** What a host is instead; hosts that it does not concern stay as they are. */
export type HostChange = (host: Host) => Host;

function onHost(name: string, change: HostChange): HostChange {
  return (host) => (host.name === name ? change(host) : host);
}

/** One change behind the other. */
export function changes(...list: readonly HostChange[]): HostChange {
  return (host) => list.reduce((changed, each) => each(changed), host);
}

/** With other routing, of both families. */
function withRouting(name: string, change: (routing: RoutingTables) => RoutingTables): HostChange {
  return onHost(name, (host) => {
    const { IPv4, IPv6 } = host.routing;
    return { ...host, routing: { IPv4: change(IPv4), IPv6: change(IPv6) } };
  });
}

/** Without the routes of its table main to `prefixes`. */
export function withoutRoute(name: string, ...prefixes: readonly string[]): HostChange {
  const keep = ({ prefix }: TableRoute): boolean => !prefixes.includes(printPrefix(prefix));
  return withRouting(name, (routing) => ({
    ...routing,
    tables: { ...routing.tables, main: routing.tables["main"]?.filter(keep) ?? [] },
  }));
}

/** With this route first in a table. */
export function withRoute(name: string, route: TableRoute, table = "main"): HostChange {
  return withRouting(name, (routing) =>
    familyOf(route.prefix.address) === routing.family
      ? { ...routing, tables: { ...routing.tables, [table]: [route, ...(routing.tables[table] ?? [])] } }
      : routing,
  );
}

/** With a policy rule, too. */
export function withPolicyRule(name: string, family: Family, rule: PolicyRule): HostChange {
  return withRouting(name, (routing) =>
    routing.family === family ? { ...routing, rules: [...routing.rules, rule] } : routing,
  );
}

/** With another network card, which has the settings of eth0. */
export function withCard(name: string, card: string, ...addresses: readonly string[]): HostChange {
  const made = addresses.map((text): InterfaceAddress => {
    const [address = "", length = ""] = text.split("/");
    return { address: addressOf(address), length: Number(length), scope: "global" };
  });
  return onHost(name, (host) => {
    const first = host.interfaces.find((own) => own.name === "eth0");
    return first === undefined
      ? host
      : withInterfaces(host, [...host.interfaces, { ...first, name: card, addresses: made }]);
  });
}

/** With another interface in the place of `which`, and the routes that Linux makes for the addresses of that. */
export function withInterface(name: string, which: string, change: (own: HostInterface) => HostInterface): HostChange {
  return onHost(name, (host) =>
    withInterfaces(
      host,
      host.interfaces.map((own) => (own.name === which ? change(own) : own)),
    ),
  );
}

/** With an address at an interface, too: `10.244.1.10/32`. */
export function withAddress(
  name: string,
  which: string,
  text: string,
  others: Partial<InterfaceAddress> = {},
): HostChange {
  const [address = "", length = ""] = text.split("/");
  const made: InterfaceAddress = { address: addressOf(address), length: Number(length), scope: "global", ...others };
  return withInterface(name, which, (own) => ({ ...own, addresses: [...own.addresses, made] }));
}

function withInterfaces(host: Host, interfaces: readonly HostInterface[]): Host {
  const [IPv4, IPv6] = FAMILIES.map((family): RoutingTables => {
    const { tables, rules } = host.routing[family];
    const own = (table: string): readonly TableRoute[] =>
      (tables[table] ?? []).filter(({ isAutomatic }) => isAutomatic !== true);
    const made = interfaces.flatMap((each) => automaticRoutes(each, family));
    return {
      family,
      rules,
      interfaces: interfaces.map(({ name, kind, isUp, addresses, sysctls }) => ({
        name,
        ...(kind === "loopback" ? { isLoopback: true as const } : {}),
        isUp,
        addresses,
        sysctls: sysctls[family],
      })),
      tables: {
        ...tables,
        local: [...made.filter(({ kind }) => kind !== "unicast"), ...own("local")],
        main: [...made.filter(({ kind }) => kind === "unicast"), ...own("main")],
      },
    };
  });
  if (IPv4 === undefined || IPv6 === undefined) throw new Error("invariant broken: there are two families");
  return { ...host, interfaces, routing: { IPv4, IPv6 } };
}
