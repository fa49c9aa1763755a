/** Which mutants a source has, and what its text does while one of them is on. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { instrument, RUN, type SourceMutant } from "../../mutants/instrument.ts";
import { parseSource } from "../../mutants/syntax.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const SWITCHES = { ...RUN, countsFunctions: true };

function mutantsOf(text: string): readonly SourceMutant[] {
  return instrument("a.ts", text, 0, SWITCHES).mutants;
}

test.each<[what: string, source: string, want: string[]]>([
  ["a comparison: its boundary, its contrary", "f(a < b);", ["a <= b", "a >= b", "removed"]],
  ["equality: its contrary", "f(a === b);", ["a !== b", "removed"]],
  ["a condition: constants, which say more than a contrary", "if (a === b) f();", ["true", "false", "removed"]],
  ["a condition keeps its boundary", "if (a < b) f();", ["a <= b", "true", "false", "removed"]],
  ["a loop: never, but not for ever", "while (a !== b) f();", ["a === b", "false", "removed"]],
  ["both ways of a choice", "f(a ? b : c);", ["true", "false", "removed"]],
  ["and, or", "f(a && b || c);", ["(a && b) && c", "a || b", "removed"]],
  ["a preset", "f(a ?? b);", ["a", "removed"]],
  ["a negation", "f(!a, -b, ~c);", ["a", "b", "c", "removed"]],
  ["arithmetic", "f(a + b - c);", ["(a + b) + c", "a - b", "removed"]],
  ["texts are joined by nothing else", "f(`a` + b);", ['""', "removed"]],
  ["booleans, numbers, texts", 'f(true, 7, 7n, "a", "");', ["false", "8", "8n", '""', '"?"', "removed"]],
  ["a text that is compared: the comparison", 'f(a === "b");', ['a !== "b"', "removed"]],
  ["lists: emptied, without one", "f([a, b]);", ["[]", "[b]", "[a]", "removed"]],
  ["an object without what is spread into it", "f({ a, ...b });", ["{ a }", "removed"]],
  ["a spread with a condition: the condition", "f({ ...(a ? b : c) });", ["true", "false", "removed"]],
  ["calls that are left out", "f(a.filter(b).sort());", ["a.filter(b)", "a", "removed"]],
  ["calls of others", "f(a.some(b), Math.min(c, d));", ["a.every(b)", "Math.max(c, d)", "removed"]],
  ["in a chain of ?. only the whole is exchanged", "f(a?.b.some(c).d);", ["removed"]],
  ["also behind ?.", "f(a?.some(c));", ["a?.every(c)", "removed"]],
  ["statements", "a = b; for (;;) { if (c) continue; break; }", ["removed", "true", "false", "removed", "removed"]],
  ["results", "function f() { return g(a); }", ["undefined"]],
  ["results that are conditions", "const f = () => a in b;", ["true", "false"]],
  ["results that are plain", "function f() { if (a) return; return 1; }", ["true", "false", "removed", "2"]],
  ["types have none", 'type A = "a" | 1; const a = b as "c"; interface C { d: "e" }', []],
  ["nor have names and modules", 'import a from "a"; export { b } from "b"; const { c } = d;', []],
  ["nor has a module that is loaded late", 'const { a } = await import("a");', []],
  ["nor what only our own bugs reach", 'invariant(a < b, "c"); throw new Error("d");', []],
])("%s", (_, source, want) => {
  const found = mutantsOf(source).map(({ mutated }) => mutated);
  expect(found.sort()).toEqual(want.sort());
});

test("a mutant has its place", () => {
  const [mutant] = mutantsOf("// one\nfunction f() {\n  const a = [\n    b, // b\n  ];\n}\n");
  expect(mutant).toEqual({ file: "a.ts", line: 3, within: "f.a", original: "[ b, ]", mutated: "[]" });
});

describe("the text", () => {
  const source = "let sum = 0; for (let i = 0; i < 3; i++) { if (i === 1) continue; sum += i; } return sum + 1;";
  const { mutants, text } = instrument("a.ts", `function f() { ${source} }`, 10, SWITCHES);
  const run = new Function("$on", "$count", `${text}; return f();`);

  test("does what the source does while no mutant is on", () => {
    expect(run(-1, () => undefined)).toBe(3);
  });

  test.each<[mutated: string, want: number | undefined]>([
    ["i <= 3", 6],
    ["false", 1],
    ["sum - 1", 1],
    ["2", 2],
    ["undefined", undefined],
  ])("does something else with %s", (mutated, want) => {
    const at = mutants.findIndex((mutant) => mutant.mutated === mutated);
    expect(run(10 + at, () => undefined)).toBe(want);
  });

  test("counts functions and rounds of loops", () => {
    let counted = 0;
    run(-1, () => counted++);
    expect(counted).toBe(4);
  });
});

test.each(["lower", "model", "evaluate"])("all mutants of compiler/%s are one text that can be read", (folder) => {
  const names = readdirSync(join(ROOT, "compiler", folder), { recursive: true, encoding: "utf8" });
  for (const name of names.filter((each) => each.endsWith(".ts"))) {
    const file = join("compiler", folder, name);
    const { text } = instrument(file, readFileSync(join(ROOT, file), "utf8"), 0, SWITCHES);
    expect(() => parseSource(text), file).not.toThrow();
  }
});
