/** The nodes of a network, each with the pods of it that stand for the others there. */
import type { AlikeHosts } from "../matrix/alike-hosts.ts";
import { type Address, FAMILIES, type Family, familyOf } from "../net/address.ts";
import type { Host, Network } from "../network/network.ts";

export interface NodeGroup {
  readonly node: Host;
  /** Two of each class of pods that nothing tells apart, one of them an endpoint where the class has one. */
  readonly pods: readonly Host[];
  /** The first one of each class. */
  readonly firstPods: readonly Host[];
}

/** `classes`: of the network's hosts. `isEndpoint`: whether a Service has the address among its endpoints. */
export function nodeGroups(
  network: Network,
  classes: AlikeHosts,
  isEndpoint: (address: Address) => boolean,
): readonly NodeGroup[] {
  const hosts = [...network.hosts.values()];
  const byNode = new Map<string, Map<string, Host[]>>();
  for (const host of hosts) {
    if (host.role.kind !== "pod") continue;
    const node = `node/${host.role.node}`;
    const ofNode = byNode.get(node) ?? new Map<string, Host[]>();
    byNode.set(node, ofNode);
    const key = `${familiesOf(host).join()} ${classes.classOf(host.name) ?? host.name}`;
    const members = ofNode.get(key) ?? [];
    ofNode.set(key, members);
    members.push(host);
  }
  return hosts
    .filter(({ role }) => role.kind === "node")
    .map((node) => {
      const own = [...(byNode.get(node.name) ?? [])].map(([, members]) => {
        const first = members.find((each) => FAMILIES.some((family) => isServed(each, family, isEndpoint)));
        return first === undefined ? members : [first, ...members.filter((each) => each !== first)];
      });
      return {
        node,
        pods: own.flatMap((each) => each.slice(0, 2)),
        firstPods: own.flatMap((each) => each.slice(0, 1)),
      };
    });
}

function isServed(host: Host, family: Family, isEndpoint: (address: Address) => boolean): boolean {
  const address = addressIn(host, family);
  return address !== undefined && isEndpoint(address);
}

function familiesOf(host: Host): readonly Family[] {
  return FAMILIES.filter((family) => addressIn(host, family) !== undefined);
}

/** An address of the host, not of its loopback interface or of a bridge. */
export function addressIn({ interfaces }: Host, family: Family): Address | undefined {
  return interfaces
    .filter(({ kind }) => kind === "ethernet")
    .flatMap(({ addresses }) => addresses)
    .find(({ address, scope }) => scope === "global" && familyOf(address) === family)?.address;
}
