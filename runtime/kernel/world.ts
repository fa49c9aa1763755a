/** The node in which packets are tried: a network namespace with TUN devices for its interfaces. */
import { type Address, familyOf, printAddress } from "../../compiler/net/address.ts";
import { Prober } from "./prober.ts";

/** Interfaces besides loopback. The first leads everywhere that no address of the node is in the way of. */
export interface KernelWorld {
  readonly interfaces: readonly string[];
  /** Others, by name, whose packets all have this Ethernet type: also those that say they are of no such version of IP. */
  readonly typed?: Readonly<Record<string, number>>;
  /** Addresses of the node, besides loopback. */
  readonly addresses: readonly Address[];
}

/** A node without rules, in a namespace of its own. Close it when it has served. */
export async function openNode(world: KernelWorld): Promise<Prober> {
  const typed = Object.entries(world.typed ?? {}).map(([name, type]) => `${name}=${type.toString(16)}`);
  const prober = new Prober([...world.interfaces, ...typed]);
  await prober.run("sh", worldScript(world));
  await prober.drain();
  return prober;
}

/** Where everything leads: a gateway of each family. Without one the kernel makes a neighbour entry for each destination; the
 *  table of neighbours (1,024 entries by default) is one for the whole machine, and when it is full packets are lost. */
const GATEWAYS = [
  ["ip", "169.254.0.1"],
  ["ip -6", "fe80::1"],
] as const;

/** Waits, in a shell, until each IPv6 address with `nodad` has its local route, which the kernel makes later than the address: on a busy
 *  machine by seconds. */
export const UNTIL_ROUTED = `for i in $(seq 1000); do
  [ "$(ip -6 route show table local | grep -c ^local)" -ge "$(ip -6 -o addr show up -tentative | wc -l)" ] && break
  sleep 0.01
done`;

function isIPv4(address: Address): boolean {
  return familyOf(address) === "IPv4";
}

/** A shell script that makes the namespace of the prober a node: what Kubernetes sets, and what makes answers sure. */
function worldScript({ interfaces, typed = {}, addresses }: KernelWorld): string {
  const [outer = "eth0"] = interfaces;
  const settings = [
    ["net/ipv4/ip_forward", "1"],
    ["net/ipv6/conf/all/forwarding", "1"],
    ["net/ipv4/conf/all/route_localnet", "1"],
    // A limit on ICMP errors turns rejects into silence.
    ["net/ipv4/icmp_ratemask", "0"],
    ["net/ipv4/icmp_ratelimit", "0"],
    ["net/ipv6/icmp/ratelimit", "0"],
    ["net/ipv6/icmp/ratemask", ""],
    // Sources that are not routed back the way they came are what is asked about.
    ["net/ipv4/conf/all/rp_filter", "0"],
    ["net/ipv4/conf/default/rp_filter", "0"],
    ["net/ipv4/conf/all/accept_local", "1"],
    ["net/ipv4/conf/all/send_redirects", "0"],
    ["net/ipv4/conf/default/send_redirects", "0"],
    ["net/ipv4/conf/all/log_martians", "0"],
    // Programs may send from addresses that this node does not have.
    ["net/ipv4/ip_nonlocal_bind", "1"],
    ["net/ipv6/ip_nonlocal_bind", "1"],
  ];
  const quiet = (name: string): string[] => [
    `echo 0 > /proc/sys/net/ipv6/conf/${name}/router_solicitations`,
    `echo 0 > /proc/sys/net/ipv6/conf/${name}/accept_ra`,
    `echo 0 > /proc/sys/net/ipv6/conf/${name}/dad_transmits`,
    `echo 0 > /proc/sys/net/ipv4/conf/${name}/rp_filter`,
    `echo 0 > /proc/sys/net/ipv4/conf/${name}/send_redirects`,
    `ip link set ${name} addrgenmode none txqueuelen 4096 up`,
  ];
  // A packet of IPv6 is redirected to the address that the interface got last: that is to be the node's first one, as of IPv4.
  const inOrder = [...addresses.filter(isIPv4), ...addresses.filter((address) => !isIPv4(address)).reverse()];
  const commands = [
    "set -e",
    ...settings.map(([path, value]) => `echo '${value}' > /proc/sys/${path}`),
    "ip link set lo up",
    ...[...interfaces, ...Object.keys(typed)].flatMap(quiet),
    ...inOrder.map((address) =>
      isIPv4(address)
        ? `ip addr add ${printAddress(address)}/32 dev ${outer}`
        : `ip -6 addr add ${printAddress(address)}/128 dev ${outer} nodad`,
    ),
    UNTIL_ROUTED,
    ...GATEWAYS.flatMap(([tool, gateway]) => [
      `${tool} neigh replace ${gateway} dev ${outer} nud permanent`,
      `${tool} route add default via ${gateway} dev ${outer} onlink`,
    ]),
  ];
  return commands.join("\n");
}
