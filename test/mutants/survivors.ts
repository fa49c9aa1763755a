/** Lists of mutants that are known to survive, each below the reason why. */
import { existsSync, readFileSync } from "node:fs";
import type { SourceMutant } from "./instrument.ts";

/** A text that names a mutant however lines move: file, functions around it, what it was and what it became. Mutants of one function
 *  with the same texts share it. */
export function nameOfMutant({ file, within, original, mutated }: SourceMutant): string {
  return `${file} ${within}: ${short(original)} -> ${short(mutated)}`;
}

/** The mutant with its line, as reports show it. */
export function showMutant(mutant: SourceMutant): string {
  const { file, line, within, original, mutated } = mutant;
  return `${file}:${line} ${within}: ${short(original)} -> ${short(mutated)}`;
}

/** The names of the survivors that an output of the command tells of. */
export function survivorsIn(output: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [, file, rest = ""] of output.matchAll(/^(?:survives|survivor): (.+?):\d+ (.*)$/gm))
    names.add(`${file} ${rest.replace(/ \(not reached\)$/, "")}`);
  return names;
}

function short(text: string): string {
  return text.length <= 110 ? text : `${text.slice(0, 70)} … ${text.slice(-35)}`;
}

/** The names of known survivors by reason, which is the heading that they stand below. Names stand in indented blocks. */
export function readSurvivors(path: string): ReadonlyMap<string, string> {
  const reasons = new Map<string, string>();
  let reason = "";
  for (const line of existsSync(path) ? readFileSync(path, "utf8").split("\n") : []) {
    if (line.startsWith("## ")) reason = line.slice(3);
    else if (line.startsWith("    ")) reasons.set(line.trim(), reason);
  }
  return reasons;
}
