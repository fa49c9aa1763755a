import { expect, test } from "vitest";
import { layOut } from "../../../compiler/layout/layout.ts";
import { resolveNodes, resolvePods } from "../../../compiler/model/resolve-hosts.ts";
import { printAddress } from "../../../compiler/net/address.ts";
import { loadSpecs } from "../../../compiler/specs/load.ts";

/** The addresses of the first interface of node n1 besides loopback, as `ip addr` prints them. */
function addressesOf(text: string): string[] {
  const specs = loadSpecs([{ name: "a.yaml", text }], ({ message }) => {
    throw new Error(message);
  });
  const { network } = layOut({
    nodes: resolveNodes(specs),
    pods: resolvePods(specs),
    services: specs.services,
    servicePorts: [],
    network: specs.network,
    clusterCidrs: [],
    masqueradesPods: false,
    localhostNodePorts: false,
    collected: new Map(),
  });
  const [, eth0] = network.hosts.get("node/n1")?.interfaces ?? [];
  return (eth0?.addresses ?? []).map(({ address, length }) => `${printAddress(address)}/${length}`);
}

const NODE = `apiVersion: v1
kind: Node
metadata: {name: n1}
status:
  addresses:
  - {type: ExternalIP, address: 203.0.113.7}
  - {type: InternalIP, address: 192.168.0.1}
  - {type: InternalIP, address: "fd00::1"}
`;

test("a node's addresses in the underlay have its length; others make no subnet", () => {
  expect(addressesOf(NODE)).toEqual(["192.168.0.1/24", "203.0.113.7/32", "fd00::1/64"]);
  const cluster = "---\napiVersion: kpc.dev/v1alpha1\nkind: Cluster\nunderlay: {cidr: 192.168.0.0/16}\n";
  expect(addressesOf(NODE + cluster)).toEqual(["192.168.0.1/16", "203.0.113.7/32", "fd00::1/64"]);
});
