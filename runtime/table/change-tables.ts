/** Makes one ruleset of another in this machine's kernel. */
import { printChange } from "../../compiler/formats/nft/print-change.ts";
import { keptComment } from "../../compiler/formats/nft/print-elements.ts";
import { printFile } from "../../compiler/formats/nft/print-file.ts";
import { groupsOf, type PieceGroup, printGroups, SERVICES_AT_ONCE } from "../../compiler/formats/nft/print-pieces.ts";
import { differenceOf, type TableChange } from "../../compiler/ir/table-change.ts";
import type { Table } from "../../compiler/ir/types.ts";
import type { TransactionAnswer } from "./answers.ts";
import type { TableWriter } from "./writer.ts";

/** What makes `after` of `before`: nothing where both are the same. Tables have the names of others in no other family. */
export function changesBetween(before: readonly Table[], after: readonly Table[]): TableChange[] {
  const families = [...new Set([...before, ...after].map(({ family }) => family))];
  const listed = after.map(asListed);
  return families.flatMap((family) => {
    const change = differenceOf(
      before.find((table) => table.family === family),
      listed.find((table) => table.family === family),
    );
    return change === undefined ? [] : [change];
  });
}

/** `tables` without their elements. */
export function withoutElements(tables: readonly Table[]): Table[] {
  return tables.map((table) => ({
    ...table,
    sets: table.sets.map((set) => ({ ...set, elements: [] })),
    maps: table.maps.map((map) => ({ ...map, elements: [] })),
  }));
}

/** `table` with its comments as nft keeps them. */
function asListed(table: Table): Table {
  const kept = <Of extends { readonly comment?: string }>(one: Of): Of =>
    one.comment === undefined ? one : { ...one, comment: keptComment(one.comment) };
  const withElements = <Of extends Table["sets"][number] | Table["maps"][number]>(set: Of): Of =>
    ({ ...kept(set), elements: set.elements.map(kept) }) as Of;
  return { ...kept(table), sets: table.sets.map(withElements), maps: table.maps.map(withElements) };
}

/** Elements from which on tables that are not there are loaded in pieces. */
const MANY_ELEMENTS = 20_000;

/** What the kernel said, and how many transactions it took. */
export interface ChangedTables {
  readonly answer: TransactionAnswer;
  readonly transactions: number;
}

/** Makes `changes`, after which the tables are `after`. Where no table was there before, a large one is loaded in pieces, each of which leaves
 *  each Service whole or absent; all else is one transaction. */
export async function changeTables(
  writer: TableWriter,
  changes: readonly TableChange[],
  after: readonly Table[],
): Promise<ChangedTables> {
  if (changes.length === 0) return { answer: { kind: "done" }, transactions: 0 };
  const isNew = changes.every(({ table }) => table === "added");
  const elements = changes.flatMap((change) => change.elements).reduce((sum, { added }) => sum + added.length, 0);
  if (isNew && elements > MANY_ELEMENTS) return await loadInPieces(writer, after);
  const answer = await writer.transact(changes.map(printChange).join(""));
  return { answer, transactions: 1 };
}

/** Loads `tables`, none of which is there. Where a piece is too large for the memory there is, half of it is tried. */
export async function loadInPieces(
  writer: TableWriter,
  tables: readonly Table[],
  servicesAtOnce: number = SERVICES_AT_ONCE,
): Promise<ChangedTables> {
  let transactions = 1;
  const answer = await writer.transact(printFile({ tables: withoutElements(tables) }, []));
  if (answer.kind !== "done") return { answer, transactions };
  const groups = groupsOf(tables);
  for (let at = 0, count = servicesAtOnce; at < groups.length; ) {
    const piece: readonly PieceGroup[] = groups.slice(at, at + count);
    transactions++;
    const answer = await writer.transact(printGroups(piece));
    if (answer.kind === "done") at += piece.length;
    else if (answer.reason === "too-large" && piece.length > 1) count = Math.ceil(piece.length / 2);
    else return { answer, transactions };
  }
  return { answer: { kind: "done" }, transactions };
}
