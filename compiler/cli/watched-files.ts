/** Whether files or folders have changed, seen from time to time. */
import { type BigIntStats, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** What files and folders look like: a text that is another one after they have changed. Folders: with what lies in them, `recursive`: also in
 *  folders within. A path that is not there, or cannot be looked at, has a look of its own. */
export function lookOf(paths: readonly string[], recursive: boolean): string {
  const looks: string[] = [];
  const seen = new Set<string>();
  for (const path of paths) addLook(path, recursive ? "all" : "top", seen, looks);
  return looks.join("\n");
}

/** `depth`: which folders are looked into. `seen`: those that were, by device and number: links may lead in a circle. */
function addLook(path: string, depth: "all" | "top" | "none", seen: Set<string>, looks: string[]): void {
  const stats = attempt(() => statSync(path, { bigint: true }));
  looks.push(`${path} ${typeof stats === "string" ? stats : lookAt(stats)}`);
  if (typeof stats === "string" || depth === "none" || !stats.isDirectory()) return;
  const key = `${stats.dev} ${stats.ino}`;
  if (seen.has(key)) return;
  seen.add(key);
  const names = attempt(() => readdirSync(path));
  if (typeof names === "string") looks.push(`${path}/ ${names}`);
  else for (const name of names.sort()) addLook(join(path, name), depth === "all" ? "all" : "none", seen, looks);
}

function lookAt({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
}

/** What `look` gives, or the code of its error: files vanish between two looks, links lead nowhere, and folders may be closed to us. */
function attempt<T>(look: () => T): T | string {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    return String(error.code);
  }
}
