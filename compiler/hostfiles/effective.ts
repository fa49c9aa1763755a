/** What settings are in force for an interface: the kernel combines its own value with that of `all`, in a way that each setting has
 *  (Linux: inetdevice.h, IN_DEV_ANDCONF, IN_DEV_ORCONF, IN_DEV_MAXCONF). */
import type { Family } from "../net/address.ts";
import type { Provenance } from "../network/provenance.ts";
import { interfaceSetting } from "../network/setting-names.ts";
import type { InterfaceSysctls } from "../network/types.ts";
import type { Sysctl, Sysctls } from "./sysctls.ts";

/** A value in force, and from where it is known. */
export interface InForce {
  readonly value: number;
  readonly provenance: Provenance;
}

/** `own`: that of `all` does not count; `max`: the larger one; a switch that is on in one of both is on. */
const COMBINED = {
  forwarding: "own",
  rp_filter: "max",
  accept_local: "max",
  route_localnet: "max",
  send_redirects: "max",
  proxy_arp: "max",
  arp_ignore: "max",
  src_valid_mark: "max",
} as const satisfies Readonly<Record<string, "own" | "max">>;

export type InterfaceSetting = keyof typeof COMBINED;

/** The kernel's own values. Distributions change some of them. */
const DEFAULTS: Readonly<Record<InterfaceSetting, { readonly all: number; readonly own: number }>> = {
  forwarding: { all: 0, own: 0 },
  rp_filter: { all: 0, own: 0 },
  accept_local: { all: 0, own: 0 },
  route_localnet: { all: 0, own: 0 },
  send_redirects: { all: 1, own: 1 },
  proxy_arp: { all: 0, own: 0 },
  arp_ignore: { all: 0, own: 0 },
  src_valid_mark: { all: 0, own: 0 },
};

/** The IPv4 setting that is in force for an interface. */
export function settingInForce({ interfaces, plain }: Sysctls, name: string, key: InterfaceSetting): InForce {
  const of = (which: string): Sysctl | undefined => interfaces.ipv4.get(which)?.get(key);
  const forwarding = key === "forwarding" ? (of("all") ?? plain.get("net.ipv4.ip_forward")) : undefined;
  const own =
    known(of(name)) ??
    inferredFrom(of("default"), "new interfaces have it") ??
    inferredFrom(forwarding, "who sets it sets it for all interfaces") ??
    byDefault(key, "own");
  if (COMBINED[key] === "own") return own;
  const all = known(of("all")) ?? byDefault(key, "all");
  return all.value > own.value ? all : own;
}

function known(sysctl: Sysctl | undefined): InForce | undefined {
  return sysctl === undefined ? undefined : { value: sysctl.value, provenance: { origin: sysctl.origin } };
}

function inferredFrom(sysctl: Sysctl | undefined, inferred: string): InForce | undefined {
  return sysctl === undefined ? undefined : { value: sysctl.value, provenance: { origin: sysctl.origin, inferred } };
}

function byDefault(key: InterfaceSetting, which: "all" | "own"): InForce {
  return { value: DEFAULTS[key][which], provenance: { inferred: KERNEL_DEFAULT } };
}

export const KERNEL_DEFAULT = "the kernel's default, since no file of the node has it";

/** Whether IPv6 packets that come in by an interface may go on: all interfaces have one switch, that of `all`, and recent kernels
 *  a second one for each (force_forwarding). */
function forwardingOfIpv6({ interfaces: { ipv6 } }: Sysctls, name: string): InForce & { readonly isForced: boolean } {
  const all = known(ipv6.get("all")?.get("forwarding")) ?? { value: 0, provenance: { inferred: KERNEL_DEFAULT } };
  const forced = known(ipv6.get(name)?.get("force_forwarding"));
  const isForced = all.value === 0 && forced !== undefined && forced.value > 0;
  return { ...(isForced ? forced : all), isForced };
}

/** The settings of an interface, and from where each is known, by the names that sysctl has for them. */
export function interfaceSettings(
  sysctls: Sysctls,
  name: string,
): {
  readonly values: Readonly<Record<Family, InterfaceSysctls>>;
  readonly proxyArp: boolean;
  readonly provenance: Readonly<Record<string, Provenance>>;
} {
  const provenance: Record<string, Provenance> = {};
  const inForce = (key: InterfaceSetting): number => {
    const found = settingInForce(sysctls, name, key);
    provenance[interfaceSetting("ipv4", name, key)] = found.provenance;
    return found.value;
  };
  const ipv6 = forwardingOfIpv6(sysctls, name);
  if (ipv6.isForced) provenance[interfaceSetting("ipv6", name, "force_forwarding")] = ipv6.provenance;
  const filter = inForce("rp_filter");
  return {
    values: {
      IPv4: {
        forwarding: inForce("forwarding") > 0,
        reversePathFilter: filter === 0 ? 0 : filter === 1 ? 1 : 2,
        acceptLocal: inForce("accept_local") > 0,
        routeLocalnet: inForce("route_localnet") > 0,
        sendRedirects: inForce("send_redirects") > 0,
      },
      // The kernel has no such checks for IPv6, and always sends redirects.
      IPv6: {
        forwarding: ipv6.value > 0,
        reversePathFilter: 0,
        acceptLocal: false,
        routeLocalnet: false,
        sendRedirects: true,
      },
    },
    proxyArp: inForce("proxy_arp") > 0,
    provenance,
  };
}

/** From where the switches of the whole host are known. */
export function generalSettings({ interfaces, plain }: Sysctls): Readonly<Record<string, Provenance>> {
  const ipv4 = plain.get("net.ipv4.ip_forward") ?? interfaces.ipv4.get("all")?.get("forwarding");
  const ipv6 = interfaces.ipv6.get("all")?.get("forwarding");
  const byDefault: Provenance = { inferred: KERNEL_DEFAULT };
  return {
    "net.ipv4.ip_forward": known(ipv4)?.provenance ?? byDefault,
    "net.ipv6.conf.all.forwarding": known(ipv6)?.provenance ?? byDefault,
  };
}
