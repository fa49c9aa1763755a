/** Bundles of test files with the project's sources, which have all mutants of some folders in them. */
import { mkdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "rolldown";
import { instrument, RECORD, RUN, type SourceMutant } from "./instrument.ts";

/** Modules that bundles share: mutants are in none of them. */
export const SHARED_MODULES: readonly string[] = ["chevrotain", "fast-check", "vitest", "yaml"];

/** What `instrument` made of the sources with mutants. */
export interface MutatedSources {
  readonly mutants: readonly SourceMutant[];
  /** By path. */
  readonly record: ReadonlyMap<string, string>;
  readonly run: ReadonlyMap<string, string>;
}

/** All mutants of the files, in their order. */
export function mutateSources(root: string, files: readonly string[]): MutatedSources {
  const mutants: SourceMutant[] = [];
  const record = new Map<string, string>();
  const run = new Map<string, string>();
  for (const file of files) {
    const text = readFileSync(join(root, file), "utf8");
    const first = mutants.length;
    const made = instrument(file, text, first, { ...RUN, countsFunctions: true });
    run.set(join(root, file), made.text);
    record.set(join(root, file), instrument(file, text, first, { ...RECORD, countsFunctions: true }).text);
    mutants.push(...made.mutants);
  }
  return { mutants, record, run };
}

/** Bundles a test file as the body of a function of `exports`, `require`, `$on`, `$reach` and `$count`. */
export async function bundleTest(
  root: string,
  test: string,
  texts: ReadonlyMap<string, string>,
  to: string,
): Promise<void> {
  const entry = `import ${JSON.stringify(join(root, "test/support/seed.ts"))};\nimport ${JSON.stringify(join(root, test))};\n`;
  mkdirSync(join(to, ".."), { recursive: true });
  await build({
    input: "\0test",
    platform: "node",
    external: [...SHARED_MODULES, /^rolldown/, "playwright-core"],
    plugins: [entryPlugin(entry), sourcesPlugin(root, texts)],
    output: { file: to, format: "cjs", codeSplitting: false },
    logLevel: "silent",
  });
}

function entryPlugin(text: string): Plugin {
  return {
    name: "entry",
    resolveId: (id) => (id === "\0test" ? id : undefined),
    load: (id) => (id === "\0test" ? { code: text, moduleType: "ts" } : undefined),
  };
}

/** Sources with mutants, the others of kpc with counters in their loops, and tests that know where they stand. */
function sourcesPlugin(root: string, texts: ReadonlyMap<string, string>): Plugin {
  return {
    name: "sources",
    load(id) {
      if (!id.endsWith(".ts") || id.includes("node_modules")) return undefined;
      const file = relative(root, id);
      const code = texts.get(id) ?? textOf(file, id);
      const placed = code.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(id).href));
      // The package says that its modules do nothing but export, which is not so for tests.
      return { code: placed, moduleType: "ts", moduleSideEffects: file.startsWith("test/") };
    },
  };
}

/** Texts of sources without mutants, by path: many bundles have the same ones. */
const plain = new Map<string, string>();

function textOf(file: string, path: string): string {
  const known = plain.get(path);
  if (known !== undefined) return known;
  const text = readFileSync(path, "utf8");
  const isCounted = /^(?:compiler|runtime)\//.test(file);
  const made = isCounted ? instrument(file, text, undefined, { ...RUN, countsFunctions: false }).text : text;
  plain.set(path, made);
  return made;
}
