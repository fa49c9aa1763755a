/** Which rules and chains a lookup of a key becomes. */
import { describe, expect, test } from "vitest";
import { printRule } from "../../../compiler/formats/nft/print.ts";
import { goto, L4PROTO, verdict } from "../../../compiler/ir/build.ts";
import type {
  FieldExpression,
  KeyPart,
  Rule,
  SetElement,
  Statement,
  Value,
  Verdict,
} from "../../../compiler/ir/types.ts";
import type { ChainMaker } from "../../../compiler/passes/lookups/chains.ts";
import {
  ended,
  last,
  type OnElement,
  type Position,
  type Residue,
  type StepCursor,
} from "../../../compiler/passes/lookups/cursor.ts";
import type { Key, OpenField } from "../../../compiler/passes/lookups/keys.ts";
import { type KnownFields, NOTHING_KNOWN } from "../../../compiler/passes/lookups/known.ts";
import { planDispatch, type TreeKey } from "../../../compiler/passes/lookups/plan.ts";
import { byKey, enterTree, inTree, nameOfTree, Tree } from "../../../compiler/passes/lookups/trees.ts";

interface Leading extends SetElement {
  readonly to: Statement | undefined;
}

/** Chains that are added, in words, by name. */
class Chains implements ChainMaker {
  readonly added = new Map<string, readonly string[]>();
  readonly asked: Position[] = [];
  private readonly rest: string | undefined;
  /** What a tree gives that is kept. */
  kept: Residue | undefined;
  readonly askedForTree: unknown[][] = [];

  /** `rest`: where rules go on behind this one; undefined: nothing is left to do. */
  constructor(rest?: string) {
    this.rest = rest;
  }

  chainFor(): string | undefined {
    return undefined;
  }

  leaveFor(): Statement {
    return verdict({ kind: "return" });
  }

  placeFor(place: Position): string | undefined {
    this.asked.push(place);
    return this.rest;
  }

  add(wanted: string, rules: readonly Rule[]): string {
    this.added.set(wanted, rules.map(inWords));
    return wanted;
  }

  alwaysEnds(name: string): boolean {
    return name === "ends";
  }

  onlyStatement(): Statement | undefined {
    return undefined;
  }

  keptTree(...question: unknown[]): Residue | undefined {
    this.askedForTree.push(question);
    return this.kept;
  }
}

const inWords = (rule: Rule): string => printRule(rule, "ip");
const DADDR: FieldExpression = { kind: "ip", field: "daddr" };
const PORT: FieldExpression = { kind: "transport", protocol: "th", field: "dport" };
const ADDRESS: OpenField = { field: DADDR, position: 0, type: "ipv4_addr" };
const ACCEPT = verdict({ kind: "accept" });

const keyOf = (...unknown: OpenField[]): Key => ({ values: [], unknown, random: undefined });
const cursorAt = (index = 0, known: KnownFields = NOTHING_KNOWN): StepCursor => ({
  ...{ rule: { steps: [], comment: "web" }, at: 0, start: 0, matches: [], known },
  place: { chain: "c", index, known },
});

/** Packets of an element do what it says, and none goes on; an element that says nothing has no rule. */
const follow: OnElement<Leading> = ({ to }, found) => (to === undefined ? ended([]) : last(to, found));

const element = (key: readonly KeyPart[], to: Statement | undefined): Leading => ({ key, to });
/** Elements for `10.0.0.0` and the addresses behind it. */
const elements = (count: number, to: (i: number) => Statement | undefined = () => ACCEPT): Leading[] =>
  Array.from({ length: count }, (_, i) => element([0x0a000000 + i], to(i)));

/** The rules of a lookup by address, in words. */
function rulesOf(all: readonly Leading[], chains: Chains, cursor = cursorAt()): string[] {
  const { rules, known, ended: isEnded } = byKey(all, keyOf(ADDRESS), cursor, chains, follow);
  expect([known, isEnded]).toEqual([cursor.place.known, false]);
  return rules.map(inWords);
}

const rowOf = (first: number, last_: number): string[] =>
  Array.from({ length: last_ - first + 1 }, (_, i) => `ip daddr 10.0.0.${first + i} accept`);

