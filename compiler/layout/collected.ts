/** Wires of a node whose own files were collected: to the switch, and to each of its pods. */
import type { ClusterNode } from "../model/hosts.ts";
import type { HostInterface, Link } from "../network/network.ts";
import { linkOf } from "./draft.ts";
import { SWITCH } from "./node.ts";
import { type LayoutPlan, type PlannedPod, switchPort } from "./plan.ts";
import type { CollectedHost } from "./types.ts";

/** The files do not say what is at the other end of a wire. A pod is behind the interface by which the node reaches it, or else behind
 *  one of those that are left. */
export function plugIn(node: ClusterNode, { host, behind }: CollectedHost, plan: LayoutPlan): Link[] {
  const uplink = host.interfaces.find(({ addresses, kind }) =>
    kind === "ethernet" ? addresses.some(({ address }) => node.addresses.includes(address)) : false,
  );
  const toSwitch =
    uplink === undefined
      ? []
      : [
          linkOf([host.name, uplink.name], [SWITCH, switchPort(node, plan)], {
            ...uplink.provenance,
            inferred: UPLINK,
          }),
        ];
  const pods = plan.pods.get(node.name) ?? [];
  const known = new Map<PlannedPod, string>();
  for (const planned of pods) {
    const name = planned.pod.addresses.map((address) => behind.get(address)).find((found) => found !== undefined);
    if (name !== undefined && isWire(host.interfaces.find((each) => each.name === name))) known.set(planned, name);
  }
  const taken = new Set([uplink?.name, ...known.values()]);
  const left = host.interfaces.filter((each) => isWire(each) && !taken.has(each.name));
  const toPods = pods.flatMap((planned): Link[] => {
    const name = known.get(planned) ?? left.shift()?.name;
    if (name === undefined) return [];
    const inferred = known.has(planned)
      ? "the node reaches the pod by this interface"
      : "one of the wires that are left";
    return [linkOf([host.name, name], [planned.host, "eth0"], { origin: planned.pod.origin, inferred })];
  });
  return [...toSwitch, ...toPods];
}

const UPLINK = "the interface with the node's address leads to the other nodes";

function isWire(own: HostInterface | undefined): boolean {
  return own?.kind === "ethernet";
}
