/** Expressions of the IR's JSON. */
import { HEADER_TYPES, META_TYPES } from "../../ir/expression-type.ts";
import type {
  CtKey,
  DataType,
  Expression,
  FieldExpression,
  HeaderField,
  MetaKey,
  Value,
  WritableField,
} from "../../ir/types.ts";
import { askedMap } from "./read-elements.ts";
import { dataType, valueReader } from "./read-values.ts";
import {
  byKind,
  type JsonPlace,
  known,
  list,
  literal,
  member,
  object,
  oneOf,
  type Reader,
  text,
  whole,
} from "./shape.ts";

type Of<K extends Expression["kind"]> = Extract<Expression, { readonly kind: K }>;

const meta = oneOf<MetaKey>(META_TYPES);

const ct = oneOf<CtKey>({
  state: 1,
  status: 1,
  mark: 1,
  direction: 1,
  "original-protocol": 1,
  "original-saddr": 1,
  "original-daddr": 1,
  "original-proto-src": 1,
  "original-proto-dst": 1,
  "reply-saddr": 1,
  "reply-daddr": 1,
  "reply-proto-src": 1,
  "reply-proto-dst": 1,
});

const ends = { saddr: 1, daddr: 1 } as const;

const fields: { readonly [K in FieldExpression["kind"]]: Reader<Of<K>> } = {
  ip: object<Of<"ip">>({ kind: literal("ip"), field: oneOf(ends) }),
  ip6: object<Of<"ip6">>({ kind: literal("ip6"), field: oneOf(ends) }),
  transport: object<Of<"transport">>({
    kind: literal("transport"),
    protocol: oneOf({ th: 1, tcp: 1, udp: 1, sctp: 1 }),
    field: oneOf({ sport: 1, dport: 1 }),
  }),
  meta: object<Of<"meta">>({ kind: literal("meta"), key: meta }),
  ct: object<Of<"ct">>({ kind: literal("ct"), key: ct }),
  fib: object<Of<"fib">>({ kind: literal("fib"), of: oneOf(ends), result: literal("type") }),
  header: object<Of<"header">>({ kind: literal("header"), field: oneOf<HeaderField>(HEADER_TYPES) }),
};

/** The type of the values tells how they are written; masks are as wide as what they are laid over. */
const untyped: Reader<Value> = valueReader("integer");

export const expression: Reader<Expression> = (json) => EXPRESSIONS(json);

const EXPRESSIONS = byKind<Expression>({
  ...fields,
  numgen: object<Of<"numgen">>({
    kind: literal("numgen"),
    mode: oneOf({ random: 1, inc: 1 }),
    modulus: whole(),
    offset: whole(),
  }),
  bitwise: object<Of<"bitwise">>({ kind: literal("bitwise"), operand: expression, mask: untyped, xor: untyped }),
  shift: object<Of<"shift">>({ kind: literal("shift"), operand: expression, by: whole(true) }),
  combine: object<Of<"combine">>({
    kind: literal("combine"),
    operator: oneOf({ and: 1, or: 1, xor: 1 }),
    left: expression,
    right: expression,
  }),
  concat: object<Of<"concat">>({ kind: literal("concat"), parts: list(expression) }),
  lookup: object<Of<"lookup">>({ kind: literal("lookup"), key: expression, map: askedMap }),
  constant: readConstant,
  opaque: object<Of<"opaque">>({ kind: literal("opaque"), text }),
});

function readConstant(json: JsonPlace): Of<"constant"> {
  const type: DataType = dataType(member(json, "type"));
  return object<Of<"constant">>({ kind: literal("constant"), type: known(type), value: valueReader(type) })(json);
}

/** A field that rules can write. */
export const writable = byKind<WritableField>({
  meta: object<Extract<WritableField, { kind: "meta" }>>({
    kind: literal("meta"),
    key: oneOf({ mark: 1, priority: 1 }),
  }),
  ct: object<Extract<WritableField, { kind: "ct" }>>({ kind: literal("ct"), key: oneOf({ mark: 1, state: 1 }) }),
});
