/** What `import … from "kpc"` gives: names, types, and nothing that only Node.js has. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import * as library from "../../../compiler/index.ts";
import * as dump from "../../../compiler/library/entry/dump.ts";
import * as trace from "../../../compiler/library/entry/trace.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const INDEX = join(ROOT, "compiler/index.ts");

const ENTRIES = {
  trace: join(ROOT, "compiler/library/entry/trace.ts"),
  dump: join(ROOT, "compiler/library/entry/dump.ts"),
};

const read = (file: string): string => readFileSync(file, "utf8");

/** The files of which `file` imports or exports values. */
function importsOf(file: string): string[] {
  const found = [
    ...read(file).matchAll(/^(?:import|export)\b(?! type\b)[^;]*? from "(\.[^"]+)";|\bimport\("(\.[^"]+)"\)/gms),
  ];
  return found.map(([, fixed, lazy]) => join(dirname(file), fixed ?? lazy ?? ""));
}

/** All files that are loaded with the index, at once or later. */
function reachable(): Set<string> {
  const files = new Set([INDEX]);
  for (const file of files) for (const each of importsOf(file)) files.add(each); // also those that are added meanwhile
  return files;
}

describe("the library", () => {
  test("exports these functions and values", () => {
    expect(Object.keys(library).sort()).toEqual(
      [
        "VERSION",
        "compare",
        "compile",
        "compileAll",
        "evaluate",
        "followTable",
        "matrix",
        "matrixChanges",
        "print",
        "printBytes",
        "readRules",
        "trace",
        "traceCluster",
        "verify",
      ].sort(),
    );
  });

  test("has its functions about packets, and about dumps, in entries of their own", () => {
    expect({ ...trace }).toEqual({ evaluate: library.evaluate, trace: library.trace });
    expect({ ...dump }).toEqual({ readRules: library.readRules });
  });

  test("has the version of the package", () => {
    expect(library.VERSION).toBe((JSON.parse(read(join(ROOT, "package.json"))) as { version: string }).version);
  });

  test("needs nothing of Node.js: neither its modules nor its globals", () => {
    const files = [...reachable()];
    expect(files.length).toBeGreaterThan(200);
    for (const wanted of ["formats/nft/read.ts", "formats/iptables/read.ts", "library/verification.ts"])
      expect(files).toContain(join(ROOT, "compiler", wanted));
    for (const file of files) {
      expect({ file, exists: existsSync(file) }).toEqual({ file, exists: true });
      expect(file).not.toMatch(/\/compiler\/cli\/|\/runtime\/kernel\//);
      const code = read(file).replace(/\/\*.*?\*\/|(?<!:)\/\/[^\n]*/gs, "");
      expect({ file, found: /from "node:|import\("node:|\bprocess\.|\bBuffer\b|\brequire\(/.exec(code)?.[0] }).toEqual({
        file,
        found: undefined,
      });
    }
  });

  test.each([
    ["kpc", INDEX],
    ["kpc/trace", ENTRIES.trace],
    ["kpc/dump", ENTRIES.dump],
  ])("%s exports every type that its signatures name", (_, entry) => {
    const exported = new Map(
      [...read(entry).matchAll(/export (type )?\{([^}]*)\} from "([^"]+)"/g)].flatMap(([, , names = "", from = ""]) =>
        names
          .split(",")
          .map((name) => name.replace(/\btype\b/, "").trim())
          .filter((name) => name !== "")
          .map((name) => [name, join(dirname(entry), from)] as const),
      ),
    );
    expect(exported.size).toBeGreaterThan(10);
    for (const [name, file] of exported)
      for (const type of typesIn(declarationOf(name, read(file)))) {
        if (GLOBAL_TYPES.has(type) || type === name) continue;
        expect({ name, type, isExported: exported.has(type) }).toEqual({ name, type, isExported: true });
      }
  });
});

const GLOBAL_TYPES: ReadonlySet<string> = new Set([
  "Iterable",
  "Partial",
  "Promise",
  "Readonly",
  "Record",
  "Uint8Array",
  "TypeError",
]);

/** The signature of a function, or the whole of a type, without comments. */
function declarationOf(name: string, text: string): string {
  const code = text.replace(/\/\*.*?\*\/|(?<!:)\/\/[^\n]*/gs, "");
  const found = new RegExp(
    `^export (?:async )?function ${name}\\(.*?\\{$|^export interface ${name}\\b.*?^\\}|^export (?:type|const) ${name}\\b.*?;$`,
    "ms",
  ).exec(code);
  if (found === null) throw new Error(`no declaration of ${name}`);
  return found[0];
}

function typesIn(declaration: string): Set<string> {
  const words = declaration.replace(/"[^"]*"|\b\w+\??:/g, " "); // neither literals nor the names of members
  return new Set([...words.matchAll(/(?<![.\w])[A-Z]\w*[a-z]\w*/g)].map(([word]) => word));
}
