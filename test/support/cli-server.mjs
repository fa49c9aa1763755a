// @ts-check
/**
 * Runs commands of the built command line, one after the other, in one process: a process for each would spend most of its time on
 * starting. `node cli-server.mjs REQUESTS RESPONSES`, two FIFOs. A request and a response is a line of JSON.
 * What belongs to a process (how it starts, a closed or full standard output, signals) is not for this: `kpcProcess` in cli.ts.
 */
import fs from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { Script } from "node:vm";

const CODE = fileURLToPath(new URL("../../dist/bin/cli.cjs", import.meta.url));
const FOLDER = fileURLToPath(new URL("../../dist/bin/", import.meta.url));
const source = fs.readFileSync(CODE, "utf8"); // a function
/** @type {{ main(argv: readonly string[]): Promise<void> }} */
const cli = /** @type {any} */ ({});
new Script(source, { filename: CODE }).runInThisContext()(cli, createRequire(CODE), {}, CODE, FOLDER);

const [, , requestPath = "", responsePath = ""] = process.argv;
const requests = fs.openSync(requestPath, "r");
const responses = fs.openSync(responsePath, "w");
const environment = { ...process.env };

/** @type {{ stdin: Buffer, stdout: Buffer[], stderr: Buffer[] } | undefined} */
let current;

const { readFileSync } = fs;
// @ts-expect-error: one of several signatures.
fs.readFileSync = (path, options) => {
  if (path !== 0 || current === undefined) return readFileSync(path, options);
  const encoding = typeof options === "string" ? options : options?.encoding;
  return encoding ? current.stdin.toString(encoding) : current.stdin;
};
syncBuiltinESMExports();

/** @param {"stdout" | "stderr"} name */
function capture(name) {
  const stream = new Writable({
    write(chunk, _, done) {
      current?.[name].push(Buffer.from(chunk));
      done();
    },
  });
  Object.defineProperty(process, name, { value: stream, configurable: true });
}

process.on("uncaughtException", (error) => {
  current?.stderr.push(Buffer.from(`${error.stack}\n`));
  process.exitCode = 1;
});

function next() {
  const line = readLine();
  if (line === undefined) process.exit(0);
  const { args, folder, input, env } = JSON.parse(line);
  current = { stdin: Buffer.from(input, "base64"), stdout: [], stderr: [] };
  process.chdir(folder);
  process.env = { ...environment, ...env };
  process.argv = [process.execPath, CODE, ...args];
  process.exitCode = undefined;
  capture("stdout");
  capture("stderr");
  void cli.main(process.argv);
}

// All that a command does is done when nothing is left to wait for.
process.on("beforeExit", () => {
  if (current !== undefined) {
    const [stdout, stderr] = [current.stdout, current.stderr].map((parts) => Buffer.concat(parts).toString("utf8"));
    writeAll(`${JSON.stringify({ code: Number(process.exitCode ?? 0), stdout, stderr })}\n`);
  }
  setImmediate(next);
});

/** @param {string} text */
function writeAll(text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(responses, bytes, at);
}

function readLine() {
  const parts = [];
  const buffer = Buffer.alloc(65_536);
  for (;;) {
    const count = fs.readSync(requests, buffer);
    if (count === 0) return undefined;
    parts.push(Buffer.from(buffer.subarray(0, count)));
    if (buffer[count - 1] === 10) return Buffer.concat(parts).toString("utf8");
  }
}
