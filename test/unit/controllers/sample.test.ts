import { expect, test } from "vitest";
import { sampleOf } from "../../../compiler/controllers/sample.ts";

test.each([
  ["/v[0-9]+/(.*)", "/v1/", "/v1/x"],
  ["/api(/|$)(.*)", "/api/", "/api/x"],
  ["/a/?(b|c){2}\\.html$", "/abb.html", "/a/bb.html"],
  ["/(?:en|de)?/[^/]+/\\d{3}", "//x/111", "/en/x/111"],
  ["/(?<name>\\w+)/?", "/x", "/x/"],
  ["/(?!x)a", "/a", "/a"],
  ["/plain", "/plain", "/plain"],
])("of %s", (pattern, least, more) => {
  expect([sampleOf(pattern, true), sampleOf(pattern, false)]).toEqual([least, more]);
});

test.each(["/a(b", "/a)b", "/[b", "/a**", "/a\\"])("ends for %s, which is none", (pattern) => {
  expect(sampleOf(pattern, true)).toEqual(expect.any(String));
});
