/** What rules write: a rule ends where that has no value, as of a header that is not there, or no key in a map (NFT_BREAK). */
import { keyTypesOf } from "../ir/sets.ts";
import type { Expression, InlineMap, InlineSet, MapDeclaration } from "../ir/types.ts";
import { partsOf } from "../ir/walk.ts";
import { assume } from "./assume.ts";
import type { Frame, StepProgress } from "./frame.ts";
import { runMatch } from "./match.ts";
import { lookUpFilled } from "./remember.ts";
import { type State, withShared } from "./state.ts";

/** The packets for which `expression` has a value, as far as that depends on what is not known and on maps: they continue. */
export function whereFound(expression: Expression, state: State, frame: Frame): StepProgress[] {
  switch (expression.kind) {
    case "lookup":
      return lookUp(expression, state, frame);
    case "opaque": {
      const { text } = expression;
      return HAS_VALUE.test(text) ? [{ state, flow: "continue" }] : assume(`${text} has a value`, false, state);
    }
    default: {
      // Others have a value where all has one of which they are made.
      let progress: StepProgress[] = [{ state, flow: "continue" }];
      for (const part of partsOf(expression))
        progress = progress.flatMap((each) =>
          each.flow === "continue" ? whereFound(part, each.state, frame) : [each],
        );
      return progress;
    }
  }
}

/** Texts of what each packet has, alone or with numbers. A control group, a user or a kind of device not all have. */
const HAS_VALUE =
  /^(?:meta (?:cpu|length|mark|random|secmark)|symhash|jhash ip6? [sd]addr)(?: (?:mod|seed|offset|and|or|xor|0x[\da-f]+|\d+))*$/;

/** By the match that the key is one of the map's. What the rule itself has matched is told of it, as before. */
function lookUp({ key, map }: Extract<Expression, { kind: "lookup" }>, state: State, frame: Frame): StepProgress[] {
  const { lists, table } = frame.table;
  const match = { kind: "member", key, set: keysOf(frame.table.map(map)), negated: false } as const;
  const list = lists.filledSet(map, table);
  const progress = list === undefined ? runMatch(match, state, frame) : lookUpFilled(match, list, state, frame);
  const { member } = state.shared;
  return progress.map(({ state: after, flow }) => ({ state: withShared(after, { member }), flow }));
}

const KEYS = new WeakMap<MapDeclaration | InlineMap, InlineSet>();

/** The keys of a map, as a set: the same object each time. */
function keysOf(map: MapDeclaration | InlineMap): InlineSet {
  const keys = KEYS.get(map) ?? { key: keyTypesOf(map), elements: map.elements };
  KEYS.set(map, keys);
  return keys;
}
