/** Which folders of the compiler know which: imports point one way, so that a stage can be read, and tested, without the later ones. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";

const COMPILER = new URL("../../compiler", import.meta.url).pathname;

/** What files of a folder may import besides each other, folders first. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  net: ["words.ts"],
  documents: ["diagnostics.ts", "invariant.ts"],
  specs: ["documents", "net", "diagnostics.ts", "invariant.ts", "words.ts"],
  model: ["documents", "net", "specs", "diagnostics.ts", "order.ts"],
  node: ["documents", "model", "net", "specs", "diagnostics.ts"],
  complete: ["documents", "net", "node", "specs", "diagnostics.ts", "order.ts"],
  lower: ["ir", "model", "net", "node", "diagnostics.ts", "invariant.ts", "order.ts"],
};

/** The files that each file of a folder imports, as paths below compiler/. */
function importsIn(folder: string): Map<string, string[]> {
  const files = readdirSync(join(COMPILER, folder)).map((name) => join(folder, name));
  return new Map(files.map((file) => [file, importsOf(file)]));
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(COMPILER, file), "utf8");
  const found = text.matchAll(/^(?:import|export|\} from) ?.*?"(\.[^"]+)";$/gm);
  return [...found].map(([, path = ""]) => normalize(join(dirname(file), path)));
}

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

describe.each(Object.entries(MAY_IMPORT))("compiler/%s", (folder, allowed) => {
  const imports = importsIn(folder);

  test("imports nothing of later stages", () => {
    const others = [...imports].flatMap(([file, found]) =>
      found
        .map((path) => path.split("/")[0] ?? "")
        .filter((name) => name !== folder && !allowed.includes(name))
        .map((name) => `${file} imports ${name}`),
    );
    expect(others).toEqual([]);
  });

  test("has no circle", () => {
    expect([...imports.values()].flat()).not.toEqual([]);
    expect(circleIn(imports)).toBeUndefined();
  });
});
