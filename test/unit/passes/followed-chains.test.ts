/** Which chains are made again, and which go, where rules are what a test says: each chain once, and none without need. */
import { describe, expect, test } from "vitest";
import { equal } from "../../../compiler/ir/build.ts";
import { ChainGraph } from "../../../compiler/ir/chain-graph.ts";
import { partsOfKey } from "../../../compiler/ir/sets.ts";
import type { BaseChain, Rule, SetElement, Statement } from "../../../compiler/ir/types.ts";
import { FollowedChains } from "../../../compiler/passes/lookups/followed-chains.ts";
import type { OpenField } from "../../../compiler/passes/lookups/keys.ts";
import { NOTHING_KNOWN, ReadFields } from "../../../compiler/passes/lookups/known.ts";
import { type Live, LiveList } from "../../../compiler/passes/lookups/live-elements.ts";
import { baseChain, ruleOf } from "../../support/ir.ts";

type Made = (chains: FollowedChains) => readonly Rule[];

const NO_FIELDS = new ReadFields(new ChainGraph({ chains: [], maps: [] }));

const ACCEPT: Statement = { kind: "verdict", verdict: { kind: "accept" } };

const verdictRule = (kind: "accept" | "drop" | "return"): Rule => ruleOf({ kind: "verdict", verdict: { kind } });
const to = (kind: "jump" | "goto", chain: string): Rule => ruleOf({ kind: "verdict", verdict: { kind, chain } });
const mark = (value: number): Rule =>
  ruleOf({ kind: "set", field: { kind: "meta", key: "mark" }, value: { kind: "constant", type: "mark", value } });

/** A rule that leads to a chain, as far as that has rules. */
const leadingTo =
  (chain: string): Made =>
  (chains) => {
    const name = chains.chainFor(chain, NOTHING_KNOWN);
    return name === undefined ? [] : [to("jump", name)];
  };

class Scene {
  readonly rules = new Map<string, Made>();
  private told: string[] = [];
  readonly chains = new FollowedChains(
    ({ chain, index }) => [...(this.rules.get(index === 0 ? chain : `${chain}+${index}`)?.(this.chains) ?? [])],
    () => NO_FIELDS,
    {
      made: (name, rules) => this.told.push(`${name} ${rules.length}`),
      gone: (name) => this.told.push(`${name} gone`),
    },
  );

  constructor(rules: Readonly<Record<string, Made>>, bases: readonly string[] = ["b"]) {
    for (const [name, made] of Object.entries(rules)) this.rules.set(name, made);
    this.setBases(bases);
    this.settle();
  }

  setBases(names: readonly string[]): void {
    this.chains.setBases(names.map((name): BaseChain => ({ ...baseChain("input", "filter", []), name })));
  }

  /** What is told after a chain has other rules. */
  change(chain: string, made: Made): string {
    this.rules.set(chain, made);
    this.chains.rulesChanged(chain);
    return this.settle();
  }

  settle(): string {
    this.chains.settle();
    const { told } = this;
    this.told = [];
    return told.sort().join(", ");
  }
}

const accepting: Made = () => [verdictRule("accept")];

describe("who asks for a chain is made again where its answer is another one", () => {
  /** A base chain asks `asked`, which leads on to `x`: what becomes of it where the rules of `x` are others. */
  const both = (before: readonly Rule[], after: readonly Rule[]): string => {
    const scene = new Scene({ b: leadingTo("a"), a: leadingTo("x"), x: () => before });
    scene.rules.set("x", () => after);
    // Its rules alone: who leads to a chain whose rules are others is made again anyway.
    scene.chains.rulesChanged("x");
    return scene.settle();
  };
  const [one, two, three] = [mark(1), mark(2), mark(3)];

  test.each<readonly [what: string, before: readonly Rule[], after: readonly Rule[], wanted: string]>([
    ["it has rules", [], [one, two], "a 1, b 1, x 2"],
    ["it has none any more", [one, two], [], "a gone, b 0, x gone"],
    ["its one statement is another one", [verdictRule("accept")], [verdictRule("drop")], "a 1, x 1"],
    ["its last of two is another one", [one, two], [one, three], "a 1, x 2"],
    ["its last of three is another one", [one, two, one], [one, two, three], "a 1, x 3"],
  ])("%s", (_, before, after, wanted) => {
    expect(both(before, after)).toBe(wanted);
  });
});

