import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { mergeConfig } from "vitest/config";
import all from "./vitest.all.config.ts";

/** What `npm test` does not run of `npm run test:all`: `long/`, `corpus/`, and those files of the quick set that do more there. */
const ROOT = new URL("..", import.meta.url).pathname;
const RUNS = "test/support/runs.ts";
const QUICK = ["unit", "golden", "property", "kernel", "browser"];

/** Whether a file imports runs.ts, itself or by other files of test/. */
function doesMore(file: string, passed: ReadonlySet<string> = new Set()): boolean {
  if (file === RUNS) return true;
  if (passed.has(file) || !file.startsWith("test/")) return false;
  const text = readFileSync(join(ROOT, file), "utf8");
  const imports = [...text.matchAll(/ from "(\.[^"]+\.ts)"/g)].map(([, path = ""]) => join(dirname(file), path));
  return imports.some((path) => doesMore(path, new Set([...passed, file])));
}

const quick = QUICK.flatMap((folder) =>
  readdirSync(join(ROOT, "test", folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join("test", folder, name)),
);

export default mergeConfig(all, { test: { exclude: quick.filter((file) => !doesMore(file)) } });
