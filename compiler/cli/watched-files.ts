/** Whether files or folders have changed, seen from time to time. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** What files and folders look like: a text that is another one after they have changed. Folders: with what lies in them, `recursive`: also in
 *  folders within. A path that is not there has a look of its own. */
export function lookOf(paths: readonly string[], recursive: boolean): string {
  const parts: string[] = [];
  for (const path of paths) addLook(path, recursive, 0, parts);
  return parts.join("\n");
}

/** Links may lead in a circle. */
const MOST_FOLDERS = 32;

function addLook(path: string, recursive: boolean, depth: number, parts: string[]): void {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) {
    parts.push(`${path} is not there`);
    return;
  }
  parts.push(`${path} ${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`);
  if (!stats.isDirectory() || depth >= (recursive ? MOST_FOLDERS : 1)) return;
  for (const name of readdirSync(path).sort()) addLook(join(path, name), recursive, depth + 1, parts);
}
