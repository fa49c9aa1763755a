import type { Compiled } from "../compile.ts";
import type { Outcome, Packet } from "../evaluate/packet.ts";

/** What keeps an engine from answering, such as rules that a kernel refuses. */
export class EngineTrouble extends Error {}

/** Something that can say what happens to packets. */
export interface Engine {
  readonly name: string;
  /** Why it cannot run here; undefined when it can. */
  readonly unavailable: () => string | undefined;
  /** The outcome for each of `packets`, in their order, each as the first packet of a connection of its own. More than
   *  one outcome for a packet: they depend on what is not known. Throws `EngineTrouble`. One call at a time. */
  readonly run: (compiled: Compiled, packets: readonly Packet[]) => Promise<readonly (readonly Outcome[])[]>;
  /** Gives back what it holds between runs. */
  readonly close: () => Promise<void>;
}
