/** What a command does not need is not loaded: each of these takes longer than to follow a packet through a small cluster. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = new URL("../../..", import.meta.url).pathname;
const SHOP = ["examples/shop/manifests", "examples/shop/cluster.yaml", "-c", "examples/shop/kpc.yaml"];

/** Modules of Node.js that the built command line has loaded by its end, by name. */
function loadedBy(...args: readonly string[]): string[] {
  const report = 'process.on("exit", () => process.stderr.write("\\nLOADED " + process.moduleLoadList.join("|")))';
  const hook = `data:text/javascript,${encodeURIComponent(report)}`;
  const script = `"$0" --import '${hook}' dist/bin/kpc.cjs "$@" 2>&1 > /dev/null`;
  const told = execFileSync("sh", ["-c", script, process.execPath, ...args], { cwd: ROOT, encoding: "utf8" });
  return told
    .slice(told.indexOf("LOADED "))
    .split("|")
    .map((name) => name.replace(/^NativeModule /, ""));
}

/** The files that are loaded with `file`, and the packages. */
function loadedWith(file: string): { readonly files: ReadonlySet<string>; readonly packages: ReadonlySet<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (path: string): void => {
    if (files.has(path)) return;
    files.add(path);
    for (const [, isType, name = ""] of readFileSync(join(ROOT, path), "utf8").matchAll(
      /^(?:import|export) (type )?[^;]*?from "([^"]+)";$/gm,
    )) {
      if (isType !== undefined) continue;
      if (name.startsWith(".")) visit(normalize(join(dirname(path), name)));
      else packages.add(name);
    }
  };
  visit(file);
  return { files, packages };
}

describe("a trace of manifests", () => {
  test("does not load the modules of Node.js that others need", () => {
    const loaded = loadedBy("trace", "tcp web-1 > svc/api:http", ...SHOP);
    expect(loaded).toContain("fs");
    for (const name of ["crypto", "zlib", "v8"]) expect(loaded, name).not.toContain(name);
  });

  test("does not load the readers of rules, and their parser generator", () => {
    const { files, packages } = loadedWith("compiler/cli/trace.ts");
    expect(files.size).toBeGreaterThan(100);
    expect([...packages]).toContain("yaml");
    expect([...packages]).not.toContain("chevrotain");
  });

  test("the readers of rules do load it", () => {
    expect([...loadedWith("compiler/formats/nft/read.ts").packages]).toContain("chevrotain");
  });
});

test("a compilation to a table loads cryptography", () => {
  const args = [...SHOP, "--node", "node-1", "-q", "-o", "tables"];
  expect(loadedBy("compile", ...args)).toContain("crypto");
});
