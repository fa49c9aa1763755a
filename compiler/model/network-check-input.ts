/** What the addresses of a cluster are checked against. */
import type { Origin } from "../diagnostics.ts";
import type { Prefix } from "../net/prefix.ts";
import type { Specs } from "../specs/types.ts";
import type { Cluster } from "./types.ts";

export interface NetworkCheckInput {
  readonly cluster: Pick<Cluster, "nodes" | "pods">;
  readonly specs: Pick<Specs, "services" | "pods" | "nodes" | "workloads" | "network" | "skipped">;
  readonly serviceCidrs: readonly LocatedPrefix[];
}

/** A block, and where it stands in the input. */
export interface LocatedPrefix {
  readonly prefix: Prefix;
  readonly origin: Origin | undefined;
}
