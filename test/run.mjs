// @ts-check
/**
 * Bundles a program that is written in TypeScript, and runs it: `node test/run.mjs FILE …`, with the arguments that follow. Node.js 20 runs
 * no TypeScript, hence this file is JavaScript.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, renameSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

const [input = "", ...args] = process.argv.slice(2);
const path = (/** @type {string} */ relative) => fileURLToPath(new URL(relative, import.meta.url));
const file = path(`../dist/scripts/${basename(dirname(input))}-${basename(input, ".ts")}.mjs`);
await build({
  input,
  platform: "node",
  external: ["playwright-core", "chevrotain", "fast-check", "vitest", "yaml", /^rolldown/],
  output: { file, format: "esm", codeSplitting: false },
  logLevel: "silent",
});
// What runs as a process of its own is looked for beside the file that starts it, which is the bundle.
const PROCESSES = [
  "haproxy/haproxy-world.mjs",
  "haproxy/name-server.mjs",
  "kernel/prober.pl",
  "lab/helper.pl",
  "table/netfilter.pl",
  "lab/tls-client.mjs",
];
// Another program that runs beside this one may be reading them.
for (const name of PROCESSES) {
  const copy = path(`../dist/scripts/${basename(name)}`);
  copyFileSync(path(`../runtime/${name}`), `${copy}.${process.pid}`);
  renameSync(`${copy}.${process.pid}`, copy);
}
const { status, signal, error } = spawnSync(process.execPath, [file, ...args], { stdio: "inherit" });
// A program that is killed says nothing itself, nor does one that did not start.
if (status === null) process.stderr.write(`${input}: ${error?.message ?? `ended by ${signal}`}\n`);
process.exitCode = status ?? 1;
