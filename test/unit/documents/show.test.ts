import { expect, test } from "vitest";
import { show } from "../../../compiler/documents/show.ts";

test.each([
  ['"a"', "a"],
  ['"a\\nb\\u0000\\u001b"', "a\nb\0\x1b"],
  ['"\\u007f\\u009b\\u2028\\u202e\\ufeff"', "\x7f\x9b\u2028\u202e\ufeff"], // what a terminal or an editor would obey
  ['"\\ud800"', "\ud800"],
  ['"é"', "é"],
  ["1", 1],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["true", true],
  ["null", null],
  ["undefined", undefined],
  ['["a",1,{"b":null}]', ["a", 1, { b: null }]],
  ['{"a":{"b":{"c":{...}}}}', { a: { b: { c: { d: 1 } } } }],
  [`"${"x".repeat(77)}..."`, "x".repeat(1000)],
] as const)("%s", (wanted, value) => {
  expect(show(value)).toBe(wanted);
});

test("long and deep values take no time", () => {
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  expect(show(deep)).toBe("[[[[...]]]]");
  expect(show(Array(1e6).fill("abc")).length).toBeLessThanOrEqual(80);
  expect(show("x".repeat(1e7)).length).toBeLessThanOrEqual(82);
});
