/** Manifests or rules: commands that take both ask here. */
import { dialectOf, isIr } from "../formats/read-rules.ts";
import { readText } from "./inputs.ts";
import { Trouble } from "./trouble.ts";

/** Whether a file or folder has manifests, not rules: by its name, else by its text. Standard input is taken for rules. Throws `Trouble` when
 *  it cannot be read. */
export function isManifests(name: string): boolean {
  if (name === "-") return false;
  if (/\.ya?ml(\.gz)?$/.test(name)) return true;
  if (/\.(nft|rules|v4|v6|ipset|txt|dump|save)(\.gz)?$/.test(name)) return false;
  try {
    const text = readText(name);
    return !isIr(text) && dialectOf(text) === undefined;
  } catch (error) {
    if (error instanceof Trouble && error.code === "EISDIR") return true;
    throw error;
  }
}
