import { invariant, required, unreachable } from "../invariant.ts";
import { ADDRESS_TYPE } from "../ir/constants.ts";
import { placeOfNat } from "../ir/place.ts";
import type { Hook, Program } from "../ir/types.ts";
import type { Address, Family } from "../net/address.ts";
import { addressTypeOf, addressTypes } from "./address-type.ts";
import { runBaseChain } from "./chain.ts";
import type { Condition } from "./condition.ts";
import { runDispatched } from "./dispatch/run-chain.ts";
import { type Disposition, isRefused, KEPT, MASQUERADED, type NewSource, withDestination } from "./disposition.ts";
import { EXPLORE_LIMITS, type ExploreLimits, explore } from "./explore.ts";
import { ownAddressOf } from "./expression.ts";
import type { Frame } from "./frame.ts";
import { decideLocality, isAssumedLocal } from "./locality.ts";
import { type Entry, Machine, readsOf, type Stage } from "./machine.ts";
import { enteredInto } from "./memory.ts";
import { merge } from "./merge.ts";
import { inAnyOrder, joinOrders } from "./orders.ts";
import { outcomeOf } from "./outcome.ts";
import {
  alone,
  type Environment,
  type Outcome,
  type Packet,
  type Packets,
  type PathStep,
  type Reason,
  type Result,
  type RuleStep,
} from "./packet.ts";
import { valuesBehind } from "./preimage.ts";
import type { Cut, Ranges } from "./ranges.ts";
import { NOTHING_READ } from "./reads.ts";
import { type Region, within, without } from "./region.ts";
import { type Control, type Now, narrow, type State, type Stream, startState, valueNow, withControl } from "./state.ts";
import { asksNat, isBeforeTracking, mayBeTranslated, runBeforeTracking, settle, translateAgain } from "./tracking.ts";
import { hooksOn, type Way, wayOf } from "./ways.ts";
import { type World, worldsOf } from "./worlds.ts";

const HOOKS: readonly Hook[] = ["prerouting", "input", "forward", "output", "postrouting"];

/** One of the things that happen to packets of a region, each of which fares alike. */
export interface RegionResult extends Omit<Result, "disposition" | "reasons" | "path"> {
  readonly region: Region;
  readonly disposition: Disposition<RegionDestination>;
  readonly condition: Condition;
}

/** `daddr`, `dport`: where each of the packets went anyway; or what a mask makes of that. */
export interface RegionDestination {
  readonly address: Now<Address>;
  readonly port: Now<number>;
}

/** What becomes of a packet: all outcomes, or some, and why there may be more of them: a sentence. */
export type Evaluation =
  | { readonly outcomes: readonly Outcome[]; readonly incomplete?: undefined }
  | { readonly someOutcomes: readonly Outcome[]; readonly incomplete: string };

/** The outcomes that are known, which may not be all: who uses them says what becomes of the others. */
export function knownOutcomes(evaluation: Evaluation): readonly Outcome[] {
  return evaluation.incomplete === undefined ? evaluation.outcomes : evaluation.someOutcomes;
}

/** What a program does with packets. Keep one for many packets: it has the program's objects by name. */
export class Evaluator {
  private readonly machine: Machine;
  /** Orders of chains that were assumed so far, where they made a difference. */
  readonly assumedOrders = new Set<string>();
  /** Lists that rules fill, and on which it depends what becomes of packets. */
  readonly testedLists: ReadonlySet<string>;

  private readonly enter: Frame["enter"];

  /** `enter`: what runs the rules of a chain; `runChain` one after the other. */
  constructor(program: Program, enter: Frame["enter"] = runDispatched) {
    this.enter = enter;
    this.machine = new Machine(program);
    this.testedLists = this.machine.lists.tested;
  }

  /** The outcomes of `packet`, of which few matches are known not to be understood. Throws where not all of them were found. */
  evaluateWhole(packet: Packet, environment: Environment): readonly Outcome[] {
    const evaluation = this.evaluate(packet, environment);
    if (evaluation.incomplete !== undefined) throw new Error(evaluation.incomplete);
    return evaluation.outcomes;
  }

  /** What becomes of `packet`, through all hooks. Several outcomes only where the program holds matches that are not
   *  understood, and it depends on them what happens: then some of them, where there are too many. */
  evaluate(packet: Packet, environment: Environment, limits: ExploreLimits = EXPLORE_LIMITS): Evaluation {
    const packets = alone(packet);
    const { worlds, incomplete } = explore((given, spend) => {
      const ends = this.run(packets, {
        ...environment,
        given,
        spend: (steps) => {
          environment.spend?.(steps);
          spend(steps);
        },
      });
      return worldsIn(ends.flatMap(endsOf));
    }, limits);
    const outcomes = worlds.map(({ condition, parts }) =>
      toOutcome(
        parts.map(({ end }) => end),
        condition,
      ),
    );
    return incomplete === undefined ? { outcomes } : { someOutcomes: outcomes, incomplete };
  }

