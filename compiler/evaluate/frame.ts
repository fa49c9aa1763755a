import { invariant } from "../invariant.ts";
import type { BaseChain, Chain, Hook } from "../ir/types.ts";
import type { TableIndex } from "./machine.ts";
import type { Effect, Location, Reason } from "./packet.ts";
import type { Reads } from "./reads.ts";
import type { Control, State } from "./state.ts";

/** Where evaluation stands. */
export interface Frame {
  readonly table: TableIndex;
  readonly hook: Hook;
  readonly chain: string;
  readonly depth: number;
  readonly base: BaseChain;
  /** What may be asked for behind this chain. */
  readonly later: () => Reads;
  /** Runs a chain to which a verdict leads. */
  readonly enter: (chain: Chain, state: State, frame: Frame) => Progress[];
}

/** Packets after a rule or chain. `flow` tells where they go on: at the next rule, behind the jump that led here, or
 *  nowhere, because the base chain is done with them. */
export interface Progress {
  readonly state: State;
  readonly flow: "next" | "return" | "done";
}

/** After a step: `continue` with the rule's next step, else as in `Progress`. */
export interface StepProgress {
  readonly state: State;
  readonly flow: "continue" | Progress["flow"];
}

/** What a reason tells besides the rule; `effect` where the statement alone does not tell it. */
export type ReasonExtra = Pick<Reason, "element" | "declaration" | "translated"> & { readonly effect?: Effect };

/** Where the packets are. */
export function locationOf({ table: { table }, hook, base, chain, depth }: Frame): Location {
  const { name, family } = table;
  invariant(family === "ip" || family === "ip6" || family === "inet", "only IP tables are evaluated");
  return { hook, table: name, family, base, chain, depth };
}

/** Adds the rule at hand to the reasons of a single packet. */
export type Because = (control: Control, extra?: ReasonExtra) => Control;
