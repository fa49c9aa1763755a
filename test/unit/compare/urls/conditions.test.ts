/** Lists of rules over all methods, headers and parameters. */
import { describe, expect, test } from "vitest";
import { differingRules, type JudgedRule } from "../../../../compiler/compare/urls/conditions.ts";
import type { RequestConditions } from "../../../../compiler/ir/routes.ts";

const rule = (outcome: string, conditions?: RequestConditions): JudgedRule => ({
  rule: {
    match: "prefix",
    path: "/",
    ...(conditions && { conditions }),
    target: { kind: "endpoints", backend: `ns/${outcome}:80`, endpoints: [] },
  },
  outcome,
});

const header = (name: string, value: string): RequestConditions => ({ headers: [{ name, value }] });

/** What tells the lists apart, in short. */
function told(left: readonly JudgedRule[], right: readonly JudgedRule[], most?: number): string[] | undefined {
  return differingRules(left, right, "404", most)?.map(({ left: mine, right: yours, asked }) => {
    const nameOf = (each: typeof mine): string => (each?.target.kind === "endpoints" ? each.target.backend : "none");
    const words = [
      asked.method,
      ...[...asked.headers, ...asked.parameters].map(({ name, value }) => `${name}=${value}`),
    ];
    return `${words.join(" ")}: ${nameOf(mine)}, ${nameOf(yours)}`;
  });
}

describe("two lists of rules", () => {
  test.each<[name: string, left: JudgedRule[], right: JudgedRule[], wanted: string[]]>([
    ["none", [], [], []],
    ["a rule of the same outcome behind a condition", [rule("a")], [rule("a", header("x", "1")), rule("a")], []],
    [
      "another outcome behind a condition",
      [rule("a")],
      [rule("b", header("x", "1")), rule("a")],
      ["GET x=1: ns/a:80, ns/b:80"],
    ],
    ["a condition that no rule follows", [rule("a")], [rule("a", header("x", "1"))], ["GET: ns/a:80, none"]],
    ["a rule that answers as if there was none", [rule("404", header("x", "1"))], [], []],
    ["a method, which is not GET", [rule("a", { method: "GET" }), rule("b")], [rule("a")], ["POST: ns/b:80, ns/a:80"]],
    [
      "values of one header exclude each other",
      [rule("a", header("x", "1")), rule("b", header("x", "2"))],
      [rule("b", header("x", "2")), rule("a", header("x", "1"))],
      [],
    ],
    [
      "two headers do not",
      [rule("a", header("x", "1")), rule("b", header("y", "1"))],
      [rule("b", header("y", "1")), rule("a", header("x", "1"))],
      ["GET x=1 y=1: ns/a:80, ns/b:80"],
    ],
    [
      "one header with two values",
      [
        rule("a", {
          headers: [
            { name: "x", value: "1" },
            { name: "x", value: "2" },
          ],
        }),
      ],
      [],
      [],
    ],
    [
      "a value that no request has",
      [
        rule("a", header("x", "a\nb")),
        rule("a", { parameters: [{ name: "q", value: "a&b" }] }),
        rule("a", { method: "get" }),
      ],
      [],
      [],
    ],
    ["an empty parameter", [rule("a", { parameters: [{ name: "q", value: "" }] })], [], ["GET q=: ns/a:80, none"]],
  ])("%s", (_, left, right, wanted) => {
    expect(told(left, right)).toEqual(wanted);
    expect(told(right, left)).toHaveLength(wanted.length);
  });

  test("in another order, of which there are too many cases for the bound", () => {
    const rules = Array.from({ length: 12 }, (_, i) => rule(`s${i}`, header(`h${i}`, "1")));
    expect(told(rules, [...rules].reverse())).toHaveLength((12 * 11) / 2);
    expect(told(rules, [...rules].reverse(), 20)).toBeUndefined();
    expect(told(rules, rules, 20)).toEqual([]);
  });
});
