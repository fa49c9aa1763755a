/** What a picture of a cluster says: its nodes and pods, where the endpoints of a Service are, what is wrong where. */
import type { Diagnostic } from "../../diagnostics.ts";
import type { Cluster } from "../../model/types.ts";
import { type Address, FAMILIES, printAddress } from "../../net/address.ts";
import { maskAddress, printPrefix } from "../../net/prefix.ts";
import type { Host, Network } from "../../network/network.ts";
import { compareBy } from "../../order.ts";
import { naturalKey } from "../service/fan-out.ts";

export interface ClusterStory {
  /** `shop/web`; undefined: no Service was asked for. */
  readonly service: string | undefined;
  /** By name, numbers as numbers. */
  readonly nodes: readonly StoryNode[];
  /** Pods of which no node is known. */
  readonly homeless: number;
  /** What joins the nodes; undefined: nothing is known. */
  readonly lan: string | undefined;
  readonly edge: readonly StoryEdge[];
  /** Undefined: nobody has looked. */
  readonly findings: readonly FindingAtHost[] | undefined;
}

export interface StoryNode {
  readonly name: string;
  readonly zone: string | undefined;
  readonly address: string;
  /** Endpoints first: ready ones, then the others; then by name. */
  readonly pods: readonly StoryPod[];
  readonly isFaulty: boolean;
}

export interface StoryPod {
  readonly name: string;
  readonly address: string;
  readonly part: PodPart;
}

/** What a pod is for the Service that was asked for. */
export type PodPart = "ready" | "not-ready" | "other";

/** A gateway, a load balancer, somebody outside. */
export interface StoryEdge {
  readonly name: string;
  readonly address: string;
  readonly isOutside: boolean;
}

export interface FindingAtHost {
  /** The node, or the host that is none; undefined: it is about no host. */
  readonly where: string | undefined;
  readonly code: string;
  readonly message: string;
  readonly fix: string | undefined;
}

/** `service`: namespace/name. */
export function clusterStory(
  cluster: Cluster,
  network: Network,
  findings: readonly Diagnostic[] | undefined,
  service: string | undefined,
): ClusterStory {
  const parts = partsOf(cluster, service);
  const byNode = new Map<string, StoryPod[]>(cluster.nodes.map(({ name }) => [name, []]));
  let homeless = 0;
  for (const { namespace, name, nodeName, addresses, isHostNetwork } of cluster.pods) {
    const pods = nodeName === undefined ? undefined : byNode.get(nodeName);
    if (pods === undefined) homeless++;
    const [address] = addresses;
    const part = addresses.map((each) => parts.get(each)).find((each) => each !== undefined) ?? "other";
    pods?.push({
      name: `${namespace}/${name}`,
      address: address === undefined ? "no address" : isHostNetwork ? "the node's network" : printAddress(address),
      part,
    });
  }
  const told = findings?.map((finding) => toldFinding(finding, network));
  const faulty = new Set(told?.map(({ where }) => where));
  return {
    service,
    nodes: [...cluster.nodes]
      .sort(compareBy(({ name }) => naturalKey(name)))
      .map(({ name, zone, addresses: [address] }) => ({
        name,
        zone,
        address: address === undefined ? "" : printAddress(address),
        pods: (byNode.get(name) ?? []).sort(
          compareBy(
            ({ part }) => PARTS.indexOf(part),
            (pod) => naturalKey(pod.name),
          ),
        ),
        isFaulty: faulty.has(name),
      })),
    homeless,
    lan: lanOf(network),
    edge: edgeOf(network),
    findings: told,
  };
}

export const PARTS: readonly PodPart[] = ["ready", "not-ready", "other"];

/** By address, what it is of the Service. */
function partsOf({ servicePorts }: Cluster, service: string | undefined): ReadonlyMap<Address, PodPart> {
  const parts = new Map<Address, PodPart>();
  if (service === undefined) return parts;
  for (const { namespace, name, candidates } of FAMILIES.flatMap((family) => servicePorts[family]))
    if (`${namespace}/${name}` === service)
      for (const { address, ready } of candidates)
        if (parts.get(address) !== "ready") parts.set(address, ready ? "ready" : "not-ready");
  return parts;
}

function toldFinding({ host, code, message, fix }: Diagnostic, { hosts }: Network): FindingAtHost {
  const role = host === undefined ? undefined : hosts.get(host)?.role;
  const where = role?.kind === "node" || role?.kind === "pod" ? role.node : host;
  return { where, code, message, fix: fix?.command };
}

function lanOf({ hosts }: Network): string | undefined {
  const node = [...hosts.values()].find(({ role }) => role.kind === "node");
  if (node === undefined || ![...hosts.values()].some(({ role }) => role.kind === "switch")) return undefined;
  const prefixes = node.interfaces
    .filter(({ kind, port }) => kind === "ethernet" && port === undefined)
    .flatMap(({ addresses }) => addresses.slice(0, 2))
    .map(({ address, length }) => printPrefix({ address: maskAddress(address, length), length }));
  return ["switch", ...prefixes].join("  ");
}

function edgeOf({ hosts }: Network): StoryEdge[] {
  const kinds: readonly string[] = ["gateway", "load-balancer", "outside"];
  const shown = [...hosts.values()].filter(({ role }) => kinds.includes(role.kind));
  return shown
    .sort(
      compareBy(
        ({ role }) => kinds.indexOf(role.kind),
        ({ name }) => naturalKey(name),
      ),
    )
    .map((host) => ({ name: host.name, address: firstAddress(host), isOutside: host.role.kind === "outside" }));
}

function firstAddress({ interfaces }: Host): string {
  const [first] = interfaces.filter(({ kind }) => kind !== "loopback").flatMap(({ addresses }) => addresses);
  return first === undefined ? "" : printAddress(first.address);
}
