import type { Described } from "../described.ts";
import { matrixOf } from "../matrix/matrix.ts";
import { renderMatrix } from "../matrix/text.ts";
import { isAnswered, type Matrix } from "../matrix/types.ts";
import { describeInputs } from "./describe.ts";
import { type CommonFlags, EXIT, inputsOf, note, print } from "./session.ts";
import { Trouble } from "./trouble.ts";

export interface MatrixFlags extends CommonFlags {
  readonly output: "text" | "json" | "csv";
}

/** `kpc matrix`: who reaches which Service. */
export async function matrixCommand(names: readonly string[], flags: MatrixFlags): Promise<number> {
  const { described, code } = await describeInputs(inputsOf(names, flags), flags);
  if (described === undefined) return code;
  const matrix = matrixIn(described, flags);
  await print(renderMatrix(matrix, { isVerbose: flags.verbose ?? false }));
  const isFine = matrix.rows.every(({ cells }) => cells.every(({ outcomes }) => isAnswered(outcomes)));
  return isFine ? EXIT.fine : EXIT.finding;
}

function matrixIn(described: Described, flags: MatrixFlags): Matrix {
  if (described.input.cluster.nodes.length === 0)
    throw new Trouble("the input has no Nodes: expected kind: Node for each machine of the cluster");
  const matrix = matrixOf(described);
  if (matrix.leftOut.length > 0)
    note([`${matrix.leftOut.length} pods are left out, as their node or address is not known`], flags);
  return matrix;
}
