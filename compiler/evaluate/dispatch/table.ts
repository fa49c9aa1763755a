/** What is known of the chains of a table, so that many packets need not be led through all of their rules. */
import type { TableIndex } from "../table-index.ts";
import { Effects } from "./effects.ts";
import { Plans } from "./plan.ts";

export interface TableDispatch {
  readonly plans: Plans;
  readonly effects: Effects;
}

const DISPATCHES = new WeakMap<TableIndex, TableDispatch>();

export function dispatchOf(table: TableIndex): TableDispatch {
  let dispatch = DISPATCHES.get(table);
  if (dispatch === undefined) {
    const plans = new Plans(table);
    dispatch = { plans, effects: new Effects(plans) };
    DISPATCHES.set(table, dispatch);
  }
  return dispatch;
}
