/** Comments of the code: they lead nowhere outside of the repository. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const ROOT = new URL("../..", import.meta.url).pathname;

const FILES = ["assembly", "bench", "compiler", "runtime", "test"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(?:ts|mjs)$/.test(name))
    .map((name) => join(folder, name)),
);

function* commentsIn(file: string): Generator<string> {
  const text = readFileSync(join(ROOT, file), "utf8");
  for (const [comment] of text.matchAll(/\/\*.*?\*\/|(?<![:"'`])\/\/ [^\n]*/gs)) yield comment;
}

test("documents that comments name are in the repository", () => {
  const missing = FILES.flatMap((file) =>
    [...commentsIn(file)].flatMap((comment) =>
      [...comment.matchAll(/[\w./-]+\.md\b/g)]
        .filter(([name]) => ![dirname(file), "compiler", "."].some((from) => existsSync(join(ROOT, from, name))))
        .map(([name]) => `${file}: ${name}`),
    ),
  );
  expect(missing).toEqual([]);
});

/** A reference to a numbered fact or decision of another document. */
const NUMBERED =
  /\b[A-Z][0-9]{1,2}(?:[,–][^:]{0,20})?: |\([A-Z][0-9]{1,2}\)|\b[A-Z]{5,}(?:'s|\.md)? (?:facts|section|decision)/;

test("comments name no facts or decisions by numbers that stand elsewhere", () => {
  const found = FILES.flatMap((file) =>
    [...commentsIn(file)].filter((comment) => NUMBERED.test(comment)).map((comment) => `${file}: ${comment}`),
  );
  expect(found).toEqual([]);
});

test.each(["Exact paths first (D3)", "D9, D10: a backend", "C1–C3, D14: with classes", "SEMANTICS section 7"])(
  "%j is such a name",
  (comment) => {
    expect(comment).toMatch(NUMBERED);
  },
);
