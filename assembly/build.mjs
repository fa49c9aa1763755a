/** Builds the engine where a source of it is newer than what was built: classifier.wasm; engine-bytes.ts, which holds the same bytes for
 *  programs that cannot load a file; classifier-shared.wasm, of which several instances work in one memory. A step of `npm run build`. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const ROOT = new URL("..", import.meta.url);
/** Where asconfig.json puts the engine. */
const OUTPUT = "dist/assembly/classifier.wasm";
const MODULE = new URL(OUTPUT, ROOT);
const SHARED = new URL("dist/assembly/classifier-shared.wasm", ROOT);
const BYTES = new URL("engine-bytes.ts", import.meta.url);

const MEGABYTE = 2 ** 20;

/** When a file was written, in milliseconds; undefined where there is none. */
const writtenAt = (url) => statSync(url, { throwIfNoEntry: false })?.mtimeMs;

const sources = [
  ...readdirSync(import.meta.dirname).map((name) => new URL(name, import.meta.url)),
  ...["asconfig.json", "package-lock.json"].map((name) => new URL(name, ROOT)),
].filter(({ href }) => href !== BYTES.href);
const newest = Math.max(...sources.map((url) => writtenAt(url) ?? 0));

if (!((writtenAt(MODULE) ?? 0) > newest)) {
  for (const [name, content] of await compile([])) {
    const path = fileURLToPath(new URL(name, ROOT));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}
if (!((writtenAt(SHARED) ?? 0) > newest)) writeFileSync(SHARED, await buildShared());
if (!((writtenAt(BYTES) ?? 0) >= writtenAt(MODULE))) {
  const base64 = readFileSync(MODULE).toString("base64");
  writeFileSync(BYTES, `/** Made by build.mjs: the engine's bytes. */\nexport const ENGINE_BASE64 =\n  "${base64}";\n`);
}

/** The engine with a memory that it imports, its own data from 2 MiB on, and a list of the numbers in it that name places of the data: they
 *  are what differs where it is built for other places. Bytes of one length hold all of them up to 128 MiB. */
async function buildShared() {
  const memory = ["--importMemory", "--sharedMemory", "--zeroFilledMemory", "--enable", "threads"];
  const sizes = ["--initialMemory", "96", "--maximumMemory", "65536"];
  const engines = [];
  for (const megabytes of [2, 3, 5]) {
    const files = await compile([...memory, ...sizes, "--memoryBase", String(megabytes * MEGABYTE)]);
    engines.push(Buffer.from(files.get(OUTPUT)));
  }
  const [here, next, far] = engines;
  const moves = [];
  for (let at = 0; at < here.length; at++) {
    if (here[at] === next[at]) continue;
    // The numbers differ by a MiB: from the third byte of four on.
    const first = at - 2;
    const value = numberAt(here, first);
    if (numberAt(next, first) - value !== MEGABYTE || numberAt(far, first) - value !== 3 * MEGABYTE)
      throw new Error(`the engine cannot be moved: what is at ${at} depends on its place in another way`);
    moves.push(first);
    at = first + 3;
    for (const other of [next, far]) here.copy(other, first, first, first + 4);
  }
  if (!here.equals(next) || !here.equals(far)) throw new Error("the engine cannot be moved: it differs elsewhere, too");
  const name = Buffer.from("\u0005moves");
  const body = Buffer.concat([name, Buffer.from(Uint32Array.from(moves).buffer)]);
  // A custom section: its length has two bytes.
  return Buffer.concat([here, Buffer.of(0, (body.length % 128) | 128, body.length >> 7), body]);
}

/** What asc writes of the engine: contents by path. In this process, where all but the first time takes a third of the CPU time. */
async function compile(options) {
  const files = new Map();
  const { error, stderr } = await asc.main(["--target", "release", ...options], {
    baseDir: fileURLToPath(ROOT),
    writeFile: (name, content) => void files.set(name, content),
  });
  process.stderr.write(stderr.toString());
  if (error !== null) throw error;
  return files;
}

/** A number of four bytes in LEB128. */
function numberAt(bytes, at) {
  return [0, 1, 2, 3].reduce((sum, i) => sum + (bytes[at + i] & 127) * 2 ** (7 * i), 0);
}
