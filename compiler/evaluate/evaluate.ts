import { required, unreachable } from "../invariant.ts";
import { placeOfNat } from "../ir/place.ts";
import type { BaseChain, Hook, Program } from "../ir/types.ts";
import type { Family } from "../net/address.ts";
import { runBaseChain } from "./chain.ts";
import { DISPATCHED } from "./dispatch/run-chain.ts";
import type { Behind, Frame, Runner } from "./frame.ts";
import { type HookPath, hooksOn, pathOf } from "./hook-path.ts";
import { type HookEntry, Hooks, type Stage } from "./hooks.ts";
import { inAnyOrder, joinOrders } from "./orders.ts";
import { alone, type Environment, type Outcome, type Packet, type Packets } from "./packet.ts";
import { Passage } from "./passage.ts";
import { endsOf, outcomesIn, type RegionResult, toRegionResult, worldsIn } from "./result.ts";
import { comeBack, findRoutes, splitByRoute } from "./routing.ts";
import { type SharedState, type State, startState, withShared } from "./state.ts";
import type { TableIndex } from "./table-index.ts";
import {
  asksNat,
  confirmNat,
  isBeforeTracking,
  mayBeTranslated,
  runBeforeTracking,
  translateAgain,
} from "./tracking.ts";
import { EXPLORE_LIMITS, type ExploreLimits, explore } from "./unknown/explore.ts";

const HOOKS: readonly Hook[] = ["prerouting", "input", "forward", "output", "postrouting"];

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
  private readonly hooks: Hooks;
  /** The chains whose order was assumed so far, where it made a difference. */
  readonly chainsInAnyOrder = new Set<string>();
  /** Lists that rules fill, and on which it depends what becomes of packets. */
  readonly testedLists: ReadonlySet<string>;

  private readonly runner: Runner;

  constructor(program: Program, runner = DISPATCHED) {
    this.runner = runner;
    this.hooks = new Hooks(program);
    this.testedLists = this.hooks.lists.tested;
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
    const outcomes = outcomesIn(worlds);
    return incomplete === undefined ? { outcomes } : { someOutcomes: outcomes, incomplete };
  }

  /** `packet` before the first hook of a node. `packet.connection` is its entry in the node's connection table, if there is one.
   *  Throws where the packet has neither of that entry's tuples. `enter` does not call the environment's `route`: see
   *  `Passage.routed`. */
  start(packet: Packet, environment: Environment): Passage {
    const { route: _, ...others } = environment;
    const packets = alone(packet);
    const [passage] = Passage.of(startState(packets, others, this.hooks.tracksConnections(packets.family)));
    return required(passage, "a packet is there");
  }

  /** All that can become of a packet at one hook; itself where it was dropped or refused before. The kernel does what NAT decided for
   *  the packet's connection there as well. The environment's `spend` is told of each step; `TooManyConditions` is thrown where it
   *  depends on too many matches that are not understood. */
  enter(hook: Hook, passage: Passage): Passage[] {
    const { state } = passage;
    if (state.shared.end !== undefined) return [passage];
    const hasRoute = hook !== "prerouting" && hook !== "input";
    return this.pass(hook, hasRoute ? state : withShared(state, { outInterface: "" }), undefined).flatMap(Passage.of);
  }

  /** What becomes of a packet that was led through hooks one at a time: `passages` are all that it can have come to. As `evaluate`
   *  says it where they are those of the packet's whole way. */
  outcomesOf(passages: readonly Passage[]): readonly Outcome[] {
    return outcomesIn(worldsIn(passages.flatMap(({ state }) => endsOf(state))));
  }

  /** What happens to `packets`. A packet may be in several regions: all of what is said of them happens to it, each with its
   *  probability, where its condition holds. Whether a packet that goes on was accepted is not told. */
  follow(packets: Packets, environment: Environment): RegionResult[] {
    return this.run(packets, environment).flatMap(endsOf).map(toRegionResult);
  }

  /** Takes every order of chains that is open for one that matters, as if all packets had been followed. */
  assumeAllOrders(families: readonly Family[]): void {
    for (const family of families)
      for (const hook of HOOKS) for (const { orders } of this.hooks.at(family, hook)) this.noteOrders(orders);
  }

  private noteOrders(orders: Stage["orders"]): void {
    for (const { assumed } of orders) for (const { chains } of assumed) this.chainsInAnyOrder.add(chains);
  }

  /** All that can become of the packets. */
  private run(packets: Packets, environment: Environment): readonly State[] {
    const isTracked = environment.route === undefined || this.hooks.tracksConnections(packets.family);
    const state = startState(packets, environment, isTracked);
    const later = environment.route === undefined ? NO_CHAINS : undefined;
    return this.runner.merge(this.go(pathOf(packets), state), { entries: NO_CHAINS, next: 0, later });
  }

  /** What becomes of packets on `path`. The node's own packets to a local address come back by loopback, with their connections: what
   *  NAT decided on the way out holds, and filters see the source that masquerading gave them. */
  private go(path: HookPath, state: State): readonly State[] {
    const { end, environment } = state.shared;
    if (end !== undefined) return [state];
    switch (path.kind) {
      case "hook": {
        // Where routes are known the mark decides about them, and what is left of it is told.
        const passed = this.pass(path.hook, state, environment.route === undefined ? path.next : undefined);
        return ofEach(passed, (each) => this.go(path.next, each));
      }
      case "route":
        return ofEach(findRoutes(path.at, state), (each) =>
          each.shared.route?.kind === "none" ? [each] : this.go(path.next, each),
        );
      case "split":
        return ofEach(
          splitByRoute(state, () => this.hasRulesOn(path, state)),
          ({ local, others }) => {
            const here = local === undefined ? NO_STATES : this.go(path.local, local);
            if (others === undefined) return here;
            return here.length === 0 ? this.go(path.others, others) : [...here, ...this.go(path.others, others)];
          },
        );
      case "loopback":
        return ofEach(comeBack(state), (each) => this.go(path.next, each));
      case "end":
        return [state];
      default:
        return unreachable(path);
    }
  }

  private hasRulesOn(path: HookPath, { shared: { original } }: State): boolean {
    return hooksOn(path).some((hook) => this.hooks.hasRules(original.family, hook));
  }

  /** All base chains of a hook. A drop is final; an accept only ends its own chain. `next`: where packets go behind it; undefined:
   *  anywhere. */
  private pass(hook: Hook, state: State, next: HookPath | undefined): readonly State[] {
    const { original } = state.shared;
    const { family } = original;
    let running: readonly State[] = [state.shared.hook === hook ? state : withShared(state, { hook })];
    let isDue = mayBeTranslated(original);
    for (const stage of this.hooks.at(family, hook)) {
      if (isDue && stage.place >= placeOfNat(hook)) {
        running = ofEach(running, (each) => translateAgain(hook, each));
        isDue = false;
      }
      const later = next && this.hooks.chainsBehind(family, hook, stage, next);
      running = this.passStage(stage, running, { hook, runner: this.runner, later });
    }
    if (isDue) running = ofEach(running, (each) => translateAgain(hook, each));
    return running.map((each) => (each.shared.end === undefined ? confirmNat(hook, each) : each));
  }

  /** Base chains of one place, in each order that they may run in. */
  private passStage({ orders }: Stage, states: readonly State[], place: Place): readonly State[] {
    const [only, more] = orders;
    if (only !== undefined && more === undefined) return passAll(only.entries ?? [], states, place);
    const { common, open } = joinOrders(
      orders.map(({ entries, assumed }) => ({
        assumed,
        states: entries === undefined ? inAnyOrder(states, assumed) : passAll(entries, states, place),
      })),
    );
    if (open.length > 0) this.noteOrders(orders);
    return [...common, ...open];
  }
}

