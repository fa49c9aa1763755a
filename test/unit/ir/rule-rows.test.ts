import { beforeEach, describe, expect, it } from "vitest";
import { ChainDraft } from "../../../compiler/ir/draft.ts";
import {
  chainOfRows,
  countRules,
  everyRule,
  forEachRule,
  type RowsOfChain,
  type RuleRows,
  ruleAt,
  withRules,
} from "../../../compiler/ir/rule-rows.ts";
import type { Chain, Rule } from "../../../compiler/ir/types.ts";

let made: number[] = [];

beforeEach(() => {
  made = [];
});

const ruleOf = (row: number): Rule => ({ steps: [], comment: `rule ${row}` });

/** Rows without end. */
const mask: { steps: []; comment: string } = { steps: [], comment: "" };
const ROWS: RuleRows = {
  make: (row) => {
    made.push(row);
    return ruleOf(row);
  },
  peek: (row) => {
    mask.comment = `rule ${row}`;
    return mask;
  },
  formOf: () => -1,
  holesOf: () => [],
  valueOf: (row) => row,
};

describe.each<[string, RowsOfChain, readonly number[]]>([
  ["rows in a row", { first: 7, count: 3 }, [7, 8, 9]],
  ["scattered rows", [2, 5, 11], [2, 5, 11]],
])("a chain of %s", (_, own, rows) => {
  const open = (): Chain => chainOfRows("c", ROWS, own);
  const plain: Chain = { kind: "regular", name: "c", rules: rows.map(ruleOf) };
  const seenIn = (chain: Chain, first?: number, end?: number): unknown[] => {
    const seen: unknown[] = [];
    forEachRule(chain, ({ comment }, i) => seen.push([i, comment]), first, end);
    return seen;
  };

  it("is one like any other", () => {
    const chain = open();
    expect(chain).toEqual(plain);
    expect(Object.keys(chain)).toEqual(Object.keys(plain));
    expect({ ...chain }).toEqual(plain);
    expect(JSON.stringify(chain)).toBe(JSON.stringify(plain));
    expect(chain.rules).toBe(chain.rules);
    expect(ruleAt(chain, 1)).toBe(chain.rules[1]);
    expect(made).toEqual(rows);
  });

  it("has its rules visited, counted and left out without making them", () => {
    const chain = open();
    expect(seenIn(chain)).toEqual(seenIn(plain));
    expect(seenIn(chain, 1, 2)).toEqual([[1, `rule ${rows[1]}`]]);
    expect(seenIn(plain, 1, 2)).toEqual([[1, `rule ${rows[1]}`]]);
    expect(countRules(chain)).toBe(3);
    expect(withRules(chain, [])).toEqual({ kind: "regular", name: "c", rules: [] });
    expect(made).toEqual([]);
    expect(ruleAt(chain, 1)).toEqual(ruleAt(plain, 1));
    expect(made).toEqual([rows[1]]);
  });

  it("is not asked behind a rule of which a test does not hold", () => {
    const asked: number[] = [];
    const test = (_: Rule, i: number): boolean => asked.push(i) < 2;
    expect([everyRule(open(), test), everyRule(plain, test), everyRule(open(), () => true)]).toEqual([
      false,
      false,
      true,
    ]);
    expect(asked).toEqual([0, 1, 0]);
  });
});

describe("a chain that is read", () => {
  /** Chains with one store, and what puts a rule into the store first. */
  function open(): {
    readonly store: string[];
    readonly chains: ChainDraft<string>[];
    readonly put: (at: number) => void;
  } {
    const store: string[] = [];
    const kept = {
      get count() {
        return store.length;
      },
      make: (row: number) => store[row] as string,
      addMade: (line: string) => void store.push(line),
    };
    const chains = ["a", "b"].map((name) => new ChainDraft<string>(name, undefined, false, kept));
    const put = (at: number): void => {
      store.push(`line ${store.length}`);
      chains[at]?.takeStored();
    };
    return { store, chains, put };
  }

  it("is rows as long as rules come behind one another", () => {
    const { chains, put } = open();
    const [a, b] = chains as [ChainDraft<string>, ChainDraft<string>];
    expect(a.rows).toBeUndefined();
    put(0);
    a.add(["made 1", "made 2"]);
    put(0);
    expect(a.rows).toEqual({ first: 0, count: 4 });
    put(1);
    put(0);
    expect([a.rows, b.rows]).toEqual([[0, 1, 2, 3, 5], { first: 4, count: 1 }]);
    expect([a.rules, b.rules]).toEqual([["line 0", "made 1", "made 2", "line 3", "line 5"], ["line 4"]]);
    expect([a.rows, b.rows]).toEqual([undefined, undefined]);
  });

  it("is a list when a rule is put before another, and stays one", () => {
    const { chains, put } = open();
    const [a] = chains as [ChainDraft<string>];
    put(0);
    put(0);
    a.add(["first"], 0);
    put(0);
    a.add(["last"]);
    expect(a.rows).toBeUndefined();
    expect(a.rules).toEqual(["first", "line 0", "line 1", "line 2", "last"]);
  });

  it("is emptied", () => {
    const { chains, put } = open();
    const [a] = chains as [ChainDraft<string>];
    put(0);
    put(1);
    put(0);
    a.rules = [];
    expect([a.rows, a.rules]).toEqual([undefined, []]);
    put(0);
    expect(a.rows).toEqual({ first: 3, count: 1 });
  });
});
