/** Sets and maps of the IR's JSON. */
import type {
  Component,
  DataType,
  MapDeclaration,
  MapElement,
  SetDeclaration,
  SetElement,
  Verdict,
} from "../../ir/types.ts";
import { expression } from "./read-expressions.ts";
import { dataType, partReader, valueReader } from "./read-values.ts";
import {
  fail,
  flag,
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
  whole,
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

const OPTIONS = {
  timeoutSeconds: optional(seconds),
  statements: optional(list(text)),
  comment: optional(text),
} as const;

export function elementReader(types: readonly DataType[]): Reader<SetElement> {
  return object<Omit<SetElement, "catchAll" | "origin">>({ key: tuple(types, partReader), ...OPTIONS });
}

export function mapElementReader(
  types: readonly DataType[],
  data: "verdict" | readonly DataType[],
): Reader<MapElement> {
  return object<Omit<MapElement, "catchAll" | "origin">>({
    key: tuple(types, partReader),
    ...OPTIONS,
    value: data === "verdict" ? verdict : tuple(data, valueReader),
  });
}

const component = object<Component>({ type: dataType, sample: expression });

const SHARED = {
  name: text,
  key: list(component),
  interval: flag,
  dynamic: optional(literal(true)),
  constant: optional(literal(true)),
  size: optional(whole()),
  timeoutSeconds: optional(seconds),
  timeouts: optional(literal(true)),
  gcIntervalSeconds: optional(seconds),
  policy: optional(literal("memory")),
  autoMerge: optional(literal(true)),
  statements: optional(list(text)),
  comment: optional(text),
  anonymous: optional(literal(true)),
} as const;

export function readSet(json: JsonPlace): SetDeclaration {
  const types = typesOf(json, "key");
  return object<SetDeclaration>({ ...SHARED, elements: list(elementReader(types)) })(json);
}

export function readMap(json: JsonPlace): MapDeclaration {
  const isVerdict = member(json, "data").value === "verdict";
  const elements = mapElementReader(typesOf(json, "key"), isVerdict ? "verdict" : typesOf(json, "data"));
  const data: Reader<MapDeclaration["data"]> = isVerdict ? literal("verdict") : list(component);
  return object<MapDeclaration>({ ...SHARED, data, elements: list(elements) })(json);
}

function typesOf(json: JsonPlace, key: "key" | "data"): DataType[] {
  return list(component)(member(json, key)).map(({ type }) => type);
}
