/** Which files import which, and what that says of folders. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** The files that each file imports, for types or while it runs: of compiler/ and runtime/, as paths below `root`. */
export function importsBelow(root: string): ReadonlyMap<string, readonly string[]> {
  const files = ["compiler", "runtime"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join(folder, name)),
  );
  return new Map(files.map((file) => [file, importsOf(root, file)]));
}

function importsOf(root: string, file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  const found = [
    ...text.matchAll(/^(?:import|export)\b[^;]*? from "(\.[^"]+)";$/gm),
    ...text.matchAll(/\bimport\("(\.[^"]+)"\)/g),
  ];
  return found.map(([, path = ""]) => normalize(join(dirname(file), path)));
}

/** The entries below `folder` that its parts import: `evaluate` for all of its files. */
export function partsImportedIn(
  imported: ReadonlyMap<string, readonly string[]>,
  folder: string,
): Map<string, Set<string>> {
  const partOf = (path: string): string | undefined =>
    path.startsWith(`${folder}/`) ? path.slice(folder.length + 1).split("/")[0] : undefined;
  const parts = new Map<string, Set<string>>();
  for (const [file, imports] of imported) {
    const part = partOf(file);
    if (part === undefined) continue;
    const known = parts.get(part) ?? new Set();
    parts.set(part, known);
    for (const path of imports) {
      const other = partOf(path);
      if (other !== undefined && other !== part) known.add(other);
    }
  }
  return parts;
}

/** Whether a part of a folder is one itself. */
export function isFolder(name: string): boolean {
  return !name.endsWith(".ts");
}
