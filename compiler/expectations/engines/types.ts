import type { Compiled } from "../../compile.ts";
import { type Diagnostic, printPlace } from "../../diagnostics.ts";
import type { Outcome, Packet } from "../../evaluate/packet.ts";
import type { PrintedText } from "../../ir/unsupported.ts";

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

/** The text. Throws `EngineTrouble` where its language cannot hold all of the rules. */
export function usable({ text, unsupported }: PrintedText): string {
  if (unsupported.length > 0) throw troubleOf(unsupported);
  return text;
}

/** What keeps an engine from being asked: an output that cannot hold the rules. */
export function troubleOf(unsupported: readonly Diagnostic[]): EngineTrouble {
  const texts = unsupported.map(({ message, origin }) => {
    return origin === undefined ? message : `${printPlace(origin.span())}: ${message}`;
  });
  return new EngineTrouble(texts.join("; "));
}