test.each<readonly [what: string, rules: (n: number) => readonly Rule[]]>([
  ["the middle of its rules", (n) => [mark(1), mark(n), mark(3), mark(4)]],
  ["the first of its rules", (n) => [mark(n), mark(2)]],
  ["a test before its last verdict", (n) => [mark(1), ruleOf(equal({ kind: "meta", key: "mark" }, n), ACCEPT)]],
])("who leads to a chain is not made again for %s", (_, rules) => {
  const list = listOf();
  const scene = new Scene({ b: leadingTo("x"), x: (chains) => rules(chains.read(list.elements).length) });
  list.add(element(1));
  expect(scene.settle()).toMatch(/^x \d$/);
});

test("a chain that nobody asks any more goes, and so does what it alone has asked", () => {
  const scene = new Scene({ b: leadingTo("a"), a: leadingTo("x"), x: accepting });
  expect(scene.change("b", accepting)).toBe("a gone, b 1, x gone");
  expect(scene.change("b", leadingTo("a"))).toBe("a 1, b 1, x 1");
});

test("what only a chain that goes has asked goes with it, also where that has been made again before", () => {
  const list = listOf();
  const reading: Made = (chains) => [mark(chains.read(list.elements).length), ...leadingTo("x")(chains)];
  const scene = new Scene({ b: leadingTo("a"), a: reading, x: () => [mark(1), mark(2)] });
  list.add(element(1));
  expect(scene.settle()).toBe("a 2");
  expect(scene.change("b", accepting)).toBe("a gone, b 1, x gone");
});

test("a base chain goes and comes", () => {
  const scene = new Scene({ b: leadingTo("x"), c: leadingTo("x"), x: accepting }, ["b", "c"]);
  scene.setBases(["b"]);
  expect(scene.settle()).toBe("c gone");
  scene.setBases(["c"]);
  expect(scene.settle()).toBe("b gone, c 1");
  scene.setBases(["b", "c"]);
  expect(scene.settle()).toBe("b 1");
  scene.setBases([]);
  expect(scene.settle()).toBe("b gone, c gone, x gone");
});

test("a base chain without rules is one, and any other chain is not", () => {
  const scene = new Scene({ b: leadingTo("x"), x: accepting });
  expect(scene.change("b", () => [])).toBe("b 0, x gone");
  expect(scene.change("b", leadingTo("y"))).toBe("b 0, y gone");
});

test("parts of a chain go where it is made without them, and are told once where it has them again", () => {
  const withPart: Made = (chains) => [to("jump", chains.add("part", [mark(1)]))];
  const scene = new Scene({ b: withPart });
  expect(scene.change("b", withPart)).toBe("b 1, part 1");
  expect(scene.change("b", accepting)).toBe("b 1, part gone");
  expect(scene.change("b", withPart)).toBe("b 1, part 1");
  expect(scene.change("b", () => [])).toBe("b 0, part gone");
});

test("a part goes with its chain", () => {
  const scene = new Scene({ b: leadingTo("a"), a: (chains) => [mark(2), to("jump", chains.add("part", [mark(1)]))] });
  expect(scene.change("b", accepting)).toBe("a gone, b 1, part gone");
});

test("who comes through a chain to a part of it is made again where the part is another one", () => {
  const list = listOf();
  const withPart: Made = (chains) => {
    const isMore = chains.read(list.elements).length > 0;
    return [
      to("goto", chains.add("part", isMore ? [to("goto", chains.chainFor("x", NOTHING_KNOWN) ?? "")] : [mark(1)])),
    ];
  };
  const scene = new Scene({ b: leadingTo("a"), a: withPart, x: () => [mark(1), mark(2)] });
  list.add(element(1));
  expect(scene.settle()).toBe("a 1, b 1, part 1, x 2");
});

