/** Where evaluation stands while a graph is made: in a chain that was entered in one way, before a rule, before a step of it. */
import type { TableIndex } from "../../evaluate/table-index.ts";
import type { BaseChain, Chain, Rule } from "../../ir/types.ts";
import type { KnownState } from "./known.ts";
import type { GraphNode, Later } from "./types.ts";

/** A place where evaluation goes on. Equal knowledge at one place gives one node. */
export class GraphPlace {
  private readonly go: (known: KnownState) => GraphNode;
  private readonly nodes = new Map<KnownState, GraphNode>();

  constructor(go: (known: KnownState) => GraphNode) {
    this.go = go;
  }

  at(known: KnownState): GraphNode {
    let node = this.nodes.get(known);
    if (node === undefined) {
      node = this.go(known);
      this.nodes.set(known, node);
    }
    return node;
  }
}

/** A chain that was entered in one way. */
export interface ChainCall {
  readonly base: BaseChain;
  readonly chain: Chain;
  readonly table: TableIndex;
  readonly depth: number;
  /** The place behind the chain's last rule, and behind `return`. */
  readonly back: GraphPlace;
  /** The place where the base chain is done with the packet. */
  readonly done: GraphPlace;
  /** The nodes of each rule, from the first rule to the end of the chain. */
  readonly rules: readonly GraphPlace[];
  readonly callees: Map<Chain, Map<GraphPlace, ChainCall>>;
}

/** A step that is about to be taken. */
export interface StepPlace {
  readonly call: ChainCall;
  readonly known: KnownState;
  readonly rule: Rule;
  /** The number of the rule in the chain. */
  readonly number: number;
  /** The rule after it. */
  readonly next: Later;
  /** The step after it. */
  readonly onwards: (known: KnownState) => GraphNode;
}