  /** What happens to `packets`. A packet may be in several regions: all of what is said of them happens to it, each with its
   *  probability, where its condition holds. Whether a packet that goes on was accepted is not told. */
  follow(packets: Packets, environment: Environment): RegionResult[] {
    return this.run(packets, environment).flatMap(endsOf).map(toRegionResult);
  }

  /** Takes every order of chains that is open for one that matters, as if all packets had been followed. */
  assumeAllOrders(families: readonly Family[]): void {
    for (const family of families)
      for (const hook of HOOKS)
        for (const { orders } of this.machine.at(family, hook))
          if (orders.length > 1)
            for (const { assumed } of orders) for (const { text } of assumed) this.assumedOrders.add(text);
  }

  /** All that can become of the packets. */
  private run(packets: Packets, environment: Environment): readonly State[] {
    const state = startState(packets, environment);
    return merge(this.go(wayOf(packets), state), () => NOTHING_READ);
  }

  /** What becomes of packets on `way`. The node's own packets to a local address come back by loopback, with their connections: what
   *  NAT decided on the way out holds, and filters see the source that masquerading gave them. */
  private go(way: Way, state: State): State[] {
    if (state.control.end !== undefined) return [state];
    switch (way.kind) {
      case "hook":
        return this.pass(way, state).flatMap((each) => this.go(way.next, each));
      case "route":
        return this.route(state, way).flatMap(({ local, others }) => [
          ...(local === undefined ? [] : this.go(way.local, local)),
          ...(others === undefined ? [] : this.go(way.others, others)),
        ]);
      case "loopback":
        return comeBack(state).flatMap((each) => this.go(way.next, each));
      case "end":
        return [state];
      default:
        return unreachable(way);
    }
  }

  /** Packets to the node and others. Where it is not known which they are, both are followed, if rules behind can tell. */
  private route(state: State, way: Way): Routed[] {
    const { family } = state.control.original;
    const isSeen = hooksOn(way).some((hook) => this.machine.hasRules(family, hook));
    return (isSeen ? decideLocality(state) : [state]).map(routeDecided);
  }

  /** All base chains of a hook. A drop is final; an accept only ends its own chain. */
  private pass({ hook, next }: Extract<Way, { kind: "hook" }>, state: State): State[] {
    let running: readonly State[] = [withControl(state, { hook })];
    let isDue = mayBeTranslated(state.control.original);
    const { family } = state.control.original;
    for (const [i, stage] of this.machine.at(family, hook).entries()) {
      if (isDue && stage.place >= placeOfNat(hook)) {
        running = running.flatMap((each) => translateAgain(hook, each));
        isDue = false;
      }
      running = this.passStage(stage, running, {
        hook,
        enter: this.enter,
        later: () => this.machine.readsBehind(family, hook, i, next),
      });
    }
    if (isDue) running = running.flatMap((each) => translateAgain(hook, each));
    return running.map((each) => (each.control.end === undefined ? settle(hook, each) : each));
  }

  /** Base chains of one place, in each order that they may run in. */
  private passStage({ orders }: Stage, states: readonly State[], where: Where): readonly State[] {
    const [only, more] = orders;
    if (only !== undefined && more === undefined) return passAll(only.entries ?? [], states, where);
    const { common, open } = joinOrders(
      orders.map(({ entries, assumed }) => ({
        assumed,
        states: entries === undefined ? inAnyOrder(states, assumed) : passAll(entries, states, where),
      })),
    );
    if (open.length > 0) for (const { assumed } of orders) for (const { text } of assumed) this.assumedOrders.add(text);
    return [...common, ...open];
  }
}

/** Where packets are, and what is asked of them behind this place. */
type Where = Pick<Frame, "hook" | "later" | "enter">;

function passAll(entries: readonly Entry[], states: readonly State[], { hook, later, enter }: Where): readonly State[] {
  let running = states;
  for (const [i, { index, chain }] of entries.entries()) {
    const after: State[] = [];
    const where: Where = { hook, enter, later: () => readsOf(entries.slice(i + 1), later()) };
    for (const each of running) {
      const { control } = each;
      if (control.end !== undefined || (chain.type === "nat" && !asksNat(hook, control))) after.push(each);
      else if (isBeforeTracking(hook, chain, control)) after.push(...runBeforeTracking(chain, each, index, where));
      else runBaseChain(chain, each, index, where, after);
    }
    running = merge(after, where.later);
  }
  return running;
}

/** Packets that go through loopback, by the source that they have then. */
export function comeBack(local: State): State[] {
  const { control, streams } = local;
  const { masqueraded, newSource, source, original, environment } = control;
  const own = masqueraded ? (newSource?.address ?? ownAddressOf(original.family, environment)) : source;
  if (own !== undefined) return [withControl(local, { source: own, inInterface: "lo" })];
  const byDestination = new Map<Stream["destination"], Stream[]>();
  for (const stream of streams)
    byDestination.set(stream.destination, [...(byDestination.get(stream.destination) ?? []), stream]);
  return [...byDestination].map(([address, some]) => ({
    control: { ...control, source: address, inInterface: "lo" },
    streams: some,
  }));
}

