/** The transactions that changes of tables are made in. */
import type { TableChange } from "../../compiler/ir/table-change.ts";
import { areOfPlainElements, ElementBatch } from "../table/element-batch.ts";
import type { ExpectedElements } from "./expected-elements.ts";

/** One transaction. */
export interface KernelStep {
  /** For a tool to write; none where there is a batch: the objects are garbage by then. */
  readonly changes: readonly TableChange[];
  /** Elements as the kernel reads them. */
  readonly batch?: ElementBatch;
}

/** `changes` as one transaction of a tool. */
export function wholeStep(changes: readonly TableChange[], expected: ExpectedElements): readonly KernelStep[] {
  for (const change of changes) expected.apply(change);
  return changes.length === 0 ? [] : [{ changes }];
}

/** Tables that are not there yet are made empty by nft: nothing leads to them. All else that can be is told to the kernel without it, which takes
 *  longer to read elements than the kernel to take them. `last`: the transaction before these, to whose batch is added what can be. */
export function elementSteps(
  changes: readonly TableChange[],
  expected: ExpectedElements,
  last?: KernelStep,
): readonly KernelStep[] {
  const isNew = changes.every(({ table }) => table === "added");
  const parts = isNew ? [changes.map(withoutContents), changes.map(contentsOf)] : [changes];
  let open = last?.batch;
  return parts.flatMap((part): readonly KernelStep[] => {
    if (!areOfPlainElements(part)) {
      open = undefined;
      return wholeStep(part, expected);
    }
    const batch = open ?? new ElementBatch();
    for (const change of part) expected.apply(change, batch);
    return batch === open || batch.size === 0 ? [] : [{ changes: [], batch }];
  });
}

/** The table alone, with its sets and rules. */
function withoutContents(change: TableChange): TableChange {
  return { ...change, elements: [] };
}

/** What goes into the table, when that is there. */
function contentsOf({ family, name, elements }: TableChange): TableChange {
  const retired = { sets: [], maps: [], chains: [], objects: [] };
  return { family, name, table: "kept", sets: [], maps: [], chains: [], elements, retired };
}
