/** Sets and maps of the IR's JSON. */
import type { Component, DataType, MapDeclaration, SetDeclaration } from "../../ir/types.ts";
import { elementReader, mapElementReader } from "./read-elements.ts";
import { expression } from "./read-expressions.ts";
import { dataType } from "./read-values.ts";
import {
  flag,
  type JsonPlace,
  list,
  literal,
  member,
  object,
  optional,
  type Reader,
  seconds,
  text,
  whole,
} from "./shape.ts";

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
