/** A tree of chains for elements that come and go: what a change concerns is made again, and nothing beside it. */
import type { Rule, SetElement } from "../../ir/types.ts";
import type { ChainMaker } from "./chains.ts";
import { going, type OnElement, type Residue, type StepCursor } from "./cursor.ts";
import { choiceOf, type OpenField } from "./keys.ts";
import { fieldName, knownText } from "./known.ts";
import { compareRanks, type ListReader, type Live, type LiveList, SortedItems } from "./live-elements.ts";
import { comparedFirst, planAgain, planDispatch, rowOf, type TreeBranch, type TreeKey } from "./plan.ts";
import { enterTree, inTree, nameOfTree, Tree } from "./trees.ts";

/** A key, with the rank that decides among equal ones. */
type RankedKey = TreeKey<Live<SetElement>>;

type Branches = readonly TreeBranch<Live<SetElement>>[];

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
  /** Does `work` without noting what is asked for. */
  unnoted<Result>(work: () => Result): Result;
}

/** A chain of the tree. */
interface TreeNode {
  readonly chain: TreePart;
  readonly branches: Branches;
  /** What is known of packets that come here. */
  readonly known: string;
  readonly below: ReadonlyMap<string, TreeNode>;
}

export class KeptTree {
  private readonly chains: PartMaker;
  private readonly owner: TreePart;
  private readonly list: LiveList<SetElement>;
  private readonly fields: readonly OpenField[];
  private readonly reader: ListReader<SetElement>;
  private readonly keys = new Map<SetElement, RankedKey>();
  /** In the order of the plan. */
  private readonly staying: SortedItems<RankedKey>;
  /** Keys that stand before the tree, in the order of their ranks. */
  private readonly leaving = new SortedItems<RankedKey>((a, b) => compareRanks(a.element, b.element));
  private readonly isLeaving = new Set<RankedKey>();
  /** Elements that have come, and of which is not known yet where they stand. */
  private news: Live<SetElement>[];
  private branches: Branches = [];
  /** Whether keys have come or gone since the plan. */
  private hasMoved = true;
  private root: TreeNode | undefined;
  private place: { readonly cursor: StepCursor; readonly known: string } | undefined;

  constructor(chains: PartMaker, owner: TreePart, list: LiveList<SetElement>, fields: readonly OpenField[]) {
    this.chains = chains;
    this.owner = owner;
    this.list = list;
    this.fields = fields;
    const compare = comparedFirst<Live<SetElement>>(this.types);
    this.staying = new SortedItems((a, b) => compare(a, b) || compareRanks(a.element, b.element));
    this.news = [...list.elements];
    this.reader = { added: (element) => void this.news.push(element), removed: (element) => this.remove(element) };
    list.enter(this.reader);
  }

  /** Whether so many elements may need a tree. */
  static isWorth(count: number): boolean {
    return count > rowOf([]);
  }

  private get types(): readonly OpenField["type"][] {
    return this.fields.map(({ type }) => type);
  }

  /** Whether the tree is the one for these elements, at a place where `cursor` stands. */
  isFor(list: LiveList<SetElement>, fields: readonly OpenField[], cursor: StepCursor): boolean {
    const { place } = this;
    return (
      this.list === list &&
      fields.length === this.fields.length &&
      fields.every(({ field, position }, i) => {
        const own = this.fields[i] as OpenField;
        return fieldName(field) === fieldName(own.field) && position === own.position;
      }) &&
      place !== undefined &&
      place.cursor.rule.steps === cursor.rule.steps &&
      place.cursor.at === cursor.at &&
      place.known === knownText(cursor.known)
    );
  }

  /** What `byKey` gives for the elements as they are now. */
  residue(cursor: StepCursor, then: OnElement<SetElement>): Residue {
    this.place = { cursor, known: knownText(cursor.known) };
    const tree = new Tree<Live<SetElement>>(this.fields, cursor, this.chains, then);
    this.judge(tree);
    if (this.isRow()) {
      this.drop();
      const all = this.list.elements.map((element) => this.keyOf(element));
      const row = planDispatch(all, this.types);
      return going(
        row.flatMap((branch) => (branch.kind === "choice" ? tree.rulesFor(branch.choice, cursor) : [])),
        cursor,
      );
    }
    for (;;) {
      if (this.hasMoved) this.branches = planAgain(this.staying.items, this.types, this.branches);
      this.hasMoved = false;
      const wrong: RankedKey[] = [];
      this.root = this.makeNode(nameOfTree(cursor), this.branches, inTree(cursor), this.root, this.owner, tree, wrong);
      if (wrong.length === 0) break;
      for (const key of wrong) this.setLeaving(key, true);
    }
    const first = this.leaving.items.flatMap((key) => tree.rulesFor(key, cursor));
    return enterTree(first, this.root.chain.facts.isEmpty ? undefined : this.root.chain.name, cursor);
  }

