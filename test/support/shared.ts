/** Data beside the project: expectations, and manifests and rule dumps of others. Tests that need it say so when it is
 *  not there. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const SHARED = new URL("../../../shared/", import.meta.url).pathname;

/** Why `folder` cannot be read; undefined when it can. */
export function missingFolder(folder: string): string | undefined {
  if (existsSync(join(SHARED, folder))) return undefined;
  const reason = `../shared/${folder} is not there`;
  process.stderr.write(`tests are left out: ${reason}\n`);
  return reason;
}

/** The files of `folder` whose names end in `ending`, with their texts. */
export function readFolder(folder: string, ending: string): { readonly name: string; readonly text: string }[] {
  if (!existsSync(join(SHARED, folder))) return [];
  return readdirSync(join(SHARED, folder))
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => ({ name, text: readFileSync(join(SHARED, folder, name), "utf8") }));
}
