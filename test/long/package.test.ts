/** The package as users get it: packed, installed into an empty project, used with types, and bundled for browsers. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserMissing, runPage, type ServedFiles } from "../support/browser.ts";
import { type Ended, install, installPackage, isUnreachable, run, runOwn } from "../support/installed-package.ts";

/** Programs that check and bundle the package. They are not needed to work on kpc: this test alone installs them. */
const TOOLS = ["@arethetypeswrong/cli@0.18.5", "esbuild@0.28.2", "webpack@5.113.0"];

const { folder, tarball, files, installed } = installPackage();
const isInstalled = !isUnreachable(installed, "the package");
const tools = join(folder, "tools");
const hasTools = isInstalled && !isUnreachable(install(tools, ...TOOLS), TOOLS.join(", "));

afterAll(() => rmSync(folder, { recursive: true }));

/** Calls every function of the library. What it exports has types that TypeScript infers and has to name. */
const PROGRAM = `import { compare, compile, compileAll, evaluate, print, printBytes, readRules, trace, verify, type DiagnosticData, type Rules } from "kpc";
import { readRules as readDump } from "kpc/dump";
import { trace as follow } from "kpc/trace";
import { createClassifier as createWithFile } from "kpc/classifier";
import { createClassifier, engineBytes } from "kpc/classifier/inline";
import { createRouter } from "kpc/router";

const manifests = [{ name: "a.yaml", text: "apiVersion: v1\\nkind: Service\\nmetadata: {name: a}\\nspec: {clusterIP: 10.96.0.9, ports: [{port: 80}]}\\n" }];
export const compiled = compile(manifests, { settings: { clusterCIDR: "10.244.0.0/16" } });
export const found: readonly DiagnosticData[] = compiled.diagnostics;
const rules: Rules | undefined = compiled.rules;
if (rules === undefined) throw new Error(JSON.stringify(found));
export const text = print(rules, "nft").text ?? "";
export const again = await readRules([{ name: "a.nft", text }], { names: rules });
export const same = again.rules && compare(rules, again.rules);
export const packet = "tcp 10.244.0.5:4000 > 10.96.0.9:80";
export const traced = trace(rules, packet);
export const dumped = await readDump([{ name: "a.nft", text }]);
export const followed = dumped.rules && follow(dumped.rules, packet + " iif eth0");
export const evaluated = evaluate(rules, packet);
export const verified = await verify(manifests, [{ name: "a.nft", text }]);
export const all = compileAll(manifests);
export const { bytes = new Uint8Array() } = await printBytes(rules, "tables");
const fields = { protocol: "tcp", source: "10.244.0.5", destination: "10.96.0.9", destinationPort: 80 } as const;
export const classifier = await createClassifier(bytes);
export const other = await createWithFile(bytes, { module: engineBytes() });
const routes = await printBytes(rules, "router");
export const router = createRouter(routes.bytes ?? new Uint8Array());
export const routed = router.route({ host: "a.example", path: "/" });
export const answer = [
  same?.verdict,
  traced.result?.outcomes[0]?.verdict,
  evaluated.result?.outcomes.length,
  followed?.result?.outcomes[0]?.verdict,
  verified.result?.verdict,
  classifier.explain(fields).verdict,
  other.explain(fields).verdict,
  routed.status,
].join();
`;

const ANSWER = "equal,reject,1,reject,equal,reject,reject,404";

const COMPILER_OPTIONS = {
  strict: true,
  module: "nodenext",
  target: "es2022",
  declaration: true,
  outDir: "out",
  types: [],
};

