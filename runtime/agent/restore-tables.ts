/** Makes the kernel's tables what they should be, whatever they are, in pieces: at no time is all of them in memory, and each piece leaves
 *  each Service as it was, whole, or gone. */
import { isEmptyChange, type TableChange } from "../../compiler/ir/table-change.ts";
import type { Table } from "../../compiler/ir/types.ts";
import type { TransactionAnswer } from "../table/answers.ts";
import { changesBetween, withoutElements } from "../table/change-tables.ts";
import type { NetlinkPort } from "../table/netfilter.ts";
import type { ExpectedElements } from "./expected-elements.ts";
import { type PieceSize, restoreElements, type WantedElements } from "./restore-elements.ts";

/** What the tables should be. */
export interface WantedTables extends WantedElements {
  /** The whole tables: much memory. */
  tables(): readonly Table[];
}

export interface Restored {
  readonly answer: TransactionAnswer;
  /** How many tables, sets, maps and chains differed. */
  readonly differed: number;
  /** Commits that were made. */
  readonly transactions: number;
}

/** How the kernel is asked. */
export interface RestoringKernel {
  readonly netfilter: NetlinkPort;
  /** One transaction by nft. */
  readonly run: (changes: readonly TableChange[]) => Promise<TransactionAnswer>;
  /** The tables that are there, without elements; undefined: all but the elements is known to be right. */
  readonly live: readonly Table[] | undefined;
}

/** One piece, where nothing says that it is too large. */
const LARGEST: PieceSize = { services: 50, elements: 10_000 };

const DONE: TransactionAnswer = { kind: "done" };

export async function restoreTables(
  { netfilter, run, live }: RestoringKernel,
  wanted: WantedTables,
  expected: ExpectedElements,
): Promise<Restored> {
  let transactions = 0;
  const send = async (changes: readonly TableChange[]): Promise<TransactionAnswer> => {
    const some = changes.filter((change) => !isEmptyChange(change));
    if (some.length === 0) return DONE;
    transactions++;
    return await run(some);
  };
  const structure = live === undefined ? [] : changesBetween(live, withoutElements(wanted.emptyTables()));
  let differed = structure.reduce((sum, change) => sum + partsOf(change), 0);
  const steps = structure.map((change) => stepsOf(change, live));
  const first = steps.map((each) => each.first);
  const remade = structure.filter(({ table }) => table === "remade").map(({ family }) => family);
  // What cannot be changed in place is made anew with all that it holds, so that no packet finds half of it. Where that is too much for the memory
  // there is, pieces follow. The other family's table goes its own way: what is retired there may still be led to.
  const whole = changesBetween(live ?? [], remade.length === 0 ? [] : wanted.tables()).filter(({ family }) =>
    remade.includes(family),
  );
  let answer = await send([...whole, ...first.filter(({ family }) => !remade.includes(family))]);
  if (remade.length > 0 && isTooLarge(answer)) answer = await send(first);
  for (let size = LARGEST, isStaleFirst = false; answer.kind === "done"; ) {
    const found = await restoreElements(netfilter, wanted, expected, { size, isStaleFirst });
    differed += found.differed;
    transactions += found.transactions;
    answer = found.answer;
    if (answer.kind === "done") return { answer: await send(steps.map(({ last }) => last)), differed, transactions };
    const isSmaller = answer.reason === "too-large" && size.services > 1;
    // An interval may overlap another one that should not be there.
    const isOther = answer.reason === "exists" && !isStaleFirst;
    if (isSmaller) size = { services: Math.ceil(size.services / 2), elements: Math.ceil(size.elements / 2) };
    else if (isOther) isStaleFirst = true;
    else break;
    answer = DONE;
  }
  return { answer, differed, transactions };
}

function isTooLarge(answer: TransactionAnswer): boolean {
  return answer.kind === "refused" && answer.reason === "too-large";
}

/** Something is counted for the table, and for each of its parts. */
function partsOf({ table, sets, maps, chains, retired }: TableChange): number {
  return [sets, maps, chains, ...Object.values(retired)].reduce(
    (sum, { length }) => sum + length,
    Number(table !== "kept"),
  );
}

/** What is done before the elements are, and what after. Rules that ask a set or map come when it is filled, and what is retired goes when no
 *  element names it. */
function stepsOf(
  change: TableChange,
  live: readonly Table[] = [],
): { readonly first: TableChange; readonly last: TableChange } {
  const { family, name, sets, maps, chains, retired } = change;
  const before = live.find((table) => table.family === family);
  const nothing = { sets: [], maps: [], chains: [], objects: [] };
  const last: TableChange = { ...nothing, family, name, table: "kept", elements: [], retired };
  if (before === undefined || change.table === "deleted" || change.table === "remade")
    return { first: change, last: { ...last, retired: nothing } };
  const known = new Set(before.chains.map((chain) => chain.name));
  const isDelayed = sets.length + maps.length > 0;
  const changed = isDelayed ? chains.filter((chain) => known.has(chain.name)) : [];
  const first = { ...change, chains: chains.filter((chain) => !changed.includes(chain)), retired: nothing };
  return { first, last: { ...last, chains: changed } };
}
