/** Bits of marks that are shifted, or combined with those of another mark. */
import { required } from "../invariant.ts";
import { shiftNumber } from "../ir/bits.ts";
import type { Expression, Value } from "../ir/types.ts";
import { Unsupported } from "../ir/unsupported.ts";
import { hasFewValues, type PacketSet, within } from "./packet-set.ts";
import { applySpread, maskSpread, type Spread } from "./preimage.ts";
import { Ranges, valuesIn } from "./ranges.ts";

/** A value, or the field of packets that have several values in it. */
export type Operand = Value | Spread;

/** Packets, and the one part of what an expression is for them. */
interface Made {
  readonly region: PacketSet;
  readonly value: readonly [Operand];
}

/** `operand << by`, or `operand >> -by`, for the packets of `region`. */
export function shiftBits(operand: Operand, by: number, region: PacketSet): Made[] {
  if (typeof operand !== "object") return [{ region, value: [shiftNumber(bitsOf(operand), by)] }];
  return eachValue(operand, region).flatMap(({ value, part }) => shiftBits(value, by, part));
}

/** Both operands bit by bit, for the packets of `region`. */
export function combineBits(
  operator: Extract<Expression, { kind: "combine" }>["operator"],
  left: Operand,
  right: Operand,
  region: PacketSet,
): Made[] {
  if (typeof left !== "object" && typeof right !== "object")
    return [{ region, value: [combineNumbers(operator, bitsOf(left), bitsOf(right))] }];
  if (typeof left !== "object") return combineBits(operator, right, left, region);
  if (typeof right !== "object") return [{ region, value: [withConstant(operator, left, bitsOf(right))] }];
  if (left.field === right.field)
    return eachValue(left, region).flatMap(({ value, came, part }) =>
      combineBits(operator, value, Number(applySpread(right, came)), part),
    );
  return eachValue(right, region).flatMap(({ value, part }) => combineBits(operator, left, value, part));
}

function withConstant(
  operator: Extract<Expression, { kind: "combine" }>["operator"],
  spread: Spread,
  bits: number,
): Spread {
  switch (operator) {
    case "and":
      return maskSpread(spread, bits, 0);
    case "or":
      return maskSpread(spread, ~bits >>> 0, bits);
    case "xor":
      return maskSpread(spread, 0xffffffff, bits);
  }
}

function combineNumbers(
  operator: Extract<Expression, { kind: "combine" }>["operator"],
  left: number,
  right: number,
): number {
  switch (operator) {
    case "and":
      return (left & right) >>> 0;
    case "or":
      return (left | right) >>> 0;
    case "xor":
      return (left ^ right) >>> 0;
  }
}

function bitsOf(value: Value): number {
  if (typeof value !== "number") throw new Error("only numbers of 32 bits are combined");
  return value;
}

/** The packets of `region` by the value with which they came in the field of `spread`, and what `spread` is for them. */
function eachValue(
  spread: Spread,
  region: PacketSet,
): { readonly came: number; readonly value: number; readonly part: PacketSet }[] {
  const { field } = spread;
  if (!hasFewValues(field)) throw new Unsupported("bits of an address or a port that are shifted or combined");
  return valuesIn(region[field]).map((came) => ({
    came: Number(came),
    value: Number(applySpread(spread, came)),
    part: required(within(region, field, Ranges.of(came)), "a value of the region is in it"),
  }));
}
