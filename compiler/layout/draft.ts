/** Puts hosts together: interfaces by hand, and the routes that the kernel makes for their addresses. */
import { type Address, type Family, familyOf, literalAddress } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import { automaticRoutes, FIRST_RULES } from "../network/automatic-routes.ts";
import type { Host, HostInterface, HostRole, HostSetting, Link, Listener, ProxyFrontend } from "../network/network.ts";
import type { Provenance } from "../network/provenance.ts";
import type { InterfaceAddress, InterfaceSysctls, RoutingTables, TableRoute } from "../network/types.ts";

/** What a host is made of. */
export interface HostDraft {
  readonly name: string;
  readonly role: HostRole;
  readonly interfaces: readonly HostInterface[];
  /** Besides those that the kernel makes, of both families. */
  readonly routes: readonly TableRoute[];
  readonly bridgeNetfilter?: Readonly<Record<Family, boolean>>;
  readonly listeners?: readonly Listener[];
  readonly proxies?: readonly ProxyFrontend[];
  readonly provenance: Provenance;
  readonly settings?: Readonly<Record<string, HostSetting>>;
}

/** The sysctls of interfaces of a host that sends nothing on. */
export const OWN_ONLY: InterfaceSysctls = {
  forwarding: false,
  reversePathFilter: 0,
  acceptLocal: false,
  routeLocalnet: false,
  sendRedirects: true,
};

/** Settings of an interface of a router. */
export const FORWARDING: InterfaceSysctls = { ...OWN_ONLY, forwarding: true };

export function bothFamilies<T>(value: T): Readonly<Record<Family, T>> {
  return { IPv4: value, IPv6: value };
}

const OWN_ONLY_SYSCTLS = bothFamilies(OWN_ONLY);

/** An interface as Linux makes it: up, without addresses. */
export function interfaceOf(
  name: string,
  kind: HostInterface["kind"],
  provenance: Provenance,
  others: Partial<HostInterface> = {},
): HostInterface {
  return {
    name,
    kind,
    isUp: true,
    mtu: 1500,
    addresses: [],
    sysctls: OWN_ONLY_SYSCTLS,
    proxyArp: false,
    provenance,
    ...others,
  };
}

/** The loopback interface that each host has. */
export function loopback(provenance: Provenance, sysctls: HostInterface["sysctls"]): HostInterface {
  return interfaceOf("lo", "loopback", provenance, { mtu: 65536, addresses: LOOPBACK, sysctls });
}

const LOOPBACK: readonly InterfaceAddress[] = [
  { address: literalAddress("127.0.0.1"), length: 8, scope: "host" },
  { address: literalAddress("::1"), length: 128, scope: "host" },
];

export function addressIn(address: Address, length: number): InterfaceAddress {
  return { address, length, scope: "global" };
}

/** A route of the table main. */
export function routeTo(
  prefix: Prefix,
  hop: { readonly interface: string; readonly gateway?: Address; readonly isOnLink?: true },
  provenance: Provenance,
  others: Partial<TableRoute> = {},
): TableRoute {
  const scope = hop.gateway === undefined && typeof prefix.address === "number" ? "link" : "global";
  return {
    kind: "unicast",
    prefix,
    metric: typeof prefix.address === "number" ? 0 : 1024,
    scope,
    hops: [{ ...hop, weight: 1 }],
    provenance,
    ...others,
  };
}

export function defaultPrefix(family: Family): Prefix {
  return { address: literalAddress(family === "IPv4" ? "0.0.0.0" : "::"), length: 0 };
}

/** The host that `draft` describes, with the rules and routes that Linux makes. Those are made when they are asked for: a packet meets
 *  few hosts of a cluster. */
export function toHost(draft: HostDraft): Host {
  const { interfaces, routes } = draft;
  let routing: Host["routing"] | undefined;
  return {
    name: draft.name,
    role: draft.role,
    interfaces,
    get routing() {
      routing ??= {
        IPv4: routingOf("IPv4", interfaces, routes),
        IPv6: routingOf("IPv6", interfaces, routes),
      };
      return routing;
    },
    bridgeNetfilter: draft.bridgeNetfilter ?? bothFamilies(false),
    listeners: draft.listeners,
    proxies: draft.proxies ?? [],
    provenance: draft.provenance,
    settings: draft.settings ?? {},
  };
}

function routingOf(family: Family, interfaces: readonly HostInterface[], routes: readonly TableRoute[]): RoutingTables {
  const connected = interfaces.flatMap((each) => automaticRoutes(each, family));
  const own = routes.filter(({ prefix }) => familyOf(prefix.address) === family);
  return {
    family,
    interfaces: interfaces.map(({ name, kind, isUp, addresses, sysctls }) => ({
      name,
      ...(kind === "loopback" ? { isLoopback: true as const } : {}),
      isUp,
      addresses,
      sysctls: sysctls[family],
    })),
    rules: FIRST_RULES[family],
    tables: {
      local: connected.filter(({ kind }) => kind !== "unicast"),
      main: [...connected.filter(({ kind }) => kind === "unicast"), ...own],
    },
  };
}

export function linkOf(
  a: readonly [host: string, name: string],
  b: readonly [host: string, name: string],
  provenance: Provenance,
): Link {
  return {
    ends: [
      { host: a[0], interface: a[1] },
      { host: b[0], interface: b[1] },
    ],
    provenance,
  };
}