const NO_CHAINS: readonly HookEntry[] = [];
const NO_STATES: readonly State[] = [];

/** As `flatMap`, without a list of lists for the most frequent case: a single thing. */
function ofEach<T>(things: readonly T[], run: (thing: T) => readonly State[]): readonly State[] {
  return things.length === 1 ? run(things[0] as T) : things.flatMap(run);
}

/** The place of packets, for a base chain. */
type Where = Pick<Frame, "hook" | "behind" | "runner">;

/** The hook, and the base chains behind the place where packets are. */
interface Place extends Pick<Frame, "hook" | "runner"> {
  readonly later: Behind["later"];
}

function passAll(entries: readonly HookEntry[], states: readonly State[], place: Place): readonly State[] {
  const { hook, runner, later } = place;
  let running = states;
  let next = 0;
  for (const { index, chain } of entries) {
    next++;
    const after: State[] = [];
    const here: Where = { hook, runner, behind: { entries, next, later } };
    for (const each of running) {
      const { shared } = each;
      if (shared.end !== undefined || (chain.type === "nat" && !asksNat(hook, shared))) after.push(each);
      else if (isBeforeTracking(hook, chain, shared)) after.push(...runBeforeTracking(chain, each, index, here));
      else if (isRoutedBehind(hook, chain, shared)) after.push(...runBeforeRouting(chain, each, index, here));
      else runBaseChain(chain, each, index, here, after);
    }
    running = runner.merge(after, here.behind);
  }
  return running;
}

/** Whether the kernel looks for a route again behind a chain that has changed the packet. */
function isRoutedBehind(hook: Hook, { type }: BaseChain, { route }: SharedState): boolean {
  return hook === "output" && type !== "filter" && route !== undefined;
}

/** The mark that such a chain leaves counts for the route. */
function runBeforeRouting(chain: BaseChain, state: State, index: TableIndex, where: Where): State[] {
  const ends: State[] = [];
  runBaseChain(chain, state, index, where, ends);
  const { mark, destinationDecided } = state.shared;
  return ends.map((each) => {
    const { shared } = each;
    const isChanged = shared.mark !== mark || shared.destinationDecided !== destinationDecided;
    return isChanged ? withShared(each, { routingMark: shared.mark }) : each;
  });
}
