/** Builds the engine where a source of it is newer than what was built: classifier.wasm, and engine-bytes.ts, which holds the same bytes
 *  for programs that cannot load a file. A step of `npm run build`. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";

const ROOT = new URL("..", import.meta.url);
const MODULE = new URL("dist/assembly/classifier.wasm", ROOT);
const BYTES = new URL("engine-bytes.ts", import.meta.url);

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
if (!((writtenAt(BYTES) ?? 0) >= writtenAt(MODULE))) {
  const base64 = readFileSync(MODULE).toString("base64");
  writeFileSync(BYTES, `/** Made by build.mjs: the engine's bytes. */\nexport const ENGINE_BASE64 =\n  "${base64}";\n`);
}
