/** Puts hosts together: interfaces by hand, and the routes that the kernel makes for their addresses. */
import { type Address, addressBits, FAMILIES, type Family, familyOf, parseAddress } from "../net/address.ts";
import { hostPrefix, maskAddress, type Prefix } from "../net/prefix.ts";
import type { Host, HostInterface, HostRole, Link, Listener, ProxyFrontend } from "../network/network.ts";
import type { Provenance } from "../network/provenance.ts";
import type {
  InterfaceAddress,
  InterfaceSysctls,
  NextHop,
  PolicyRule,
  RoutingTables,
  TableRoute,
} from "../network/types.ts";

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
  readonly settings?: Readonly<Record<string, Provenance>>;
}

/** The sysctls of interfaces of a host that sends nothing on. */
export const OWN_ONLY: InterfaceSysctls = {
  forwarding: false,
  reversePathFilter: 0,
  acceptLocal: false,
  routeLocalnet: false,
  sendRedirects: true,
};

/** Those of a router. */
export const FORWARDING: InterfaceSysctls = { ...OWN_ONLY, forwarding: true };

export function bothFamilies<T>(value: T): Readonly<Record<Family, T>> {
  return { IPv4: value, IPv6: value };
}

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
    sysctls: bothFamilies(OWN_ONLY),
    proxyArp: false,
    provenance,
    ...others,
  };
}

/** The loopback interface that each host has. */
export function loopback(provenance: Provenance, sysctls: HostInterface["sysctls"]): HostInterface {
  const addresses: InterfaceAddress[] = [
    { address: addressOf("127.0.0.1"), length: 8, scope: "host" },
    { address: addressOf("::1"), length: 128, scope: "host" },
  ];
  return interfaceOf("lo", "loopback", provenance, { mtu: 65536, addresses, sysctls });
}

function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`invariant broken: ${text} is an address`);
  return address;
}

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
  return { address: addressOf(family === "IPv4" ? "0.0.0.0" : "::"), length: 0 };
}

/** The host that `draft` describes, with the rules and routes that Linux makes. */
export function toHost(draft: HostDraft): Host {
  const { interfaces, routes } = draft;
  const [ipv4, ipv6] = FAMILIES.map((family) => routingOf(family, interfaces, routes));
  if (ipv4 === undefined || ipv6 === undefined) throw new Error("invariant broken: there are two families");
  return {
    name: draft.name,
    role: draft.role,
    interfaces,
    routing: { IPv4: ipv4, IPv6: ipv6 },
    bridgeNetfilter: draft.bridgeNetfilter ?? bothFamilies(false),
    listeners: draft.listeners,
    proxies: draft.proxies ?? [],
    provenance: draft.provenance,
    settings: draft.settings ?? {},
  };
}

const RULES: Readonly<Record<Family, readonly PolicyRule[]>> = {
  IPv4: [
    { priority: 0, action: { kind: "table", table: "local" } },
    { priority: 32766, action: { kind: "table", table: "main" } },
    { priority: 32767, action: { kind: "table", table: "default" } },
  ],
  IPv6: [
    { priority: 0, action: { kind: "table", table: "local" } },
    { priority: 32766, action: { kind: "table", table: "main" } },
  ],
};

function routingOf(family: Family, interfaces: readonly HostInterface[], routes: readonly TableRoute[]): RoutingTables {
  const connected = interfaces.filter(({ isUp }) => isUp).flatMap((each) => connectedRoutes(each, family));
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
    rules: RULES[family],
    tables: {
      local: connected.filter(({ kind }) => kind === "local" || kind === "broadcast"),
      main: [...connected.filter(({ kind }) => kind === "unicast"), ...own],
    },
  };
}

/** The routes that Linux makes for the addresses of an interface. */
function connectedRoutes(own: HostInterface, family: Family): TableRoute[] {
  const { name, provenance } = own;
  const made = (route: Pick<TableRoute, "kind" | "prefix" | "scope"> & { readonly source?: Address }): TableRoute => {
    const { source, ...rest } = route;
    const hop: NextHop = { interface: name, weight: 1 };
    const preferred = source === undefined ? {} : { preferredSource: source };
    const metric = family === "IPv6" && route.kind === "unicast" ? 256 : 0;
    return { ...rest, metric, hops: [hop], isAutomatic: true, provenance, ...preferred };
  };
  return own.addresses
    .filter(({ address }) => familyOf(address) === family)
    .flatMap(({ address, length }): TableRoute[] => {
      const bits = addressBits(family);
      const subnet: Prefix = { address: maskAddress(address, length), length };
      const local = made({
        kind: "local",
        prefix: hostPrefix(address),
        scope: family === "IPv4" ? "host" : "global",
        source: address,
      });
      if (own.kind === "loopback") {
        const whole =
          family === "IPv4" ? [made({ kind: "local", prefix: subnet, scope: "host", source: address })] : [];
        return [local, ...whole];
      }
      if (length === bits) return [local];
      const direct = made({
        kind: "unicast",
        prefix: subnet,
        scope: family === "IPv4" ? "link" : "global",
        ...(family === "IPv4" ? { source: address } : {}),
      });
      if (typeof address !== "number" || length === 31) return [local, direct];
      const last = ((subnet.address as number) | (0xffffffff >>> length)) >>> 0;
      const broadcast = made({
        kind: "broadcast",
        prefix: hostPrefix(last as typeof address),
        scope: "link",
        source: address,
      });
      return [local, broadcast, direct];
    });
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
