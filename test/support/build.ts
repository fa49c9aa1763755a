/** Bundles kpc before the tests. */
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const ROOT = new URL("../..", import.meta.url).pathname;

/** When a file was written, in milliseconds; 0 where there is none. */
function writtenAt(path: string): number {
  return statSync(join(ROOT, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Bundles what the tests of the command line run, unless the bundle is newer than all that goes into it. Vitest calls it once, before
 *  all tests. */
export default function build(): void {
  const folders = ["compiler", "runtime", "assembly"];
  const files = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  );
  const built = writtenAt("dist/bin/kpc.cjs");
  if ([...files, "package.json", "package-lock.json"].every((path) => writtenAt(path) < built)) return;
  execFileSync("npm", ["run", "--silent", "bundle"], { cwd: ROOT, stdio: "inherit" });
}
