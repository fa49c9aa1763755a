/** Texts that tests read: cases of ours, and manifests and rule dumps of others, which stand beside the project. Tests that
 *  need the latter say so when they are not there. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const SHARED = new URL("../../../shared/", import.meta.url).pathname;

export interface TextFile {
  readonly name: string;
  readonly text: string;
}

/** The files of `folder` beside the project whose names end in `ending`, with their texts. */
export function readFolder(folder: string, ending: string): TextFile[] {
  return readTexts(join(SHARED, folder), ending);
}

/** Where the cases of a kind are: worlds, packets or requests, and what becomes of them. */
export function casesFolder(kind: "flow" | "gateway" | "ingress" | "twins"): string {
  return new URL(`../cases/${kind}/`, import.meta.url).pathname;
}

export function readCases(kind: "flow" | "gateway" | "ingress" | "twins"): TextFile[] {
  return readTexts(casesFolder(kind), ".yaml");
}

function readTexts(folder: string, ending: string): TextFile[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));
}
