/** Host ports: ports of a node that lead to one of its pods, as the CNI plugin portmap makes them. */
import { addressField, equal, ORIGINAL_DPORT, rule } from "../ir/build.ts";
import { PRIORITY } from "../ir/constants.ts";
import type { Match, Rule, Table } from "../ir/types.ts";
import type { ClusterNode, ClusterPod } from "../model/hosts.ts";
import { type Address, FAMILIES, type Family, familyOf } from "../net/address.ts";
import type { Port } from "../net/port.ts";
import type { Protocol } from "../net/protocol.ts";
import { dnatTo, inBlocks, MASQUERADE, natChain, natTable, TO_HOST } from "./host-rules.ts";
import type { LayoutPlan } from "./plan.ts";

/** A port of a node, and the pod's port that it leads to. */
export interface HostPort {
  readonly protocol: Protocol;
  readonly port: Port;
  /** Of the node; undefined: each. */
  readonly at: Address | undefined;
  readonly to: Port;
}

/** The ports of a pod's node that lead to the pod (hostPort). A pod in the network of its node has its ports there anyhow. */
export function hostPortsOf({ ports, isHostNetwork }: ClusterPod): HostPort[] {
  if (isHostNetwork) return [];
  return ports.flatMap(({ protocol, port, hostPort }) =>
    hostPort === undefined ? [] : [{ protocol, port: hostPort.port, at: hostPort.address, to: port }],
  );
}

/** Rules for the host ports of a node's pods, a table for each family that has any. Services come first: their chains have a lower
 *  priority, and what they translate is not translated again. */
export function hostPortTables(node: ClusterNode, plan: LayoutPlan): Table[] {
  const pods = (plan.pods.get(node.name) ?? []).filter(({ pod }) => hostPortsOf(pod).length > 0);
  if (pods.length === 0) return [];
  return FAMILIES.flatMap((family) => {
    const found = pods.flatMap(({ pod }) => {
      const address = pod.addresses.find((each) => familyOf(each) === family);
      return address === undefined
        ? []
        : hostPortsOf(pod).flatMap((each) => rulesOf(each, address, node, family) ?? []);
    });
    if (found.length === 0) return [];
    const translate = found.map(({ dnat }) => dnat);
    const chains = [
      natChain("prerouting", PRIORITY.dstnat + 1, translate),
      natChain("output", PRIORITY.dstnat + 1, translate),
      natChain(
        "postrouting",
        PRIORITY.srcnat,
        found.flatMap(({ masquerade }) => masquerade),
      ),
    ];
    return [natTable(family, "host-ports", chains)];
  });
}

interface HostPortRules {
  readonly dnat: Rule;
  readonly masquerade: readonly Rule[];
}

/** Undefined: the host port is at an address of another family. A pod next to the one that it gets would be answered without the
 *  node: the node masquerades what pods of its own send there. */
function rulesOf(
  { protocol, port, at, to }: HostPort,
  address: Address,
  { podCidrs }: ClusterNode,
  family: Family,
): HostPortRules | undefined {
  if (at !== undefined && familyOf(at) !== family) return undefined;
  const isAtNode: Match = at === undefined ? TO_HOST : equal(addressField(family, "daddr"), at);
  const portIs = (number: Port): Match => equal({ kind: "transport", protocol, field: "dport" }, number);
  const own = podCidrs.filter((cidr) => familyOf(cidr.address) === family);
  return {
    dnat: rule(isAtNode, portIs(port), dnatTo(address, to)),
    masquerade:
      own.length === 0
        ? []
        : [
            rule(
              inBlocks(family, "saddr", own),
              equal(addressField(family, "daddr"), address),
              portIs(to),
              equal(ORIGINAL_DPORT, port),
              MASQUERADE,
            ),
          ],
  };
}
