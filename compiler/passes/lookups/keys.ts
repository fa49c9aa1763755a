/** Keys of lookups, of which some parts are known, and tests for the others. */

import { invariant } from "../../invariant.ts";
import { equal, L4PROTO } from "../../ir/build.ts";
import { MOST_NUMBERS } from "../../ir/constants.ts";
import { typeOf } from "../../ir/expression-type.ts";
import { partsOfKey } from "../../ir/sets.ts";
import type {
  DataType,
  Expression,
  FieldExpression,
  Interval,
  KeyPart,
  SetElement,
  Table,
  Value,
} from "../../ir/types.ts";
import { asField } from "../../ir/walk.ts";
import { protocolSpelled, type StepCursor } from "./cursor.ts";
import { fieldName, type KnownFields, learn } from "./known.ts";
import type { TreeBranch, TreeKey } from "./plan.ts";

/** A key of which some parts are known: `values` has them by position. */
export interface Key {
  readonly values: readonly (Value | undefined)[];
  readonly unknown: readonly OpenField[];
  readonly random: RandomPart | undefined;
}

export interface OpenField {
  readonly field: FieldExpression;
  readonly position: number;
  readonly type: DataType;
}

/** A number from `offset` to `offset + modulus - 1`: each as likely as the others, or (`inc`) one after the other. */
export interface RandomPart {
  readonly position: number;
  readonly mode: "random" | "inc";
  readonly modulus: number;
  readonly offset: number;
}

/** What a key is made of; undefined when a part is neither a field nor a random number. */
export function readKey(expression: Expression, known: KnownFields, family: Table["family"]): Key | undefined {
  const parts = expression.kind === "concat" ? expression.parts : [expression];
  const values: (Value | undefined)[] = [];
  const unknown: OpenField[] = [];
  let random: RandomPart | undefined;
  for (const [position, part] of parts.entries()) {
    const field = asField(part);
    if (field !== undefined) {
      const value = known.get(fieldName(field));
      values.push(value);
      if (value === undefined) unknown.push({ field, position, type: typeOf(field, family) });
    } else if (part.kind === "numgen" && part.modulus === 1) {
      values.push(part.offset);
    } else if (part.kind === "numgen" && part.modulus <= MOST_NUMBERS && random === undefined) {
      values.push(undefined);
      random = { position, mode: part.mode, modulus: part.modulus, offset: part.offset };
    } else {
      return undefined;
    }
  }
  return { values, unknown, random };
}

/** The parts of the key that are not known, as an expression. */
export function openPartOf({ unknown }: Key): Expression {
  const parts = unknown.map(({ field }) => field);
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { kind: "concat", parts };
}

/** `element` as a way to go for the parts of the key that are not known. */
export function choiceOf<Element extends SetElement>(element: Element, fields: readonly OpenField[]): TreeKey<Element> {
  const key = partsOfKey(element);
  return { element, parts: fields.map(({ position }) => key[position] as KeyPart) };
}

/** The first element for each combination of the open parts of the key. */
export function distinctOpenParts<Element extends SetElement>(
  elements: readonly Element[],
  { unknown }: Key,
): Element[] {
  const first = new Map<string, Element>();
  for (const element of elements) {
    const key = partsOfKey(element);
    const name = unknown.map(({ position }) => key[position]).join(" ");
    if (!first.has(name)) first.set(name, element);
  }
  return [...first.values()];
}

// --- tests for open parts -----------------------------------------------------------------------------------------------

/** `cursor` with tests for all parts of the key, and what they teach. */
export function narrowTo<Element extends SetElement>(
  choice: TreeKey<Element>,
  fields: readonly OpenField[],
  cursor: StepCursor,
): StepCursor {
  // The protocol first: ports are read with it.
  const order = [...fields.keys()].sort((a, b) => Number(isProtocol(fields[b])) - Number(isProtocol(fields[a])));
  return order.reduce((narrowed, i) => {
    const { field } = fields[i] as OpenField;
    const part = choice.parts[i] as KeyPart;
    return narrow(field, typeof part === "object" ? part : { from: part, to: part }, narrowed);
  }, cursor);
}

/** The same for what the keys of a group share: the group's intervals and, where that is one of ports, their protocol. */
export function narrowToGroup<Element extends SetElement>(
  group: Extract<TreeBranch<Element>, { kind: "group" }>,
  fields: readonly OpenField[],
  cursor: StepCursor,
): StepCursor {
  const { field } = fields[group.part] as OpenField;
  const protocolAt = field.kind === "transport" ? fields.findIndex(isProtocol) : -1;
  const protocol = protocolAt < 0 ? undefined : firstChoice(group).parts[protocolAt];
  // All keys of a group that is made by ports have one protocol: the plan sees to it.
  const ready =
    protocol === undefined || typeof protocol === "object"
      ? cursor
      : narrow(L4PROTO, { from: protocol, to: protocol }, cursor);
  const bounds = [group, ...group.others];
  return bounds.reduce(
    (narrowed, { part, interval }) => narrow((fields[part] as OpenField).field, interval, narrowed),
    ready,
  );
}

function firstChoice<Element extends SetElement>(branch: TreeBranch<Element>): TreeKey<Element> {
  if (branch.kind === "choice") return branch.choice;
  const [first] = branch.branches;
  invariant(first !== undefined, "a group has branches");
  return firstChoice(first);
}

/** `cursor` with a test that `field` lies in `interval`, unless that is known, and what the test teaches. Ports are
 *  tested beside the protocol, in one rule. */
function narrow(field: FieldExpression, interval: Interval, cursor: StepCursor): StepCursor {
  const { from, to } = interval;
  const name = fieldName(field);
  if (isEveryAddress(interval) || (from === to && cursor.known.get(name) === from)) return cursor;
  const ready = field.kind === "transport" ? protocolSpelled(cursor) : cursor;
  const { matches, known } = ready;
  if (from === to) return { ...ready, matches: [...matches, equal(field, from)], known: learn(known, name, from) };
  return { ...ready, matches: [...matches, { kind: "within", left: field, negated: false, intervals: [interval] }] };
}

function isProtocol(open: OpenField | undefined): boolean {
  return open !== undefined && fieldName(open.field) === "l4proto";
}

/** Whether an interval of addresses leaves none out. Other fields have no such elements. */
function isEveryAddress({ from, to }: Interval): boolean {
  return typeof from === "bigint" ? from === 0n && to === 2n ** 128n - 1n : from === 0 && to === 2 ** 32 - 1;
}
