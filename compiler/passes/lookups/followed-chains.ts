/** Chains that are made again where something that they were made of has changed, and only there. */
import { invariant, required } from "../../invariant.ts";
import { stringify } from "../../ir/normal-form.ts";
import type { BaseChain, Rule, SetElement, Statement, Step } from "../../ir/types.ts";
import { isEnd, leaving, nameOfPlace, onlyStep } from "./chains.ts";
import { type OnElement, type Position, pastRule, type Residue, type StepCursor } from "./cursor.ts";
import { KeptTree, type PartMaker } from "./kept-tree.ts";
import { KeyedList } from "./keyed-list.ts";
import type { OpenField } from "./keys.ts";
import { type KnownFields, NOTHING_KNOWN, type ReadFields } from "./known.ts";
import type { ListReader, LiveList } from "./live-elements.ts";
import { nameOfTree } from "./trees.ts";

/** What others ask of a chain. */
interface ChainFacts {
  readonly isEmpty: boolean;
  /** The one step of its one rule. */
  readonly only: Step | undefined;
  /** The one step of its last rule. */
  readonly end: Step | undefined;
}

const NO_TREES: ReadonlyMap<string, KeptTree> = new Map();

const NO_FACTS: ChainFacts = { isEmpty: true, only: undefined, end: undefined };

/** A chain, and all that it was made of. */
export class FollowedChain {
  readonly name: string;
  /** Where it goes on from; undefined: it is a part of `parent`, which makes it. */
  readonly place: Position | undefined;
  readonly parent: FollowedChain | undefined;
  facts = NO_FACTS;
  isDirty = false;
  isGone = false;
  /** The chains of which it has asked something, and those that have asked it. */
  readonly uses = new Set<FollowedChain>();
  readonly users = new Set<FollowedChain>();
  readonly lists = new Set<LiveList<SetElement>>();
  /** By the names of their first chains. */
  trees = new Map<string, KeptTree>();
  /** Those that it had, while it is being made. */
  oldTrees: ReadonlyMap<string, KeptTree> = NO_TREES;
  /** Chains that it has added, and that are no tree's. */
  parts: FollowedChain[] = [];
  readonly reader: ListReader<SetElement>;

  constructor(name: string, place: Position | undefined, parent: FollowedChain | undefined, touched: () => void) {
    this.name = name;
    this.place = place;
    this.parent = parent;
    this.reader = { added: touched, removed: touched };
  }
}

/** Keys that several trees have. */
interface SharedKeys {
  readonly keys: KeyedList;
  users: number;
}

/** Told of each chain that was made, and of each that is gone. */
export interface ChainListener {
  readonly made: (name: string, rules: readonly Rule[]) => void;
  readonly gone: (name: string) => void;
}

export class FollowedChains implements PartMaker {
  private readonly byName = new Map<string, FollowedChain>();
  /** Those that go on from a place in a chain. */
  private readonly byPlace = new Map<string, Set<FollowedChain>>();
  private readonly bases = new Map<string, FollowedChain>();
  private readonly rulesFrom: (place: Position) => Rule[];
  private readonly readFields: () => ReadFields;
  private readonly listener: ChainListener;
  /** Elements that were handed out, and where they come from. */
  private readonly handed = new WeakMap<readonly SetElement[], LiveList<SetElement>>();
  /** By the parts of keys that are asked for. */
  private readonly keyedLists = new WeakMap<LiveList<SetElement>, Map<string, SharedKeys>>();
  private current: FollowedChain | undefined;
  private readonly dirty: FollowedChain[] = [];
  /** Chains that may have lost their last user. */
  private readonly idle = new Set<FollowedChain>();

  constructor(rulesFrom: (place: Position) => Rule[], readFields: () => ReadFields, listener: ChainListener) {
    this.rulesFrom = rulesFrom;
    this.readFields = readFields;
    this.listener = listener;
  }

  // --- what has changed --------------------------------------------------------------------------------------------------

  /** The base chains that there are now. */
  setBases(chains: readonly BaseChain[]): void {
    const names = new Set(chains.map(({ name }) => name));
    for (const [name, chain] of this.bases)
      if (!names.has(name)) {
        this.bases.delete(name);
        this.remove(chain);
      }
    for (const name of names) {
      if (this.bases.has(name)) continue;
      const chain = this.register(name, { chain: name, index: 0, known: NOTHING_KNOWN }, undefined);
      this.bases.set(name, chain);
      this.touch(chain);
    }
  }

