/** A tree of chains for elements that come and go: what a change concerns is made again, and nothing beside it. */
import type { Rule, SetElement } from "../../ir/types.ts";
import type { ChainMaker } from "./chains.ts";
import { going, type OnElement, type Residue, type StepCursor } from "./cursor.ts";
import type { KeyedList, LiveBranches, LiveKey } from "./keyed-list.ts";
import type { OpenField } from "./keys.ts";
import { compareRanks, type ListReader, type Live, type LiveList } from "./live-elements.ts";
import { planDispatch, rowOf } from "./plan.ts";
import { enterTree, inTree, nameOfTree, Tree } from "./trees.ts";

/** A chain that is made with the one that it is a part of. */
export interface TreePart {
  readonly name: string;
  readonly facts: { readonly isEmpty: boolean };
  /** Something that it was made of has changed. */
  readonly isDirty: boolean;
}

/** Makes chains, and notes what they are made of. */
export interface PartMaker extends ChainMaker {
  /** A new part of `parent`. */
  partOf(parent: TreePart, name: string): TreePart;
  /** Makes the rules of `part`: what is asked for meanwhile is noted as what they are made of. */
  begin(part: TreePart, rulesOf: () => readonly Rule[]): void;
  remove(part: TreePart): void;
  /** The keys of `list`, for one user more. */
  keyed(list: LiveList<SetElement>, fields: readonly OpenField[]): KeyedList;
  /** One user of them less. */
  unkeyed(list: LiveList<SetElement>, fields: readonly OpenField[]): void;
}

/** A chain of the tree. */
interface TreeNode {
  readonly chain: TreePart;
  readonly branches: LiveBranches;
  readonly below: ReadonlyMap<string, TreeNode>;
}

export class KeptTree {
  private readonly chains: PartMaker;
  private readonly owner: TreePart;
  private readonly list: LiveList<SetElement>;
  private readonly fields: readonly OpenField[];
  private readonly reader: ListReader<SetElement>;
  private readonly keyed: KeyedList;
  /** Keys that stand before the tree, by their elements. */
  private readonly leaving = new Map<Live<SetElement>, LiveKey>();
  /** Where some keys stand before the tree, the plan of the others. */
  private ownBranches: LiveBranches = [];
  /** Whether others stand there than those without which that was made, or keys have come or gone. */
  private hasMoved = true;
  private isClosed = false;
  private root: TreeNode | undefined;
  /** Those of the rule that asks for the keys. */
  private steps: Rule["steps"] | undefined;

  constructor(chains: PartMaker, owner: TreePart, list: LiveList<SetElement>, fields: readonly OpenField[]) {
    this.chains = chains;
    this.owner = owner;
    this.list = list;
    this.fields = fields;
    this.keyed = chains.keyed(list, fields);
    this.reader = { added: () => this.moved(), removed: (element) => this.remove(element) };
    list.enter(this.reader);
  }

  /** Whether so many elements may need a tree. */
  static isWorth(count: number): boolean {
    return count > rowOf([]);
  }

  /** Whether the tree can stand for keys that a rule with these steps asks for. The name of a tree says where the rule stands and what is known there,
   *  which decide what it asks for. */
  isOf(steps: Rule["steps"]): boolean {
    return this.steps === steps;
  }

  /** What `byKey` gives for the elements as they are now. */
  residue(cursor: StepCursor, then: OnElement<SetElement>): Residue {
    this.steps = cursor.rule.steps;
    const tree = new Tree<Live<SetElement>>(this.fields, cursor, this.chains, then);
    this.judge(tree);
    if (this.isRow()) {
      this.drop();
      const all = this.list.elements.map((element) => this.keyed.keyOf(element));
      const row = planDispatch(all, this.keyed.types);
      return going(
        row.flatMap((branch) => (branch.kind === "choice" ? tree.rulesFor(branch.choice, cursor) : [])),
        cursor,
      );
    }
    for (;;) {
      const wrong: LiveKey[] = [];
      this.root = this.makeNode(
        nameOfTree(cursor),
        this.branchesNow(),
        inTree(cursor),
        this.root,
        this.owner,
        tree,
        wrong,
      );
      if (wrong.length === 0) break;
      // Asked for the owner too: the chain of the tree that has asked is made without these keys now.
      for (const key of wrong) this.setLeaving(key, tree.mustNotComeBack(key));
    }
    const first = [...this.leaving.values()]
      .sort((a, b) => compareRanks(a.element, b.element))
      .flatMap((key) => tree.rulesFor(key, cursor));
    return enterTree(first, this.root.chain.facts.isEmpty ? undefined : this.root.chain.name, cursor);
  }

  /** Gives up all chains. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.list.leave(this.reader);
    this.chains.unkeyed(this.list, this.fields);
    this.drop();
  }

  // --- keys --------------------------------------------------------------------------------------------------------------

  private moved(): void {
    this.hasMoved = true;
  }

  private remove(element: Live<SetElement>): void {
    this.moved();
    this.leaving.delete(element);
  }

  /** Decides again about the keys that stand before the tree. Those in it, new ones too, are looked at where their rules are made. */
  private judge(tree: Tree<Live<SetElement>>): void {
    for (const key of [...this.leaving.values()]) if (!tree.mustNotComeBack(key)) this.setLeaving(key, false);
  }

  private setLeaving(key: LiveKey, isLeaving: boolean): void {
    this.moved();
    if (isLeaving) this.leaving.set(key.element, key);
    else this.leaving.delete(key.element);
  }

  /** Whether all keys, those before the tree too, stand in a row. */
  private isRow(): boolean {
    return this.keyed.branches.every(({ kind }) => kind === "choice");
  }

  /** The branches of the keys that stand in the tree. */
  private branchesNow(): LiveBranches {
    if (this.leaving.size === 0) return this.keyed.branches;
    if (this.hasMoved) this.ownBranches = this.keyed.branchesWithout(this.leaving, this.ownBranches);
    this.hasMoved = false;
    return this.ownBranches;
  }

  // --- chains ------------------------------------------------------------------------------------------------------------

  /** `wrong`: is given keys that must not stand in the tree any more. */
  private makeNode(
    name: string,
    branches: LiveBranches,
    cursor: StepCursor,
    old: TreeNode | undefined,
    parent: TreePart,
    tree: Tree<Live<SetElement>>,
    wrong: LiveKey[],
  ): TreeNode {
    if (old !== undefined && !old.chain.isDirty && old.branches === branches) return old;
    const chain = old?.chain ?? this.chains.partOf(parent, name);
    const below = new Map<string, TreeNode>();
    const chainBelow = (
      nameBelow: string,
      branchesBelow: LiveBranches,
      cursorBelow: StepCursor,
    ): string | undefined => {
      const before = old?.below.get(nameBelow);
      const node = this.makeNode(nameBelow, branchesBelow, cursorBelow, before, chain, tree, wrong);
      below.set(nameBelow, node);
      return node.chain.facts.isEmpty ? undefined : node.chain.name;
    };
    this.chains.begin(chain, () => tree.rulesBelow(name, branches, cursor, chainBelow, (key) => void wrong.push(key)));
    for (const [nameBelow, node] of old?.below ?? []) if (!below.has(nameBelow)) this.removeNode(node);
    return { chain, branches, below };
  }

  private removeNode({ chain, below }: TreeNode): void {
    this.chains.remove(chain);
    for (const node of below.values()) this.removeNode(node);
  }

  private drop(): void {
    if (this.root !== undefined) this.removeNode(this.root);
    this.root = undefined;
  }
}