  /** Gives up all chains. */
  close(): void {
    this.list.leave(this.reader);
    this.drop();
  }

  // --- keys --------------------------------------------------------------------------------------------------------------

  private remove(element: Live<SetElement>): void {
    const key = this.keys.get(element);
    this.hasMoved = true;
    if (key === undefined) {
      this.news = this.news.filter((other) => other !== element);
      return;
    }
    this.keys.delete(element);
    if (this.isLeaving.delete(key)) this.leaving.remove(key);
    else this.staying.remove(key);
  }

  /** Decides where new keys stand, and again about those that stand before the tree. */
  private judge(tree: Tree<Live<SetElement>>): void {
    if (this.news.length > 0) this.hasMoved = true;
    for (const element of this.news) {
      const key = choiceOf(element, this.fields);
      this.keys.set(element, key);
      if (this.chains.unnoted(() => tree.mustNotComeBack(key))) {
        this.isLeaving.add(key);
        this.leaving.add(key);
      } else this.staying.add(key);
    }
    this.news = [];
    // What decides about them is noted with the chain that they stand in.
    for (const key of [...this.leaving.items]) if (!tree.mustNotComeBack(key)) this.setLeaving(key, false);
  }

  private setLeaving(key: RankedKey, isLeaving: boolean): void {
    this.hasMoved = true;
    (isLeaving ? this.staying : this.leaving).remove(key);
    (isLeaving ? this.leaving : this.staying).add(key);
    if (isLeaving) this.isLeaving.add(key);
    else this.isLeaving.delete(key);
  }

  private keyOf(element: Live<SetElement>): RankedKey {
    return this.keys.get(element) ?? choiceOf(element, this.fields);
  }

  /** Whether all keys, those before the tree too, stand in a row. */
  private isRow(): boolean {
    const { elements } = this.list;
    if (elements.length <= rowOf(this.types)) return true;
    const all = this.leaving.size === 0 ? undefined : elements.map((element) => this.keyOf(element));
    if (all !== undefined) return planDispatch(all, this.types).every(({ kind }) => kind === "choice");
    if (this.hasMoved) this.branches = planAgain(this.staying.items, this.types, this.branches);
    this.hasMoved = false;
    return this.branches.every(({ kind }) => kind === "choice");
  }

  // --- chains ------------------------------------------------------------------------------------------------------------

  /** `wrong`: is given keys that must not stand in the tree any more. */
  private makeNode(
    name: string,
    branches: Branches,
    cursor: StepCursor,
    old: TreeNode | undefined,
    parent: TreePart,
    tree: Tree<Live<SetElement>>,
    wrong: RankedKey[],
  ): TreeNode {
    const known = knownText(cursor.known);
    if (old !== undefined && !old.chain.isDirty && old.branches === branches && old.known === known) return old;
    const chain = old?.chain ?? this.chains.partOf(parent, name);
    const below = new Map<string, TreeNode>();
    this.chains.begin(chain, () => {
      for (const branch of branches)
        if (branch.kind === "choice" && tree.mustNotComeBack(branch.choice)) wrong.push(branch.choice);
      return tree.rulesBelow(name, branches, cursor, (nameBelow, branchesBelow, cursorBelow) => {
        const node = this.makeNode(
          nameBelow,
          branchesBelow,
          cursorBelow,
          old?.below.get(nameBelow),
          chain,
          tree,
          wrong,
        );
        below.set(nameBelow, node);
        return node.chain.facts.isEmpty ? undefined : node.chain.name;
      });
    });
    for (const [nameBelow, node] of old?.below ?? []) if (!below.has(nameBelow)) this.removeNode(node);
    return { chain, branches, known, below };
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
