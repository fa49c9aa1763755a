/** A table while a text is read, in any language of rules: what its commands do to chains. */
import type { BaseChain, Chain, Rule, TableFamily } from "./types.ts";

/** What a text says of a chain at a hook. */
type BaseDraft = Omit<BaseChain, "kind" | "name" | "rules" | "comment">;

/** A chain as far as it is read. `Line` is what is known of a rule before the whole table is. */
export class ChainDraft<Line> {
  readonly name: string;
  /** It is written in the one rule that leads to it. */
  private readonly anonymous: boolean;
  /** Undefined: no packet enters it at a hook. */
  base: BaseDraft | undefined;
  comment: string | undefined;
  rules: Line[] = [];

  constructor(name: string, base?: BaseDraft, anonymous = false) {
    this.name = name;
    this.base = base;
    this.anonymous = anonymous;
  }

  /** Puts `rules` before the one that is number `at`, from 0; else behind all. */
  add(rules: readonly Line[], at = this.rules.length): void {
    if (at === this.rules.length) this.rules.push(...rules);
    else this.rules.splice(at, 0, ...rules);
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

  constructor(family: TableFamily, name: string) {
    this.family = family;
    this.name = name;
  }

  /** The chain of that name, which is made where there is none. */
  chain(name: string): ChainDraft<Line> {
    const known = this.chains.get(name);
    if (known !== undefined) return known;
    const made = new ChainDraft<Line>(name);
    this.chains.set(name, made);
    return made;
  }

  /** Empties all chains. */
  flush(): void {
    for (const chain of this.chains.values()) chain.rules = [];
  }
}
