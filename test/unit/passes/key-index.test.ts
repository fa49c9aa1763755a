import { expect, test } from "vitest";
import { OTHER_KEYS } from "../../../compiler/ir/sets.ts";
import type { KeyPart, SetElement, Value } from "../../../compiler/ir/types.ts";
import { KeyIndex } from "../../../compiler/passes/lookups/key-index.ts";

const RANGE: KeyPart = { from: 20, to: 29 };
const ELEMENTS: readonly SetElement[] = [
  { key: [1, 80] },
  { key: [RANGE, 80] },
  { key: [1, 443] },
  { key: [RANGE, { from: 90, to: 99 }] },
  { key: [25, 80] },
];

const numbers = (found: readonly SetElement[]): number[] => found.map((element) => ELEMENTS.indexOf(element));

test.each<[known: (Value | undefined)[], found: number[]]>([
  [
    [undefined, undefined],
    [0, 1, 2, 3, 4],
  ],
  [
    [1, undefined],
    [0, 2],
  ],
  [[1, 443], [2]],
  [
    [undefined, 80],
    [0, 1, 4],
  ],
  [
    [25, undefined],
    [4, 1, 3],
  ],
  [
    [25, 80],
    [4, 1],
  ],
  [[25, 95], [3]],
  [[1, 95], []],
  [[undefined, 443], [2]],
  [[undefined, 95], [3]],
  [[2, undefined], []],
])("elements with %j are found, single values before ranges", (known, found) => {
  const index = new KeyIndex(ELEMENTS);
  expect(numbers(index.matching(known))).toEqual(found);
  // Once more, by what is kept.
  expect(numbers(index.matching(known))).toEqual(found);
});

test("elements without ranges need none to be looked for", () => {
  const single = ELEMENTS.filter((_, i) => i % 2 === 0);
  const index = new KeyIndex(single);
  expect(index.matching([undefined, 80])).toEqual([single[0], single[2]]);
  expect(index.matching([9, undefined])).toEqual([]);
});

test("all elements are given by one list, and what is kept is not made again", () => {
  let read = 0;
  const element: SetElement = {
    get key() {
      read++;
      return [1, 2];
    },
  };
  const index = new KeyIndex([element]);
  expect(index.matching([undefined])).toBe(index.matching([undefined, undefined]));
  const before = read;
  index.matching([1]);
  const once = read - before;
  index.matching([1]);
  expect(once).toBeGreaterThan(0);
  expect(read - before).toBe(once);
});

test("an element may be for all other keys", () => {
  expect(new KeyIndex(ELEMENTS).hasOthers).toBe(false);
  expect(new KeyIndex([...ELEMENTS, { key: OTHER_KEYS }]).hasOthers).toBe(true);
});
