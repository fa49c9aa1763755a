import type { Address } from "../net/address.ts";

/** What the joins need to know of the node that they are made for. */
export interface NodeContext {
  /** Undefined: no endpoint is local. */
  readonly name: string | undefined;
  /** Its label `topology.kubernetes.io/zone`; undefined or empty: zone hints are not followed. */
  readonly zone: string | undefined;
  /** Known addresses; empty when none is known. */
  readonly addresses: readonly Address[];
  /** The controller that IngressClasses name when an Ingress is ours. */
  readonly ingressController: string;
}
