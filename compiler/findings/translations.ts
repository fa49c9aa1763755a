/** Which rules gave a packet another source, and whose packet it was. */
import type { PathStep } from "../evaluate/packet.ts";
import type { Address } from "../net/address.ts";
import type { Host } from "../network/network.ts";
import type { Hop } from "../walk/types.ts";
import type { KnownNetwork } from "./known-network.ts";

export interface SourceTranslation {
  readonly host: Host;
  readonly from: Address;
  readonly to: Address;
  readonly outInterface: string | undefined;
  /** The rule; undefined: it is not known. */
  readonly by: PathStep | undefined;
  /** By other rules than those of Services: a plugin's. */
  readonly isOfPlugin: boolean;
  /** A plugin's rules have translated a packet of a pod of this node. */
  readonly isOwnPod: boolean;
}

/** How `hop` has changed the packet's source; undefined: not at all. */
export function sourceTranslation(known: KnownNetwork, hop: Hop): SourceTranslation | undefined {
  const host = known.host(hop.host);
  const [from, to] = [hop.before.source, hop.after.source];
  const isWrapped = hop.steps.some(
    ({ kind }) => kind === "encapsulated" || kind === "decapsulated" || kind === "proxied",
  );
  if (host === undefined || from === to || isWrapped) return undefined;
  const path = hop.steps.flatMap((step) => (step.kind === "rules" ? step.path : []));
  const by = path.findLast((step) => step.kind === "rule" && step.effect.kind === "source");
  const isOfPlugin = by !== undefined && by.table !== "kpc" && !isOfKubeProxy(by);
  const owner = known.ownerOf(from)?.host;
  const isPod = owner?.role.kind === "pod" && `node/${owner.role.node}` === host.name;
  return { host, from, to, outInterface: hop.outInterface, by, isOfPlugin, isOwnPod: isOfPlugin && isPod };
}

function isOfKubeProxy(step: PathStep): boolean {
  return step.table === "kube-proxy" || ("chain" in step && step.chain.startsWith("KUBE-"));
}
