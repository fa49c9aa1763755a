/** Elements that come and go, in their order, and who is told. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { OTHER_KEYS } from "../../../compiler/ir/sets.ts";
import type { SetElement } from "../../../compiler/ir/types.ts";
import {
  compareRanks,
  type ListReader,
  type Live,
  LiveElements,
  LiveList,
  SortedItems,
} from "../../../compiler/passes/lookups/live-elements.ts";

function element(position: number, owner = "", part = 1): Live<SetElement> {
  return { key: [part, position], owner, position };
}

test("items that come and go, one by one or many at once, are in their order", () => {
  const step = fc.oneof(
    fc.record({ add: fc.array(fc.nat({ max: 60 }), { maxLength: 3 }) }),
    fc.record({ add: fc.array(fc.nat({ max: 60 }), { minLength: 32, maxLength: 36 }) }),
    fc.record({ remove: fc.nat() }),
    fc.constant({ read: true } as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const sorted = new SortedItems<readonly [number]>(([a], [b]) => a - b);
      const all: (readonly [number])[] = [];
      for (const each of steps) {
        if ("add" in each)
          for (const value of each.add) {
            const item = [value] as const;
            all.push(item);
            sorted.add(item);
          }
        else if ("read" in each)
          expect(sorted.items.map(([n]) => n)).toEqual(all.map(([n]) => n).sort((a, b) => a - b));
        else for (const gone of all.splice(each.remove % (all.length + 1), 1)) sorted.remove(gone);
        expect(sorted.size).toBe(all.length);
      }
      expect(sorted.items).toHaveLength(all.length);
      expect(new Set(sorted.items)).toEqual(new Set(all));
    }),
    { numRuns: 40 },
  );
});

test("what is not there cannot be removed", () => {
  const sorted = new SortedItems<number>((a, b) => a - b);
  for (const n of [1, 2, 3]) sorted.add(n);
  expect(sorted.items).toEqual([1, 2, 3]);
  for (const n of [0, 2.5, 4]) expect(() => sorted.remove(n)).toThrow("what is removed is there");
});

test("many items are put into their places at once, few one by one: the list is the same array then", () => {
  const sorted = new SortedItems<number>((a, b) => a - b);
  const { items } = sorted;
  const add = (count: number): void => {
    for (let n = 0; n < count; n++) sorted.add(n);
  };
  add(32);
  expect(sorted.items).toBe(items);
  add(33);
  expect(sorted.items).not.toBe(items);
});

test("elements stand by the texts of their owners, then by their places", () => {
  const all = [element(2, "b"), element(1, "b"), element(7, "a"), element(0, "c")];
  expect(all.sort(compareRanks).map(({ owner, position }) => `${owner}${position}`)).toEqual(["a7", "b1", "b2", "c0"]);
});

test("readers are told of what comes and goes, as long as they are there", () => {
  const told: string[] = [];
  const reader = (name: string): ListReader<SetElement> => ({
    added: ({ position }) => told.push(`${name} +${position}`),
    removed: ({ position }) => told.push(`${name} -${position}`),
  });
  const [first, second] = [reader("first"), reader("second")];
  const list = new LiveList<SetElement>(() => told.push("idle"));
  list.enter(first);
  list.enter(second);
  list.leave(reader("third"));
  const one = element(1);
  list.add(one);
  list.leave(first);
  list.add(element(2));
  list.remove(one);
  list.leave(second);
  expect(told).toEqual(["first +1", "second +1", "second +2", "second -1"]);
  list.remove(list.elements[0] as Live<SetElement>);
  expect(told.at(-1)).toBe("idle");
});

test("a list that nobody reads, with nothing in it, is another one the next time", () => {
  const elements = new LiveElements<SetElement>();
  const reader: ListReader<SetElement> = { added: () => undefined, removed: () => undefined };
  const list = elements.matching([5, undefined]);
  expect(elements.matching([5, 7])).not.toBe(list);
  expect(elements.matching([5, undefined])).toBe(list);
  list.enter(reader);
  const one = element(1, "", 5);
  elements.add(one);
  elements.add(element(2, "", 6));
  expect(list.elements).toEqual([one]);
  list.leave(reader);
  expect(elements.matching([5, undefined])).toBe(list);
  elements.remove(one);
  expect(elements.matching([5, undefined])).not.toBe(list);
  expect(elements.matching([6, undefined]).elements).toHaveLength(1);
  expect(elements.matching([undefined, undefined]).elements).toHaveLength(1);
});

test("an element for all other keys is refused: a list of some keys would have to stand behind all others", () => {
  const element: Live<SetElement> = { key: OTHER_KEYS, owner: "", position: 0 };
  expect(() => new LiveElements<SetElement>().add(element)).toThrow("no element for all other keys");
});
