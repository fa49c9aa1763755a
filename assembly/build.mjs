/** Builds the engine where a source of it is newer than what was built: classifier.wasm; engine-bytes.ts, which holds the same bytes for
 *  programs that cannot load a file; classifier-shared.wasm, of which several instances work in one memory. A step of `npm run build`. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = new URL("..", import.meta.url);
const MODULE = new URL("dist/assembly/classifier.wasm", ROOT);
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
  execFileSync("npx", ["--no-install", "asc", "--target", "release"], { cwd: ROOT, stdio: "inherit" });
}
if (!((writtenAt(SHARED) ?? 0) > newest)) writeFileSync(SHARED, buildShared());
if (!((writtenAt(BYTES) ?? 0) >= writtenAt(MODULE))) {
  const base64 = readFileSync(MODULE).toString("base64");
  writeFileSync(BYTES, `/** Made by build.mjs: the engine's bytes. */\nexport const ENGINE_BASE64 =\n  "${base64}";\n`);
}

/** The engine with a memory that it imports, its own data from 2 MiB on, and a list of the numbers in it that name places of the data: they
 *  are what differs where it is built for other places. Bytes of one length hold all of them up to 128 MiB. */
function buildShared() {
  const folder = mkdtempSync(join(tmpdir(), "kpc-engine-"));
  const [here, next, far] = [2, 3, 5].map((megabytes) => {
    const file = join(folder, `${megabytes}.wasm`);
    const memory = ["--importMemory", "--sharedMemory", "--zeroFilledMemory", "--enable", "threads"];
    const sizes = ["--initialMemory", "96", "--maximumMemory", "65536", "--memoryBase", String(megabytes * MEGABYTE)];
    const asc = ["--no-install", "asc", "--target", "release", ...memory, ...sizes, "-o", file];
    execFileSync("npx", asc, { cwd: ROOT, stdio: "inherit" });
    return readFileSync(file);
  });
  rmSync(folder, { recursive: true });
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

/** A number of four bytes in LEB128. */
function numberAt(bytes, at) {
  return [0, 1, 2, 3].reduce((sum, i) => sum + (bytes[at + i] & 127) * 2 ** (7 * i), 0);
}
