/** Values of expressions for packets. */
import { ADDRESS_TYPE } from "../ir/constants.ts";
import { describe } from "../ir/describe.ts";
import type { Expression, Value } from "../ir/types.ts";
import type { Address } from "../net/address.ts";
import { addressTypeOf, addressTypes } from "../packets/address-type.ts";
import { combineBits, type Operand, shiftBits } from "../packets/bits.ts";
import { type PacketSet, within } from "../packets/packet-set.ts";
import { applyMask, maskSpread, type Spread, valuesBehind } from "../packets/preimage.ts";
import { readField } from "./field.ts";
import { isAssumedLocal } from "./locality.ts";
import { type Branch, narrow, type SharedState, valueNow } from "./state.ts";
import type { TableIndex } from "./table-index.ts";

/** One of the things that an expression can be, and for which packets. */
export interface Possible {
  readonly region: PacketSet;
  /** Of each of these packets, that the expression is this. */
  readonly probability: number;
  /** A key of one or more parts; undefined: it has no value, which ends the rule. */
  readonly value: readonly Operand[] | undefined;
}

/** What `expression` can be for the packets: for each of them probabilities add up to 1. */
export function evaluateExpression(
  expression: Expression,
  shared: SharedState,
  branch: Branch,
  table: TableIndex,
): Possible[] {
  const { region } = branch;
  switch (expression.kind) {
    case "numgen": {
      const { modulus, offset } = expression;
      return Array.from({ length: modulus }, (_, i) => ({ region, probability: 1 / modulus, value: [offset + i] }));
    }
    case "bitwise":
      return evaluateExpression(expression.operand, shared, branch, table).map(({ value, ...rest }) => ({
        ...rest,
        value: value && [maskOperand(value[0] as Operand, expression.mask, expression.xor)],
      }));
    case "shift":
      return evaluateExpression(expression.operand, shared, branch, table).flatMap((each): Possible[] =>
        each.value === undefined
          ? [each]
          : shiftBits(each.value[0] as Operand, expression.by, each.region).map((made) => ({ ...each, ...made })),
      );
    case "combine":
      return evaluateExpression(expression.left, shared, branch, table).flatMap((left) =>
        left.value === undefined ? [left] : combineWith(left, expression, shared, branch, table),
      );
    case "concat":
      if (expression.parts.every(isField))
        return [{ region, probability: 1, value: fieldsOf(expression.parts, shared, branch) }];
      return expression.parts.reduce<Possible[]>(
        (keys, part) => keys.flatMap((key) => append(key, part, shared, branch, table)),
        [{ region, probability: 1, value: [] }],
      );
    case "lookup":
      return evaluateExpression(expression.key, shared, branch, table).flatMap((key): Possible[] => {
        if (key.value === undefined) return [key];
        return table
          .mapElements(expression.map)
          .split(key.value, key.region)
          .map(({ element, region: part }) => ({
            region: part,
            probability: key.probability,
            value: element !== undefined && Array.isArray(element.value) ? (element.value as Value[]) : undefined,
          }));
      });
    case "constant":
      return [{ region, probability: 1, value: [expression.value] }];
    case "opaque":
      throw new Error(`${describe(expression)} is not known`); // callers ask `isUnknown` first
    case "fib":
      return evaluateFib(expression.of, shared, branch);
    default: {
      // All other fields: `readField` takes nothing else.
      const value = readField(expression, shared, branch);
      return [{ region, probability: 1, value: value === undefined ? undefined : [value] }];
    }
  }
}

/** Whether packets have one value, or one field's values, for it, and no chance is in it. */
export function isField(expression: Expression): boolean {
  switch (expression.kind) {
    case "ip":
    case "ip6":
    case "transport":
    case "meta":
    case "ct":
    case "header":
      return true;
    case "bitwise":
      return isField(expression.operand);
    default:
      // Others have several values for some packets, or none.
      return false;
  }
}

