/** A host as shell commands that make it of a network namespace of its own. */
import { type Address, FAMILIES, type Family, familyOf, printAddress } from "../../compiler/net/address.ts";
import { printPrefix } from "../../compiler/net/prefix.ts";
import type { Host, HostInterface } from "../../compiler/network/network.ts";
import type { InterfaceAddress, NextHop, PolicyRule, TableRoute } from "../../compiler/network/types.ts";

/** The commands that make all of `host` but its interfaces of kind ethernet, the ends of links, which are to be there and down. The
 *  kernel makes the routes that are `isAutomatic` by itself; ports forward when they have a carrier. They are for sh as root, in the order in which they are to run. */
export function hostCommands(host: Host): readonly string[] {
  const { interfaces, routing } = host;
  return [
    ...generalSettings(host),
    ...interfaces.flatMap(making),
    ...interfaces.flatMap(ownSettings),
    ...interfaces.flatMap(joining),
    ...interfaces.map(({ name }) => `ip link set ${name} up`),
    ...interfaces.flatMap((each) => addressing(host, each)),
    ...interfaces.filter(({ isUp }) => !isUp).map(({ name }) => `ip link set ${name} down`),
    ...interfaces.flatMap(tunnelEnds),
    ...FAMILIES.flatMap((family) => routesOf(family, routing[family].tables)),
    ...FAMILIES.flatMap((family) => rulesOf(family, routing[family].rules)),
  ];
}

const ip = (family: Family): string => (family === "IPv4" ? "ip -4" : "ip -6");

// --- settings ------------------------------------------------------------------------------------------------------------

const SETTINGS = {
  forwarding: "forwarding",
  reversePathFilter: "rp_filter",
  acceptLocal: "accept_local",
  routeLocalnet: "route_localnet",
  sendRedirects: "send_redirects",
} as const;

const set = (path: string, value: number): string => `echo ${value} > /proc/sys/net/${path}`;

function generalSettings({ interfaces, bridgeNetfilter }: Host): string[] {
  const forwards = (family: Family): number => Number(interfaces.some(({ sysctls }) => sysctls[family].forwarding));
  return [
    set("ipv4/ip_forward", forwards("IPv4")),
    set("ipv6/conf/all/forwarding", forwards("IPv6")),
    ...[...Object.values(SETTINGS).slice(1), "proxy_arp"].map((file) => set(`ipv4/conf/all/${file}`, 0)),
    // Without addresses that the kernel gives itself, and without waiting for duplicates.
    ...["all", "default"].map((which) => set(`ipv6/conf/${which}/accept_dad`, 0)),
    set("ipv6/conf/default/addr_gen_mode", 1),
    set("bridge/bridge-nf-call-iptables", Number(bridgeNetfilter.IPv4)),
    set("bridge/bridge-nf-call-ip6tables", Number(bridgeNetfilter.IPv6)),
  ];
}

function ownSettings({ name, sysctls, proxyArp }: HostInterface): string[] {
  const own = Object.entries(SETTINGS).map(([key, file]) =>
    set(`ipv4/conf/${name}/${file}`, Number(sysctls.IPv4[key as keyof typeof SETTINGS])),
  );
  const others = [set(`ipv4/conf/${name}/proxy_arp`, Number(proxyArp)), set(`ipv6/conf/${name}/accept_dad`, 0)];
  return [...own, ...others, ...(name === "lo" ? [] : [set(`ipv6/conf/${name}/addr_gen_mode`, 1)])];
}

// --- interfaces ----------------------------------------------------------------------------------------------------------

function making({ name, kind, mtu, tunnel }: HostInterface): string[] {
  const own = (): string[] => {
    if (kind === "bridge") return [`ip link add ${name} type bridge`];
    if (tunnel === undefined) return [];
    const local = `local ${printAddress(tunnel.local)}`;
    if (kind === "ipip") return [`ip link add ${name} type ipip ${local}`];
    const port = `dstport ${tunnel.port ?? 4789}`;
    return [`ip link add ${name} address ${macOf(tunnel.local)} type vxlan id 1 ${local} ${port} nolearning`];
  };
  return [...own(), `ip link set ${name} mtu ${mtu}`];
}

/** The link-layer address of a tunnel with this outer address, which the other hosts know. */
function macOf(outer: Address): string {
  const hex = outer.toString(16).padStart(8, "0").slice(-8);
  return `02:00:${[0, 2, 4, 6].map((at) => hex.slice(at, at + 2)).join(":")}`;
}

function joining({ name, port }: HostInterface): string[] {
  if (port === undefined) return [];
  const isOn = (value: boolean): string => (value ? "on" : "off");
  return [
    `ip link set ${name} master ${port.bridge}`,
    `bridge link set dev ${name} hairpin ${isOn(port.hairpin)} isolated ${isOn(port.isolated)}`,
  ];
}

