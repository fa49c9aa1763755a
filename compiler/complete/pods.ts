/** Nodes and addresses of Pods that have none. */
import { type Address, FAMILIES, firstOfEachFamily, printAddress } from "../net/address.ts";
import { prefixContains, prefixFamily, printPrefix } from "../net/prefix.ts";
import type { PodSpec } from "../specs/types.ts";
import { type Assume, nameOf } from "./assumption.ts";
import { type Blocks, podBlocksOf } from "./blocks.ts";
import type { Place } from "./node-selector.ts";
import { chooseAddresses, podPools } from "./pools.ts";
import type { Draft } from "./workloads.ts";

/** Addresses of a Node, for Pods on its network. */
export type AddressesOf = (place: Place) => readonly Address[];

/** The Pods of `drafts` on their nodes, with an address of each family that the pod CIDRs there have, or with their Node's
 *  addresses. Pods without a place, and Pods on the network of a Node whose addresses are not known, stay without.
 *  `taken`: addresses that are in the input; chosen ones are added. */
export function placePods(
  drafts: readonly Draft[],
  blocks: Blocks,
  addressesOf: AddressesOf,
  taken: Set<Address>,
  assume: Assume,
): PodSpec[] {
  const chosen = choosePodAddresses(drafts, blocks, taken);
  return drafts.map(({ pod, place }) => {
    if (place === undefined) return pod;
    const needsAddress = pod.podIps.length === 0;
    const own = pod.hostNetwork ? firstOfEachFamily(addressesOf(place)) : (chosen.get(pod) ?? []);
    const podIps = needsAddress ? own : pod.podIps;
    const placed: PodSpec = {
      ...pod,
      nodeName: place.name,
      podIps,
      ready: needsAddress && !pod.hasStatus ? true : pod.ready,
      assumed: [
        ...pod.assumed,
        ...(needsAddress && podIps.length > 0 ? ["pod address" as const] : []),
        ...(pod.nodeName === undefined ? ["pod node" as const] : []),
      ],
    };
    tell(placed, place, needsAddress, blocks, assume);
    return placed;
  });
}

/** Addresses for those that are not on the host's network, block by block: Pods of one block must not meet. */
function choosePodAddresses(
  drafts: readonly Draft[],
  blocks: Blocks,
  taken: Set<Address>,
): ReadonlyMap<PodSpec, readonly Address[]> {
  const found = new Map<PodSpec, Address[]>();
  const wanting = drafts.filter(({ pod }) => pod.podIps.length === 0 && !pod.hostNetwork);
  for (const family of FAMILIES) {
    const byBlocks = new Map<string, { readonly drafts: Draft[]; readonly own: Blocks["pods"] }>();
    for (const draft of wanting) {
      if (draft.place === undefined) continue;
      const own = podBlocksOf(draft.place.node, blocks).filter((block) => prefixFamily(block) === family);
      const key = own.map(printPrefix).join();
      const group = byBlocks.get(key);
      if (group === undefined) byBlocks.set(key, { drafts: [draft], own });
      else group.drafts.push(draft);
    }
    for (const { drafts: group, own } of byBlocks.values()) {
      const keyOf = ({ meta }: PodSpec): string => `${meta.namespace}/${meta.name}`;
      const addresses = chooseAddresses(
        group.map(({ pod }) => keyOf(pod)),
        podPools(own),
        taken,
      );
      for (const { pod } of group) {
        const address = addresses.get(keyOf(pod));
        if (address !== undefined) found.set(pod, [...(found.get(pod) ?? []), address]);
      }
    }
  }
  return found;
}

function tell(pod: PodSpec, place: Place, needsAddress: boolean, blocks: Blocks, assume: Assume): void {
  const { meta, podIps, assumed } = pod;
  if (assumed.length === 0) return;
  const subject = `${meta.namespace}/${meta.name}`;
  const of = assumed.includes("pod") ? ` of ${meta.controller?.replace("/", " ")}` : "";
  const chosen = needsAddress ? podIps : [];
  const addresses = chosen.length === 0 ? "" : `: ${chosen.map(printAddress).join(", ")}`;
  const from = podBlocksOf(place.node, blocks).filter((block) => chosen.some((ip) => prefixContains(block, ip)));
  assume({
    what: assumed,
    text: `Pod ${subject}${of} on Node ${place.name}${addresses}`,
    subject,
    origin: nameOf(meta.field),
    from: pod.hostNetwork ? [] : from.map(printPrefix),
  });
}
