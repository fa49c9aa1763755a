import type { Step, Table } from "./types.ts";

/** All steps of all rules, in their order. One by one: a list of them would take as much memory as the rules. */
export function* stepsIn(tables: readonly Table[]): Generator<Step> {
  for (const { chains } of tables)
    for (const { rules } of chains) for (const { steps } of rules) for (const step of steps) yield step;
}
