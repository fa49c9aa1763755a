/** What a Cluster says, against the Nodes, Pods and Services that it speaks of. */
import type { Origin, Report } from "../diagnostics.ts";
import { nearest } from "../documents/nearest.ts";
import { type Address, FAMILIES, familyOf, parseAddress, printAddress } from "../net/address.ts";
import { type Prefix, prefixContains, prefixFamily, prefixHolds, printPrefix } from "../net/prefix.ts";
import { selects } from "../specs/labels.ts";
import type { Located } from "../specs/located.ts";
import { isOutside } from "./blocks.ts";
import type { NetworkCheckInput } from "./network-check-input.ts";
import { inferredUnderlay } from "./underlay.ts";

/** Names that a message lists. */
const MAX_NAMES = 10;

/** `, did you mean "a"?`, or what there is. */
function hintFor(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  if (near !== undefined) return `, did you mean "${near}"?`;
  const more = known.length > MAX_NAMES ? ` and ${known.length - MAX_NAMES} more` : "";
  return known.length === 0 ? "" : `: expected one of ${known.slice(0, MAX_NAMES).join(", ")}${more}`;
}

/** Names of Nodes and addresses of hosts that are not in the input. Where the input has no Node, all may be there. */
export function checkClusterNames({ cluster, specs }: NetworkCheckInput, report: Report): void {
  const { network } = specs;
  const names = cluster.nodes.filter(({ isAssumed }) => !isAssumed).map(({ name }) => name);
  if (network === undefined || names.length === 0) return;
  const check = (name: string, origin: Origin): void => {
    if (names.includes(name)) return;
    const message = `there is no Node "${name}" in the input${hintFor(name, names)}`;
    report({ severity: "error", code: "unknown-cluster-name", message, origin });
  };
  for (const { name } of network.nodes) check(name.value, name.field);
  for (const { value, field } of network.ingress?.nodes ?? []) check(value, field);
  const hosts = new Set<Address>(
    [...cluster.nodes, ...cluster.pods]
      .flatMap(({ addresses }) => addresses)
      .concat(network.loadBalancers.flatMap(({ addresses }) => addresses.map(({ value }) => value)))
      .concat(specs.services.flatMap((each) => each.loadBalancerIngress.map(({ address }) => address))),
  );
  for (const { to, field } of network.gateway?.forwards ?? []) {
    const address = parseAddress(to);
    if (address === undefined) check(to, field.member("to"));
    else if (!hosts.has(address)) {
      const message = `the gateway forwards a port to ${printAddress(address)}, which no Node, Pod or load balancer of the input has`;
      report({ severity: "warning", code: "unknown-cluster-name", message, origin: field.member("to") });
    }
  }
}

/** Load balancers of Services that are not there, or that have none. */
export function checkLoadBalancers({ services, network }: NetworkCheckInput["specs"], report: Report): void {
  const byName = new Map(services.map((service) => [`${service.meta.namespace}/${service.meta.name}`, service]));
  for (const { service: name } of network?.loadBalancers ?? []) {
    const service = byName.get(name.value);
    const origin = name.field;
    if (service === undefined) {
      const message = `there is no Service "${name.value}" in the input${hintFor(name.value, [...byName.keys()].sort())}`;
      report({ severity: "error", code: "unknown-cluster-name", message, origin });
      continue;
    }
    const why =
      service.type !== "LoadBalancer"
        ? `is of type ${service.type}, and has no load balancer`
        : service.loadBalancerIngress.length === 0
          ? "has no address in status.loadBalancer.ingress: nobody can send to its load balancer"
          : undefined;
    if (why === undefined) continue;
    const notes = [{ message: "the Service", origin: service.meta.field }];
    const message = `Service ${name.value} ${why}`;
    report({ severity: "warning", code: "cluster-mismatch", message, origin, notes });
  }
}

/** An ingress proxy of which the input has no Service, or no pods. */
export function checkIngressProxy({ cluster, specs }: NetworkCheckInput, report: Report): void {
  const { service: name, pods } = specs.network?.ingress ?? {};
  const known = specs.services.map(({ meta }) => `${meta.namespace}/${meta.name}`).sort();
  if (name !== undefined && !known.includes(name.value)) {
    const message = `there is no Service "${name.value}" in the input${hintFor(name.value, known)}`;
    report({ severity: "error", code: "unknown-cluster-name", message, origin: name.field });
  }
  if (pods === undefined) return;
  const { namespace, labels, field } = pods;
  if (cluster.pods.some((pod) => pod.namespace === namespace && selects(labels, pod.labels))) return;
  const message = `no Pod of namespace ${namespace} in the input has these labels: there is no ingress proxy`;
  report({ severity: "warning", code: "cluster-mismatch", message, origin: field });
}