describe("a lookup by a key", () => {
  test("that is known is what its element does, or nothing", () => {
    const chains = new Chains();
    const cursor = cursorAt(3, new Map([["saddr", 1]]));
    expect(
      byKey([element([1], ACCEPT), element([2], verdict({ kind: "drop" }))], keyOf(), cursor, chains, follow),
    ).toEqual(ended([{ steps: [ACCEPT], comment: "web" }]));
    expect(byKey([], keyOf(), cursor, chains, follow)).toEqual({ rules: [], known: cursor.place.known, ended: false });
  });

  test("of few elements is a rule for each", () => {
    const chains = new Chains("rest");
    const wanted = rowOf(0, 15).map((rule) => `${rule} comment "web"`);
    expect(rulesOf(elements(16), chains)).toEqual(wanted);
    expect(rulesOf([], chains)).toEqual([]);
    expect([...chains.added]).toEqual([]);
  });

  test("of many is a tree, which has the rule's comment where it is entered by some packets", () => {
    const chains = new Chains("rest");
    const matches: StepCursor["matches"] = [{ kind: "compare", left: L4PROTO, operator: "==", right: 6 }];
    expect(rulesOf(elements(17), chains, { ...cursorAt(), matches })).toEqual([
      'meta l4proto tcp jump c+0 () comment "web"',
    ]);
    expect([...chains.added]).toEqual([
      ["c+0 () 10.0.0.0-10.0.0.15", rowOf(0, 15)],
      ["c+0 ()", ["ip daddr 10.0.0.0/28 goto c+0 () 10.0.0.0-10.0.0.15", ...rowOf(16, 16)]],
    ]);
  });

  test("of which a tree is kept is what that tree gives", () => {
    const chains = new Chains("rest");
    const [all, cursor] = [elements(17), cursorAt()];
    chains.kept = ended([]);
    expect(byKey(all, keyOf(ADDRESS), cursor, chains, follow)).toBe(chains.kept);
    expect(chains.askedForTree).toEqual([[all, [ADDRESS], cursor, follow]]);
    expect([...chains.added]).toEqual([]);
    chains.kept = undefined;
    expect(rulesOf(all, chains)).toEqual(["jump c+0 ()"]);
  });

  test("has no chain where no element has a rule", () => {
    const none = new Chains("rest");
    expect(
      rulesOf(
        elements(17, () => undefined),
        none,
      ),
    ).toEqual([]);
    expect([...none.added]).toEqual([]);
    const some = new Chains("rest");
    expect(
      rulesOf(
        elements(17, (i) => (i < 16 ? undefined : ACCEPT)),
        some,
      ),
    ).toEqual(["jump c+0 ()"]);
    expect([...some.added]).toEqual([["c+0 ()", rowOf(16, 16)]]);
  });

  test("of protocols and ports tests both", () => {
    const chains = new Chains();
    const fields: OpenField[] = [
      { field: L4PROTO, position: 0, type: "inet_proto" },
      { field: PORT, position: 1, type: "inet_service" },
    ];
    const all = Array.from({ length: 32 }, (_, i) => element([6, 81 + i], ACCEPT));
    byKey(all, keyOf(...fields), cursorAt(), chains, follow);
    expect(chains.added.get("c+0 ()")).toEqual([
      "meta l4proto tcp th dport 81-96 goto c+0 () 81-96",
      "meta l4proto tcp th dport 97-112 goto c+0 () 97-112",
    ]);
    expect(chains.added.get("c+0 () 97-112")?.[0]).toBe("meta l4proto tcp th dport 97 accept");
  });
});

describe("a packet comes back from a tree behind the rule: its key stays out of the tree", () => {
  const to = (...[kind, chain]: ["return"] | ["goto" | "jump", string] | ["accept"]): Statement =>
    verdict((chain === undefined ? { kind } : { kind, chain }) as Verdict);

  test.each<[isOut: boolean, what: string, statement: Statement | undefined, rest: string | undefined]>([
    [true, "a return", to("return"), "rest"],
    [true, "a goto to a chain that may end", to("goto", "other"), "rest"],
    [false, "a goto to a chain without an end", to("goto", "ends"), "rest"],
    [false, "a jump", to("jump", "other"), "rest"],
    [false, "an end", to("accept"), "rest"],
    [false, "a statement", { kind: "masquerade", random: "none" }, "rest"],
    [false, "no rule", undefined, "rest"],
    [false, "a return, where nothing is left to do", to("return"), undefined],
    [false, "a goto, where nothing is left to do", to("goto", "other"), undefined],
  ])("%s: %s", (isOut, _, statement, rest) => {
    const chains = new Chains(rest);
    const rules = rulesOf(
      elements(18, (i) => (i === 16 ? statement : ACCEPT)),
      chains,
    );
    const own = statement === undefined ? [] : [`ip daddr 10.0.0.16 ${inWords({ steps: [statement] })}`];
    expect(rules).toEqual([...(isOut ? own.map((rule) => `${rule} comment "web"`) : []), "jump c+0 ()"]);
    // Without this key the other one is alone.
    const others = isOut ? rowOf(17, 17) : ["ip daddr 10.0.0.16/31 goto c+0 () 10.0.0.16-10.0.0.17"];
    expect(chains.added.get("c+0 ()")?.slice(1)).toEqual(others);
    expect(chains.added.get("c+0 () 10.0.0.16-10.0.0.17")).toEqual(isOut ? undefined : [...own, ...rowOf(17, 17)]);
  });

  test("what is left to do is asked with the key, behind the rule", () => {
    const chains = new Chains("rest");
    const known = new Map<string, Value>([["saddr", 7]]);
    const all = elements(17, (i) => (i === 2 ? to("return") : ACCEPT));
    rulesOf(all, chains, cursorAt(4, known));
    const place = { chain: "c", index: 5, known: new Map([...known, ["daddr", 0x0a000002]]) };
    expect(chains.asked).toEqual([place]);
  });

  test("also where a rule has several tests", () => {
    const fields: OpenField[] = [ADDRESS, { field: { kind: "ip", field: "saddr" }, position: 1, type: "ipv4_addr" }];
    const tree = new Tree(fields, cursorAt(), new Chains("rest"), follow);
    const parts = [1, 2];
    expect(tree.mustNotComeBack({ element: element(parts, to("return")), parts })).toBe(true);
    expect(tree.mustNotComeBack({ element: element(parts, to("accept")), parts })).toBe(false);
  });

  test("where all keys stay out there is no tree", () => {
    const chains = new Chains("rest");
    const rules = rulesOf(
      elements(17, () => to("return")),
      chains,
    );
    expect(rules).toEqual(rowOf(0, 16).map((rule) => rule.replace("accept", 'return comment "web"')));
    expect([...chains.added]).toEqual([]);
  });
});