  /** `chain` has other rules. Who leads there is made again too: where they are a choice by chance, it leads to one with its own comment. */
  rulesChanged(chain: string): void {
    for (const each of this.byPlace.get(chain) ?? []) {
      this.touch(each);
      for (const user of each.users) this.touch(user);
    }
  }

  /** Makes all that is to be made again. */
  settle(): void {
    for (let chain = this.dirty.pop(); chain !== undefined; chain = this.dirty.pop())
      if (chain.isDirty && !chain.isGone) this.make(chain);
    // What goes may have been the last user of others, which are looked at behind it. Nobody who stays has asked for what goes.
    for (const chain of this.idle) {
      this.idle.delete(chain);
      if (!chain.isGone && chain.users.size === 0 && this.isOfPlace(chain)) this.remove(chain);
    }
  }

  /** Notes that the chain that is being made is made of `list`, and hands its elements out. */
  read<Element extends SetElement>(list: LiveList<Element>): readonly Element[] {
    const { elements } = list;
    // Nobody writes to elements: a list of some is one of set elements.
    const plain = list as unknown as LiveList<SetElement>;
    this.handed.set(elements, plain);
    const current = this.nowMade();
    if (!current.lists.has(plain)) {
      current.lists.add(plain);
      plain.enter(current.reader);
    }
    return elements;
  }

  /** Gives up all chains. */
  close(): void {
    for (const chain of [...this.byName.values()]) this.remove(chain);
  }

  private touch(chain: FollowedChain): void {
    if (chain.isDirty) return;
    chain.isDirty = true;
    if (chain.parent === undefined) this.dirty.push(chain);
    else this.touch(chain.parent);
  }

  // --- making ------------------------------------------------------------------------------------------------------------

  private register(name: string, place: Position | undefined, parent: FollowedChain | undefined): FollowedChain {
    invariant(!this.byName.has(name), `two chains are called ${name}`);
    const chain: FollowedChain = new FollowedChain(name, place, parent, () => this.touch(chain));
    this.byName.set(name, chain);
    if (place !== undefined) {
      const all = this.byPlace.get(place.chain) ?? new Set();
      this.byPlace.set(place.chain, all.add(chain));
    }
    return chain;
  }

  private make(chain: FollowedChain): void {
    const { place } = chain;
    invariant(place !== undefined, "parts of chains are made with them");
    chain.oldTrees = chain.trees;
    chain.trees = new Map();
    this.begin(chain, () => this.rulesFrom(place));
    for (const [name, tree] of chain.oldTrees) if (chain.trees.get(name) !== tree) tree.close();
    chain.oldTrees = NO_TREES;
  }

  begin(chain: FollowedChain, rulesOf: () => readonly Rule[]): void {
    chain.isDirty = false;
    this.forget(chain);
    const { parts } = chain;
    chain.parts = [];
    for (const part of parts) this.byName.delete(part.name);
    const before = this.current;
    this.current = chain;
    const rules = rulesOf();
    this.current = before;
    for (const part of parts) this.remove(part);
    this.finish(chain, rules);
  }

  private finish(chain: FollowedChain, rules: readonly Rule[]): void {
    const before = chain.facts;
    const only = rules.length === 1 ? onlyStep(rules[0]) : undefined;
    chain.facts = { isEmpty: rules.length === 0, only, end: onlyStep(rules.at(-1)) };
    if (stringify(before) !== stringify(chain.facts)) for (const user of chain.users) this.touch(user);
    if (chain.facts.isEmpty && this.isOfPlace(chain)) this.listener.gone(chain.name);
    else this.listener.made(chain.name, rules);
  }

  /** Forgets what a chain was made of. */
  private forget(chain: FollowedChain): void {
    for (const used of chain.uses) {
      used.users.delete(chain);
      if (used.users.size === 0) this.idle.add(used);
    }
    chain.uses.clear();
    for (const list of chain.lists) list.leave(chain.reader);
    chain.lists.clear();
  }

  private leave(chain: FollowedChain): void {
    chain.isGone = true;
    this.forget(chain);
  }

  /** Whether a chain is there as long as others ask for it. */
  private isOfPlace(chain: FollowedChain): boolean {
    return chain.place !== undefined && this.bases.get(chain.name) !== chain;
  }

  /** Removes a chain, and what it alone has. */
  remove(chain: FollowedChain): void {
    this.leave(chain);
    if (this.byName.get(chain.name) === chain) this.byName.delete(chain.name);
    if (!this.byName.has(chain.name)) this.listener.gone(chain.name);
    if (chain.place !== undefined) {
      const all = this.byPlace.get(chain.place.chain);
      all?.delete(chain);
      if (all?.size === 0) this.byPlace.delete(chain.place.chain);
    }
    for (const user of chain.users) this.touch(user);
    for (const tree of chain.trees.values()) tree.close();
    for (const part of chain.parts) this.remove(part);
  }

