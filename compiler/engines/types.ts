import type { Compiled } from "../compile.ts";
import type { Outcome, Packet } from "../evaluate/packet.ts";

/** Something that can say what happens to packets. */
export interface Engine {
  readonly name: string;
  /** Why it cannot run here; undefined when it can. */
  readonly unavailable: () => string | undefined;
  /** The outcome for each of `packets`, in their order, each as the first packet of a connection of its own. More than
   *  one outcome for a packet: they depend on what is not known. */
  readonly run: (compiled: Compiled, packets: readonly Packet[]) => readonly (readonly Outcome[])[];
}