test.each<[name: string, cursor: Partial<Position> & { readonly start?: number }]>([
  ["c+0 ()", {}],
  ["c+3 ()", { index: 3 }],
  ["c+0 (daddr 10.0.0.1)", { known: new Map([["daddr", 0x0a000001]]) }],
  ["c+3 keys (daddr 10.0.0.1)", { index: 3, known: new Map([["daddr", 0x0a000001]]) }],
  ["c+1 keys from 1 (l4proto 6)", { index: 1, start: 1, known: new Map([["l4proto", 6]]) }],
  ["c+3 from 2 () web", { index: 3, start: 2, comment: "web" }],
])("the tree is named %s", (name, { start = 0, ...place }) => {
  const cursor = { ...cursorAt(), start, known: place.known ?? NOTHING_KNOWN };
  expect(nameOfTree({ ...cursor, place: { ...cursor.place, ...place } })).toBe(name);
});

test("in a tree rules have no comment, and nothing is tested again", () => {
  const origin = { text: "", span: () => ({ start: 0, end: 0 }) } as unknown as NonNullable<Rule["origin"]>;
  const cursor: StepCursor = {
    ...cursorAt(2),
    rule: { steps: [ACCEPT], comment: "web", origin },
    matches: [{ kind: "compare", left: DADDR, operator: "==", right: 1 }],
  };
  expect(inTree(cursor)).toEqual({ ...cursor, rule: { steps: [ACCEPT], origin }, matches: [] });
});

test("keys stand before the tree that is entered, where there is one", () => {
  const first: Rule[] = [{ steps: [ACCEPT] }];
  const cursor = cursorAt();
  const [rules, known] = [first, NOTHING_KNOWN];
  expect(enterTree(first, undefined, cursor)).toEqual({ rules, known, ended: false });
  const jump: Rule = { steps: [verdict({ kind: "jump", chain: "tree" })] };
  expect(enterTree(first, "tree", cursor)).toEqual({ rules: [...rules, jump], known, ended: false });
});

test("the rules of a chain are made again: keys that must not come back any more are told", () => {
  const chains = new Chains("rest");
  const back = verdict({ kind: "return" });
  const all = [...elements(17, (i) => (i === 16 ? back : ACCEPT)), element([0x0a000100], ACCEPT)];
  const choices = all.map((each): TreeKey<Leading> => ({ element: each, parts: each.key as readonly KeyPart[] }));
  const tree = new Tree([ADDRESS], cursorAt(), chains, follow);
  const wrong: unknown[] = [];
  const asked: unknown[] = [];
  const rules = tree.rulesBelow(
    "t",
    planDispatch(choices, ["ipv4_addr"]),
    inTree(cursorAt()),
    (name, branches, { matches }) => {
      asked.push([name, branches.length, matches]);
      return "below";
    },
    (choice) => void wrong.push(choice),
  );
  expect(rules.map(inWords)).toEqual([
    "ip daddr 10.0.0.0/28 goto below",
    "ip daddr 10.0.0.16 return",
    "ip daddr 10.0.1.0 accept",
  ]);
  expect(asked).toEqual([["t 10.0.0.0-10.0.0.15", 16, []]]);
  expect(wrong).toEqual([choices[16]]);
  expect(goto("below")).toEqual(rules[0]?.steps.at(-1));
});
