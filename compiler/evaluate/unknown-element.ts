/** Maps that are asked for a key which is not known. */
import { isForOthers } from "../ir/sets.ts";
import type { Expression, MapElement, Value } from "../ir/types.ts";
import { assume } from "./assume.ts";
import type { StepProgress } from "./frame.ts";
import { keyText } from "./lookup.ts";
import type { State } from "./state.ts";
import type { TableIndex } from "./table-index.ts";
import { choicesOf } from "./unknown-key.ts";

/** Each element that a key of which something is not known may be, by what it holds, and none of them: the rule ends then, unless an
 *  element counts for all other keys. */
export function assumeElement(
  key: Expression,
  elements: readonly MapElement[],
  state: State,
  table: TableIndex,
  run: (element: MapElement, state: State) => StepProgress[],
): StepProgress[] {
  const { choices, absent, test } = choicesOf(key, elements, state, table);
  const catchAll = elements.find(({ key: each }) => isForOthers(each));
  const done: StepProgress[] = absent === undefined ? [] : [{ state: absent, flow: "next" }];
  for (const choice of choices) {
    let open = [choice.state];
    for (const group of byValue(choice.candidates)) {
      const branches = open.flatMap((each) => assume(test(group), false, each));
      open = branches.filter(({ flow }) => flow === "next").map((branch) => branch.state);
      for (const branch of branches)
        if (branch.flow !== "next") done.push(...run(group[0] as MapElement, branch.state));
    }
    for (const each of open)
      done.push(...(catchAll === undefined ? [{ state: each, flow: "next" } as const] : run(catchAll, each)));
  }
  return done;
}

function byValue(elements: readonly MapElement[]): (readonly MapElement[])[] {
  const groups = new Map<string, MapElement[]>();
  for (const element of elements) {
    const value = isData(element.value) ? keyText(element.value) : JSON.stringify(element.value);
    const known = groups.get(value);
    if (known === undefined) groups.set(value, [element]);
    else known.push(element);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

export function isData(value: MapElement["value"]): value is readonly Value[] {
  return Array.isArray(value);
}
