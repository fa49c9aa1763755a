import { invariant, required } from "../invariant.ts";
import { ADDRESS_TYPE } from "../ir/constants.ts";
import type { Hook, Program } from "../ir/types.ts";
import type { Address } from "../net/address.ts";
import { addressTypeOf, addressTypes } from "./address-type.ts";
import { type Assumption, areConsistent } from "./assumption.ts";
import { runBaseChain } from "./chain.ts";
import { ownAddressOf } from "./expression.ts";
import { Machine, placeOf, placeOfNat } from "./machine.ts";
import { merge } from "./merge.ts";
import { outcomeOf } from "./outcome.ts";
import { alone, type Environment, type Outcome, type Packet, type Packets, type Result } from "./packet.ts";
import type { Cut, Ranges } from "./ranges.ts";
import { type Region, within, without } from "./region.ts";
import { type Now, narrow, type State, startState, valueNow } from "./state.ts";
import { asksNat, isBeforeTracking, mayBeTranslated, runBeforeTracking, settle, translateAgain } from "./tracking.ts";

/** One of the things that happen to packets of a region, each of which fares alike. */
export interface Fate extends Omit<Result, "endpoint" | "reasons"> {
  readonly region: Region;
  /** `daddr`, `dport`: where each of the packets went anyway. */
  readonly endpoint?: { readonly address: Now<Address>; readonly port: Now<number> };
  readonly assumptions: readonly Assumption[];
}

/** What a program does with packets. Keep one for many packets: it has the program's objects by name. */
export class Evaluator {
  private readonly machine: Machine;

  constructor(program: Program) {
    this.machine = new Machine(program);
  }

  /** The fate of `packet`, through all hooks. Several outcomes only where the program holds matches that are not
   *  understood: one for each set of assumptions about them. */
  evaluate(packet: Packet, environment: Environment): Outcome[] {
    const ends = this.run(alone(packet), environment, (state) => state);
    return outcomesOf(ends, []);
  }

  /** What happens to `packets`. A packet may be in several regions: all of what is said of them happens to it, each with its
   *  probability. Assumptions are made as by `evaluate`, but for those that make no difference to anything. */
  follow(packets: Packets, environment: Environment): Fate[] {
    return this.run(packets, environment, toFate);
  }

  /** What `end` makes of all that can become of the packets. */
  private run<T>(packets: Packets, environment: Environment, end: (state: State) => T): T[] {
    const state = startState(packets, environment);
    return packets.inInterface === undefined ? this.sendFromHere(state, end) : this.receive(state, end);
  }

  /** Packets that come in by an interface. */
  private receive<T>(state: State, end: (state: State) => T): T[] {
    return this.pass("prerouting", state).flatMap((sent) => {
      const { local, others } = route(sent);
      const here = local === undefined ? [] : this.pass("input", local);
      const forwarded = others === undefined ? [] : this.pass("forward", others);
      return [...here, ...forwarded.flatMap((each) => this.pass("postrouting", each))].map(end);
    });
  }

  /** Packets of the node's own. To a local address they come back by loopback, with their connections: what NAT decided on
   *  the way out holds, and filters see the source that masquerading gave them. */
  private sendFromHere<T>(state: State, end: (state: State) => T): T[] {
    return this.pass("output", state).flatMap((routed) =>
      this.pass("postrouting", routed).flatMap((sent) => {
        if (sent.end !== undefined) return [end(sent)];
        const { local, others } = route(sent);
        const away = others === undefined ? [] : [end(others)];
        if (local === undefined) return away;
        const own = ownAddressOf(local.original.family, local.environment) ?? local.destination;
        const back = {
          ...local,
          source: local.masqueraded ? (local.newSource?.address ?? own) : local.source,
          inInterface: "lo",
        };
        const looped = this.pass("prerouting", back).flatMap((each) => this.pass("input", each));
        return [...away, ...looped.map(end)];
      }),
    );
  }