// --- blocks --------------------------------------------------------------------------------------------------------------

/** Nodes that are not in the underlay, and pod CIDRs that are in no block of `pods.cidrs`: the first of each, and how many. */
export function reportBlockMismatches({ cluster, specs }: NetworkCheckInput, report: Report): void {
  const subnets = specs.network?.underlay?.cidrs ?? [];
  const podBlocks = specs.network?.pods?.cidrs ?? [];
  const addresses = cluster.nodes.flatMap(({ name, internalAddresses }) =>
    internalAddresses.map(({ address, origin }) => ({ name, address, origin })),
  );
  const strays = addresses.filter(({ address }) => isOutside(address, subnets));
  const [stray] = strays;
  const [subnet] = subnets;
  if (stray !== undefined && subnet !== undefined) {
    const message = `Node ${stray.name}${others(strays.length - 1, "address")} has ${printAddress(stray.address)}, which is not in the underlay ${printed(subnets, stray.address)}`;
    const notes = [{ message: "the address", origin: stray.origin }];
    report({ severity: "warning", code: "cluster-mismatch", message, origin: subnet.field, notes });
  }
  const ofNodes = cluster.nodes.flatMap(({ name, podCidrs, podCidrsOrigin }) =>
    podCidrs.map((prefix) => ({ name, prefix, origin: podCidrsOrigin })),
  );
  const outside = ofNodes.filter(({ prefix }) => isBlockOutside(prefix, podBlocks));
  const [first] = outside;
  const [block] = podBlocks;
  if (first === undefined || block === undefined) return;
  const message = `pod CIDR ${printPrefix(first.prefix)} of Node ${first.name}${others(outside.length - 1, "block")} is not in ${printed(podBlocks, first.prefix.address)}, the blocks of all pods`;
  const notes = [{ message: `Node ${first.name}`, origin: first.origin }];
  report({ severity: "warning", code: "cluster-mismatch", message, origin: block.field, notes });
}

function others(count: number, what: string): string {
  return count === 0 ? "" : ` (and ${count} more ${what}${count === 1 ? "" : what === "address" ? "es" : "s"})`;
}

function isBlockOutside(prefix: Prefix, blocks: readonly Located<Prefix>[]): boolean {
  const own = blocks.filter(({ value }) => prefixFamily(value) === prefixFamily(prefix));
  return own.length > 0 && !own.some(({ value }) => prefixHolds(value, prefix));
}

/** The blocks of the family of `address`. */
function printed(blocks: readonly Located<Prefix>[], address: Address): string {
  return blocks
    .filter(({ value }) => prefixFamily(value) === familyOf(address))
    .map(({ value }) => printPrefix(value))
    .join(", ");
}

// --- next hops -----------------------------------------------------------------------------------------------------------

/** Gateways that nodes cannot ask for directly: Linux refuses routes by them. */
export function checkConnected({ cluster, specs }: NetworkCheckInput, report: Report): void {
  const { network } = specs;
  const subnets = FAMILIES.flatMap((family) => {
    const given = (network?.underlay?.cidrs ?? []).filter(({ value }) => prefixFamily(value) === family);
    const inferred = given.length > 0 ? undefined : inferredUnderlay(cluster.nodes, family);
    return inferred === undefined
      ? given.map(({ value }) => ({ block: value, text: printPrefix(value) }))
      : [{ block: inferred, text: `${printPrefix(inferred)}, inferred from their addresses` }];
  });
  const check = (what: string, address: Address, others: readonly Prefix[], origin: Origin): void => {
    const own = subnets.filter(({ block }) => prefixFamily(block) === familyOf(address));
    if ([...own.map(({ block }) => block), ...others].some((block) => prefixContains(block, address))) return;
    if (own.length === 0) return;
    const shown = own.map(({ text }) => text).join(", ");
    const message = `${what} ${printAddress(address)} is in no subnet of the nodes (${shown}): Linux refuses a route by it`;
    report({ severity: "warning", code: "gateway-not-connected", message, origin });
  };
  for (const { value, field } of network?.gateway?.inside ?? []) check("the gateway's address", value, [], field);
  for (const { name, routes, files } of network?.nodes ?? []) {
    const own = cluster.nodes.find((node) => node.name === name.value)?.podCidrs ?? [];
    if (files !== undefined) continue; // they say which subnets the node is in
    for (const { via, field } of routes) if (via !== undefined) check("next hop", via, own, field.member("via"));
  }
}
