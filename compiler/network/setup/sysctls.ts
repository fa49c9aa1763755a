/** The sysctls that a node of the described network has, and why: what a script sets. */
import { FAMILIES } from "../../net/address.ts";
import type { Host, HostInterface } from "../network.ts";
import type { Provenance } from "../provenance.ts";

/** A sysctl by its name, with the reason for the value. */
export interface NeededSysctl {
  readonly name: string;
  readonly value: number;
  readonly provenance: Provenance;
}

/** `kept`: the interfaces of the host that are there before there are pods. A setting of which nothing is said is left alone. */
export function sysctlsOf(host: Host, kept: readonly HostInterface[]): readonly NeededSysctl[] {
  return [...forwardingOf(host), ...bridgeNetfilterOf(host), ...FLAGS.flatMap((flag) => flagsOf(host, kept, flag))];
}

function forwardingOf({ interfaces, settings }: Host): NeededSysctl[] {
  const names = { IPv4: "net.ipv4.ip_forward", IPv6: "net.ipv6.conf.all.forwarding" } as const;
  return FAMILIES.filter((family) => family === "IPv4" || interfaces.some(hasIpv6)).map((family) => ({
    name: names[family],
    value: Number(interfaces.some(({ sysctls }) => sysctls[family].forwarding)),
    provenance: settings[names[family]] ?? {},
  }));
}

/** Besides loopback and link-local addresses. */
function hasIpv6({ addresses }: HostInterface): boolean {
  return addresses.some(({ address, scope }) => typeof address === "bigint" && scope === "global");
}

function bridgeNetfilterOf({ interfaces, bridgeNetfilter, settings }: Host): NeededSysctl[] {
  if (!interfaces.some(({ kind }) => kind === "bridge")) return [];
  const names = { IPv4: "net.bridge.bridge-nf-call-iptables", IPv6: "net.bridge.bridge-nf-call-ip6tables" } as const;
  return FAMILIES.map((family) => ({
    name: names[family],
    value: Number(bridgeNetfilter[family]),
    provenance: settings[names[family]] ?? {},
  }));
}

/** A setting of net.ipv4.conf: of `all` and the interface's own value the larger counts. */
interface Flag {
  readonly file: string;
  readonly of: (each: HostInterface) => number;
  /** Why all interfaces have it where nobody says so. */
  readonly inferred?: string;
}

const FLAGS: readonly Flag[] = [
  { file: "rp_filter", of: ({ sysctls }) => sysctls.IPv4.reversePathFilter },
  { file: "accept_local", of: ({ sysctls }) => Number(sysctls.IPv4.acceptLocal) },
  {
    file: "route_localnet",
    of: ({ sysctls }) => Number(sysctls.IPv4.routeLocalnet),
    inferred: "node ports answer on 127.0.0.1",
  },
  { file: "proxy_arp", of: ({ proxyArp }) => Number(proxyArp) },
];

function flagsOf({ interfaces, settings }: Host, kept: readonly HostInterface[], flag: Flag): NeededSysctl[] {
  const { file, of, inferred } = flag;
  const all = Math.min(...interfaces.map(of));
  const said = Object.entries(settings).find(
    ([name]) => name.startsWith("net.ipv4.conf.") && name.endsWith(`.${file}`),
  );
  const needed = (which: string, value: number, provenance: Provenance): NeededSysctl => ({
    // With slashes a name may have dots of its own: eth0.100.
    name: which.includes(".") ? `net/ipv4/conf/${which}/${file}` : `net.ipv4.conf.${which}.${file}`,
    value,
    provenance,
  });
  if (said !== undefined)
    return [
      needed("all", all, said[1]),
      ...kept.filter((each) => of(each) !== all).map((each) => needed(each.name, of(each), said[1])),
    ];
  if (all > 0 && inferred !== undefined) return [needed("all", all, { inferred })];
  const later = interfaces.filter((each) => !kept.includes(each));
  if (all === 0 && later.length > 0 && later.every((each) => of(each) > 0))
    return [
      needed("default", Math.min(...later.map(of)), {
        inferred:
          "the node answers for the gateway of its pods; the interfaces of pods, made later, take this value over",
      }),
    ];
  return [];
}
