/** The package as users get it: packed, installed into an empty project, used with types. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = new URL("../..", import.meta.url).pathname;

interface Ended {
  readonly status: number | null;
  readonly output: string;
}

function run(folder: string, program: string, ...args: readonly string[]): Ended {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: "utf8" });
  return { status, output: `${stdout}${stderr}` };
}

const folder = mkdtempSync(join(tmpdir(), "kpc-package-"));
let files: readonly string[] = [];
let installed: Ended;

beforeAll(() => {
  const packed = run(ROOT, "npm", "pack", "--ignore-scripts", "--json", "--pack-destination", folder);
  // npm prints a list, and since version 11.19 an object by name.
  const [entry] = Object.values(
    JSON.parse(packed.output) as Record<string, { filename: string; files: readonly { path: string }[] }>,
  );
  files = entry?.files.map(({ path }) => path) ?? [];
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
  installed = run(folder, "npm", "install", "--no-audit", "--no-fund", `./${entry?.filename}`);
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true }));

/** Why nothing can be installed here; printed. */
function notInstalled({ status, output }: Ended, what: string): boolean {
  const isMissing = status !== 0 && /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ENOTCACHED/.test(output);
  if (isMissing) process.stderr.write(`left out: ${what} cannot be installed: the registry is not reachable\n`);
  return isMissing;
}

/** Uses every function, and types that it infers are named in its declarations. */
const PROGRAM = `import { compare, compile, compileAll, evaluate, print, printBytes, readRules, trace, verify, type DiagnosticData, type Rules } from "kpc";
import { createClassifier } from "kpc/classifier/inline";

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
export const evaluated = evaluate(rules, packet);
export const verified = await verify(manifests, [{ name: "a.nft", text }]);
export const all = compileAll(manifests);
export const { bytes = new Uint8Array() } = await printBytes(rules, "tables");
export const classifier = await createClassifier(bytes);
export const answer = [same?.verdict, traced.result?.outcomes[0]?.verdict, evaluated.result?.outcomes.length, verified.result?.verdict, classifier.explain({ protocol: "tcp", source: "10.244.0.5", destination: "10.96.0.9", destinationPort: 80 }).verdict].join();
`;

const ANSWER = "equal,reject,1,equal,reject";

describe("the packed package", () => {
  test("holds no code cache, no sources and no tests", () => {
    expect(files).toContain("dist/compiler/index.d.ts");
    expect(files.filter((path) => /\.cache$|^test\/|^compiler\/|\.tgz$/.test(path))).toEqual([]);
  });

  test("installs, and its command runs", () => {
    if (notInstalled(installed, "the package")) return;
    expect(installed.status).toBe(0);
    const { output } = run(folder, "npx", "--no-install", "kpc", "--version");
    expect(output.trim()).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test("is used from strict TypeScript, with and without declarations", () => {
    if (notInstalled(installed, "the package")) return;
    writeFileSync(join(folder, "use.ts"), PROGRAM);
    const compilerOptions = {
      strict: true,
      module: "nodenext",
      target: "es2022",
      declaration: true,
      outDir: "out",
      types: [],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
    expect(run(folder, join(ROOT, "node_modules/.bin/tsc"), "-p", ".")).toEqual({ status: 0, output: "" });
    // A type that cannot be named from outside would be written as an import of a file within the package.
    expect(readFileSync(join(folder, "out/use.d.ts"), "utf8")).not.toMatch(/kpc\/dist/);
    writeFileSync(join(folder, "ask.mjs"), 'import { answer } from "./out/use.js"; console.log(answer);');
    expect(run(folder, process.execPath, "ask.mjs")).toEqual({ status: 0, output: `${ANSWER}\n` });
  });
});
