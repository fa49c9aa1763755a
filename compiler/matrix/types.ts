/** Who reaches which Service in a described cluster, by whom connections are taken, and as whom clients are seen. */
import type { Address } from "../net/address.ts";

/** By which address a Service is asked for. */
export type MatrixEntry = (typeof MATRIX_ENTRIES)[number];

export const MATRIX_ENTRIES = ["cluster-ip", "node-port", "load-balancer", "external-ip", "gateway-forward"] as const;

/** Who asks. */
export interface MatrixSource {
  /** `pod/shop/web-1`, `node/n1`, `outside/client`. */
  readonly name: string;
  /** The host of the network that sends: of a pod in its node's network the node. */
  readonly host: string;
  /** The node's name, of pods and nodes. */
  readonly node: string | undefined;
}

/** One address and port of a Service. */
export interface MatrixTarget {
  /** `namespace/name:portname`; undefined: a forwarded port of the gateway that leads to no node port. */
  readonly service: string | undefined;
  readonly entry: MatrixEntry;
  /** IANA number. */
  readonly protocol: number;
  readonly address: Address;
  readonly port: number;
  /** The node's name, of node ports. */
  readonly node: string | undefined;
}

/** What can become of a connection; those of a cell differ, and their probabilities add up to 1. */
export interface MatrixOutcome {
  readonly probability: number;
  /** It depends on what kpc does not know, such as a match that it does not read. */
  readonly isConditional: boolean;
  /** `delivered`, or how the first packet ends. */
  readonly end: string;
  /** The host where that is; `client`: the sender itself. */
  readonly host: string;
  /** At which the connection is taken; undefined: it is not. */
  readonly port: number | undefined;
  /** Whom the endpoint takes for its client: `client`, or the host that has the address, and the address. */
  readonly seenAs: string | undefined;
  /** `answered`, or how the answer ends and where. */
  readonly reply: string | undefined;
}

/** Sources for which the same becomes of connections to a target. */
export interface MatrixCell {
  readonly sources: readonly MatrixSource[];
  readonly outcomes: readonly MatrixOutcome[];
}

export interface MatrixRow {
  readonly target: MatrixTarget;
  /** In the order of their first sources. */
  readonly cells: readonly MatrixCell[];
}

export interface Matrix {
  /** All that ask: pods by name, nodes, hosts outside. */
  readonly sources: readonly MatrixSource[];
  readonly rows: readonly MatrixRow[];
  /** Pods of which the node or the address is not known: nothing is said of them. */
  readonly leftOut: readonly string[];
  /** How many packets were followed. */
  readonly walks: number;
}

/** Whether each connection is taken, and answered. */
export function isAnswered(outcomes: readonly MatrixOutcome[]): boolean {
  return outcomes.every(
    ({ end, reply, isConditional }) => end === "delivered" && reply === "answered" && !isConditional,
  );
}
