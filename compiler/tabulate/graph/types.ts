/**
 * A program as a graph of questions about one packet: jumps, hooks and all that is the same for every packet are resolved,
 * what is left is asked in the order in which the kernel asks it.
 */

import type { Origin } from "../../diagnostics.ts";
import type { ElementIndex } from "../../evaluate/lookup.ts";
import type { Interval, MapElement, RejectWith, SetElement, Value } from "../../ir/types.ts";

/** What a question is about. `original` is the destination that the packet came with, `endpoint` the one that a translation
 *  gave it; `register` is the packet's priority, where a rule wrote it. */
export type Read =
  | { readonly kind: "constant"; readonly value: Value }
  | { readonly kind: "source" | "source-type" | "protocol" | "register" }
  | { readonly kind: "address" | "address-type"; readonly of: "original" | "endpoint" }
  | { readonly kind: "port"; readonly of: "original" | "endpoint" }
  /** The value is the number that chance chose, plus `offset`. */
  | { readonly kind: "slot"; readonly offset: number };

/** A set or map of the program. Compare by identity. */
export interface SetOrMap<Element extends SetElement = SetElement> {
  /** Its comment or name; undefined: it stands in a rule. */
  readonly title: string | undefined;
  readonly elements: readonly Element[];
  readonly index: ElementIndex<Element>;
}

export type Against =
  | { readonly kind: "set"; readonly set: SetOrMap }
  | { readonly kind: "intervals"; readonly intervals: readonly Interval[] };

/** A place in the graph. */
export type GraphNode =
  /** Whether what is read is among `against` (`negated`: is not). */
  | {
      readonly kind: "test";
      readonly reads: readonly Read[];
      readonly against: Against;
      readonly negated: boolean;
      readonly yes: Later;
      readonly no: Later;
    }
  /** Where the element leads that has the key. */
  | {
      readonly kind: "switch";
      readonly reads: readonly Read[];
      readonly map: SetOrMap<MapElement>;
      readonly found: (element: MapElement) => GraphNode;
      readonly missing: Later;
    }
  /** The destination becomes what the element says that has the key. `same`: it was that before. */
  | {
      readonly kind: "translate";
      /** The port stays, whatever the element says. */
      readonly keepsPort: boolean;
      readonly reads: readonly Read[];
      readonly map: SetOrMap<MapElement>;
      readonly changed: Later;
      readonly same: Later;
      readonly missing: Later;
    }
  /** The register becomes what the element says that has the key. */
  | {
      readonly kind: "load";
      readonly reads: readonly Read[];
      readonly map: SetOrMap<MapElement>;
      readonly found: Later;
      readonly missing: Later;
    }
  /** One of `count` numbers, from 0, each as likely. */
  | { readonly kind: "choose"; readonly count: number; readonly chosen: Later }
  | { readonly kind: "end"; readonly end: GraphEnd }
  /** The program does here what a graph cannot hold; `origin`: the rule that does. */
  | { readonly kind: "unsupported"; readonly reason: string; readonly origin?: Origin | undefined };

/** A node that is made when it is first asked for. */
export class Later {
  private readonly make: () => GraphNode;
  private made: GraphNode | undefined;

  constructor(make: () => GraphNode) {
    this.make = make;
  }

  get node(): GraphNode {
    this.made ??= this.make();
    return this.made;
  }
}

/** The end of a packet's way. */
export interface GraphEnd {
  readonly verdict: "pass" | "accept" | "drop" | "reject" | "dnat";
  readonly rejectWith?: RejectWith;
  readonly masquerade: boolean;
  readonly stickySeconds?: number;
  /** What decided, in the words of the program's comments, in order; translations to an endpoint do not say. */
  readonly reasons: readonly string[];
}
