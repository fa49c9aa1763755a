/** Sysctls of a described host as what the kernel is to be told: files of /proc/sys/net, and netlink messages where there are any,
 *  which cost less. */
import { type Family, familyOf } from "../../compiler/net/address.ts";
import type { Host, HostInterface } from "../../compiler/network/network.ts";
import { AF, attribute, type NetlinkMessage, RTM, text, u8, u32, u64 } from "./netlink.ts";

/** A file below /proc/sys/net, and what to write to it. */
export interface SysctlSetting {
  readonly path: string;
  readonly value: string;
}

function setting(path: string, value: number): SysctlSetting {
  return { path, value: String(value) };
}

/** The paths that `generalSysctls` wants to know the fresh values of. */
export const FRESH_SYSCTLS: readonly string[] = [
  "ipv4/ip_forward",
  "ipv6/conf/all/forwarding",
  ...["rp_filter", "accept_local", "route_localnet", "proxy_arp", "send_redirects"].map(
    (name) => `ipv4/conf/all/${name}`,
  ),
  "bridge/bridge-nf-call-iptables",
  "bridge/bridge-nf-call-ip6tables",
  "ipv4/icmp_ratemask",
  "ipv6/icmp/ratelimit",
];

/** What holds for a whole host, so that interfaces need no files of their own. Before there are interfaces. */
export function generalSysctls(host: Host, fresh: ReadonlyMap<string, string>): SysctlSetting[] {
  const { bridgeNetfilter, interfaces } = host;
  const hasBridge = interfaces.some(({ kind }) => kind === "bridge");
  const hasIpv6 = interfaces.some(
    ({ kind, addresses }) => kind !== "loopback" && addresses.some(({ address }) => familyOf(address) === "IPv6"),
  );
  const inherited = [
    setting("ipv4/ip_forward", Number(forwards(host, "IPv4"))),
    // What an interface has counts.
    ...["rp_filter", "accept_local", "route_localnet", "proxy_arp", "send_redirects"].map((name) =>
      setting(`ipv4/conf/all/${name}`, 0),
    ),
    setting("ipv6/conf/all/forwarding", Number(forwards(host, "IPv6"))),
    // Rules that reject many packets would drop some: the kernel sends an address few errors a second.
    ...(host.role.kind === "pod" ? [] : [setting("ipv4/icmp_ratemask", 0), setting("ipv6/icmp/ratelimit", 0)]),
    ...(hasBridge
      ? [
          setting("bridge/bridge-nf-call-iptables", Number(bridgeNetfilter.IPv4)),
          setting("bridge/bridge-nf-call-ip6tables", Number(bridgeNetfilter.IPv6)),
        ]
      : []),
  ];
  return [
    ...inherited.filter(({ path, value }) => fresh.get(path) !== value),
    // A router's hint would change routes while packets are on their way. This comes after ip_forward, which changes it.
    setting("ipv4/conf/all/accept_redirects", 0),
    ...(hasIpv6 ? [setting("ipv6/conf/default/accept_redirects", 0), setting("ipv6/conf/default/accept_ra", 0)] : []),
  ];
}

function forwards({ interfaces }: Host, family: Family): boolean {
  return interfaces.some(({ sysctls }) => sysctls[family].forwarding);
}

/** Settings of interfaces for IPv6 that differ from the host's. */
export function interfaceSysctls(host: Host): SysctlSetting[] {
  return host.interfaces.flatMap(({ name, sysctls: { IPv6 } }) =>
    IPv6.forwarding === forwards(host, "IPv6")
      ? []
      : [setting(`ipv6/conf/${name}/forwarding`, Number(IPv6.forwarding))],
  );
}

const IFLA_AF_SPEC = 26;
const IFLA_INET_CONF = 1;
/** Of enum IPV4_DEVCONF. */
const DEVCONF = {
  forwarding: 1,
  proxyArp: 3,
  acceptRedirects: 4,
  sendRedirects: 6,
  reversePathFilter: 8,
  acceptLocal: 23,
  routeLocalnet: 26,
} as const;

const IFLA_INET6_ADDR_GEN_MODE = 8;
/** Interfaces whose MTU is less have nothing of IPv6 (RFC 8200, section 5). */
const LEAST_IPV6_MTU = 1280;

/** An attribute of a link message with all sysctls of IPv4 that the interface is described with, and without addresses that the kernel
 *  gives itself: for these it is too late where the same message brings the interface up. */
export function sysctlAttribute({ sysctls: { IPv4 }, proxyArp, mtu }: HostInterface): Buffer {
  const set = (number: number, value: boolean | number): Buffer => attribute(number, u32(Number(value)));
  const settings = attribute(
    IFLA_INET_CONF,
    set(DEVCONF.forwarding, IPv4.forwarding),
    set(DEVCONF.proxyArp, proxyArp),
    set(DEVCONF.acceptRedirects, 0),
    set(DEVCONF.sendRedirects, IPv4.sendRedirects),
    set(DEVCONF.reversePathFilter, IPv4.reversePathFilter),
    set(DEVCONF.acceptLocal, IPv4.acceptLocal),
    set(DEVCONF.routeLocalnet, IPv4.routeLocalnet),
  );
  const NONE = 1;
  const ipv6 = attribute(AF.inet6, attribute(IFLA_INET6_ADDR_GEN_MODE, u8(NONE)));
  return attribute(IFLA_AF_SPEC, attribute(AF.inet, settings), ...(mtu < LEAST_IPV6_MTU ? [] : [ipv6]));
}

const NDTA = { name: 1, parameters: 6 } as const;
const NDTPA = { interface: 1, proxyDelay: 13 } as const;

/** Answers of ARP for others would wait for up to 0.8 s. */
export function proxyDelay(name: string, index: number): NetlinkMessage {
  const body = Buffer.concat([
    u8(AF.inet, 0, 0, 0),
    attribute(NDTA.name, text("arp_cache")),
    attribute(NDTA.parameters, attribute(NDTPA.interface, u32(index)), attribute(NDTPA.proxyDelay, u64(0n))),
  ]);
  return { does: `proxy_delay of ${name}`, type: RTM.setNeighbourTable, flags: 0, body };
}
