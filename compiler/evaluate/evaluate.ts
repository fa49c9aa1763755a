import { ADDRESS_TYPE, CT_STATE } from "../ir/constants.ts";
import type { Hook, Program } from "../ir/types.ts";
import { runBaseChain } from "./chain.ts";
import { addressTypeOf, ownAddressTowards } from "./expression.ts";
import { Machine } from "./machine.ts";
import { outcomeOf } from "./outcome.ts";
import type { Environment, Outcome, Packet, Result } from "./packet.ts";
import { packetFamily } from "./packet.ts";
import { type State, startState } from "./state.ts";

/** What a program does with packets. Keep one for many packets: it has the program's objects by name. */
export class Evaluator {
  private readonly machine: Machine;

  constructor(program: Program) {
    this.machine = new Machine(program);
  }

  /** The fate of `packet`, through all hooks. Several outcomes only where the program holds matches that are not
   *  understood: one for each set of assumptions about them. */
  evaluate(packet: Packet, environment: Environment): Outcome[] {
    const ends =
      packet.inInterface === undefined
        ? this.sendFromHere(startState(packet, environment))
        : this.receive(startState(packet, environment));
    const byAssumptions = new Map<string, State[]>();
    for (const state of ends) {
      const key = state.assumptions
        .map(({ text, holds }) => `${holds ? "" : "not "}${text}`)
        .sort()
        .join("\n");
      byAssumptions.set(key, [...(byAssumptions.get(key) ?? []), state]);
    }
    return [...byAssumptions.values()].map((states) => toOutcome(states));
  }

  /** A packet that comes in by an interface. */
  private receive(state: State): State[] {
    return this.pass("prerouting", state).flatMap((routed) =>
      addressTypeOf(routed.destination, routed) === ADDRESS_TYPE.local
        ? this.pass("input", routed)
        : this.pass("forward", routed).flatMap((forwarded) => this.pass("postrouting", forwarded)),
    );
  }

  /** A packet of the node's own. To a local address it comes back by loopback, with its connection: what NAT decided on
   *  the way out holds, and filters see the source that masquerading gave it. */
  private sendFromHere(state: State): State[] {
    return this.pass("output", state).flatMap((routed) =>
      this.pass("postrouting", routed).flatMap((sent) => {
        if (sent.end !== undefined || addressTypeOf(sent.destination, sent) !== ADDRESS_TYPE.local) return [sent];
        const source = sent.masqueraded ? ownAddressTowards(sent.destination, sent.environment) : sent.source;
        const back = { ...sent, source, inInterface: "lo" };
        return this.pass("prerouting", back).flatMap((looped) => this.pass("input", looped));
      }),
    );
  }

  /** All base chains of a hook. A drop is final; an accept only ends its own chain. */
  private pass(hook: Hook, state: State): State[] {
    if (state.end !== undefined) return [state];
    let running = [state];
    for (const { index, chain } of this.machine.at(packetFamily(state.original), hook)) {
      running = running.flatMap((each) => {
        if (each.end !== undefined || (chain.type === "nat" && !asksNat(hook, each))) return [each];
        return runBaseChain(chain, each, index, hook);
      });
    }
    return running.map((each) => (each.end === undefined ? settle(hook, each) : each));
  }
}

/** NAT chains see the first packet of a connection, until one of them has decided. */
function asksNat(hook: Hook, state: State): boolean {
  if (state.ctState !== CT_STATE.new) return false;
  return isSourceHook(hook) ? !state.sourceSettled : !state.destinationSettled;
}

/** Behind a hook at which NAT is decided, "not translated" is a decision too. */
function settle(hook: Hook, state: State): State {
  if (hook === "forward") return state;
  return isSourceHook(hook) ? { ...state, sourceSettled: true } : { ...state, destinationSettled: true };
}

function isSourceHook(hook: Hook): boolean {
  return hook === "postrouting" || hook === "input";
}

function toOutcome(states: readonly State[]): Outcome {
  const total = states.reduce((sum, { probability }) => sum + probability, 0);
  return outcomeOf(
    states.map((state) => toResult(state, total)),
    states[0]?.assumptions ?? [],
  );
}

function toResult(state: State, total: number): Result {
  const { end, reasons, masqueraded, sticky } = state;
  const base = { probability: state.probability / total, reasons, masquerade: masqueraded };
  if (end !== undefined)
    return end.kind === "drop" ? { ...base, verdict: "drop" } : { ...base, verdict: "reject", rejectWith: end.with };
  const { destination, destinationPort, original } = state;
  if (destination !== original.destination || destinationPort !== original.destinationPort || wasTranslated(state)) {
    return {
      ...base,
      verdict: "dnat",
      endpoint: { address: destination, port: destinationPort },
      ...(sticky === undefined ? {} : { sticky }),
    };
  }
  return { ...base, verdict: state.accepted ? "accept" : "pass" };
}

/** Also a translation to the address that the packet had anyway is one. */
function wasTranslated({ reasons }: State): boolean {
  return reasons.some(({ translated }) => translated !== undefined);
}
