/** The elements of a list by the parts of their keys that are asked for, and the plan of a tree for them. */
import type { KeyPart, SetElement } from "../../ir/types.ts";
import { choiceOf, type OpenField } from "./keys.ts";
import { compareRanks, type ListReader, type Live, type LiveList, SortedItems } from "./live-elements.ts";
import { comparedFirst, rowOf, type TreeBranch, type TreeKey } from "./plan.ts";
import { planAgain } from "./plan-again.ts";

export type LiveKey = TreeKey<Live<SetElement>>;

export type LiveBranches = readonly TreeBranch<Live<SetElement>>[];

export class KeyedList {
  readonly types: readonly OpenField["type"][];
  private readonly list: LiveList<SetElement>;
  private readonly fields: readonly OpenField[];
  private readonly reader: ListReader<SetElement>;
  private readonly keys = new Map<SetElement, LiveKey>();
  /** In the order of the plan. */
  private readonly sorted: SortedItems<LiveKey>;
  private rangedKeys = 0;
  private plan: LiveBranches = [];
  /** Whether keys have come or gone since the plan. */
  private hasMoved = true;

  constructor(list: LiveList<SetElement>, fields: readonly OpenField[]) {
    this.list = list;
    this.fields = fields;
    this.types = fields.map(({ type }) => type);
    const compare = comparedFirst<Live<SetElement>>(this.types);
    this.sorted = new SortedItems((a, b) => compare(a, b) || compareRanks(a.element, b.element));
    for (const element of list.elements) this.add(element);
    this.reader = { added: (element) => this.add(element), removed: (element) => this.remove(element) };
    list.enter(this.reader);
  }

  close(): void {
    this.list.leave(this.reader);
  }

  /** The branches of a tree for all keys. Groups of a plan before in which no key has come or gone are the same values. */
  get branches(): LiveBranches {
    if (this.hasMoved) this.plan = this.planned(this.sorted.items, this.plan);
    this.hasMoved = false;
    return this.plan;
  }

  /** The same for all keys but those of `others`. */
  branchesWithout(others: ReadonlyMap<SetElement, LiveKey>, before: LiveBranches): LiveBranches {
    const some = this.sorted.items.filter(({ element }) => !others.has(element));
    if (some.length > rowOf(this.types)) return this.planned(some, before);
    // A row has the order of the elements.
    const inOrder = this.list.elements.filter((element) => !others.has(element));
    return inOrder.map((element) => ({ kind: "choice", choice: this.keyOf(element) }));
  }

  keyOf(element: Live<SetElement>): LiveKey {
    return this.keys.get(element) ?? choiceOf(element, this.fields);
  }

  private planned(keys: readonly LiveKey[], before: LiveBranches): LiveBranches {
    return planAgain(keys, this.types, this.rangedKeys === 0, before);
  }

  private add(element: Live<SetElement>): void {
    const key = choiceOf(element, this.fields);
    this.keys.set(element, key);
    this.sorted.add(key);
    if (key.parts.some(isRange)) this.rangedKeys++;
    this.hasMoved = true;
  }

  private remove(element: Live<SetElement>): void {
    const key = this.keyOf(element);
    this.keys.delete(element);
    this.sorted.remove(key);
    if (key.parts.some(isRange)) this.rangedKeys--;
    this.hasMoved = true;
  }
}

function isRange(part: KeyPart): boolean {
  return typeof part === "object";
}
