/** Elements by their owners: a table that follows has what a new one has, and is told of what comes and goes alone. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MapElement, SetElement, Verdict } from "../../../compiler/ir/types.ts";
import { NO_ELEMENTS, type OwnedElements, OwnedTable } from "../../../compiler/passes/lookups/owned-elements.ts";

const jump = (chain: string): Verdict => ({ kind: "jump", chain });
const element = (key: number, chain = "a"): MapElement => ({ key: [key], value: jump(chain) });

const inMap = (...elements: readonly MapElement[]): OwnedElements => ({
  ...NO_ELEMENTS,
  maps: new Map([["m", elements]]),
});

const inSet = (...elements: readonly SetElement[]): OwnedElements => ({
  ...NO_ELEMENTS,
  sets: new Map([["s", elements]]),
});

const shared = (...elements: readonly SetElement[]): OwnedElements => ({
  ...NO_ELEMENTS,
  shared: new Map([["x", new Map(elements.map((each) => [Number((each.key as number[])[0]), each]))]]),
});

/** A table, and by how many it was told that elements lead to each chain. */
class Followed {
  readonly told: string[] = [];
  readonly targets = new Map<string, number>();
  readonly table = new OwnedTable((map, { key, value }, by) => {
    const chain = "chain" in value ? value.chain : "";
    this.told.push(`${by > 0 ? "+" : "-"} ${map} ${String(key)} ${chain}`);
    this.targets.set(chain, (this.targets.get(chain) ?? 0) + by);
  });

  /** What it was told meanwhile. */
  put(owner: string, wanted: OwnedElements): readonly string[] {
    this.told.length = 0;
    this.table.put(owner, wanted);
    return [...this.told];
  }

  get keys(): readonly (readonly unknown[])[] {
    const keys = (elements: readonly SetElement[]): string[] =>
      elements.map(({ key, comment }) => `${String(key)}${comment ?? ""}`);
    return [
      keys(this.table.elementsOfMap("m").matching([undefined]).elements),
      keys(this.table.elementsOfSet("s").matching([undefined]).elements),
      keys(this.table.elementsOfSet("x").matching([undefined]).elements),
    ];
  }
}

describe("a table is told", () => {
  test("of elements that come and go, and of no other", () => {
    const followed = new Followed();
    expect(followed.put("b", inMap(element(1), element(2), element(3)))).toEqual(["+ m 1 a", "+ m 2 a", "+ m 3 a"]);
    expect(followed.put("b", inMap(element(1), element(3), element(4)))).toEqual(["- m 2 a", "+ m 4 a"]);
    expect(followed.put("b", inMap(element(1), element(3), element(4)))).toEqual([]);
    expect(followed.put("b", inMap(element(0), element(1), element(3), element(4)))).toEqual(["+ m 0 a"]);
    expect(followed.put("b", inMap(element(0), element(1, "c"), element(3)))).toEqual([
      "- m 1 a",
      "- m 4 a",
      "+ m 1 c",
    ]);
    expect(followed.put("a", inMap(element(9)))).toEqual(["+ m 9 a"]);
    expect(followed.keys).toEqual([["9", "0", "1", "3"], [], []]);
    expect(followed.put("b", NO_ELEMENTS)).toEqual(["- m 0 a", "- m 1 c", "- m 3 a"]);
    expect(followed.put("b", NO_ELEMENTS)).toEqual([]);
    expect(followed.keys).toEqual([["9"], [], []]);
  });

  test("of one that its owner wants at another place", () => {
    const followed = new Followed();
    followed.put("b", inMap(element(1), element(2), element(3)));
    expect(followed.put("b", inMap(element(3), element(1), element(2)))).toEqual([
      "- m 1 a",
      "- m 2 a",
      "+ m 1 a",
      "+ m 2 a",
    ]);
    expect(followed.keys).toEqual([["3", "1", "2"], [], []]);
    // A second one of one text is another one.
    expect(followed.put("b", inMap(element(3), element(3), element(1)))).toEqual(["- m 2 a", "+ m 3 a"]);
    expect(followed.keys).toEqual([["3", "3", "1"], [], []]);
  });
});

test("of a set that two owners share, the element of the first one counts", () => {
  const followed = new Followed();
  const own = (comment: string): SetElement => ({ key: [1], comment });
  followed.put("b", shared(own("b")));
  followed.put("c", shared(own("c"), { key: [2] }));
  expect(followed.keys[2]).toEqual(["1b", "2"]);
  const { elements } = followed.table.elementsOfSet("x").matching([undefined]);
  const [first] = elements;
  followed.put("d", shared(own("d")));
  expect(followed.table.elementsOfSet("x").matching([undefined]).elements[0]).toBe(first);
  followed.put("a", shared(own("a")));
  expect(followed.keys[2]).toEqual(["1a", "2"]);
  followed.put("b", NO_ELEMENTS);
  followed.put("a", NO_ELEMENTS);
  expect(followed.keys[2]).toEqual(["1c", "2"]);
  followed.put("c", NO_ELEMENTS);
  expect(followed.keys[2]).toEqual(["1d"]);
  followed.put("d", NO_ELEMENTS);
  expect(followed.keys[2]).toEqual([]);
  followed.put("b", shared(own("b")));
  expect(followed.keys[2]).toEqual(["1b"]);
  expect(followed.told).toEqual([]);
});

test("of a set that two owners share, an element is told of only where another one counts", () => {
  const followed = new Followed();
  followed.put("b", shared({ key: [1] }));
  const heard: string[] = [];
  const say = (how: string) => (one: SetElement) => void heard.push(`${how} ${String(one.key)}`);
  followed.table
    .elementsOfSet("x")
    .matching([undefined])
    .enter({ added: say("+"), removed: say("-") });
  followed.put("c", shared({ key: [1] }));
  followed.put("c", NO_ELEMENTS);
  expect(heard).toEqual([]);
  followed.put("a", shared({ key: [1] }));
  expect(heard).toEqual(["- 1", "+ 1"]);
});

const wanted = fc
  .record({
    map: fc.array(fc.tuple(fc.nat({ max: 5 }), fc.constantFrom("a", "b")), { maxLength: 4 }),
    set: fc.uniqueArray(fc.nat({ max: 5 }), { maxLength: 3 }),
    shared: fc.uniqueArray(fc.nat({ max: 3 }), { maxLength: 3 }),
  })
  .map(
    (each): OwnedElements => ({
      maps: inMap(...each.map.map(([key, chain]) => element(key, chain))).maps,
      sets: inSet(...each.set.map((key) => ({ key: [key] }))).sets,
      shared: shared(...each.shared.map((key) => ({ key: [key] }))).shared,
    }),
  );

test("after any changes of owners a table has what a new one has", () => {
  const steps = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.oneof(wanted, fc.constant(NO_ELEMENTS))), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const followed = new Followed();
      const last = new Map<string, OwnedElements>();
      for (const [owner, each] of all) {
        followed.put(owner, each);
        last.set(owner, each);
        const anew = new Followed();
        for (const [name, has] of last) anew.put(name, has);
        expect(followed.keys).toEqual(anew.keys);
        const counts = ({ targets }: Followed): string[] =>
          [...targets].flatMap(([chain, count]) => (count === 0 ? [] : `${chain} ${count}`)).sort();
        expect(counts(followed)).toEqual(counts(anew));
      }
    }),
    { numRuns: 60 },
  );
});
