/** A node: its interfaces, and its routes to pods and to other nodes. */
import { Memo } from "../memo.ts";
import type { ClusterNode } from "../model/hosts.ts";
import { FAMILIES, familyOf, literalAddress } from "../net/address.ts";
import { hostPrefix, prefixContains } from "../net/prefix.ts";
import type { HostInterface, Link } from "../network/network.ts";
import type { Provenance } from "../network/provenance.ts";
import type { InterfaceAddress, TableRoute } from "../network/types.ts";
import type { RouteSpec } from "../specs/network-types.ts";
import { addressIn, defaultPrefix, type HostDraft, interfaceOf, linkOf, loopback, routeTo } from "./draft.ts";
import { type NodeSysctls, settingsOf } from "./node-settings.ts";
import { type LayoutPlan, nodeAddress, type PlannedPod, podGateway, switchPort } from "./plan.ts";
import { TUNNEL_BYTES } from "./presets.ts";

export const SWITCH = "switch";

/** The link-local address of a node on the wire of a routed pod. */
export const ROUTED_GATEWAY6 = "fe80::ecee:eeff:feee:eeee";

export function layOutNode(
  node: ClusterNode,
  plan: LayoutPlan,
): { readonly draft: HostDraft; readonly links: readonly Link[] } {
  const name = `node/${node.name}`;
  const provenance: Provenance = { origin: node.origin };
  const settings = sysctlsFor(node, plan);
  const pods = plan.pods.get(node.name) ?? [];
  const underlay = plan.input.network?.underlay?.interface ?? "eth0";
  const sysctls = (iface: string): HostInterface["sysctls"] => settings.sysctlsOf(iface);
  const eth0 = interfaceOf(underlay, "ethernet", provenance, {
    mtu: plan.mtu,
    sysctls: sysctls(underlay),
    addresses: addressesOf(node, plan),
  });
  const own = [
    loopback(provenance, sysctls("lo")),
    eth0,
    ...tunnelOf(node, plan, settings),
    ...bridgeOf(node, plan, settings),
  ].map((each) => withProxyArp(each, settings));
  const wires = pods.map((planned) => wireOf(planned, plan, settings));
  const interfaces = [...own, ...wires.map(({ veth }) => veth)];
  return {
    draft: {
      name,
      role: { kind: "node", node: node.name },
      interfaces,
      routes: [
        // Of equal routes the first counts, so that what is said comes before what is inferred.
        ...ownRoutes(node, plan, interfaces),
        ...defaultRoutes(underlay, plan),
        ...routesToPods(node, plan),
        ...routesToNodes(node, underlay, plan),
      ],
      bridgeNetfilter: settings.bridgeNetfilter,
      provenance,
      settings: settings.provenance,
    },
    links: [linkOf([name, underlay], [SWITCH, switchPort(node, plan)], provenance), ...wires.map(({ link }) => link)],
  };
}

const SYSCTLS = new Memo<ClusterNode, NodeSysctls>();

function sysctlsFor(node: ClusterNode, plan: LayoutPlan): NodeSysctls {
  const { network, localhostNodePorts } = plan.input;
  return SYSCTLS.of(node, [network, localhostNodePorts], () => settingsOf(node, plan));
}

function withProxyArp(each: HostInterface, settings: NodeSysctls): HostInterface {
  return { ...each, proxyArp: settings.proxyArpOf(each.name, each.proxyArp) };
}

/** What joins a pod to its node. */
interface PodWire {
  readonly veth: HostInterface;
  readonly link: Link;
}

const WIRES = new Memo<PlannedPod, PodWire>();

function wireOf(planned: PlannedPod, plan: LayoutPlan, settings: NodeSysctls): PodWire {
  const { podNetwork } = plan;
  const inputs = [settings, podNetwork.shape, podNetwork.bridge, podNetwork.hairpin, podMtu(plan)];
  return WIRES.of(planned, inputs, () => {
    const { node, veth, host, pod } = planned;
    return {
      veth: withProxyArp(vethOf(node, veth, plan, settings), settings),
      link: linkOf([`node/${node.name}`, veth], [host, "eth0"], { origin: pod.origin }),
    };
  });
}

/** An address that is not in the underlay, such as an ExternalIP, makes no subnet of its own. */
function addressesOf({ addresses }: ClusterNode, { underlays }: LayoutPlan): InterfaceAddress[] {
  return FAMILIES.flatMap((family): InterfaceAddress[] => {
    const cidr = underlays[family]?.cidr;
    if (cidr === undefined) return [];
    return addresses
      .filter((address) => familyOf(address) === family)
      .map((address) => addressIn(address, prefixContains(cidr, address) ? cidr.length : hostPrefix(address).length));
  });
}

function podMtu({ mtu, podNetwork, input }: LayoutPlan): number {
  return input.network?.pods?.mtu?.value ?? mtu - TUNNEL_BYTES[podNetwork.tunnel];
}

function bridgeOf(node: ClusterNode, plan: LayoutPlan, settings: NodeSysctls): HostInterface[] {
  const { shape, bridge } = plan.podNetwork;
  if (shape !== "bridge") return [];
  const inferred = "the bridge of a node's pods has the first address of the node's pod CIDR";
  return [
    interfaceOf(
      bridge,
      "bridge",
      { ...placeOf(node), inferred },
      {
        mtu: podMtu(plan),
        sysctls: settings.sysctlsOf(bridge),
        addresses: FAMILIES.flatMap((family) => {
          const gateway = podGateway(node, family);
          return gateway === undefined ? [] : [addressIn(gateway.address, gateway.length)];
        }),
      },
    ),
  ];
}

