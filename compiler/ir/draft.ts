/** A table while a text is read, in any language of rules: what its commands do to chains. */
import { invariant } from "../invariant.ts";
import type { RowsOfChain } from "./rule-rows.ts";
import type { BaseChain, Chain, Rule, TableFamily } from "./types.ts";

/** What a text says of a chain at a hook. */
type BaseDraft = Omit<BaseChain, "kind" | "name" | "rules" | "comment">;

/** Lines that are kept one behind the other, and not as a list. */
export interface LineStore<Line> {
  readonly count: number;
  readonly make: (row: number) => Line;
  readonly addMade: (line: Line) => void;
}

/** A chain as far as it is read. `Line` is what is known of a rule before the whole table is. */
export class ChainDraft<Line> {
  readonly name: string;
  /** It is written in the one rule that leads to it. */
  private readonly anonymous: boolean;
  /** Undefined: no packet enters it at a hook. */
  base: BaseDraft | undefined;
  comment: string | undefined;
  /** The one that was made after it in its table. */
  next: ChainDraft<Line> | undefined;
  /** It is none of the table any more. */
  isDeleted = false;
  private own: Line[] = [];
  /** Where its rules are kept as long as none is put before another. */
  private readonly store: LineStore<Line> | undefined;
  /** Those rows of it: `stored` from `first` on, or these. */
  private first = 0;
  private stored = 0;
  private scattered: number[] | undefined;

  constructor(name: string, base?: BaseDraft, anonymous = false, store?: LineStore<Line>) {
    this.name = name;
    this.base = base;
    this.anonymous = anonymous;
    this.store = store;
  }

  get rules(): Line[] {
    const { store, stored } = this;
    for (let i = 0; store !== undefined && i < stored; i++) this.own.push(store.make(this.rowOf(i)));
    this.forget();
    return this.own;
  }

  set rules(rules: Line[]) {
    this.own = rules;
    this.forget();
  }

  private rowOf(i: number): number {
    return this.scattered === undefined ? this.first + i : (this.scattered[i] as number);
  }

  private forget(): void {
    this.stored = 0;
    this.scattered = undefined;
  }

  /** Puts `rules` before the one that is number `at`, from 0; else behind all. */
  add(rules: readonly Line[], at?: number): void {
    const { store } = this;
    if (at !== undefined) this.rules.splice(at, 0, ...rules);
    else if (store === undefined || this.own.length > 0) this.rules.push(...rules);
    else
      for (const rule of rules) {
        store.addMade(rule);
        this.takeStored();
      }
  }

  /** Adds the rule that was put into the store last. */
  takeStored(): void {
    const { store } = this;
    invariant(store !== undefined, "the chain has a store");
    const row = store.count - 1;
    if (this.own.length > 0) {
      this.own.push(store.make(row));
      return;
    }
    if (this.stored === 0) this.first = row;
    else if (this.scattered === undefined && this.first + this.stored !== row)
      this.scattered = Array.from({ length: this.stored }, (_, i) => this.first + i);
    this.scattered?.push(row);
    this.stored++;
  }

  /** The rows that its rules are; undefined: they are a list, or none. */
  get rows(): RowsOfChain | undefined {
    if (this.stored === 0) return undefined;
    return this.scattered ?? { first: this.first, count: this.stored };
  }

  setPolicy(policy: BaseChain["policy"], origin: BaseChain["origin"]): void {
    if (this.base !== undefined) this.base = { ...this.base, policy, ...(origin === undefined ? {} : { origin }) };
  }

  /** The chain with `rules`. */
  close(rules: readonly Rule[]): Chain {
    const { name, base, comment, anonymous } = this;
    const text = comment === undefined ? {} : { comment };
    return base === undefined
      ? { kind: "regular", name, ...(anonymous ? { anonymous } : {}), ...text, rules }
      : { kind: "base", name, ...base, ...text, rules };
  }
}

/** A table as far as it is read. `List` is what is known of a set or map. */
export class TableDraft<Line, List> {
  readonly family: TableFamily;
  readonly name: string;
  /** By name, in the order in which they were made. */
  readonly chains = new Map<string, ChainDraft<Line>>();
  readonly sets = new Map<string, List>();
  private readonly store: LineStore<Line> | undefined;
  private last: ChainDraft<Line> | undefined;

  /** `store`: for the rules of chains that no packet enters at a hook. */
  constructor(family: TableFamily, name: string, store?: LineStore<Line>) {
    this.family = family;
    this.name = name;
    this.store = store;
  }

  /** The chain of that name, which is made where there is none. */
  chain(name: string): ChainDraft<Line> {
    const known = this.chains.get(name);
    if (known !== undefined) return known;
    const made = new ChainDraft<Line>(name, undefined, false, this.store);
    this.chains.set(name, made);
    if (this.last !== undefined) this.last.next = made;
    this.last = made;
    return made;
  }

  deleteChain(name: string): void {
    const chain = this.chains.get(name);
    if (chain !== undefined) chain.isDeleted = true;
    this.chains.delete(name);
  }

  /** Empties all chains. */
  flush(): void {
    for (const chain of this.chains.values()) chain.rules = [];
  }
}
