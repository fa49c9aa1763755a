/** The next transactions of what waits. */
import type { NodeUpdate } from "../../compiler/updates/node-tables.ts";
import type { AgentParts } from "./agent-parts.ts";
import type { KernelStep } from "./kernel-steps.ts";

/** Services in one transaction. */
export const SERVICES_AT_ONCE = 100;

/** Services of which objects are in memory together, where transactions are bytes: V8 copies what is in use each few megabytes. */
const SERVICES_MADE_AT_ONCE = 20;

/** Transactions of as many Services as one holds, and the last update that they make: the only one where each is told. `take` gives what an update comes
 *  to, besides what it adds to `last`. */
export function nextSteps(
  { tables, kernel, onTransaction }: Pick<AgentParts, "tables" | "kernel" | "onTransaction">,
  take: (update: NodeUpdate, last: KernelStep | undefined) => readonly KernelStep[],
): { readonly steps: readonly KernelStep[]; readonly update: NodeUpdate | undefined } {
  const limit = kernel.addsToSteps && onTransaction === undefined ? SERVICES_MADE_AT_ONCE : SERVICES_AT_ONCE;
  const steps: KernelStep[] = [];
  let update: NodeUpdate | undefined;
  for (let turns = SERVICES_AT_ONCE / limit; turns > 0; turns--) {
    const next = tables.update(limit);
    if (next === undefined) break;
    update = next;
    steps.push(...take(update, steps.at(-1)));
  }
  return { steps, update };
}
