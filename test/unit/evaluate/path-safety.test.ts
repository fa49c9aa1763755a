import { expect, test } from "vitest";
import { isUnsafePath } from "../../../compiler/evaluate/path-safety.ts";

test.each<[path: string, isUnsafe: boolean]>([
  ["/", false],
  ["/a/b", false],
  ["/a.b/..c/.d/e..", false],
  ["/a%20b", false],
  ["//", true],
  ["/a//b", true],
  ["/a%2fb", true],
  ["/a%2Fb", true],
  ["/.", true],
  ["/..", true],
  ["/...", false],
  ["/a/../b", true],
  ["/a/./b", true],
  ["/a/%2e%2E/b", true],
  ["/a/.%2e", true],
  ["/a/..;v=1/b", true],
  ["/a/..;v=1", true],
  ["/a/b;v=1", false],
])("%s: %s", (path, isUnsafe) => {
  expect(isUnsafePath(path)).toBe(isUnsafe);
});