  partOf(parent: FollowedChain, name: string): FollowedChain {
    return this.register(name, undefined, parent);
  }

  // --- what is asked of chains -------------------------------------------------------------------------------------------

  chainFor(chain: string, known: KnownFields, comment?: string): string | undefined {
    return this.placeFor({ chain, index: 0, known, comment });
  }

  leaveFor(cursor: StepCursor): Statement {
    return leaving(this.placeFor(pastRule(cursor)));
  }

  placeFor(place: Position): string | undefined {
    const { chain, index, comment } = place;
    const { name, known } = nameOfPlace(place, this.readFields());
    let found = this.byName.get(name);
    if (found === undefined) {
      found = this.register(name, { chain, index, known, comment }, undefined);
      this.make(found);
    } else if (found.isDirty && found.place !== undefined) this.make(found);
    this.use(found);
    return found.facts.isEmpty ? undefined : this.throughGoto(found).name;
  }

  add(wanted: string, rules: readonly Rule[]): string {
    const current = this.nowMade();
    for (let chain: FollowedChain | undefined = current; chain !== undefined; chain = chain.parent)
      chain.oldTrees.get(wanted)?.close();
    const part = this.register(wanted, undefined, current);
    current.parts.push(part);
    this.finish(part, rules);
    return wanted;
  }

  alwaysEnds(name: string): boolean {
    const { end } = this.asked(name).facts;
    if (end?.kind === "verdict" && "chain" in end.verdict) return this.alwaysEnds(end.verdict.chain);
    return end !== undefined && isEnd(end);
  }

  onlyStatement(name: string): Statement | undefined {
    const { only } = this.asked(name).facts;
    return only !== undefined && isEnd(only) ? only : undefined;
  }

  /** Where a chain leads that does nothing but to go on in another one; else `chain`. */
  private throughGoto(chain: FollowedChain): FollowedChain {
    const { only } = chain.facts;
    const isGoto = only?.kind === "verdict" && only.verdict.kind === "goto";
    return isGoto ? this.throughGoto(this.asked(only.verdict.chain)) : chain;
  }

  private asked(name: string): FollowedChain {
    const found = this.byName.get(name);
    invariant(found !== undefined, `chain ${name} has been made`);
    this.use(found);
    return found;
  }

  private use(chain: FollowedChain): void {
    const current = this.nowMade();
    current.uses.add(chain);
    chain.users.add(current);
  }

  private nowMade(): FollowedChain {
    invariant(this.current !== undefined, "who asks for chains is being made");
    return this.current;
  }

  // --- trees -------------------------------------------------------------------------------------------------------------

  keyed(list: LiveList<SetElement>, fields: readonly OpenField[]): KeyedList {
    const name = nameOfFields(fields);
    const all = this.keyedLists.get(list) ?? new Map<string, SharedKeys>();
    this.keyedLists.set(list, all);
    const known = all.get(name) ?? { keys: new KeyedList(list, fields), users: 0 };
    all.set(name, known);
    known.users++;
    return known.keys;
  }

  unkeyed(list: LiveList<SetElement>, fields: readonly OpenField[]): void {
    const name = nameOfFields(fields);
    const all = required(this.keyedLists.get(list), "who uses keys has asked for them");
    const known = required(all.get(name), "who uses keys has asked for them");
    if (--known.users > 0) return;
    known.keys.close();
    all.delete(name);
  }

  keptTree<Element extends SetElement>(
    elements: readonly Element[],
    fields: readonly OpenField[],
    cursor: StepCursor,
    then: OnElement<Element>,
  ): Residue | undefined {
    const list = this.handed.get(elements);
    const current = this.nowMade();
    if (list === undefined || current.place === undefined) return undefined;
    const name = nameOfTree(cursor);
    // What it does with an element is asked for of elements of the list alone.
    const onElement = then as unknown as OnElement<SetElement>;
    const old = current.oldTrees.get(name);
    if (old === undefined && !KeptTree.isWorth(elements.length)) return undefined;
    const isSame = old?.isOf(cursor.rule.steps) === true;
    if (!isSame) old?.close();
    const tree = isSame ? old : new KeptTree(this, current, list, fields);
    current.trees.set(name, tree);
    return tree.residue(cursor, onElement);
  }
}

function nameOfFields(fields: readonly OpenField[]): string {
  return fields.map(({ position, type }) => `${position} ${type}`).join();
}
