/** Differences that are meant, as flags of the commands that compare. */
import { type CompareOptions, compare, type Region } from "../compare/compare.ts";
import { doorsOf } from "../compare/doors.ts";
import { comparisonToJson, renderConclusion, renderRegions, type Sides } from "../compare/render.ts";
import { decodeDeclarations } from "../declared/decode.ts";
import { printDeclarations } from "../declared/print.ts";
import { renderAnswer, settlementToJson, staleFindings } from "../declared/render.ts";
import { isComplete, settle } from "../declared/settle.ts";
import type { Declaration } from "../declared/types.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import type { Program } from "../ir/types.ts";
import { FAMILIES } from "../net/address.ts";
import { readDocuments } from "../specs/document.ts";
import { Node } from "../specs/node.ts";
import { readSource } from "./inputs.ts";
import { type CommonFlags, EXIT, print, showDiagnostics } from "./session.ts";

/** The flags of commands that compare. */
export interface CompareFlags extends CommonFlags {
  readonly output: "text" | "json" | "except";
  readonly limit: number;
  readonly budget: number;
  readonly except?: readonly string[];
}

/** Two programs, and what is to be compared of them. */
export interface Task extends CompareOptions {
  readonly programs: readonly [Program, Program];
  readonly sides: Sides;
}

/** The differences in the named files; undefined where something is wrong with one, which has been told. */
export function readDeclarations(flags: CompareFlags): readonly Declaration[] | undefined {
  const findings: Diagnostic[] = [];
  const report: Report = (finding) => void findings.push(finding);
  const declarations = (flags.except ?? []).map(readSource).flatMap((source) =>
    [...readDocuments(source, report, "Differences (as -o except prints them)")].flatMap((document) => {
      const root = Node.root(document);
      return decodeDeclarations({ report, root, subject: source.name }, root);
    }),
  );
  showDiagnostics(findings, flags);
  return findings.some(({ severity }) => severity === "error") ? undefined : declarations;
}

/** Compares, prints the answer, and gives the exit code. `render` shows differing regions to people, of which there are
 *  `count`. */
export async function compareAndTell(
  task: Task,
  declarations: readonly Declaration[],
  flags: CompareFlags,
  render = (regions: readonly Region[], count: number) => renderRegions(regions, count, task.sides, flags.limit),
): Promise<number> {
  const { programs, sides, addresses, families = FAMILIES } = task;
  const isHeld = (flags.except ?? []).length > 0;
  const options = { addresses, families, budget: flags.budget };
  if (!isHeld && flags.output !== "except") {
    const comparison = compare(...programs, options);
    const { regions, differing, open } = comparison;
    const lines = [...render(regions, differing), ...renderConclusion(comparison)];
    await print(flags.output === "json" ? comparisonToJson(comparison, flags.limit) : `${lines.join("\n")}\n`);
    return differing === 0 && open.length === 0 ? EXIT.fine : EXIT.finding;
  }
  const comparison = compare(...programs, { ...options, keep: MOST_HELD });
  const settlement = settle(comparison, declarations, { programs, addresses });
  const { undeclared, asDeclared } = settlement;
  showDiagnostics(staleFindings(settlement, comparison), flags);
  if (flags.output === "except") {
    if (!isComplete(settlement, comparison))
      process.stderr.write("kpc: not everything has been compared: there may be more differences (--budget)\n");
    await print(printDeclarations(undeclared, doorsOf(programs, families), sides));
  } else if (flags.output === "json") {
    await print(settlementToJson(settlement, comparison, flags.limit));
  } else {
    const lines = [...render(undeclared, undeclared.length), ...renderAnswer(settlement, comparison)];
    await print(`${lines.join("\n")}\n`);
  }
  return asDeclared ? EXIT.fine : EXIT.finding;
}

/** Regions that are held against what is declared: some 2 kB each. More is not kept, and said. */
const MOST_HELD = 200_000;
