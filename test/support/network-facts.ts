/** What decides about packets on hosts of networks, in a form that can be compared. */
import { FAMILIES, familyOf } from "../../compiler/net/address.ts";
import { printPrefix } from "../../compiler/net/prefix.ts";
import type { Host, HostInterface, Network } from "../../compiler/network/network.ts";
import type { TableRoute } from "../../compiler/network/types.ts";
import { routeText } from "./host-text.ts";

/** Without places. */
export function factsOfHost({ interfaces, routing, bridgeNetfilter }: Host): unknown {
  const hasBridge = interfaces.some(({ kind }) => kind === "bridge");
  return plain({
    // A switch is described without a loopback interface.
    interfaces: interfaces
      .filter(({ kind, isUp }) => kind !== "loopback" || isUp)
      .map(factsOfInterface)
      .sort((a, b) => a.name.localeCompare(b.name)),
    routing: FAMILIES.map((family) => ({
      rules: routing[family].rules,
      tables: Object.entries(routing[family].tables)
        .flatMap(([table, routes]) => routes.filter(isSaid).map((route) => routeText(table, route)))
        .sort(),
    })),
    // Without a bridge the setting decides nothing.
    bridgeNetfilter: hasBridge ? bridgeNetfilter : undefined,
  });
}

/** Linux adds routes of anycast where it forwards, which descriptions leave out. */
function isSaid({ kind }: TableRoute): boolean {
  return kind !== "anycast";
}

function factsOfInterface({ sysctls, addresses, ...own }: HostInterface): HostInterface {
  // IPv6 has no such setting. Commands print the addresses of IPv4 first.
  const ipv6 = { ...sysctls.IPv6, sendRedirects: true };
  const ofFamilies = FAMILIES.flatMap((family) => addresses.filter(({ address }) => familyOf(address) === family));
  return { ...own, addresses: ofFamilies, sysctls: { IPv4: sysctls.IPv4, IPv6: ipv6 } };
}

/** `read` without the link-local addresses, and their routes, that a lab gives interfaces which are described without one: Linux asks for
 *  neighbours of IPv6 from such an address only. */
export function withoutLabAddresses(read: Host, described: Host): Host {
  const hasOwn = ({ name }: HostInterface): boolean =>
    described.interfaces.some((own) => own.name === name && own.addresses.some(isLinkLocal));
  const given = new Set(read.interfaces.filter((own) => !hasOwn(own) && own.addresses.some(isLinkLocal)).map(nameOf));
  const isGiven = ({ isAutomatic, prefix, hops }: TableRoute): boolean =>
    isAutomatic === true && printPrefix(prefix).startsWith("fe80:") && hops.some((hop) => given.has(hop.interface));
  const { IPv6 } = read.routing;
  const tables = Object.fromEntries(
    Object.entries(IPv6.tables).map(([table, routes]) => [table, routes.filter((route) => !isGiven(route))]),
  );
  return {
    ...read,
    interfaces: read.interfaces.map((own) =>
      given.has(own.name) ? { ...own, addresses: own.addresses.filter((each) => !isLinkLocal(each)) } : own,
    ),
    routing: { ...read.routing, IPv6: { ...IPv6, tables } },
  };
}

const nameOf = ({ name }: HostInterface): string => name;

function isLinkLocal({ address, scope }: HostInterface["addresses"][number]): boolean {
  return familyOf(address) === "IPv6" && scope === "link";
}

/** What a network is besides what its hosts have: who they are, what listens, which wires there are. */
export function shapeOf({ hosts, links }: Network): unknown {
  return plain({
    hosts: [...hosts.values()]
      .map(({ name, role, listeners, proxies }) => ({ name, role, listeners, proxies }))
      .sort((a, b) => a.name.localeCompare(b.name)),
    links: links
      .map(({ ends }) =>
        ends
          .map((end) => `${end.host} ${end.interface}`)
          .sort()
          .join(" - "),
      )
      .sort(),
  });
}

function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, member: unknown) => {
      if (key === "provenance") return undefined;
      if (member instanceof Map) return [...member].sort();
      return typeof member === "bigint" ? `${member}n` : member;
    }),
  );
}
