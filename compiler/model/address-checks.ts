/** Addresses that two hosts have, and Service addresses that are hosts' as well. */
import type { Origin, Report } from "../diagnostics.ts";
import { type Address, printAddress } from "../net/address.ts";
import { type Prefix, prefixContains, prefixesOverlap, printPrefix } from "../net/prefix.ts";
import { hasBridge, type PodNetworkSpec } from "../specs/network-types.ts";
import type { ClusterNode } from "./hosts.ts";
import type { NetworkCheckInput } from "./network-check-input.ts";

/** A host that has an address, in words, and where that stands. */
interface AddressHolder {
  readonly name: string;
  readonly address: Address;
  readonly origin: Origin;
}

/** All hosts with addresses of their own: Pods in their node's network have none. */
function* holdersOf({ cluster, specs }: NetworkCheckInput): Generator<AddressHolder> {
  for (const { name, internalAddresses } of cluster.nodes)
    for (const { address, origin } of internalAddresses) yield { name: `Node ${name}`, address, origin };
  const { gateway, outside = [], loadBalancers = [] } = specs.network ?? {};
  for (const { value, field } of gateway?.inside ?? []) yield { name: "the gateway", address: value, origin: field };
  for (const { value, field } of gateway?.outside ?? [])
    yield { name: "the gateway", address: value.address, origin: field };
  for (const { name, addresses } of outside)
    for (const { value, field } of addresses) yield { name: `outside/${name}`, address: value, origin: field };
  for (const { service, addresses } of loadBalancers)
    for (const { value, field } of addresses)
      yield { name: `the load balancer of ${service.value}`, address: value, origin: field };
  yield* bridgesOf(cluster.nodes, specs.network?.pods);
  for (const { namespace, name, isHostNetwork, addresses, addressOrigin } of cluster.pods)
    if (!isHostNetwork)
      for (const address of addresses) yield { name: `Pod ${namespace}/${name}`, address, origin: addressOrigin };
}

/** Bridges have the first address of each of their node's blocks, in the layouts that have bridges. */
function* bridgesOf(nodes: readonly ClusterNode[], pods: PodNetworkSpec | undefined): Generator<AddressHolder> {
  if (pods?.network === undefined || !hasBridge(pods.network.value)) return;
  for (const { name, podCidrs, isAssumed, podCidrsOrigin } of nodes)
    for (const { address } of isAssumed ? [] : podCidrs) {
      const first = (typeof address === "number" ? address + 1 : address + 1n) as Address;
      yield { name: `the bridge of Node ${name}`, address: first, origin: podCidrsOrigin };
    }
}

/** Each address once, at the second host that has it. */
export function reportDuplicateAddresses(input: NetworkCheckInput, report: Report): void {
  const holders = new Map<Address, AddressHolder[]>();
  for (const holder of holdersOf(input)) {
    const known = holders.get(holder.address);
    if (known === undefined) holders.set(holder.address, [holder]);
    else if (!known.some(({ name }) => name === holder.name)) known.push(holder);
  }
  for (const [address, [first, second, ...more]] of holders) {
    if (first === undefined || second === undefined) continue;
    const others = more.length === 0 ? "" : `, and ${more.length} more`;
    const message = `${second.name} has the address ${printAddress(address)} of ${first.name}${others}: packets to it go to only one of them`;
    const notes = [{ message: first.name, origin: first.origin }];
    report({ severity: "warning", code: "duplicate-address", message, origin: second.origin, notes });
  }
}

// --- Service addresses ---------------------------------------------------------------------------------------------------

/** A block in which hosts have addresses, in words. */
interface HostBlock {
  readonly name: string;
  readonly prefix: Prefix;
  readonly origin: Origin;
}

/** Blocks of Service addresses, or cluster IPs outside of them, among the blocks of hosts: each once, with the first. */
export function reportRoutedServiceCidrs(input: NetworkCheckInput, report: Report): void {
  const blocks = [...hostBlocksOf(input)];
  for (const { prefix, origin } of input.serviceCidrs) {
    const block = blocks.find((each) => prefixesOverlap(each.prefix, prefix));
    if (block === undefined) continue;
    const message = `Service CIDR ${printPrefix(prefix)} overlaps ${block.name}: a Service and a host can get the same address`;
    tell(message, origin ?? block.origin, block, report);
  }
  for (const { meta, clusterIps } of input.specs.services)
    for (const { value, field, assumed } of clusterIps) {
      if (assumed === true || input.serviceCidrs.some(({ prefix }) => prefixContains(prefix, value))) continue;
      const block = blocks.find(({ prefix }) => prefixContains(prefix, value));
      if (block === undefined) continue;
      const message = `cluster IP ${printAddress(value)} of Service ${meta.namespace}/${meta.name} is in ${block.name}: a host can get the same address`;
      tell(message, field, block, report);
    }
}

function tell(message: string, origin: Origin, { name, origin: other }: HostBlock, report: Report): void {
  const notes = other === origin ? [] : [{ message: name, origin: other }];
  report({ severity: "warning", code: "service-cidr-routed", message, origin, notes });
}

function* hostBlocksOf({ cluster, specs }: NetworkCheckInput): Generator<HostBlock> {
  const { pods, underlay } = specs.network ?? {};
  for (const { value, field } of pods?.cidrs ?? [])
    yield { name: `pod CIDR ${printPrefix(value)}`, prefix: value, origin: field };
  for (const { value, field } of underlay?.cidrs ?? [])
    yield { name: `underlay ${printPrefix(value)}`, prefix: value, origin: field };
  for (const { name, podCidrs, podCidrsOrigin, isAssumed } of cluster.nodes)
    for (const prefix of isAssumed ? [] : podCidrs)
      yield { name: `pod CIDR ${printPrefix(prefix)} of Node ${name}`, prefix, origin: podCidrsOrigin };
}
