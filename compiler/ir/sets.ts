/** Sets and maps, whether a table declares them or a rule has them written in it. */
import { stepsIn } from "./steps.ts";
import type {
  DataType,
  ElementKey,
  InlineMap,
  InlineSet,
  KeyPart,
  MapDeclaration,
  OtherKeys,
  SetDeclaration,
  SetElement,
  Table,
} from "./types.ts";
import { lookupsIn } from "./walk.ts";

export type AnySet = SetDeclaration | MapDeclaration | InlineSet | InlineMap;
type AnyMap = MapDeclaration | InlineMap;

/** The types of its keys. */
export function keyTypesOf(set: AnySet): readonly DataType[] {
  return isDeclared(set) ? set.key.map(({ type }) => type) : set.key;
}

/** What it holds for a key. */
export function dataTypesOf(map: AnyMap): "verdict" | readonly DataType[] {
  if (map.data === "verdict" || !isDeclared(map)) return map.data as "verdict" | readonly DataType[];
  return map.data.map(({ type }) => type);
}

export function isMap(set: AnySet): set is AnyMap {
  return "data" in set;
}

/** Whether a table declares it. */
export function isDeclared<Of extends AnySet>(set: Of): set is Exclude<Of, InlineSet | InlineMap> {
  return "name" in set;
}

/** The key of the element for all keys that no other element has. */
export const OTHER_KEYS: OtherKeys = { kind: "others" };

export function isForOthers(key: ElementKey): key is OtherKeys {
  return !Array.isArray(key);
}

/** The parts of an element's key; none where it is for all other keys. */
export function partsOfKey({ key }: Pick<SetElement, "key">): readonly KeyPart[] {
  return isForOthers(key) ? NO_PARTS : key;
}

const NO_PARTS: readonly KeyPart[] = [];

/** All sets and maps of a table: those that it declares, and those in its rules. */
export function* setsOf(table: Table): Generator<AnySet> {
  yield* table.sets;
  yield* table.maps;
  for (const step of stepsIn([table]))
    for (const { among } of lookupsIn(step)) if (typeof among !== "string") yield among;
}
