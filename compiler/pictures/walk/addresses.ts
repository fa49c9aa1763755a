/** The ends of packets as pictures write them: marked where no host has them, with `*` for a port that nobody can know before. */
import type { Tuple } from "../../evaluate/connection.ts";
import type { Address } from "../../net/address.ts";
import type { TellingContext } from "../../trace/walk/walk-names.ts";
import type { Leg } from "../../walk/types.ts";
import type { StoryAddress } from "./story.ts";

export class StoryAddresses {
  private readonly context: TellingContext;
  /** Sources of which the kernel chooses the port, as they are written. */
  private readonly chosen = new Set<string>();
  private readonly held: ReadonlySet<Address>;

  constructor(context: TellingContext, legs: readonly Leg[]) {
    this.context = context;
    const hosts = [...context.hosts.values()];
    this.held = new Set(
      hosts.flatMap(({ interfaces }) => interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => address))),
    );
    for (const { hops } of legs)
      for (const step of hops.flatMap(({ steps }) => steps))
        if (step.kind === "translated" && step.choices.some(({ of }) => of === "port"))
          this.chosen.add(context.names.print(step.to.source, step.to.sourcePort));
  }

  print(address: Address, port: number): StoryAddress {
    const text = this.context.names.print(address, port);
    const isOfRules =
      !this.held.has(address) && this.context.names.serviceAt(address, port, this.context.protocol) !== undefined;
    return { text: this.chosen.has(text) ? text.replace(/:\d+$/, ":*") : text, isOfRules };
  }

  source({ source, sourcePort }: Tuple): StoryAddress {
    return this.print(source, sourcePort);
  }

  destination({ destination, destinationPort }: Tuple): StoryAddress {
    return this.print(destination, destinationPort);
  }
}
