/** The classifier in C, which benchmarks are held against, is compiled there alone: its names have to be those of the layout. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as layout from "../../assembly/layout.ts";

const SOURCE = new URL("../../bench/support/native/classifier.c", import.meta.url);

test("the numbers that it has from the layout are there", () => {
  const text = readFileSync(SOURCE, "utf8");
  const defined = new Set([...text.matchAll(/^#define (\w+)/gm)].map(([, name]) => name));
  const used = new Set(
    [
      ...text.matchAll(/\b(?:BLOCK|CODES?|ENDPOINT[46]|ENTRY|EXTENDED|H|HASH|KEY1|LOCAL|RESULT|ROW1|WINDOW)_[A-Z]\w*/g),
    ].map(([name]) => name),
  );
  expect(used.size).toBeGreaterThan(60);
  expect([...used].filter((name) => !defined.has(name) && !(name in layout))).toEqual([]);
});