describe("the packed package", () => {
  test("holds no code cache, no sources, no tests and no bundles of benchmarks", () => {
    expect(files).toContain("dist/compiler/index.d.ts");
    expect(files).toContain("schemas/cluster.schema.json");
    expect(files).toContain("schemas/expectations.schema.json");
    expect(files).toContain("schemas/ingress-expectations.schema.json");
    expect(files.filter((path) => /\.cache$|^test\/|^compiler\/|^dist\/scripts\/|\.tgz$/.test(path))).toEqual([]);
  });

  test("has no script that npm runs, or asks about, when it is installed", () => {
    const { scripts } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      scripts: Readonly<Record<string, string>>;
    };
    // `prepare`: npm 11.19 warns of it for tarballs, folders and git repositories.
    for (const name of ["preinstall", "install", "postinstall", "prepare"]) expect(scripts).not.toHaveProperty(name);
  });

  test.runIf(isInstalled)("installs without a warning, and its command runs", () => {
    expect(installed.output).not.toMatch(/warn/i);
    expect(installed.status).toBe(0);
    expect(run(folder, "node_modules/.bin/kpc", "--version").output.trim()).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test.runIf(hasTools)("has types that every way to resolve modules finds", () => {
    // Except "node10", which knows no subpaths, and CommonJS: kpc is ESM only. classifier.wasm is a file, not a module with types.
    const options = ["--profile", "esm-only", "--exclude-entrypoints", "classifier.wasm", "--no-emoji"];
    const attw = run(tools, "node_modules/.bin/attw", tarball, ...options);
    expect(attw).toMatchObject({ status: 0 });
  });
});

describe.runIf(isInstalled)("a program in strict TypeScript", () => {
  beforeAll(() => {
    writeFileSync(join(folder, "use.ts"), PROGRAM);
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: ["use.ts"] }),
    );
    expect(runOwn(folder, "tsc", "-p", ".")).toEqual({ status: 0, output: "" });
  });

  test("has declarations that name types by what the package exports", () => {
    // A type that has no exported name would be written as an import of a file within the package.
    expect(readFileSync(join(folder, "out/use.d.ts"), "utf8")).not.toMatch(/kpc\/dist/);
  });

  test("runs", () => {
    writeFileSync(join(folder, "ask.mjs"), 'import { answer } from "./out/use.js"; console.log(answer);');
    expect(run(folder, process.execPath, "ask.mjs")).toEqual({ status: 0, output: `${ANSWER}\n` });
  });

  describe.each(Object.entries(bundlers()))("bundled for browsers by %s", (name, bundle) => {
    const to = join(folder, "bundle", name);
    let built: Ended;

    beforeAll(() => {
      writeFileSync(join(folder, "page.mjs"), 'import { answer } from "./out/use.js"; report(answer);');
      mkdirSync(to, { recursive: true });
      built = bundle(to);
    }, 300_000);

    test("is built, and imports nothing of Node.js", () => {
      expect(built).toMatchObject({ status: 0 });
      expect(built.output).not.toMatch(/node:|externalized/);
      for (const file of readdirSync(to, { recursive: true, encoding: "utf8" }))
        if (/\.m?js$/.test(file))
          expect(readFileSync(join(to, file), "utf8")).not.toMatch(/(?:from|import|require)\s*\(?\s*["'`]node:/);
    });

    test("answers as the package does, without what only Node.js has", () => {
      writeFileSync(join(folder, "browser-like.mjs"), BROWSER_LIKE);
      const page = run(folder, process.execPath, "--import", "./browser-like.mjs", join(to, pageIn(to)));
      expect(page).toEqual({ status: 0, output: `${ANSWER}\n` });
    });

    test.skipIf(browserMissing !== undefined)("answers so in Chromium", async () => {
      const { result } = await runPage(`import "/${pageIn(to)}";`, (path) => served(join(to, path)));
      expect(result).toBe(ANSWER);
    });
  });
});

/** Takes away what browsers do not have, and gives the page's `report`. */
const BROWSER_LIKE = `
globalThis.report = console.log;
for (const name of ["process", "Buffer", "global", "setImmediate", "clearImmediate"]) delete globalThis[name];
`;

function pageIn(to: string): string {
  return existsSync(join(to, "page.mjs")) ? "page.mjs" : "page.js";
}

function served(file: string): ServedFiles | undefined {
  if (!existsSync(file)) return undefined;
  return { type: file.endsWith(".wasm") ? "application/wasm" : "text/javascript", body: readFileSync(file) };
}

/** The bundlers that are here, each called by itself and from the project's folder. Vite comes with vitest. */
function bundlers(): Readonly<Record<string, (to: string) => Ended>> {
  const own = {
    rolldown: (to: string) =>
      runOwn(folder, "rolldown", "page.mjs", "--dir", to, "--platform", "browser", "--format", "esm"),
    vite: (to: string) => {
      const lib = { entry: "page.mjs", formats: ["es"], fileName: "page" };
      const config = { logLevel: "warn", build: { outDir: to, target: "esnext", lib } };
      writeFileSync(join(folder, "vite.config.mjs"), `export default ${JSON.stringify(config)};`);
      return runOwn(folder, "vite", "build", "--config", "vite.config.mjs");
    },
  };
  if (!hasTools) return own;
  return {
    ...own,
    esbuild: (to) => {
      const options = ["--bundle", "--splitting", "--format=esm", "--platform=browser", "--log-level=warning"];
      return run(folder, join(tools, "node_modules/.bin/esbuild"), "page.mjs", `--outdir=${to}`, ...options);
    },
    webpack: (to) => {
      const output = { path: to, filename: "page.mjs", module: true, chunkFormat: "module", chunkLoading: "import" };
      const config = {
        mode: "production",
        target: ["web", "es2022"],
        context: folder,
        entry: "./page.mjs",
        experiments: { outputModule: true },
        performance: { hints: false }, // of the size that a page should have
        output,
      };
      writeFileSync(
        join(tools, "webpack.mjs"),
        `import webpack from "webpack";
webpack(${JSON.stringify(config)}, (error, stats) => {
  if (error) throw error;
  console.log(stats.toString("errors-warnings"));
  process.exitCode = stats.hasErrors() ? 1 : 0;
});`,
      );
      return run(tools, process.execPath, "webpack.mjs");
    },
  };
}
