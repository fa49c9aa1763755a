/** Addresses that a question names and nobody in the input has: somebody outside has them. */
import { type Address, familyOf } from "../net/address.ts";
import { literalPrefix, type Prefix, prefixContains } from "../net/prefix.ts";
import type { LayoutPlan } from "./plan.ts";

/** Those of the named addresses that are neither a host's nor in a network of the cluster. */
export function strangersOf({ input, underlays, podCidrs }: LayoutPlan): Address[] {
  const { nodes, pods, services, network, mentioned = [], serviceCidrs = [] } = input;
  const taken = new Set<Address>([
    ...nodes.flatMap(({ addresses }) => addresses),
    ...pods.flatMap(({ addresses }) => addresses),
    ...services.flatMap(({ clusterIps, externalIps, loadBalancerIngress }) => [
      ...[...clusterIps, ...externalIps].map(({ value }) => value),
      ...loadBalancerIngress.map(({ address }) => address),
    ]),
    ...(network?.outside ?? []).flatMap(({ addresses }) => addresses.map(({ value }) => value)),
    ...(network?.gateway?.outside ?? []).map(({ value }) => value.address),
  ]);
  const blocks = [
    ...podCidrs,
    ...nodes.flatMap((node) => node.podCidrs),
    ...serviceCidrs,
    ...Object.values(underlays).map(({ cidr }) => cidr),
    ...SPECIAL,
  ];
  const isOwn = (address: Address): boolean =>
    taken.has(address) ||
    blocks.some((block) => familyOf(block.address) === familyOf(address) && prefixContains(block, address));
  return [...new Set(mentioned)].filter((address) => underlays[familyOf(address)] !== undefined && !isOwn(address));
}

/** Blocks in which nobody outside has an address: this host, loopback, link-local, multicast and beyond. */
const SPECIAL: readonly Prefix[] = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "224.0.0.0/3",
  "::/127",
  "fe80::/10",
  "ff00::/8",
].map(literalPrefix);
