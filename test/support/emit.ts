/** Writes the JavaScript of sources and tests before Vitest runs them: Node.js imports it itself (native-runner.ts). It stands in a folder that
 *  is named by the hash of all that it is made of, so that no run meets what was made of other sources. */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { VERSION } from "rolldown";
import { transformSync } from "rolldown/utils";
import type { TestProject } from "vitest/node";

const ROOT = new URL("../..", import.meta.url).pathname;
const EMITTED = join(ROOT, "dist/tests");
/** No run takes as long, in milliseconds: a folder that none began with since then is used by none. */
const UNUSED = 3_600_000;

declare module "vitest" {
  interface ProvidedContext {
    /** The folder with the JavaScript of each source at its path; undefined where Vite transforms what is run. */
    emitted: string | undefined;
  }
}

/** Vitest calls it once, before all tests. A watch needs to know which tests a source concerns, and an update of what tests hold, where that
 *  stands: Vite knows. */
export default function emit(project: TestProject): void {
  const isByVite = project.config.watch || project.config.snapshotOptions.updateSnapshot === "all";
  project.provide("emitted", isByVite ? undefined : emitted());
}

/** The folder, which is written where there is none of these sources. */
function emitted(): string {
  const sources = ["compiler", "runtime", "assembly", "test"]
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
    )
    .filter((name) => /\.m?[jt]s$/.test(name))
    .sort()
    .map((name) => ({ name, text: readFileSync(join(ROOT, name), "utf8") }));
  const hash = createHash("sha256").update(JSON.stringify([ROOT, VERSION]));
  for (const { name, text } of sources) hash.update(`\0${name}\0${text}`);
  const folder = join(EMITTED, hash.digest("hex").slice(0, 32));
  if (!existsSync(folder)) {
    removeUnused();
    // Whole, or not at all: another run may ask for the same at the same time.
    const written = `${folder}-${process.pid}`;
    rmSync(written, { recursive: true, force: true });
    for (const { name, text } of sources) emitFile(name, text, written);
    symlinkSync(join(ROOT, "dist"), join(written, "dist"));
    if (existsSync(folder)) rmSync(written, { recursive: true });
    else renameSync(written, folder);
  }
  const now = new Date();
  utimesSync(folder, now, now);
  return folder;
}

/** Writes the JavaScript of one file. It takes itself for the source, beside which stands what it reads. JavaScript stays where it is. */
function emitFile(name: string, text: string, folder: string): void {
  const source = join(ROOT, name);
  const target = join(folder, name);
  mkdirSync(dirname(target), { recursive: true });
  if (!name.endsWith(".ts")) {
    symlinkSync(source, target);
    return;
  }
  const { code, map, errors } = transformSync(source, text, {
    lang: "ts",
    target: "es2023",
    sourcemap: true,
    typescript: { onlyRemoveTypeImports: true, rewriteImportExtensions: true },
    define: { "import.meta.url": JSON.stringify(pathToFileURL(source).href) },
  });
  const script = target.replace(/\.ts$/, ".js");
  if (errors.length > 0) {
    // Most of the engine's sources are AssemblyScript, which no test imports.
    if (name.startsWith("assembly/")) return;
    throw new SyntaxError(errors.map(({ message }) => message).join("\n"));
  }
  writeFileSync(script, `${code}\n//# sourceMappingURL=${basename(script)}.map\n`);
  writeFileSync(`${script}.map`, JSON.stringify(map));
}

function removeUnused(): void {
  mkdirSync(EMITTED, { recursive: true });
  for (const name of readdirSync(EMITTED)) {
    const folder = join(EMITTED, name);
    const written = statSync(folder, { throwIfNoEntry: false })?.mtimeMs;
    if (written !== undefined && written < Date.now() - UNUSED) rmSync(folder, { recursive: true, force: true });
  }
}
