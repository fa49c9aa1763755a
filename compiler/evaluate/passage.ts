/** A single packet between two hooks of a node, for who follows it from hook to hook and from node to node. */

import { invariant } from "../invariant.ts";
import type { ConnectionEntry, Tuple } from "./connection.ts";
import { connectionOf, tupleOf } from "./departure.ts";
import type { PathStep, Route, RouteQuery, SourceChoice } from "./packet.ts";
import type { EndState } from "./result.ts";
import { comeBack, queryOf, routed } from "./routing.ts";
import { numberNow, type SharedState, type State } from "./state.ts";
import { stepsOf } from "./taken-path.ts";
import type { Condition } from "./unknown/condition.ts";

/** One of the things that can have become of a packet by now. Never changed. */
export class Passage {
  private readonly at: EndState;

  private constructor(at: EndState) {
    this.at = at;
  }

  static of({ shared, branches }: State): Passage[] {
    return branches.map((branch) => new Passage({ shared, branch }));
  }

  /** The chance that this becomes of the packet, where `condition` holds. */
  get probability(): number {
    return this.at.branch.probability;
  }

  /** What has to hold of that which is not known: see `assumptionsOf`. */
  get condition(): Condition {
    return this.at.branch.condition;
  }

  /** How a rule ended it; undefined: the packet goes on. */
  get end(): SharedState["end"] {
    return this.at.shared.end;
  }

  /** Steps that are not understood, and were taken to end the packet's way through a hook: it may be anywhere. */
  get takenBy(): readonly string[] {
    return this.at.shared.takenBy;
  }

  /** Addresses and ports by now. */
  get tuple(): Tuple {
    return tupleOf(this.at.shared, this.at.branch);
  }

  /** Undefined: it is not known. */
  get mark(): number | undefined {
    return numberNow("mark", this.at.shared, this.at.branch.region);
  }

  /** What the kernel chooses of the source, of which `tuple` has the first. */
  get choices(): readonly SourceChoice[] {
    return this.at.shared.choices;
  }

  /** The entry of its connection, as it is by now; undefined: it belongs to none, or to one that was not given. */
  get connection(): ConnectionEntry | undefined {
    return connectionOf(this.at.shared, this.at.branch);
  }

  /** Where it was routed last; undefined: nowhere yet. */
  get route(): Route | undefined {
    return this.at.shared.route;
  }

  /** All that rules did, in order. */
  get path(): readonly PathStep[] {
    return stepsOf(this.at.shared.path);
  }

  /** The packet and what is known of it, for the evaluator. */
  get state(): State {
    return { shared: this.at.shared, branches: [this.at.branch] };
  }

  /** What the node looks for a route by; undefined behind output: it does not, as rules have changed neither the destination nor, in
   *  a chain of type route, the mark. */
  query(at: RouteQuery["at"]): RouteQuery | undefined {
    return queryOf(at, this.at.shared, this.at.branch);
  }

  /** The packet behind a routing decision: before output, behind prerouting, or behind output. */
  routed(route: Route): Passage {
    const { shared, branch } = this.at;
    return new Passage({ shared: routed(shared, route), branch });
  }

  /** The node's own packet to a local address, which comes back to prerouting by the loopback interface. */
  loopBack(): Passage {
    const [passage, more] = comeBack(this.state).flatMap(Passage.of);
    invariant(passage !== undefined && more === undefined, "one packet comes back as one");
    return passage;
  }
}
