import { invariant } from "../invariant.ts";
import type { BaseChain, Chain, Hook } from "../ir/types.ts";
import type { HookEntry } from "./hooks.ts";
import type { Effect, Location, Reason } from "./packet.ts";
import type { Branch, SharedState, State } from "./state.ts";
import type { TableIndex } from "./table-index.ts";

/** Where evaluation stands. */
export interface Frame {
  readonly table: TableIndex;
  readonly hook: Hook;
  readonly chain: string;
  readonly depth: number;
  readonly base: BaseChain;
  /** Of the chain that led here; undefined: this is the base chain. */
  readonly caller: Frame | undefined;
  readonly behind: Behind;
  readonly runner: Runner;
}

/** The base chains that packets may still come to behind one. */
export interface Behind {
  /** Chains of the same place: those of `entries` from `next` on. */
  readonly entries: readonly HookEntry[];
  readonly next: number;
  /** All other chains: equal lists are one object. Undefined: it is not known which chains follow. */
  readonly later: readonly HookEntry[] | undefined;
}

/** How rules are run. `PLAIN` runs one after the other; others do the same with less work. */
export interface Runner {
  /** Runs a chain. */
  readonly run: (chain: Chain, state: State, frame: Frame) => Advance[];
  /** Merges states to which the chains `behind` do the same. */
  readonly merge: (states: readonly State[], behind: Behind) => readonly State[];
  /** Merges branches of one state. */
  readonly tidy: (branches: readonly Branch[]) => readonly Branch[];
}

/** Packets after a rule or chain. `flow` tells where they go on: at the next rule, behind the jump that led here, or
 *  nowhere, because the base chain is done with them. */
export interface Advance {
  readonly state: State;
  readonly flow: "next" | "return" | "done";
}

/** After a step: `continue` with the rule's next step, else as in `Advance`. */
export interface StepProgress {
  readonly state: State;
  readonly flow: "continue" | Advance["flow"];
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
export type Because = (shared: SharedState, extra?: ReasonExtra) => SharedState;