function tunnelEnds({ name, kind, tunnel }: HostInterface): string[] {
  if (tunnel === undefined || kind !== "vxlan") return [];
  const outer = new Set(tunnel.remotes.values());
  return [
    ...[...outer].map((remote) => `bridge fdb append ${macOf(remote)} dev ${name} dst ${printAddress(remote)}`),
    ...[...tunnel.remotes].map(
      ([hop, remote]) => `ip neigh replace ${printAddress(hop)} lladdr ${macOf(remote)} dev ${name} nud permanent`,
    ),
  ];
}

function addressing({ routing }: Host, { name, kind, addresses }: HostInterface): string[] {
  const add = ({ address, length, scope, peer, isDeprecated }: InterfaceAddress): string => {
    const family = familyOf(address);
    const hasRoute = (routing[family].tables["main"] ?? []).some(
      ({ isAutomatic, hops: [hop] }) => isAutomatic === true && hop?.interface === name,
    );
    const words = [
      `${ip(family)} addr add ${printAddress(address)}`,
      peer === undefined ? `/${length}` : ` peer ${printAddress(peer)}/${length}`,
      ` dev ${name} scope ${scope}`,
      family === "IPv6" ? " nodad" : "",
      isDeprecated === true ? " valid_lft forever preferred_lft 0" : "",
      hasRoute || (family === "IPv4" && length === 32) ? "" : " noprefixroute",
    ];
    return words.join("");
  };
  const isMade = ({ address }: InterfaceAddress): boolean =>
    kind === "loopback" && (address === 1n || address === 0x7f000001);
  const own = addresses.filter((each) => !isMade(each));
  // Linux lists the IPv6 address first that was added last.
  const ofIpv6 = own.filter(({ address }) => familyOf(address) === "IPv6").reverse();
  return [...own.filter(({ address }) => familyOf(address) === "IPv4"), ...ofIpv6].map(add);
}

// --- routes --------------------------------------------------------------------------------------------------------------

function routesOf(family: Family, tables: Readonly<Record<string, readonly TableRoute[]>>): string[] {
  const routes = Object.entries(tables).flatMap(([table, own]) =>
    own.filter(({ isAutomatic }) => isAutomatic !== true).map((route) => ({ table, route })),
  );
  // Routes to gateways are to be there first.
  const isDirect = ({ hops }: TableRoute): boolean => hops.every(({ gateway }) => gateway === undefined);
  const ordered = [...routes.filter(({ route }) => isDirect(route)), ...routes.filter(({ route }) => !isDirect(route))];
  return ordered.map(({ table, route }) => routeCommand(family, table, route));
}

function routeCommand(family: Family, table: string, route: TableRoute): string {
  const { kind, prefix, metric, scope, hops, preferredSource, mtu } = route;
  const [first, second] = hops;
  const words = [
    `${ip(family)} route ${family === "IPv4" ? "append" : "add"} ${kind} ${printPrefix(prefix)}`,
    first !== undefined && second === undefined ? hopText(family, first) : "",
    table === "main" ? "" : `table ${table}`,
    metric === 0 ? "" : `metric ${metric}`,
    family === "IPv4" && kind !== "throw" ? `scope ${scope}` : "",
    preferredSource === undefined ? "" : `src ${printAddress(preferredSource)}`,
    mtu === undefined ? "" : `mtu ${mtu}`,
    ...(second === undefined ? [] : hops.map((hop) => `nexthop ${hopText(family, hop)} weight ${hop.weight}`)),
  ];
  return words.filter((word) => word !== "").join(" ");
}

function hopText(family: Family, { interface: name, gateway, isOnLink }: NextHop): string {
  const other = gateway !== undefined && familyOf(gateway) !== family ? "inet6 " : "";
  const via = gateway === undefined ? "" : `via ${other}${printAddress(gateway)} `;
  return `${via}dev ${name}${isOnLink === true ? " onlink" : ""}`;
}

function rulesOf(family: Family, rules: readonly PolicyRule[]): string[] {
  const texts = rules.map(ruleText);
  const first = ["priority 0 from all lookup local", "priority 32766 from all lookup main"];
  if (family === "IPv4") first.push("priority 32767 from all lookup default");
  return [
    ...texts.filter((text) => !first.includes(text)).map((text) => `${ip(family)} rule add ${text}`),
    ...first.filter((text) => !texts.includes(text)).map((text) => `${ip(family)} rule del ${text}`),
  ];
}

function ruleText({
  priority,
  isNegated,
  from,
  to,
  mark,
  inInterface,
  suppressPrefixLength,
  action,
}: PolicyRule): string {
  const words = [
    isNegated === true ? "not" : "",
    `priority ${priority} from ${from === undefined ? "all" : printPrefix(from)}`,
    to === undefined ? "" : `to ${printPrefix(to)}`,
    mark === undefined ? "" : `fwmark ${mark.value}/${mark.mask}`,
    inInterface === undefined ? "" : `iif ${inInterface}`,
    action.kind === "table" ? `lookup ${action.table}` : action.kind,
    suppressPrefixLength === undefined ? "" : `suppress_prefixlength ${suppressPrefixLength}`,
  ];
  return words.filter((word) => word !== "").join(" ");
}
