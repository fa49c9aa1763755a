import { execFileSync } from "node:child_process";

/** Bundles what the tests of the command line run. Vitest calls it once, before all tests. */
export default function build(): void {
  const folder = new URL("../..", import.meta.url).pathname;
  execFileSync("npm", ["run", "--silent", "bundle"], { cwd: folder, stdio: "inherit" });
}
