/** Putting the branches of a state together again that fare alike. */

import type { PacketSet } from "../packets/packet-set.ts";
import { type Branch, narrow, type SharedState, type State, TINY } from "./state.ts";

interface Part<Flow> {
  readonly shared: SharedState;
  readonly flow: Flow;
  readonly branches: Branch[];
}

/** What becomes of the branches of one state. */
export class Partition<Flow extends string> {
  private readonly whole: State;
  private readonly parts: Part<Flow>[] = [];

  constructor(whole: State) {
    this.whole = whole;
  }

  /** `shared`: the same object for branches that fare alike. */
  add(branch: Branch, flow: Flow, shared = this.whole.shared): void {
    for (const part of this.parts) {
      if (part.shared !== shared || part.flow !== flow) continue;
      part.branches.push(branch);
      return;
    }
    this.parts.push({ shared, flow, branches: [branch] });
  }

  /** The state itself where nothing has become of it. */
  get progress(): { readonly state: State; readonly flow: Flow }[] {
    const { shared, branches } = this.whole;
    return this.parts.map((part) => {
      const isWhole =
        part.shared === shared &&
        part.branches.length === branches.length &&
        part.branches.every((branch, i) => branch === branches[i]);
      return { state: isWhole ? this.whole : { shared: part.shared, branches: part.branches }, flow: part.flow };
    });
  }
}

/** Sorts the parts of one branch: parts with all of its packets are added up to one for each flow. */
export class Split<Flow extends string> {
  private readonly partition: Partition<Flow>;
  private readonly branch: Branch;
  private readonly whole = new Map<Flow, number>();

  constructor(partition: Partition<Flow>, branch: Branch) {
    this.partition = partition;
    this.branch = branch;
  }

  add(region: PacketSet, probability: number, flow: Flow): void {
    if (region === this.branch.region) this.whole.set(flow, (this.whole.get(flow) ?? 0) + probability);
    else this.partition.add(narrow(this.branch, region, probability), flow);
  }

  end(): void {
    for (const [flow, probability] of this.whole)
      if (probability > TINY) this.partition.add(narrow(this.branch, this.branch.region, probability), flow);
  }
}