function fieldsOf(parts: readonly Expression[], shared: SharedState, branch: Branch): Operand[] | undefined {
  const key: Operand[] = [];
  for (const part of parts) {
    const operand = fieldOf(part, shared, branch);
    if (operand === undefined) return undefined;
    key.push(operand);
  }
  return key;
}

/** What a field is for all packets, masked or not; undefined: it has no value. */
export function fieldOf(expression: Expression, shared: SharedState, branch: Branch): Operand | undefined {
  switch (expression.kind) {
    case "bitwise": {
      const operand = fieldOf(expression.operand, shared, branch);
      return operand === undefined ? undefined : maskOperand(operand, expression.mask, expression.xor);
    }
    case "ip":
    case "ip6":
    case "transport":
    case "meta":
    case "ct":
    case "header":
      return readField(expression, shared, branch);
    default:
      // `isField` holds for the kinds above only.
      throw new Error(`${describe(expression)} is no field`);
  }
}

/** `left` combined with the other side of `expression`, once for each value that this side can have. */
function combineWith(
  left: Possible,
  { operator, right }: Extract<Expression, { kind: "combine" }>,
  shared: SharedState,
  branch: Branch,
  table: TableIndex,
): Possible[] {
  return evaluateExpression(right, shared, narrow(branch, left.region), table).flatMap((other): Possible[] => {
    const probability = left.probability * other.probability;
    if (other.value === undefined) return [{ ...other, probability }];
    const [a, b] = [left.value?.[0] as Operand, other.value[0] as Operand];
    return combineBits(operator, a, b, other.region).map((made) => ({ ...made, probability }));
  });
}

/** `key` with one more part, once for each value that the part can have. */
function append(key: Possible, part: Expression, shared: SharedState, branch: Branch, table: TableIndex): Possible[] {
  const { value } = key;
  if (value === undefined) return [key];
  return evaluateExpression(part, shared, narrow(branch, key.region), table).map((next) => ({
    region: next.region,
    probability: key.probability * next.probability,
    value: next.value && [...value, ...next.value],
  }));
}

/** The source or destination that packets have by now. */
export function addressNow(
  of: "saddr" | "daddr",
  { source }: SharedState,
  { destination, region }: Branch,
): Address | Spread {
  return valueNow(of === "saddr" ? source : destination, region);
}

function evaluateFib(of: "saddr" | "daddr", shared: SharedState, branch: Branch): Possible[] {
  const { original, environment } = shared;
  const { region } = branch;
  const unicast = isOwn(of, shared, branch) ? ADDRESS_TYPE.local : ADDRESS_TYPE.unicast;
  const typeOf = (type: number): number => (type === ADDRESS_TYPE.unicast ? unicast : type);
  const known = addressNow(of, shared, branch);
  if (typeof known !== "object")
    return [{ region, probability: 1, value: [typeOf(addressTypeOf(known, environment))] }];
  return addressTypes(original.family, environment.localAddresses).flatMap(({ type, addresses }): Possible[] => {
    const part = within(region, known.field, valuesBehind(known, addresses, region[known.field]));
    return part === undefined ? [] : [{ region: part, probability: 1, value: [typeOf(type)] }];
  });
}

/** Whether an address that is not known to be the node's own is so all the same: packets that came in by an interface have no
 *  source of the node's (fib_validate_source), its own packets have. */
function isOwn(of: "saddr" | "daddr", shared: SharedState, branch: Branch): boolean {
  if (of === "daddr") return isAssumedLocal(branch.destination, branch, shared);
  return shared.environment.moreAddresses === true && shared.original.inInterface === undefined;
}

function maskOperand(operand: Operand, mask: Value, xor: Value): Operand {
  if (typeof operand === "string" || typeof mask === "string" || typeof xor === "string")
    throw new Error("names have no bits");
  return typeof operand === "object" ? maskSpread(operand, mask, xor) : applyMask(operand, mask, xor);
}
