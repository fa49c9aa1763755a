/** Keys of elements that come and go: the plan of a tree for them is the one that is made anew. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { KeyPart, SetElement } from "../../../compiler/ir/types.ts";
import { KeyedList, type LiveKey } from "../../../compiler/passes/lookups/keyed-list.ts";
import type { OpenField } from "../../../compiler/passes/lookups/keys.ts";
import { compareRanks, type Live, LiveList } from "../../../compiler/passes/lookups/live-elements.ts";
import { comparedFirst, planDispatch, type TreeBranch } from "../../../compiler/passes/lookups/plan.ts";

const FIELDS: readonly OpenField[] = [
  { field: { kind: "ip", field: "saddr" }, position: 0, type: "ipv4_addr" },
  { field: { kind: "meta", key: "l4proto" }, position: 1, type: "inet_proto" },
];

const TYPES = FIELDS.map(({ type }) => type);

/** Some are ranges that are no blocks: halves of blocks begin within them. */
function elementOf(n: number): Live<SetElement> {
  const from = 0x0a000000 + n * 97;
  const address: KeyPart = n % 13 === 3 ? { from, to: from + 95 } : from;
  return { key: [address, n % 3 === 0 ? 17 : 6], owner: String(n % 4), position: n };
}

const ALL = Array.from({ length: 60 }, (_, n) => elementOf(n));

function textOf(branches: readonly TreeBranch<Live<SetElement>>[]): string {
  const one = (branch: TreeBranch<Live<SetElement>>): string =>
    branch.kind === "choice"
      ? String(branch.choice.element.position)
      : `(${branch.part} ${branch.interval.from}-${branch.interval.to} ${textOf(branch.branches)})`;
  return branches.map(one).join(" ");
}

test("after any changes the plan is that of all keys, and of all but some", () => {
  const number = fc.nat({ max: ALL.length - 1 });
  const parts = fc.record({
    first: fc.uniqueArray(number, { minLength: 10, maxLength: 60 }),
    steps: fc.array(fc.tuple(fc.array(number, { maxLength: 4 }), fc.uniqueArray(number, { maxLength: 30 })), {
      minLength: 1,
      maxLength: 5,
    }),
  });
  fc.assert(
    fc.property(parts, ({ first, steps }) => {
      const list = new LiveList<SetElement>(() => undefined);
      const there = new Set<Live<SetElement>>();
      const turn = (n: number): void => {
        const each = ALL[n] as Live<SetElement>;
        if (there.delete(each)) list.remove(each);
        else {
          there.add(each);
          list.add(each);
        }
      };
      for (const n of first) turn(n);
      const keyed = new KeyedList(list, FIELDS);
      const compare = comparedFirst<Live<SetElement>>(TYPES);
      const sorted = (some: Iterable<Live<SetElement>>): LiveKey[] =>
        [...some].map((each) => keyed.keyOf(each)).sort((a, b) => compare(a, b) || compareRanks(a.element, b.element));
      for (const [turned, without] of steps) {
        for (const n of turned) turn(n);
        const before = keyed.branches;
        expect(textOf(before)).toBe(textOf(planDispatch(sorted(there), TYPES)));
        expect(keyed.branches).toBe(before);
        const others = new Map(
          without.map((n) => ALL[n] as Live<SetElement>).map((each) => [each, keyed.keyOf(each)] as const),
        );
        const some = [...there].filter((each) => !others.has(each));
        const found = textOf(keyed.branchesWithout(others, []));
        // A row has the order of its elements.
        const row = some.sort(compareRanks).map(({ position }) => position);
        expect(found).toBe(some.length > 16 ? textOf(planDispatch(sorted(some), TYPES)) : row.join(" "));
      }
    }),
    { numRuns: 20 },
  );
});

test("one range among addresses is planned as a range, wherever it is", () => {
  const compare = comparedFirst<Live<SetElement>>(TYPES);
  for (let at = 0; at < 20; at++) {
    const list = new LiveList<SetElement>(() => undefined);
    for (let n = 0; n < 20; n++) {
      const from = 0x0a000000 + n * 97;
      list.add({ key: [n === at ? { from, to: from + 95 } : from, 6], owner: "", position: n });
    }
    const keyed = new KeyedList(list, FIELDS);
    const keys = list.elements.map((each) => keyed.keyOf(each)).sort(compare);
    expect(textOf(keyed.branches)).toBe(textOf(planDispatch(keys, TYPES)));
  }
});

test.each([
  [16, "in the order of their elements"],
  [17, "in a tree"],
])("%d keys that are left of 20 stand %s", (count) => {
  const list = new LiveList<SetElement>(() => undefined);
  // From the highest address to the lowest.
  const all = Array.from(
    { length: 20 },
    (_, n): Live<SetElement> => ({ ...elementOf(40 - n), owner: "", position: n }),
  );
  for (const each of all) list.add(each);
  const keyed = new KeyedList(list, FIELDS);
  const found = keyed.branchesWithout(new Map(all.slice(count).map((each) => [each, keyed.keyOf(each)])), []);
  const row = all.slice(0, count).map(({ position }) => position);
  expect(textOf(found) === row.join(" ")).toBe(count === 16);
});

test("a list is left where its keys are given up, and an element that is gone has its key still", () => {
  let idle = 0;
  const list = new LiveList<SetElement>(() => idle++);
  const one = elementOf(1);
  list.add(one);
  const keyed = new KeyedList(list, FIELDS);
  const key = keyed.keyOf(one);
  list.remove(one);
  expect(idle).toBe(0);
  expect(keyed.keyOf(one)).toEqual(key);
  expect(keyed.keyOf(one)).not.toBe(key);
  keyed.close();
  expect(idle).toBe(1);
});
