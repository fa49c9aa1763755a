/** Which ports may be parameters: those by which rules and elements find packets that they do not find by an address. */
import { forEachElement } from "../../ir/element-rows.ts";
import { forEachRule } from "../../ir/rule-rows.ts";
import { keyTypesOf, partsOfKey } from "../../ir/sets.ts";
import type { Program, Rule, Step } from "../../ir/types.ts";
import { guardIn, HAD, isPure, type Named, sortOf } from "./fields.ts";

/** Of as few as this none could be left out. */
const FEW = HAD.port;

/** A matter of speed alone: any other port is left as it is, wherever it stands. */
export function guardingPorts(programs: readonly Program[]): ReadonlySet<Named> {
  const found = new Set<Named>();
  for (const { chains, sets, maps } of programs.flatMap(({ ruleset }) => ruleset.tables)) {
    for (const chain of chains) forEachRule(chain, (rule) => notePorts(rule, found));
    for (const set of [...sets, ...maps]) {
      const sorts = keyTypesOf(set).map(sortOf);
      const at = sorts.indexOf("port");
      if (at >= 0 && !sorts.includes("address"))
        forEachElement(set, (element) => {
          const part = partsOfKey(element)[at];
          if (typeof part === "number") found.add(part);
        });
    }
  }
  return found.size > FEW ? found : new Set();
}

function notePorts({ steps }: Rule, into: Set<Named>): void {
  let port: Named | undefined;
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at] as Step;
    if (!isPure(step)) break;
    const guard = guardIn(step, at);
    if (guard === undefined || guard.from !== guard.to) continue;
    if (guard.field.sort === "address") return;
    if (guard.field.sort === "port") port ??= guard.from;
  }
  if (port !== undefined) into.add(port);
}
