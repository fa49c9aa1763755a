import { execFileSync } from "node:child_process";

/** Builds what the tests of the command line run. Vitest calls it once, before all tests. */
export default function build(): void {
  const tsc = new URL("../../node_modules/.bin/tsc", import.meta.url).pathname;
  execFileSync(tsc, ["-p", new URL("../../tsconfig.json", import.meta.url).pathname], { stdio: "inherit" });
}
