import type { Described } from "../described.ts";
import { type MatrixRowChange, matrixChanges } from "../matrix/changes.ts";
import { changesToCsv, matrixToCsv } from "../matrix/csv.ts";
import { changesToJson, matrixToJson } from "../matrix/json.ts";
import { type MatrixOptions, matrixOf } from "../matrix/matrix.ts";
import { renderChanges, renderMatrix } from "../matrix/text.ts";
import { isAnswered, type Matrix } from "../matrix/types.ts";
import type { Specs } from "../specs/types.ts";
import { describeInputs } from "./describe.ts";
import { entriesIn, servicesIn } from "./matrix-filter.ts";
import { type CommonFlags, EXIT, inputsOf, note, print } from "./session.ts";
import { Trouble } from "./trouble.ts";

export interface MatrixFlags extends CommonFlags {
  /** Inputs as they were before, by commas. */
  readonly against?: string;
  /** Names of Services, by commas. */
  readonly service?: string;
  /** Ways in, by commas. */
  readonly entries?: string;
  readonly output: "text" | "json" | "csv";
}

/** `kpc matrix`: which client reaches which Service, or what of that differs from another input. */
export async function matrixCommand(names: readonly string[], flags: MatrixFlags): Promise<number> {
  const entries = entriesIn(flags.entries);
  const now = await describedIn(names, flags);
  if (typeof now === "number") return now;
  const old =
    flags.against === undefined ? undefined : await describedIn(flags.against.split(","), { ...flags, filename: [] });
  // Whether the two differ is not known.
  if (typeof old === "number") return EXIT.trouble;
  // A change may be that a Service is new, or gone.
  const services = servicesIn(flags.service, [...now.input.specs.services, ...(old?.input.specs.services ?? [])]);
  const after = matrixOfDescribed(now, flags, { entries, services });
  if (old === undefined) {
    await print(textOf(after, flags));
    const isFine = after.rows.every(({ cells }) => cells.every(({ outcomes }) => isAnswered(outcomes)));
    return isFine ? EXIT.fine : EXIT.finding;
  }
  const changes = matrixChanges(matrixOfDescribed(old, flags, { entries, services }), after);
  await print(changesText(changes, after, flags));
  return changes.length === 0 ? EXIT.fine : EXIT.finding;
}

function textOf(matrix: Matrix, { output, verbose = false }: MatrixFlags): string {
  if (output === "json") return matrixToJson(matrix);
  return output === "csv" ? matrixToCsv(matrix) : renderMatrix(matrix, { isVerbose: verbose });
}

function changesText(
  changes: readonly MatrixRowChange[],
  { sources }: Matrix,
  { output, verbose = false }: MatrixFlags,
): string {
  if (output === "json") return changesToJson(changes);
  return output === "csv" ? changesToCsv(changes) : renderChanges(changes, sources, { isVerbose: verbose });
}

/** What the inputs describe, or the exit code where they have an error. */
async function describedIn(names: readonly string[], flags: MatrixFlags): Promise<Described | number> {
  const told = await describeInputs(inputsOf(names, flags), flags);
  if (told.described === undefined) return told.code;
  if (!told.areRulesRead) return EXIT.finding;
  checkObjects(told.described.input.specs, names.join(", "));
  return told.described;
}

/** A matrix of nothing would look like one without problems. */
function checkObjects({ pods, services }: Specs, inputs: string): void {
  const at = inputs === "" ? "the input" : inputs;
  if (pods.length === 0) throw new Trouble(`${at}: no Pods: expected objects of kind: Pod, which are the clients`);
  if (services.length === 0) throw new Trouble(`${at}: no Services: expected objects of kind: Service to ask for`);
}

function leftOutText(count: number): string {
  return count === 1
    ? "1 pod is left out, as its node or address is not known"
    : `${count} pods are left out, as their node or address is not known`;
}

function matrixOfDescribed(described: Described, flags: MatrixFlags, options: MatrixOptions): Matrix {
  const matrix = matrixOf(described, options);
  if (matrix.leftOut.length > 0) note([leftOutText(matrix.leftOut.length)], flags);
  return matrix;
}
