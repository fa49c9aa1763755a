/** On which node a packet meets its first rules. */
import { parseAddress } from "../net/address.ts";
import type { Specs } from "../specs/types.ts";
import type { PacketText } from "./parse.ts";

/** A node, and what of the packet is there. */
export interface PacketNode {
  readonly name: string;
  /** `pod shop/web-1 runs there`. */
  readonly because: string;
}

/** The node of the pod that sends the packet, by name or address; or the node that sends it, or that it is sent to, by name.
 *  Undefined where the objects do not tell. */
export function packetNode({ from, to }: Pick<PacketText, "from" | "to">, specs: Specs): PacketNode | undefined {
  const pod = podNamed(from.name, specs);
  if (pod !== undefined) {
    const { meta, nodeName } = pod;
    return nodeName === undefined
      ? undefined
      : { name: nodeName, because: `pod ${meta.namespace}/${meta.name} runs there` };
  }
  const sender = nodeNamed(from.name);
  if (sender !== undefined) return { name: sender, because: "the packet is sent there" };
  const receiver = nodeNamed(to.name);
  return receiver === undefined ? undefined : { name: receiver, because: "the packet is sent to it" };
}

function podNamed(text: string, { pods }: Specs): Specs["pods"][number] | undefined {
  const address = parseAddress(text);
  return pods.find(({ meta, podIps }) =>
    address === undefined ? text === `pod/${meta.namespace}/${meta.name}` : podIps.includes(address),
  );
}

function nodeNamed(text: string): string | undefined {
  return /^node\/([^/]+)$/.exec(text)?.[1];
}
