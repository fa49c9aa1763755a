/** The outer addresses of tunnels: VXLAN has them in its forwarding table, IPIP in the next hops of routes. */
import type { Report } from "../diagnostics.ts";
import { type Address, familyOf } from "../net/address.ts";
import type { HostInterface, Tunnel } from "../network/network.ts";
import type { LinkFacts } from "./links.ts";
import type { ForwardingEntry, NeighbourEntry } from "./neighbours.ts";
import type { TabledRoute } from "./routes.ts";

/** What the files of a node say besides the interface. */
export interface TunnelSigns {
  readonly links: readonly LinkFacts[];
  readonly routes: readonly TabledRoute[];
  readonly neighbours: readonly NeighbourEntry[];
  readonly forwarding: readonly ForwardingEntry[];
}

/** UDP port of VXLAN in Linux where none is given. */
const LINUX_VXLAN_PORT = 8472;

/** The link-layer address of VXLAN's entry for all that no other entry has. */
const ALL_OTHERS = "00:00:00:00:00:00";

/** The tunnel that `link` is. Undefined: it is none, or it is one whose ends are not known, which is reported. */
export function tunnelOf(
  link: LinkFacts,
  kind: HostInterface["kind"],
  signs: TunnelSigns,
  report: Report,
): Tunnel | undefined {
  if (kind !== "vxlan" && kind !== "ipip") return undefined;
  const { tunnel } = link;
  if (tunnel?.isExternal === true) {
    report({
      severity: "warning",
      code: "unknown-datapath",
      message: `interface ${link.name} is a tunnel whose ends a program or Open vSwitch chooses for each packet: kpc does not follow packets through it`,
      origin: tunnel.origin,
    });
    return undefined;
  }
  const remote = tunnel?.remote;
  const remotes = kind === "vxlan" ? vxlanRemotes(link.name, remote, signs) : ipipRemotes(link.name, remote, signs);
  const [outer = remote] = remotes.values();
  const local = tunnel?.local ?? firstAddress(signs.links, link, tunnel?.under, outer);
  if (local === undefined) {
    // The kernel makes an IPIP tunnel by itself, which stays unused.
    if (link.isUp)
      report({
        severity: "warning",
        code: "unsupported-network",
        message: `interface ${link.name} is a tunnel without an address for its own end: kpc does not follow packets through it`,
        origin: link.origin,
      });
    return undefined;
  }
  return {
    local,
    ...(kind === "vxlan" ? { port: tunnel?.port ?? LINUX_VXLAN_PORT } : {}),
    remotes,
    provenance: {
      origin: tunnel?.origin ?? link.origin,
      ...(tunnel?.local === undefined
        ? { inferred: "the tunnel names no address: the first one of the interface below" }
        : {}),
    },
  };
}

/** The first global address of the interface that the tunnel's packets leave by, or else of any that is no tunnel or bridge. */
function firstAddress(
  links: readonly LinkFacts[],
  self: LinkFacts,
  under: string | undefined,
  outer: Address | undefined,
): Address | undefined {
  const family = outer === undefined ? "IPv4" : familyOf(outer);
  const below = links.filter((each) =>
    under === undefined
      ? each.name !== self.name && each.kind !== "bridge" && each.tunnel === undefined
      : each.name === under,
  );
  return below
    .flatMap(({ addresses }) => addresses ?? [])
    .find(({ address, scope }) => scope === "global" && familyOf(address) === family)?.address;
}

/** Next hops are neighbours with a link-layer address, for which the forwarding table has an outer address. */
function vxlanRemotes(
  name: string,
  remote: Address | undefined,
  { neighbours, forwarding }: TunnelSigns,
): ReadonlyMap<Address, Address> {
  const outer = new Map<string, Address>();
  for (const entry of forwarding)
    if (entry.interface === name && entry.remote !== undefined) outer.set(entry.mac, entry.remote);
  const other = remote ?? outer.get(ALL_OTHERS);
  return new Map(
    neighbours
      .filter((each) => each.interface === name)
      .flatMap(({ address, mac }): (readonly [Address, Address])[] => {
        const to = outer.get(mac) ?? other;
        return to === undefined ? [] : [[address, to]];
      }),
  );
}

/** IPIP sends to the next hop itself, unless it has an other end of its own. */
function ipipRemotes(
  name: string,
  remote: Address | undefined,
  { routes }: TunnelSigns,
): ReadonlyMap<Address, Address> {
  const hops = routes.flatMap(({ route }) => route.hops).filter((hop) => hop.interface === name);
  return new Map(hops.flatMap(({ gateway }) => (gateway === undefined ? [] : [[gateway, remote ?? gateway] as const])));
}
