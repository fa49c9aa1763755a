/** Switches over kinds: a new kind has to break the build wherever it is not said why others need nothing. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const ROOT = new URL("../..", import.meta.url).pathname;

interface Switch {
  readonly place: string;
  /** The lines of its default; empty where it has none. */
  readonly others: readonly string[];
}

function* switchesIn(text: string, file: string): Generator<Switch> {
  const lines = text.split("\n");
  for (const [i, line] of lines.entries()) {
    const [, indent, subject] = /^(\s*)switch \((.*)\) \{$/.exec(line) ?? [];
    if (indent === undefined || subject === undefined || !/(?:^|\.)kind$/.test(subject)) continue;
    const end = lines.indexOf(`${indent}}`, i);
    const start = lines.findIndex((each, at) => at > i && at < end && each.startsWith(`${indent}  default:`));
    yield { place: `${file}:${i + 1}: switch (${subject})`, others: start < 0 ? [] : lines.slice(start, end) };
  }
}

/** It ends the switch for the compiler, or a comment says why other kinds need nothing. */
function isClosed({ others }: Switch): boolean {
  const text = others.join("\n");
  return /\bunreachable\(|satisfies never/.test(text) || others.some((line) => /^\s*\/\/ \S/.test(line));
}

test("every switch over a kind names all kinds, or says what becomes of the others", () => {
  const files = ["compiler", "runtime"].flatMap((folder) =>
    readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => `${folder}/${name}`),
  );
  const switches = files.flatMap((file) => [...switchesIn(readFileSync(`${ROOT}${file}`, "utf8"), file)]);
  expect(switches.length).toBeGreaterThan(50);
  expect(switches.filter((each) => !isClosed(each)).map(({ place }) => place)).toEqual([]);
});

test.each([
  ["switch (step.kind) {\n  case 1:\n    break;\n}", false],
  ["switch (step.kind) {\n  default:\n    return 1;\n}", false],
  ["switch (kind) {\n  default:\n    // Others have none.\n    return 1;\n}", true],
  ["switch (step.kind) {\n  default:\n    return unreachable(step);\n}", true],
])("%j is closed: %s", (text, closed) => {
  expect([...switchesIn(text, "x.ts")].map(isClosed)).toEqual([closed]);
});
