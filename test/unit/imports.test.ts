/** Which files and folders know which: imports point one way, so that a stage can be read, and tested, without the later ones. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { importsBelow, isFolder, partsImportedIn } from "../support/imports.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** At the bottom of everything. */
const BASE: ReadonlySet<string> = new Set([
  "arguments.ts",
  "diagnostics.ts",
  "invariant.ts",
  "json-output.ts",
  "memo.ts",
  "order.ts",
  "proxy-settings.ts",
  "run.ts",
  "words.ts",
]);

/** The folders of compiler/, earlier stages first, and those of the others that each imports: exactly these. `compile.ts` and
 *  `print.ts` are all stages as one function each. */
const IMPORTS: Readonly<Record<string, readonly string[]>> = {
  net: [],
  network: ["net"],
  certificates: ["net"],
  documents: [],
  specs: ["certificates", "documents", "net"],
  model: ["certificates", "documents", "net", "specs"],
  node: ["documents", "model", "net", "specs"],
  complete: ["documents", "net", "node", "specs"],
  ir: ["net"],
  lower: ["certificates", "ir", "model", "net", "node"],
  updates: ["documents", "ir", "lower", "model", "net", "node", "specs"],
  passes: ["ir", "net"],
  packets: ["ir", "net"],
  evaluate: ["ir", "net", "packets"],
  tabulate: ["evaluate", "ir", "net", "packets"],
  // To documents: rules that are none are told by what they are instead.
  formats: ["documents", "ir", "net", "tabulate"],
  // To formats: dumps of rules are told by what they are.
  hostfiles: ["documents", "formats", "net", "network"],
  // To documents: expected differences are read from files. To formats: where two programs differ, their rules are shown.
  compare: ["documents", "evaluate", "formats", "ir", "net", "packets", "tabulate"],
  controllers: ["model", "specs"],
  verify: ["compare", "evaluate", "formats", "ir", "net", "node", "packets", "specs"],
  layout: ["ir", "model", "net", "network", "specs"],
  walk: ["evaluate", "ir", "net", "network"],
  trace: ["documents", "evaluate", "formats", "ir", "layout", "net", "network", "node", "specs", "walk"],
  matrix: ["evaluate", "ir", "layout", "model", "net", "network", "specs", "walk"],
  findings: ["evaluate", "ir", "matrix", "model", "net", "network", "specs", "walk"],
  pictures: ["evaluate", "formats", "ir", "lower", "model", "net", "network", "node", "trace", "walk"],
  expectations: [
    "compile.ts",
    "described.ts",
    "documents",
    "evaluate",
    "formats",
    "ir",
    "layout",
    "net",
    "node",
    "print.ts",
    "specs",
    "trace",
    "walk",
  ],
};

/** Those that join all stages. */
const DOORS: ReadonlySet<string> = new Set(["cli", "library"]);

/** The folders of formats/, each of which knows one language, or what readers of all of them need, and what else of formats/ it
 *  imports. */
const FORMATS: Readonly<Record<string, readonly string[]>> = {
  ir: ["marks.ts"],
  wasm: [],
  tables: [],
  ipset: [],
  haproxy: [],
  shapes: [],
  // Bytes are put together and summed up as in tables of the classifier. Listeners are written as in the IR.
  router: ["ir", "tables"],
  // A match of iptables names sets, which are ipset's.
  iptables: ["ipset", "lazy-lookahead.ts", "marks.ts", "shapes", "text-findings.ts"],
  // nft lists what iptables has loaded, extensions in iptables' own words.
  nft: ["iptables", "lazy-lookahead.ts", "marks.ts", "shapes", "text-findings.ts"],
};

/** The files that each file imports, for types or while it runs, as paths below the root. */
const IMPORTED = importsBelow(ROOT);
const FILES = [...IMPORTED.keys()];

