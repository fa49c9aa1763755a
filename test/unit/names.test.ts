/** Names of types mean one thing each. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = new URL("../..", import.meta.url).pathname;

/** The sources in a folder, by their paths from the root. */
function sourcesIn(...folders: readonly string[]): ReadonlyMap<string, string> {
  const paths = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  );
  const sources = paths.filter((path) => /\.(?:ts|mjs)$/.test(path));
  return new Map(sources.map((path) => [path, readFileSync(join(ROOT, path), "utf8")]));
}

test("an exported type has a name that no other one has", () => {
  const byName = new Map<string, string[]>();
  for (const [path, text] of sourcesIn("compiler", "runtime", "test", "bench")) {
    for (const [, name = ""] of text.matchAll(/^export (?:interface|type|(?:abstract )?class|enum) (\w+)/gm))
      byName.set(name, [...(byName.get(name) ?? []), path]);
  }
  expect(byName.size).toBeGreaterThan(300);
  expect([...byName].filter(([, paths]) => paths.length > 1)).toEqual([]);
});
