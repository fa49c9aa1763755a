/** A pod: a network namespace that its containers share. */
import { type Address, FAMILIES, familyOf, parseAddress } from "../net/address.ts";
import { hostPrefix, maskAddress } from "../net/prefix.ts";
import { PROTOCOL_NUMBERS } from "../net/protocol.ts";
import type { Provenance } from "../network/provenance.ts";
import type { InterfaceAddress, TableRoute } from "../network/types.ts";
import {
  addressIn,
  bothFamilies,
  defaultPrefix,
  type HostDraft,
  interfaceOf,
  loopback,
  OWN_ONLY,
  routeTo,
} from "./draft.ts";
import { ROUTED_GATEWAY6 } from "./node.ts";
import { type LayoutPlan, type PlannedPod, podGateway } from "./plan.ts";
import { TUNNEL_BYTES } from "./presets.ts";

/** The gateway of routed pods, for which their node answers. */
const ROUTED_GATEWAY = "169.254.1.1";

/** Of the plan, only the pod network and what is transmitted at most count. */
export function layOutPod(planned: PlannedPod, plan: LayoutPlan): HostDraft {
  const { pod, node, host } = planned;
  const provenance: Provenance = { origin: pod.origin };
  const { shape, tunnel } = plan.podNetwork;
  // Only a bridge joins pods to their block: others have no route to it but by their node.
  const lengthOf = (address: Address): number =>
    (shape === "bridge" ? podGateway(node, familyOf(address))?.length : undefined) ?? hostPrefix(address).length;
  const addresses: InterfaceAddress[] = pod.addresses.map((address) => addressIn(address, lengthOf(address)));
  const mtu = plan.input.network?.pods?.mtu?.value ?? plan.mtu - TUNNEL_BYTES[tunnel];
  return {
    name: host,
    role: { kind: "pod", namespace: pod.namespace, pod: pod.name, node: node.name },
    interfaces: [
      loopback(provenance, bothFamilies(OWN_ONLY)),
      interfaceOf("eth0", "ethernet", provenance, { mtu, addresses }),
    ],
    routes: FAMILIES.filter((family) => pod.addresses.some((address) => familyOf(address) === family)).flatMap(
      (family) => routesOf(planned, plan, family),
    ),
    listeners: pod.ports.map(({ container, protocol, port }) => ({
      protocol: PROTOCOL_NUMBERS[protocol],
      port,
      by: container,
    })),
    provenance,
  };
}

function routesOf({ node }: PlannedPod, { podNetwork }: LayoutPlan, family: (typeof FAMILIES)[number]): TableRoute[] {
  const inferred = `pods of ${podNetwork.name} have a default route to their node`;
  const provenance: Provenance = { origin: node.podCidrsOrigin, inferred };
  const toAll = defaultPrefix(family);
  const gateway =
    podNetwork.shape === "routed"
      ? parseAddress(family === "IPv4" ? ROUTED_GATEWAY : ROUTED_GATEWAY6)
      : podGateway(node, family)?.address;
  if (gateway === undefined) return [];
  const byGateway = routeTo(toAll, { interface: "eth0", gateway }, provenance);
  switch (podNetwork.shape) {
    case "bridge":
      return [byGateway];
    case "routed":
      return [routeTo(hostPrefix(gateway), { interface: "eth0" }, provenance), byGateway];
    case "ptp": {
      const length = podGateway(node, family)?.length ?? hostPrefix(gateway).length;
      const subnet = { address: maskAddress(gateway, length), length };
      return [
        routeTo(hostPrefix(gateway), { interface: "eth0" }, provenance),
        routeTo(subnet, { interface: "eth0", gateway }, provenance),
        byGateway,
      ];
    }
  }
}
