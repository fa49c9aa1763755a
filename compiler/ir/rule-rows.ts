/** Rules that a reader has not made objects of: a dump may have a million, most of which are looked at once. */
import type { FormedRows } from "./row-forms.ts";
import type { Chain, RegularChain, Rule } from "./types.ts";

/** The rules of many chains, one behind the other. */
export interface RuleRows extends FormedRows {
  /** The rule of a row, as an object to keep. */
  readonly make: (row: number) => Rule;
  /** The rule of a row until this is called again; it may lack its origin. It is not to be kept, nor what is in it but numbers and
   *  texts. */
  readonly peek: (row: number) => Rule;
}

/** Which rows the rules of a chain are: `count` from `first` on, or these. */
export type RowsOfChain = { readonly first: number; readonly count: number } | readonly number[];

/** A chain whose rules are made when somebody asks for all of them. */
class ChainOfRows implements RegularChain {
  readonly kind = "regular";
  readonly name: string;
  declare readonly rules: readonly Rule[];
  readonly #rows: RuleRows;
  readonly #own: RowsOfChain;
  #made: readonly Rule[] | undefined;

  constructor(name: string, rows: RuleRows, own: RowsOfChain) {
    this.name = name;
    this.#rows = rows;
    this.#own = own;
    // A member of its own, so that copies of the chain have it.
    Object.defineProperty(this, "rules", RULES);
  }

  static of(chain: Chain): ChainOfRows | undefined {
    return #rows in chain ? (chain as ChainOfRows) : undefined;
  }

  all(): readonly Rule[] {
    this.#made ??= Array.from({ length: this.count }, (_, i) => this.at(i));
    return this.#made;
  }

  get count(): number {
    return "first" in this.#own ? this.#own.count : this.#own.length;
  }

  get rows(): RuleRows {
    return this.#rows;
  }

  rowOf(i: number): number {
    return "first" in this.#own ? this.#own.first + i : (this.#own[i] as number);
  }

  at(i: number): Rule {
    return this.#made?.[i] ?? this.#rows.make(this.rowOf(i));
  }

  peek(i: number): Rule {
    return this.#rows.peek(this.rowOf(i));
  }
}

const RULES: PropertyDescriptor & ThisType<ChainOfRows> = {
  enumerable: true,
  configurable: true,
  get() {
    return this.all();
  },
};

/** A chain that other chains lead to. */
export function chainOfRows(name: string, rows: RuleRows, own: RowsOfChain): RegularChain {
  return new ChainOfRows(name, rows, own);
}

/** The rules of a chain as rows. */
export interface RuleRowsOfChain {
  readonly rows: RuleRows;
  /** The row of rule `i`. */
  readonly rowOf: (i: number) => number;
}

/** Undefined: its rules are objects. */
export function rowsOfRules(chain: Chain): RuleRowsOfChain | undefined {
  return ChainOfRows.of(chain);
}

/** Without making objects of them. */
export function countRules(chain: Chain): number {
  return ChainOfRows.of(chain)?.count ?? chain.rules.length;
}

const NO_LIST: Pick<Chain, "rules"> = { rules: [] };

/** Whether `test` holds of all rules of `chain` from number `first` to before `end`; those behind one of which it does not are not asked.
 *  What it is given is as `RuleRows.peek` has it: calls stand one behind the other, not one in the other. */
export function everyRule(
  chain: Chain,
  test: (rule: Rule, i: number) => boolean,
  first = 0,
  end = countRules(chain),
): boolean {
  const rows = ChainOfRows.of(chain);
  const { rules } = rows === undefined ? chain : NO_LIST;
  for (let i = first; i < end; i++) if (!test(rows === undefined ? (rules[i] as Rule) : rows.peek(i), i)) return false;
  return true;
}

/** Calls `visit` with each rule of `chain`, as `everyRule`. */
export function forEachRule(
  chain: Chain,
  visit: (rule: Rule, i: number) => void,
  first = 0,
  end = countRules(chain),
): void {
  everyRule(
    chain,
    (rule, i) => {
      visit(rule, i);
      return true;
    },
    first,
    end,
  );
}

/** A rule of `chain`, as an object to keep. */
export function ruleAt(chain: Chain, i: number): Rule {
  return ChainOfRows.of(chain)?.at(i) ?? (chain.rules[i] as Rule);
}

/** `chain` with these rules in place of its own, of which none is made. */
export function withRules(chain: Chain, rules: readonly Rule[]): Chain {
  return ChainOfRows.of(chain) === undefined ? { ...chain, rules } : { kind: "regular", name: chain.name, rules };
}
