/** Elements of sets and maps of the IR's JSON, and those that stand in rules. */
import type {
  AskedMap,
  AskedSet,
  DataType,
  ElementKey,
  InlineMap,
  InlineSet,
  MapElement,
  OtherKeys,
  SetElement,
  Verdict,
} from "../../ir/types.ts";
import { dataType, partReader, valueReader } from "./read-values.ts";
import {
  fail,
  type JsonPlace,
  known,
  list,
  literal,
  member,
  object,
  oneOf,
  optional,
  type Reader,
  seconds,
  text,
} from "./shape.ts";

export const verdict: Reader<Verdict> = (json) => {
  const kind = oneOf<Verdict["kind"]>({ accept: 1, drop: 1, continue: 1, return: 1, jump: 1, goto: 1 })(
    member(json, "kind"),
  );
  return kind === "jump" || kind === "goto"
    ? object<Extract<Verdict, { chain: string }>>({ kind: known(kind), chain: text })(json)
    : object<Exclude<Verdict, { chain: string }>>({ kind: known(kind) })(json);
};

/** Parts one by one, each by its own type. */
function tuple<T>(types: readonly DataType[], readerOf: (type: DataType) => Reader<T>): Reader<readonly T[]> {
  return (json) => {
    const { value, path, depth } = json;
    if (!Array.isArray(value) || value.length !== types.length) return fail(json, `${types.length} parts`);
    return types.map((type, i) => readerOf(type)({ value: value[i], path: `${path}[${i}]`, depth: depth + 1 }));
  };
}

const otherKeys = object<OtherKeys>({ kind: literal("others") });

function keyReader(types: readonly DataType[]): Reader<ElementKey> {
  const parts = tuple(types, partReader);
  return (json) => (Array.isArray(json.value) ? parts(json) : otherKeys(json));
}

const OPTIONS = {
  timeoutSeconds: optional(seconds),
  statements: optional(list(text)),
  comment: optional(text),
} as const;

export function elementReader(types: readonly DataType[]): Reader<SetElement> {
  return object<Omit<SetElement, "origin">>({ key: keyReader(types), ...OPTIONS });
}

export function mapElementReader(
  types: readonly DataType[],
  data: "verdict" | readonly DataType[],
): Reader<MapElement> {
  return object<Omit<MapElement, "origin">>({
    key: keyReader(types),
    ...OPTIONS,
    value: data === "verdict" ? verdict : tuple(data, valueReader),
  });
}

const types = list(dataType);

export function askedSet(json: JsonPlace): AskedSet {
  if (typeof json.value === "string") return json.value;
  const key = types(member(json, "key"));
  return object<InlineSet>({ key: known(key), elements: list(elementReader(key)) })(json);
}

export function askedMap(json: JsonPlace): AskedMap {
  if (typeof json.value === "string") return json.value;
  const key = types(member(json, "key"));
  const held = member(json, "data");
  const data = held.value === "verdict" ? held.value : types(held);
  return object<InlineMap>({ key: known(key), data: known(data), elements: list(mapElementReader(key, data)) })(json);
}
