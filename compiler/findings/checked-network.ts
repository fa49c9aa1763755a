/** A described network, as it is checked without a flow. */
import type { Program } from "../ir/types.ts";
import type { Cluster } from "../model/types.ts";
import type { Host } from "../network/network.ts";
import type { Specs } from "../specs/types.ts";
import type { PacketWalker } from "../walk/walk.ts";
import type { KnownNetwork } from "./known-network.ts";

export interface CheckedNetwork {
  readonly input: { readonly cluster: Cluster; readonly specs: Specs };
  readonly known: KnownNetwork;
  readonly walker: PacketWalker;
  /** The rules of a host; undefined: it has none. */
  readonly programOf: (host: Host) => Program | undefined;
}
