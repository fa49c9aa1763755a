/** The machines and pods of a cluster. */
import type { Origin } from "../diagnostics.ts";
import type { Address } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import type { ContainerPortSpec } from "../specs/types.ts";

/** An address, and where it stands. */
export interface LocatedAddress {
  readonly address: Address;
  readonly origin: Origin;
}

export interface ClusterNode {
  readonly name: string;
  /** Those of type InternalIP, then those of type ExternalIP. */
  readonly addresses: readonly Address[];
  /** Those of type InternalIP, each with its place. Others may be translated on the way. */
  readonly internalAddresses: readonly LocatedAddress[];
  readonly podCidrs: readonly Prefix[];
  readonly zone: string | undefined;
  /** The input has no Node, and kpc assumes this one. */
  readonly isAssumed: boolean;
  readonly origin: Origin;
  /** Of `podCidrs`; the Node's where it has none. */
  readonly podCidrsOrigin: Origin;
}

/** A Pod that runs, or may: not one that has finished. */
export interface ClusterPod {
  readonly namespace: string;
  readonly name: string;
  /** Undefined: it is not known. */
  readonly nodeName: string | undefined;
  /** Of pods in their node's network: the node's. */
  readonly addresses: readonly Address[];
  readonly isHostNetwork: boolean;
  readonly labels: ReadonlyMap<string, string>;
  /** Those that its containers declare, which tells nothing of others. */
  readonly ports: readonly ContainerPortSpec[];
  /** Names of those that run at the same time: they share one 127.0.0.1. */
  readonly containers: readonly string[];
  /** The whole Pod, with what is assumed of it. */
  readonly origin: Origin;
  /** Of `addresses`. */
  readonly addressOrigin: Origin;
  /** Of `nodeName`. */
  readonly nodeOrigin: Origin;
}