function placeOf(node: ClusterNode): Provenance {
  return { origin: node.podCidrsOrigin };
}

function vethOf(node: ClusterNode, veth: string, plan: LayoutPlan, settings: NodeSysctls): HostInterface {
  const { shape, bridge, hairpin } = plan.podNetwork;
  const inferred = "each pod has a wire to its node";
  const base = interfaceOf(
    veth,
    "ethernet",
    { origin: node.origin, inferred },
    {
      mtu: podMtu(plan),
      sysctls: settings.sysctlsOf(veth),
    },
  );
  switch (shape) {
    case "bridge":
      return { ...base, port: { bridge, hairpin, isolated: false, isForwarding: true } };
    case "routed":
      return {
        ...base,
        proxyArp: true,
        addresses: [{ address: literalAddress(ROUTED_GATEWAY6), length: 64, scope: "link" }],
      };
    case "ptp":
      return {
        ...base,
        addresses: FAMILIES.flatMap((family) => {
          const gateway = podGateway(node, family);
          return gateway === undefined ? [] : [addressIn(gateway.address, hostPrefix(gateway.address).length)];
        }),
      };
  }
}

function tunnelOf(node: ClusterNode, plan: LayoutPlan, settings: NodeSysctls): HostInterface[] {
  const { tunnel, tunnelName, tunnelPort } = plan.podNetwork;
  if (tunnel === "none") return [];
  const inferred = `the ${tunnel === "vxlan" ? "VXLAN" : "IPIP"} device has the first address of the node's pod CIDR`;
  const local = nodeAddress(node, "IPv4");
  if (local === undefined) return [];
  const remotes = new Map(
    plan.input.nodes.flatMap((other) => {
      const outer = nodeAddress(other, "IPv4");
      if (other.name === node.name || outer === undefined) return [];
      return FAMILIES.flatMap((family) => {
        const inner = tunnelAddress(other, family);
        return inner === undefined ? [] : [[inner, outer] as const];
      });
    }),
  );
  return [
    interfaceOf(
      tunnelName,
      tunnel,
      { ...placeOf(node), inferred },
      {
        mtu: podMtu(plan),
        sysctls: settings.sysctlsOf(tunnelName),
        addresses: FAMILIES.flatMap((family) => {
          const address = tunnelAddress(node, family);
          return address === undefined ? [] : [addressIn(address, hostPrefix(address).length)];
        }),
        tunnel: { local, ...(tunnel === "vxlan" ? { port: tunnelPort } : {}), remotes },
      },
    ),
  ];
}

/** flannel gives its device the block's own address. */
function tunnelAddress(
  { podCidrs }: ClusterNode,
  family: (typeof FAMILIES)[number],
): InterfaceAddress["address"] | undefined {
  return podCidrs.find(({ address }) => familyOf(address) === family)?.address;
}

function defaultRoutes(underlay: string, plan: LayoutPlan): TableRoute[] {
  return FAMILIES.flatMap((family) => {
    const found = plan.underlays[family];
    if (found === undefined) return [];
    const inferred = "nodes have a default route to their gateway";
    return [routeTo(defaultPrefix(family), { interface: underlay, gateway: found.gateway }, { inferred })];
  });
}

/** Each routed pod has a route of its own. */
function routesToPods(node: ClusterNode, plan: LayoutPlan): TableRoute[] {
  if (plan.podNetwork.shape === "bridge") return [];
  const inferred = "the node has a route to each of its pods";
  return (plan.pods.get(node.name) ?? []).flatMap(({ pod, veth }) =>
    pod.addresses.map((address) => routeTo(hostPrefix(address), { interface: veth }, { origin: pod.origin, inferred })),
  );
}

function routesToNodes(node: ClusterNode, underlay: string, plan: LayoutPlan): TableRoute[] {
  const { tunnel, tunnelName } = plan.podNetwork;
  return plan.input.nodes
    .filter(({ name }) => name !== node.name)
    .flatMap((other) =>
      other.podCidrs.flatMap((cidr): TableRoute[] => {
        const family = familyOf(cidr.address);
        const inferred = `nodes have a route to the pods of each other node`;
        const provenance: Provenance = { origin: other.podCidrsOrigin, inferred };
        if (tunnel !== "none") {
          const gateway = tunnelAddress(other, family);
          return gateway === undefined
            ? []
            : [routeTo(cidr, { interface: tunnelName, gateway, isOnLink: true }, provenance)];
        }
        const gateway = nodeAddress(other, family);
        return gateway === undefined ? [] : [routeTo(cidr, { interface: underlay, gateway }, provenance)];
      }),
    );
}

/** The routes of a node that the Cluster document names. */
function ownRoutes(node: ClusterNode, plan: LayoutPlan, interfaces: readonly HostInterface[]): TableRoute[] {
  const spec = plan.input.network?.nodes.find(({ name }) => name.value === node.name);
  return (spec?.routes ?? []).map((route) => toRoute(route, plan, interfaces));
}

function toRoute(route: RouteSpec, plan: LayoutPlan, interfaces: readonly HostInterface[]): TableRoute {
  const { kind, to, via, metric, source, field } = route;
  const out = route.interface ?? plan.input.network?.underlay?.interface ?? interfaces[1]?.name ?? "eth0";
  const others: Partial<TableRoute> = {
    kind,
    ...(metric === undefined ? {} : { metric }),
    ...(source === undefined ? {} : { preferredSource: source }),
    ...(kind === "unicast" ? {} : { hops: [] }),
  };
  return routeTo(to, { interface: out, ...(via === undefined ? {} : { gateway: via }) }, { origin: field }, others);
}
