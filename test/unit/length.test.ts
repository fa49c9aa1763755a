/** A file is an idea: one that is longer than most says in its header why. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Lines that a file may have without a reason. */
const MOST = 400;

const FILES = ["assembly", "bench", "compiler", "runtime", "test"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(?:ts|mjs|pl|c|css)$/.test(name) && name !== "engine-bytes.ts")
    .map((name) => join(folder, name)),
);

/** Whether the comment that a text begins with has a sentence "Long because …". */
function hasReason(text: string): boolean {
  const [header = ""] = /^(?:#!.*\n)?(?:\/\*.*?\*\/|(?:(?:#|\/\/).*\n)+)/s.exec(text) ?? [];
  return /\bLong because \S[^.]{20,}\./.test(header);
}

function lengthOf(text: string): number {
  return text.split("\n").length - 1;
}

test(`files of more than ${MOST} lines say why, and no others do`, () => {
  expect(FILES.length).toBeGreaterThan(1000);
  const wrong = FILES.flatMap((file) => {
    const text = readFileSync(join(ROOT, file), "utf8");
    const isLong = lengthOf(text) > MOST;
    return isLong === hasReason(text) ? [] : [`${file}: ${lengthOf(text)} lines`];
  });
  expect(wrong).toEqual([]);
});

test.each([
  [true, "/** Rows. Long because it is a table: a row for each field. */\nconst a = 1;\n"],
  [
    true,
    "#!/usr/bin/perl\n# A helper.\n# Long because it is one process, which\n# perl starts without other files.\nuse strict;\n",
  ],
  [false, "/** Rows. */\n/** Long because it is a table: a row for each field. */\n"],
  [false, "/** Rows. Long because. */\n"],
  [false, 'import "a";\n/** Long because it is a table: a row for each field. */\n'],
])("%s: %j has a reason in its header", (wanted, text) => {
  expect(hasReason(text)).toBe(wanted);
});
