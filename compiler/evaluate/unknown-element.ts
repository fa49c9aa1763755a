/** Maps that are asked for a key which is not known. */
import type { Expression, KeyPart, MapElement, Value } from "../ir/types.ts";
import { describe } from "./expression.ts";
import type { StepProgress } from "./frame.ts";
import { keyText } from "./lookup.ts";
import { assume } from "./match.ts";
import type { State } from "./state.ts";

/** Each element that an unknown key may be, by what it holds, and none of them: the rule ends then. */
export function assumeElement(
  key: Expression,
  elements: readonly MapElement[],
  state: State,
  run: (element: MapElement, state: State) => StepProgress[],
): StepProgress[] {
  const byValue = new Map<string, MapElement[]>();
  for (const element of elements) {
    const value = isData(element.value) ? keyText(element.value) : JSON.stringify(element.value);
    byValue.set(value, [...(byValue.get(value) ?? []), element]);
  }
  let open = [state];
  const done: StepProgress[] = [];
  for (const group of byValue.values()) {
    const subject = describe(key);
    const what =
      key.kind === "concat"
        ? `${subject} ${group.map((element) => element.key.map(partText).join(" . ")).join()}`
        : { subject, values: group.flatMap((element) => element.key) };
    const branches = open.flatMap((each) => assume(what, false, each));
    open = branches.filter(({ flow }) => flow === "next").map((branch) => branch.state);
    for (const branch of branches) {
      if (branch.flow !== "next") done.push(...run(group[0] as MapElement, branch.state));
    }
  }
  return [...done, ...open.map((each): StepProgress => ({ state: each, flow: "next" }))];
}

function partText(part: KeyPart): string {
  return typeof part === "object" ? `${part.from}-${part.to}` : String(part);
}

export function isData(value: MapElement["value"]): value is readonly Value[] {
  return Array.isArray(value);
}
