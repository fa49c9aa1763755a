/** Matches and statements of the IR's JSON. */

import { REJECTIONS } from "../../ir/constants.ts";
import { typeOf } from "../../ir/expression-type.ts";
import type {
  Expression,
  Interval,
  NatRandom,
  NatTarget,
  RejectWith,
  Statement,
  Step,
  TableFamily,
} from "../../ir/types.ts";
import { askedMap, askedSet, verdict } from "./read-elements.ts";
import { expression, writable } from "./read-expressions.ts";
import { valueReader } from "./read-values.ts";
import {
  byKind,
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

type Of<K extends Step["kind"]> = Extract<Step, { readonly kind: K }>;

const untyped = valueReader("integer");
const interval = object<Interval>({ from: untyped, to: untyped });
const random = oneOf<NatRandom>({ none: 1, random: 1, "fully-random": 1 });
const persistent = optional(literal(true));

const target = byKind<NatTarget>({
  literal: object<Extract<NatTarget, { kind: "literal" }>>({
    kind: literal("literal"),
    addresses: optional(interval),
    netmap: optional(literal(true)),
    ports: optional(interval),
    base: optional(whole()),
  }),
  map: object<Extract<NatTarget, { kind: "map" }>>({
    kind: literal("map"),
    key: expression,
    map: askedMap,
    family: optional(literal("ip6")),
  }),
});

const rejection = oneOf<RejectWith>(REJECTIONS);

const statements: { readonly [K in Statement["kind"]]: Reader<Of<K>> } = {
  verdict: object<Of<"verdict">>({ kind: literal("verdict"), verdict }),
  vmap: object<Of<"vmap">>({ kind: literal("vmap"), key: expression, map: askedMap }),
  dnat: object<Of<"dnat">>({ kind: literal("dnat"), to: target, random, persistent }),
  snat: object<Of<"snat">>({ kind: literal("snat"), to: target, random, persistent, by: optional(text) }),
  masquerade: object<Of<"masquerade">>({
    kind: literal("masquerade"),
    ports: optional(interval),
    random,
    persistent,
    by: optional(text),
  }),
  redirect: object<Of<"redirect">>({ kind: literal("redirect"), ports: optional(interval), random, persistent }),
  reject: object<Of<"reject">>({ kind: literal("reject"), with: rejection }),
  set: object<Of<"set">>({ kind: literal("set"), field: writable, value: expression }),
  remember: object<Of<"remember">>({
    kind: literal("remember"),
    operation: oneOf({ add: 1, update: 1, delete: 1 }),
    set: text,
    key: expression,
    timeoutSeconds: optional(seconds),
  }),
  counter: object<Of<"counter">>({ kind: literal("counter") }),
  "opaque-statement": object<Of<"opaque-statement">>({
    kind: literal("opaque-statement"),
    text,
    terminal: flag,
    writes: optional(list(writable)),
  }),
};

const operator = oneOf<Of<"compare">["operator"]>({ "==": 1, "!=": 1, "<": 1, "<=": 1, ">": 1, ">=": 1 });

/** Steps of a table of this family: it is that of a connection's addresses. */
export function stepReader(family: TableFamily): Reader<Step> {
  const operand = (json: JsonPlace): Expression => expression(member(json, "left"));
  return byKind<Step>({
    ...statements,
    compare: (json) => {
      const left = operand(json);
      return object<Of<"compare">>({
        kind: literal("compare"),
        left: known(left),
        operator,
        right: valueReader(typeOf(left, family)),
        orAbsent: optional(literal(true)),
      })(json);
    },
    within: (json) => {
      const left = operand(json);
      const value = valueReader(typeOf(left, family));
      return object<Of<"within">>({
        kind: literal("within"),
        left: known(left),
        negated: flag,
        intervals: list(object<Interval>({ from: value, to: value })),
        orAbsent: optional(literal(true)),
      })(json);
    },
    "name-prefix": object<Of<"name-prefix">>({
      kind: literal("name-prefix"),
      left: expression,
      negated: flag,
      prefix: text,
    }),
    member: object<Of<"member">>({
      kind: literal("member"),
      key: expression,
      negated: flag,
      set: askedSet,
      orAbsent: optional(literal(true)),
    }),
    chance: object<Of<"chance">>({ kind: literal("chance"), numerator: whole() }),
    opaque: object<Of<"opaque">>({ kind: literal("opaque"), text, negated: flag, spelled: optional(text) }),
  });
}
