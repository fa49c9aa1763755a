#!/usr/bin/env node
/** Starts the command line from the code that V8 compiled when the package was built: to read and compile a megabyte of
 *  JavaScript takes longer than to compile ten Services. Another version of Node.js refuses that code and makes its own. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";

const COMMAND = process.argv[2];
/** A node's agent has code of its own. */
const CODE = fileURLToPath(new URL(COMMAND === "agent" ? "agent.cjs" : "cli.cjs", import.meta.url));
/** Of what a trace or an agent runs, or a compilation, which stands for all others: code that a command does not run would be read in vain. */
const CACHE = fileURLToPath(
  new URL(COMMAND === "trace" || COMMAND === "agent" ? `${COMMAND}.cache` : "cli.cache", import.meta.url),
);

/** The build runs commands, so that their code is there compiled. V8 takes it only under the flags under which it was made: commands set none then. */
const isWriting = process.env["KPC_WRITE_CODE_CACHE"] !== undefined;
if (isWriting) {
  const v8: { setFlagsFromString(flags: string): void } = process.getBuiltinModule("node:v8");
  v8.setFlagsFromString = () => undefined;
}

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

if (isWriting) process.on("exit", () => writeFileSync(CACHE, script.createCachedData()));