test("a chain that elements lead to with comments of their own is one for each: those that are left have its rules", () => {
  const asking =
    (...comments: readonly string[]): Made =>
    (chains) =>
      comments.map((comment) => to("jump", chains.chainFor("a", NOTHING_KNOWN, comment) ?? ""));
  const scene = new Scene({ b: asking("one", "two"), a: () => [mark(1), mark(2)] });
  expect(scene.change("b", asking("one"))).toBe("a two gone, b 1");
  expect(scene.change("a", () => [mark(1), mark(2), mark(3)])).toBe("a one 3, b 1");
});

// --- lists -----------------------------------------------------------------------------------------------------------------

interface TestedList {
  readonly elements: LiveList<SetElement>;
  add(one: Live<SetElement>): void;
  /** How often it was told that nobody reads it and nothing is in it. */
  idle: number;
}

function listOf(): TestedList {
  const elements: LiveList<SetElement> = new LiveList(() => {
    list.idle++;
  });
  const list: TestedList = { elements, add: (one) => elements.add(one), idle: 0 };
  return list;
}

function element(position: number): Live<SetElement> {
  return { key: [position], owner: "", position };
}

const readingList =
  (list: TestedList): Made =>
  (chains) =>
    chains.read(list.elements).map(({ key }) => mark(Number(partsOfKey({ key })[0])));

test("a chain is made of the lists that it has read last, and of no others", () => {
  const list = listOf();
  const scene = new Scene({ b: readingList(list) });
  const one = element(1);
  list.add(one);
  expect(scene.settle()).toBe("b 1");
  list.add(element(2));
  list.elements.remove(one);
  expect(scene.settle()).toBe("b 1");
  expect(scene.change("b", accepting)).toBe("b 1");
  list.add(one);
  expect(scene.settle()).toBe("");
});

test("nobody reads a list where the chain that has is gone, however often it did", () => {
  const list = listOf();
  const twice: Made = (chains) => [...readingList(list)(chains), ...readingList(list)(chains), mark(1)];
  const scene = new Scene({ b: leadingTo("a"), a: twice });
  const one = element(1);
  list.add(one);
  scene.settle();
  expect(scene.change("b", accepting)).toBe("a gone, b 1");
  expect(list.idle).toBe(0);
  list.elements.remove(one);
  expect(list.idle).toBe(1);
});

test("nobody reads a list where a chain is made without it", () => {
  const list = listOf();
  const scene = new Scene({ b: readingList(list) });
  expect(list.idle).toBe(0);
  scene.change("b", accepting);
  expect(list.idle).toBe(1);
});

test("all is gone where it is closed", () => {
  const list = listOf();
  const scene = new Scene({ b: leadingTo("a"), a: (chains) => [mark(1), ...readingList(list)(chains)] });
  scene.chains.close();
  expect(scene.settle()).toBe("a gone, b gone");
  expect(list.idle).toBe(1);
  list.add(element(1));
  expect(scene.settle()).toBe("");
});

// --- keys ------------------------------------------------------------------------------------------------------------------

test("keys of a list are kept once for each choice of parts, as long as somebody uses them", () => {
  const { chains } = new Scene({});
  const list = listOf();
  const fields: readonly OpenField[] = [{ field: { kind: "ip", field: "saddr" }, position: 0, type: "ipv4_addr" }];
  const others: readonly OpenField[] = [{ field: { kind: "ip", field: "saddr" }, position: 1, type: "ipv4_addr" }];
  const keys = chains.keyed(list.elements, fields);
  expect(chains.keyed(list.elements, fields)).toBe(keys);
  expect(chains.keyed(list.elements, others)).not.toBe(keys);
  chains.unkeyed(list.elements, others);
  expect(list.idle).toBe(0);
  chains.unkeyed(list.elements, fields);
  expect(list.idle).toBe(0);
  expect(chains.keyed(list.elements, fields)).toBe(keys);
  chains.unkeyed(list.elements, fields);
  chains.unkeyed(list.elements, fields);
  expect(list.idle).toBe(1);
  expect(chains.keyed(list.elements, fields)).not.toBe(keys);
  chains.unkeyed(list.elements, fields);
  expect(list.idle).toBe(2);
});

test("two chains of one name are a fault", () => {
  const scene = new Scene({});
  expect(() =>
    scene.change("b", (chains) => {
      chains.add("part", [mark(1)]);
      return [to("jump", chains.add("part", [mark(2)]))];
    }),
  ).toThrow("two chains are called part");
});