/** A way from a file back to itself; undefined where there is none. */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of imports.get(file) ?? []) {
      const circle = visit(next, [...way, file]);
      if (circle !== undefined) return circle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of imports.keys()) {
    const circle = visit(file, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

test("imports are found: each names a file that is there", () => {
  const missing = [...IMPORTED].flatMap(([file, imports]) =>
    imports
      .filter((path) => !path.startsWith("assembly/") && !IMPORTED.has(path))
      .map((path) => `${file} imports ${path}`),
  );
  expect(missing).toEqual([]);
  expect([...IMPORTED.values()].flat().length).toBeGreaterThan(1000);
});

test("no file imports itself by way of others", () => {
  expect(circleIn(IMPORTED)).toBeUndefined();
});

test("a circle of files is found", () => {
  expect(
    circleIn(
      new Map([
        ["a", ["b"]],
        ["b", ["c"]],
        ["c", ["b"]],
      ]),
    ),
  ).toEqual(["b", "c", "b"]);
});

describe("compiler/", () => {
  const parts = partsImportedIn(IMPORTED, "compiler");
  const folders = [...parts.keys()].filter(isFolder);

  test("all folders are listed, earlier stages first", () => {
    expect(folders.filter((folder) => !DOORS.has(folder)).sort()).toEqual(Object.keys(IMPORTS).sort());
    const order = Object.keys(IMPORTS);
    const later = order.flatMap((folder, i) =>
      (IMPORTS[folder] ?? [])
        .filter((other) => isFolder(other) && !order.slice(0, i).includes(other))
        .map((other) => `${folder} imports ${other}`),
    );
    expect(later).toEqual([]);
  });

  test.each(Object.entries(IMPORTS))("%s", (folder, wanted) => {
    const imported = [...(parts.get(folder) ?? [])].filter((other) => !BASE.has(other));
    expect(imported.sort()).toEqual([...wanted].sort());
  });

  test("what is at the bottom imports nothing above", () => {
    for (const file of BASE) expect([...(parts.get(file) ?? [])].filter((other) => !BASE.has(other))).toEqual([]);
  });

  test("only print.ts and cli/ know runtime/", () => {
    const users = [...IMPORTED].filter(([, imports]) => imports.some((path) => path.startsWith("runtime/")));
    const outside = users.map(([file]) => file).filter((file) => !/^(?:runtime|compiler\/cli)\//.test(file));
    expect(outside).toEqual(["compiler/print.ts"]);
  });

  test("only cli/ is run by Node alone", () => {
    const files = FILES.filter((file) => file.startsWith("compiler/") && !/^compiler\/cli(?:\/|\.ts$)/.test(file));
    const others = files.filter((file) => /from "node:|import\("node:/.test(readFileSync(join(ROOT, file), "utf8")));
    expect(others).toEqual([]);
  });
});

describe("compiler/formats/", () => {
  const parts = partsImportedIn(IMPORTED, "compiler/formats");

  test("all folders are listed", () => {
    expect([...parts.keys()].filter(isFolder).sort()).toEqual(Object.keys(FORMATS).sort());
  });

  test.each(Object.entries(FORMATS))("%s", (folder, wanted) => {
    expect([...(parts.get(folder) ?? [])].sort()).toEqual([...wanted].sort());
  });
});

/** Folders within a room that are read without the rest of it, or with what is listed. */
const CORNERS: Readonly<Record<string, readonly string[]>> = {
  "compare/exceptions": [
    "answer.ts",
    "box.ts",
    "compare.ts",
    "outcomes.ts",
    "packet-space.ts",
    "render.ts",
    "traffic-kinds.ts",
  ],
  "compare/symmetry": [],
  "compare/urls": [],
  "expectations/engines": [],
  "tabulate/graph": [],
  "verify/services": [],
};

test.each(Object.entries(CORNERS))("%s imports no other part of its room than listed", (corner, wanted) => {
  const [room = "", name = ""] = corner.split("/");
  expect([...(partsImportedIn(IMPORTED, `compiler/${room}`).get(name) ?? [])].sort()).toEqual(wanted);
});

test("the plain evaluator does not import what makes it fast", () => {
  const plain = [...partsImportedIn(IMPORTED, "compiler/evaluate").entries()]
    .filter(([part, imports]) => part !== "dispatch" && imports.has("dispatch"))
    .map(([part]) => part);
  expect(plain).toEqual(["evaluate.ts"]);
});