  /** All base chains of a hook. A drop is final; an accept only ends its own chain. */
  private pass(hook: Hook, state: State): State[] {
    if (state.end !== undefined) return [state];
    let running: readonly State[] = [state];
    let isDue = mayBeTranslated(state.original);
    for (const { index, chain } of this.machine.at(state.original.family, hook)) {
      if (isDue && placeOf(chain) >= placeOfNat(hook)) {
        running = running.flatMap((each) => translateAgain(hook, each));
        isDue = false;
      }
      const after: State[] = [];
      for (const each of running) {
        if (each.end !== undefined || (chain.type === "nat" && !asksNat(hook, each))) after.push(each);
        else if (isBeforeTracking(hook, chain, each)) after.push(...runBeforeTracking(chain, each, index, hook));
        else runBaseChain(chain, each, index, hook, after);
      }
      running = merge(after);
    }
    if (isDue) running = running.flatMap((each) => translateAgain(hook, each));
    return running.map((each) => (each.end === undefined ? settle(hook, each) : each));
  }
}

/** What happens under each set of assumptions that decides it: `known` are those that are decided. By chance a packet comes to
 *  several ends, about which different things may have been assumed. */
function outcomesOf(ends: readonly State[], known: readonly Assumption[]): Outcome[] {
  const open = firstOpen(ends, new Set(known.map(({ text }) => text)));
  if (open === undefined) return [toOutcome(ends, known)];
  return [true, false].flatMap((holds): Outcome[] => {
    const assumed = [...known, { ...open, holds }];
    const isPossible = ({ assumptions }: State): boolean =>
      assumptions.every((each) => each.text !== open.text || each.holds === holds);
    return areConsistent(assumed) ? outcomesOf(ends.filter(isPossible), assumed) : [];
  });
}

function firstOpen(ends: readonly State[], known: ReadonlySet<string>): Assumption | undefined {
  for (const { assumptions } of ends) for (const each of assumptions) if (!known.has(each.text)) return each;
  return undefined;
}

function toOutcome(states: readonly State[], assumptions: readonly Assumption[]): Outcome {
  const total = states.reduce((sum, { probability }) => sum + probability, 0);
  return outcomeOf(
    states.map((state) => toResult(state, total)),
    assumptions,
  );
}

function toResult(state: State, total: number): Result {
  const { region, assumptions: _, endpoint, ...rest } = toFate(state);
  const result = { ...rest, probability: state.probability / total, reasons: state.reasons };
  if (endpoint === undefined) return result;
  const [address, port] = [valueNow(endpoint.address, region), valueNow(endpoint.port, region)];
  invariant(typeof address !== "object" && typeof port !== "object", "one packet has one destination");
  return { ...result, endpoint: { address, port } };
}

function toFate(state: State): Fate {
  const { region, probability, assumptions, end, masqueraded: masquerade, destination, destinationPort } = state;
  if (end?.kind === "drop") return { region, probability, assumptions, masquerade, verdict: "drop" };
  if (end !== undefined)
    return { region, probability, assumptions, masquerade, verdict: "reject", rejectWith: end.with };
  const { sticky, newSource, takenBy } = state;
  const more = {
    ...(newSource === undefined ? {} : { source: newSource.text }),
    ...(takenBy.length === 0 ? {} : { takenBy }),
  };
  if (!state.translated && !isMoved(destination, region.daddr) && !isMoved(destinationPort, region.dport))
    return { region, probability, assumptions, masquerade, verdict: state.accepted ? "accept" : "pass", ...more };
  const endpoint = { address: destination, port: destinationPort };
  return sticky === undefined
    ? { region, probability, assumptions, masquerade, verdict: "dnat", endpoint, ...more }
    : { region, probability, assumptions, masquerade, verdict: "dnat", endpoint, sticky, ...more };
}

/** Whether a field is not what it was when the packets came: `translate` keeps those apart for which it is. */
function isMoved(now: Now<Cut>, before: Ranges): boolean {
  return typeof now !== "string" && now !== before.single;
}

/** Packets to the node itself, and the others. */
function route(state: State): { readonly local: State | undefined; readonly others: State | undefined } {
  const { destination, region, original, environment } = state;
  const address = valueNow(destination, region);
  if (typeof address !== "object")
    return addressTypeOf(address, state) === ADDRESS_TYPE.local
      ? { local: state, others: undefined }
      : { local: undefined, others: state };
  const local = required(
    addressTypes(original.family, environment.localAddresses).find(({ type }) => type === ADDRESS_TYPE.local),
    "there are local addresses",
  ).addresses;
  const [here, away] = [within(region, address.field, local), without(region, address.field, local)];
  return { local: here && narrow(state, here), others: away && narrow(state, away) };
}
