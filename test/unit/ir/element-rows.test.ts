import { beforeEach, describe, expect, it } from "vitest";
import {
  countElements,
  filterElements,
  forEachElement,
  withElementRows,
  withElements,
} from "../../../compiler/ir/element-rows.ts";
import type { SetDeclaration, SetElement } from "../../../compiler/ir/types.ts";

const properties = { name: "ports", key: [], interval: false, comment: "of web" };
const KEYS = [80, 443, 8080];

let made: number[] = [];
const mask: { key: number[] } = { key: [0] };
const open = (): SetDeclaration =>
  withElementRows<SetDeclaration>(properties, {
    count: KEYS.length,
    make: (row) => {
      made.push(row);
      return { key: [KEYS[row] as number] };
    },
    peek: (row) => {
      mask.key[0] = KEYS[row] as number;
      return mask;
    },
    forEach: (visit) => {
      for (const [row, key] of KEYS.entries()) {
        mask.key[0] = key;
        visit(mask, row);
      }
    },
    formOf: () => -1,
    holesOf: () => [],
    valueOf: (row) => row,
  });

beforeEach(() => {
  made = [];
});

const plain: SetDeclaration = { ...properties, elements: KEYS.map((key): SetElement => ({ key: [key] })) };

describe("elements that are made when they are asked for", () => {
  it("are those of a set like any other", () => {
    const set = open();
    expect(set).toEqual(plain);
    expect(Object.keys(set)).toEqual(Object.keys(plain));
    expect({ ...set }).toEqual(plain);
    expect(JSON.stringify(set)).toBe(JSON.stringify(plain));
  });

  it("are made once", () => {
    const set = open();
    expect(set.elements).toBe(set.elements);
    expect(made).toEqual([0, 1, 2]);
  });

  it("are not made to be counted, visited, or left out", () => {
    const set = open();
    const seen: unknown[] = [];
    forEachElement(set, ({ key }, row) => seen.push([row, ...(key as number[])]));
    expect(seen).toEqual(KEYS.map((key, row) => [row, key]));
    expect(countElements(set)).toBe(3);
    expect(withElements(set, [])).toEqual({ ...properties, elements: [] });
    expect(made).toEqual([]);
    expect(filterElements(set, (row) => row === 1)).toEqual([{ key: [443] }]);
    expect(made).toEqual([1]);
  });

  it("are as good as a list", () => {
    const seen: unknown[] = [];
    forEachElement(plain, (element, row) => seen.push([row, element]));
    expect(seen).toEqual(plain.elements.map((element, row) => [row, element]));
    expect(countElements(plain)).toBe(3);
    expect(filterElements(plain, (row) => row !== 1)).toEqual([{ key: [80] }, { key: [8080] }]);
  });
});
