import { compare } from "../compare/compare.ts";
import { comparisonToJson, renderComparison } from "../compare/render.ts";
import { resolveConfig } from "../config/resolve.ts";
import type { Diagnostic } from "../diagnostics.ts";
import type { Program } from "../ir/types.ts";
import type { Address } from "../net/address.ts";
import { loadSpecs } from "../specs/load.ts";
import { readConfig } from "./config.ts";
import { readText } from "./inputs.ts";
import { dialectOf, readRules, sourcesOf } from "./rules-file.ts";
import { type CommonFlags, compileInputs, EXIT, print, showDiagnostics, showFirst } from "./session.ts";
import { Trouble } from "./trouble.ts";

export interface DiffFlags extends CommonFlags {
  readonly output: "text" | "json";
  readonly limit: number;
  readonly budget: number;
}

/** One of the things that are compared. */
interface Side {
  readonly program: Program;
  /** The node's addresses, where the input tells them. */
  readonly addresses: readonly Address[];
}

/** `kpc diff`: whether two of manifests and rules do the same to every packet. */
export async function diffCommand(left: string, right: string, flags: DiffFlags): Promise<number> {
  const sides: Side[] = [];
  for (const name of [left, right]) {
    const side = await readSide(name, flags);
    if (side === undefined) return EXIT.trouble;
    sides.push(side);
  }
  const [a, b] = sides as [Side, Side];
  const addresses = [...new Set([...a.addresses, ...b.addresses])];
  const comparison = compare(a.program, b.program, { addresses, budget: flags.budget });
  const text =
    flags.output === "json"
      ? comparisonToJson(comparison, flags.limit)
      : renderComparison(comparison, { left, right }, flags.limit);
  await print(text);
  return comparison.differing === 0 && comparison.open.length === 0 ? EXIT.fine : EXIT.finding;
}

/** Manifests are compiled; rules are read. A comma list stands for several files of rules. */
async function readSide(name: string, flags: DiffFlags): Promise<Side | undefined> {
  const files = name.split(",");
  const [first = ""] = files;
  if (files.length === 1 && isManifests(first)) {
    const { diagnostics, compiled } = compileInputs([first], flags);
    showDiagnostics(diagnostics, flags);
    return compiled === undefined ? undefined : { program: compiled.program, addresses: compiled.node.addresses };
  }
  const findings: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => void findings.push(diagnostic);
  const program = await readRules(sourcesOf(name), report);
  showFirst(findings, flags);
  // What was not understood is kept as what may do anything; where nothing was, there is nothing to compare.
  if (program.ruleset.tables.length === 0) return undefined;
  const { node } = resolveConfig(readConfig(flags, report), loadSpecs([], report), report);
  return { program, addresses: node.addresses };
}

function isManifests(name: string): boolean {
  if (name === "-") return false;
  if (/\.(ya?ml|json)$/.test(name)) return true;
  if (/\.(nft|rules|v4|v6|txt|dump|save)$/.test(name)) return false;
  try {
    return dialectOf(readText(name)) === undefined;
  } catch (error) {
    if (error instanceof Trouble && /it is a folder/.test(error.message)) return true;
    throw error;
  }
}
