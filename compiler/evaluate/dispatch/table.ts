/** What is known of the chains of a table, so that many packets need not be led through all of their rules. */
import type { Chain } from "../../ir/types.ts";
import type { TableIndex } from "../machine.ts";
import { Effects } from "./effects.ts";
import { type Plan, planOf } from "./plan.ts";

export class TableDispatch {
  readonly table: TableIndex;
  readonly effects: Effects;
  private readonly plans = new Map<Chain, Plan>();

  constructor(table: TableIndex) {
    this.table = table;
    this.effects = new Effects(this);
  }

  plan(chain: Chain): Plan {
    let plan = this.plans.get(chain);
    if (plan === undefined) {
      plan = planOf(chain);
      this.plans.set(chain, plan);
    }
    return plan;
  }
}

const DISPATCHES = new WeakMap<TableIndex, TableDispatch>();

export function dispatchOf(table: TableIndex): TableDispatch {
  let dispatch = DISPATCHES.get(table);
  if (dispatch === undefined) {
    dispatch = new TableDispatch(table);
    DISPATCHES.set(table, dispatch);
  }
  return dispatch;
}
