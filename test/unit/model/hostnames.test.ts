/** Hostnames of listeners and routes: what they have in common, and which is more specific. */
import { expect, test } from "vitest";
import { coversHostname, hostnameRank, intersectHostnames } from "../../../compiler/model/hostnames.ts";

test.each<[outer: string | undefined, inner: string | undefined, both: string | null | undefined]>([
  [undefined, undefined, undefined],
  [undefined, "a.test", "a.test"],
  ["a.test", "a.test", "a.test"],
  ["a.test", "b.test", null],
  ["*.test", "a.test", "a.test"],
  ["*.test", "b.a.test", "b.a.test"],
  ["*.test", "*.a.test", "*.a.test"],
  ["*.test", "*.test", "*.test"],
  ["*.test", "test", null],
  ["*.test", ".test", null],
  ["*.test", "atest", null],
  ["*.test", "a.atest", null],
  ["test", "a.test", null],
])("%s and %s have %s in common", (outer, inner, both) => {
  expect([intersectHostnames(outer, inner), intersectHostnames(inner, outer)]).toEqual([both, both]);
  expect(coversHostname(outer, inner)).toBe(both === inner);
});

test("precise hosts rank before wildcards, long ones before short ones, all others last", () => {
  const hosts = [undefined, "*.test", "*.a.test", "x.test"].sort((a, b) => hostnameRank(a) - hostnameRank(b));
  const sorted = [...hosts.filter((host) => host !== undefined), undefined];
  expect(sorted).toEqual(["x.test", "*.a.test", "*.test", undefined]);
});
