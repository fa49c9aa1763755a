/** What bundles for browsers have in place of lodash-es does what lodash-es does, for what chevrotain gives it. */
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as subset from "../../../runtime/playground/lodash-subset.ts";

const PACKAGES = new URL("../../../node_modules/", import.meta.url).pathname;

type Functions = Readonly<Record<string, (...all: unknown[]) => unknown>>;

const load = createRequire(import.meta.url);

const THEIRS = load("lodash-es") as Functions;
const OURS = subset as unknown as Functions;

/** The names that files of a package import from lodash-es. */
function importedBy(name: string): string[] {
  const folder = join(PACKAGES, name, "lib/src");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".js"));
  return files.flatMap((file) =>
    [...readFileSync(join(folder, file), "utf8").matchAll(/import\s*\{([^}]*)\}\s*from\s*"lodash-es"/g)].flatMap(
      ([, names = ""]) =>
        names
          .split(",")
          .map((each) => each.trim().split(/\s/)[0] ?? "")
          .filter((each) => each !== ""),
    ),
  );
}

test("it has what chevrotain imports, and no more", () => {
  const names = ["chevrotain", "@chevrotain/gast", "@chevrotain/cst-dts-gen"].flatMap(importedBy);
  expect(new Set(Object.keys(subset))).toEqual(new Set(names));
});

const value = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom("", "a", "b", undefined, null, true, false));
const list = fc.array(value, { maxLength: 6 });
const object = fc.dictionary(fc.constantFrom("a", "b", "c", "1", "0"), value);
const collection = fc.oneof(list, object, fc.constantFrom(undefined, "", "abca"));
const count = fc.integer({ min: 0, max: 8 });

const ONE: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  ...{ isArray: value, isFunction: value, isObject: value, isRegExp: fc.constantFrom(/a/, "a", {}), isString: value },
  ...{ isUndefined: value, identity: value, noop: value, upperFirst: fc.constantFrom("", "a", "aBc", "É", "éa") },
  ...{
    isEmpty: fc.oneof(collection, value),
    keys: collection,
    values: collection,
    clone: fc.oneof(list, object, value),
  },
  ...{ compact: list, first: list, last: list, uniq: list, flatten: fc.array(fc.oneof(list, value)) },
};

const TWO: Readonly<Record<string, readonly [fc.Arbitrary<unknown>, fc.Arbitrary<unknown>]>> = {
  ...{
    has: [object, fc.constantFrom("a", "b", "x", 0, 1)],
    includes: [collection, fc.constantFrom("a", "bc", 1, null)],
  },
  ...{ indexOf: [list, value], difference: [list, list], drop: [list, count], dropRight: [list, count] },
  ...{ assign: [object, object], defaults: [object, object] },
};

const CALLS = ["map", "forEach", "filter", "reject", "find", "some", "every", "flatMap", "groupBy", "pickBy", "reduce"];

test("all of it is tried", () => {
  expect([...Object.keys(ONE), ...Object.keys(TWO), ...CALLS].sort()).toEqual(Object.keys(subset).sort());
});

test.each(Object.entries(ONE))("%s", (name, input) => {
  fc.assert(
    fc.property(input, (each) => {
      expect(OURS[name]?.(each)).toEqual(THEIRS[name]?.(each));
    }),
  );
});

test.each(Object.entries(TWO))("%s", (name, [first, second]) => {
  fc.assert(
    fc.property(first, second, (one, other) => {
      const copy = structuredClone(one);
      expect(OURS[name]?.(one, other)).toEqual(THEIRS[name]?.(copy, other));
      expect(one).toEqual(copy);
    }),
  );
});

/** What is called for each element: by its arguments it gives one of a few values. */
test.each(CALLS)("%s", (name) => {
  fc.assert(
    fc.property(name === "pickBy" ? object : collection, fc.integer(), (input, seed) => {
      const run = (own: Functions): unknown => {
        const seen: unknown[] = [];
        const result = own[name]?.(
          input,
          (...all: unknown[]) => {
            const shown = name === "groupBy" ? all.slice(0, 1) : all.slice(0, 2);
            seen.push(shown);
            const chosen = [true, false, "a", [1, [2]]][Math.abs(seed + JSON.stringify(shown).length) % 4];
            return name === "groupBy" ? String(chosen) : chosen;
          },
          ...(name === "reduce" ? ["begin"] : []),
        );
        return [result, seen];
      };
      expect(run(OURS)).toEqual(run(THEIRS));
    }),
  );
});

test("reduce without a first value begins with the first element", () => {
  const sum = (...[a, b]: unknown[]): unknown => Number(a) + Number(b);
  for (const input of [[1, 2, 3], [7], []]) expect(OURS["reduce"]?.(input, sum)).toBe(THEIRS["reduce"]?.(input, sum));
});

test("clone keeps the class", () => {
  class Own {
    readonly member = 1;
  }
  expect(subset.clone(new Own())).toBeInstanceOf(Own);
});