/** Packets of one region that have come to one end. */
interface End {
  readonly control: Control;
  readonly stream: Stream;
}

function endsOf({ control, streams }: State): End[] {
  return streams.map((stream) => ({ control, stream }));
}

/** What happens in each of the ways in which the unknown matches can turn out, as far as they decide it. By chance a packet comes
 *  to several ends, which may hang on different things. */
function worldsIn(ends: readonly End[]): World<{ readonly end: End }>[] {
  return worldsOf(ends.map((end) => ({ condition: end.stream.condition, weight: end.stream.probability, end })));
}

function toOutcome(ends: readonly End[], condition: Condition): Outcome {
  const total = ends.reduce((sum, { stream }) => sum + stream.probability, 0);
  return outcomeOf(
    ends.map((end) => toResult(end, total)),
    condition,
  );
}

function toResult(end: End, total: number): Result {
  const { region, condition: _, disposition, ...rest } = toRegionResult(end);
  const { path } = end.control;
  return {
    ...rest,
    probability: end.stream.probability / total,
    disposition: withDestination(disposition, (to) => {
      const [address, port] = [valueNow(to.address, region), valueNow(to.port, region)];
      invariant(typeof address !== "object" && typeof port !== "object", "one packet has one destination");
      return { address, port };
    }),
    reasons: reasonsIn(path),
    path,
  };
}

/** The rules that gave a verdict, translated or remembered. */
function reasonsIn(path: readonly PathStep[]): Reason[] {
  return path.filter(
    (step): step is RuleStep => step.kind === "rule" && step.effect.kind !== "write" && step.effect.kind !== "taken",
  );
}

/** What has happened to packets that are through all hooks. */
export function toRegionResult({ control, stream }: End): RegionResult {
  const { region, probability, condition } = stream;
  const { accepted: isAccepted, newSource } = control;
  const disposition = dispositionOf(control, stream);
  const designer = isRefused(disposition) || newSource?.by === undefined ? {} : { designer: newSource.by };
  return { region, probability, condition, disposition, isAccepted, ...designer };
}

function dispositionOf(control: Control, stream: Stream): Disposition<RegionDestination> {
  const { end, masqueraded, entered, environment, sticky, newSource, takenBy, translated } = control;
  const lists = environment.watched === undefined ? NOTHING : enteredInto(environment.watched, entered);
  if (end !== undefined) return { ...end, lists };
  const source: NewSource =
    newSource !== undefined ? { kind: "given", text: newSource.text } : masqueraded ? MASQUERADED : KEPT;
  const { region, destination: address, destinationPort: port } = stream;
  if (!translated && !isMoved(address, region.daddr) && !isMoved(port, region.dport))
    return { kind: "pass", source, takenBy, lists };
  return { kind: "dnat", to: { address, port }, source, stickySeconds: sticky?.timeoutSeconds, takenBy, lists };
}

const NOTHING: readonly string[] = [];

/** Whether a field is not what it was when the packets came: `translate` keeps those apart for which it is. */
function isMoved(now: Now<Cut>, before: Ranges): boolean {
  return typeof now !== "string" && now !== before.single;
}

interface Routed {
  readonly local: State | undefined;
  readonly others: State | undefined;
}

/** Packets to the node itself, and the others, of which it is decided which they are. */
function routeDecided(state: State): Routed {
  const { control, streams } = state;
  const { original, environment } = control;
  const isAssumed = (stream: Stream): boolean => isAssumedLocal(stream.destination, stream, control);
  const here: Stream[] = [];
  const away: Stream[] = [];
  for (const stream of streams) {
    const address = valueNow(stream.destination, stream.region);
    if (typeof address !== "object") {
      const isHere = addressTypeOf(address, environment) === ADDRESS_TYPE.local || isAssumed(stream);
      (isHere ? here : away).push(stream);
      continue;
    }
    if (isAssumed(stream)) {
      here.push(stream);
      continue;
    }
    const local = required(
      addressTypes(original.family, environment.localAddresses).find(({ type }) => type === ADDRESS_TYPE.local),
      "there are local addresses",
    ).addresses;
    const values = valuesBehind(address, local, stream.region[address.field]);
    const inside = within(stream.region, address.field, values);
    const outside = without(stream.region, address.field, values);
    if (inside !== undefined) here.push(narrow(stream, inside));
    if (outside !== undefined) away.push(narrow(stream, outside));
  }
  const having = (some: readonly Stream[]): State | undefined =>
    some.length === 0 ? undefined : { control, streams: some };
  return { local: having(here), others: having(away) };
}
