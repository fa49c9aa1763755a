// @ts-check
/**
 * Runs a benchmark that is written in TypeScript, because it uses the project's own parts: `node bench/run.mjs NAME …`
 * bundles bench/NAME.ts and runs it with the arguments that follow.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

const [name = "", ...args] = process.argv.slice(2);
const path = (/** @type {string} */ relative) => fileURLToPath(new URL(relative, import.meta.url));
const file = path(`../dist/bench/${name}.mjs`);
await build({
  input: path(`./${name}.ts`),
  platform: "node",
  external: ["playwright-core"],
  output: { file, format: "esm", codeSplitting: false },
  logLevel: "silent",
});
copyFileSync(path("../runtime/kernel/prober.pl"), path("../dist/bench/prober.pl"));
copyFileSync(path("../runtime/lab/helper.pl"), path("../dist/bench/helper.pl"));
for (const script of ["haproxy-world.mjs", "name-server.mjs"])
  copyFileSync(path(`../runtime/haproxy/${script}`), path(`../dist/bench/${script}`));
process.exitCode = spawnSync(process.execPath, [file, ...args], { stdio: "inherit" }).status ?? 1;
