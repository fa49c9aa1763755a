#!/usr/bin/env node
/** Starts the command line from the code that V8 compiled when the package was built: to read and compile a megabyte of
 *  JavaScript takes longer than to compile ten Services. Another version of Node.js refuses that code and makes its own. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";

const CODE = fileURLToPath(new URL("cli.cjs", import.meta.url));
/** Of what a trace runs, or a compilation, which stands for all others: code that a command does not run would be read in vain. */
const CACHE = fileURLToPath(new URL(process.argv[2] === "trace" ? "trace.cache" : "cli.cache", import.meta.url));

// A function, in ASCII alone: what is read is what V8 keeps, without a copy.
const script = new Script(readFileSync(CODE, "latin1"), {
  filename: CODE,
  ...(existsSync(CACHE) ? { cachedData: readFileSync(CACHE) } : {}),
});
const cli: { main?(argv: readonly string[]): Promise<void> } = {};
script.runInThisContext()(
  cli,
  createRequire(CODE),
  { exports: cli },
  CODE,
  fileURLToPath(new URL(".", import.meta.url)),
);
void cli.main?.(process.argv);

// The build runs commands, so that their code is there compiled.
if (process.env["KPC_WRITE_CODE_CACHE"] !== undefined) {
  process.on("exit", () => writeFileSync(CACHE, script.createCachedData()));
}
