/** What is laid out, decided before any host is made: which pods are where, and who has which address. */
import { required } from "../invariant.ts";
import { Memo } from "../memo.ts";
import type { ClusterNode, ClusterPod } from "../model/hosts.ts";
import { type Address, type Family, familyOf } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import { interfaceName, portNames } from "./interface-names.ts";
import type { PodNetwork } from "./presets.ts";
import type { LayoutInput, Underlay } from "./types.ts";
import { plus, underlaysOf } from "./underlay.ts";

export interface LayoutPlan {
  readonly input: LayoutInput;
  readonly podNetwork: PodNetwork;
  readonly underlays: Readonly<Partial<Record<Family, Underlay>>>;
  /** Pods with a network of their own, by their node. */
  readonly pods: ReadonlyMap<string, readonly PlannedPod[]>;
  readonly aliases: ReadonlyMap<string, string>;
  /** The switch's ports, by the hosts that they lead to. */
  readonly nodePorts: ReadonlyMap<string, string>;
  /** Blocks of all pods. */
  readonly podCidrs: readonly Prefix[];
  /** Bytes. */
  readonly mtu: number;
}

export interface PlannedPod {
  readonly pod: ClusterPod;
  readonly node: ClusterNode;
  /** `pod/NAMESPACE/NAME`. */
  readonly host: string;
  /** The node's end of its wire. */
  readonly veth: string;
}

const PLANNED = new Memo<ClusterPod, PlannedPod>();

export function planOf(input: LayoutInput, podNetwork: PodNetwork): LayoutPlan {
  const nodes = new Map(input.nodes.map((node) => [node.name, node]));
  const pods = new Map<string, PlannedPod[]>();
  const aliases = new Map<string, string>();
  const names = new Map<string, Set<string>>();
  for (const pod of input.pods) {
    const node = pod.nodeName === undefined ? undefined : nodes.get(pod.nodeName);
    if (node === undefined) continue;
    const host = `pod/${pod.namespace}/${pod.name}`;
    if (pod.isHostNetwork) {
      aliases.set(host, `node/${node.name}`);
      continue;
    }
    if (pod.addresses.length === 0) continue;
    const taken = names.get(node.name) ?? new Set<string>();
    names.set(node.name, taken);
    const veth = vethName(pod, podNetwork, taken);
    taken.add(veth);
    const planned = pods.get(node.name) ?? [];
    if (planned.length === 0) pods.set(node.name, planned);
    planned.push(PLANNED.of(pod, [node, veth], () => ({ pod, node, host, veth })));
  }
  const given = input.network?.pods?.cidrs.map(({ value }) => value) ?? [];
  const ofNodes = input.nodes.flatMap(({ podCidrs }) => podCidrs);
  const podCidrs = given.length > 0 ? given : input.clusterCidrs.length > 0 ? input.clusterCidrs : ofNodes;
  const mtu = input.network?.underlay?.mtu?.value ?? 1500;
  const nodePorts = portNames(input.nodes.map(({ name }) => `node/${name}`));
  return { input, podNetwork, underlays: underlaysOf(input), pods, aliases, nodePorts, podCidrs, mtu };
}

function vethName({ name }: ClusterPod, { shape }: PodNetwork, taken: ReadonlySet<string>): string {
  return interfaceName(`${shape === "routed" ? "cali" : "veth"}-${name}`, taken);
}

/** The address in the underlay by which other nodes reach it. */
export function nodeAddress({ addresses }: ClusterNode, family: Family): Address | undefined {
  return addresses.find((address) => familyOf(address) === family);
}

/** The port of the switch that leads to a node. */
export function switchPort({ name }: ClusterNode, { nodePorts }: LayoutPlan): string {
  return required(nodePorts.get(`node/${name}`), `the switch has a port for ${name}`);
}

/** The node's own address among its pods: the first of their block. */
export function podGateway(
  { podCidrs }: ClusterNode,
  family: Family,
): { readonly address: Address; readonly length: number } | undefined {
  const cidr = podCidrs.find(({ address }) => familyOf(address) === family);
  return cidr && { address: plus(cidr.address, 1), length: cidr.length };
}
