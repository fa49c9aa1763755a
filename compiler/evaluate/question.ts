/** Matches on the value of one expression. */
import { unreachable } from "../invariant.ts";
import { describe } from "../ir/describe.ts";
import { namesWith } from "../ir/interval.ts";
import type { Expression, Interval } from "../ir/types.ts";
import { holdsFor, type ValueTest } from "../ir/value-test.ts";
import type { Operand } from "../packets/bits.ts";
import { type PacketSet, within, without } from "../packets/packet-set.ts";
import { valuesBehind } from "../packets/preimage.ts";
import { type Cut, intervalsIn, Ranges, unite } from "../packets/ranges.ts";
import { rangesOf } from "./lookup.ts";
import type { About } from "./unknown/assumption.ts";

/** A match on the value of one expression. */
export class Question {
  readonly left: Expression;
  readonly test: ValueTest;
  /** Whether it is answered with no for what the test names. */
  readonly negated: boolean;
  /** Whether it is answered with yes where `left` has no value. */
  readonly orAbsent: boolean;
  private ranges: Ranges | undefined;

  constructor(test: ValueTest) {
    this.left = test.left;
    this.test = test;
    this.negated = test.kind === "compare" ? test.operator === "!=" : test.negated;
    this.orAbsent = test.kind !== "name-prefix" && test.orAbsent === true;
  }

  /** The packets of `region`, of which `left` is `operand` (undefined: it has no value), for which the answer is yes; `region` itself
   *  where that is all of them. */
  passing(operand: Operand | undefined, region: PacketSet): PacketSet | undefined {
    if (operand === undefined) return this.orAbsent ? region : undefined;
    if (typeof operand !== "object") return holdsFor(this.test, operand) ? region : undefined;
    this.ranges ??= wantedBy(this.test);
    const wanted = valuesBehind(operand, this.ranges, region[operand.field]);
    return this.negated ? without(region, operand.field, wanted) : within(region, operand.field, wanted);
  }

  /** The only values that pass; undefined: the match is negated, or packets without a value pass. */
  get valuesPassing(): Ranges | undefined {
    if (this.negated || this.orAbsent) return undefined;
    this.ranges ??= wantedBy(this.test);
    return this.ranges.isEmpty ? undefined : this.ranges;
  }

  /** The numbers that the test names. */
  get intervals(): readonly Interval[] {
    this.ranges ??= wantedBy(this.test);
    return intervalsIn(this.ranges);
  }

  /** How many of the numbers that `numgen` gives pass, of 1. */
  portionOf({ modulus, offset }: Extract<Expression, { kind: "numgen" }>): number {
    const end = offset + modulus;
    const named = this.intervals.reduce((count, { from, to }) => {
      return count + Math.max(0, Math.min(Number(to) + 1, end) - Math.max(Number(from), offset));
    }, 0);
    return this.negated ? 1 - named / modulus : named / modulus;
  }

  /** What is assumed, or not, where `left` is not known; `negated` tells how that answers the question. */
  get assumed(): { readonly what: About | string; readonly negated: boolean } {
    return { what: assumptionOf(this.test), negated: this.negated };
  }
}

/** The numbers that a match asks for, if it is not negated. */
function wantedBy(test: ValueTest): Ranges {
  switch (test.kind) {
    case "compare":
      return test.operator === "==" || test.operator === "!="
        ? rangesOf(test.right)
        : beside(test.operator, rangesOf(test.right).cuts);
    case "within":
      return unite(test.intervals.map(rangesOf));
    case "name-prefix":
      return unite([]);
    default:
      return unreachable(test);
  }
}

/** All numbers on one side of one of them, whose cuts these are; none where it is a name, which has no cuts. */
function beside(operator: "<" | "<=" | ">" | ">=", cuts: readonly Cut[]): Ranges {
  const [own, next] = cuts as [Cut, Cut];
  const isWide = typeof own === "bigint";
  const [least, end]: [Cut, Cut] = isWide ? [0n, 1n << 128n] : [0, 2 ** 32];
  const [from, to] = { "<": [least, own], "<=": [least, next], ">": [next, end], ">=": [own, end] }[operator] as [
    Cut,
    Cut,
  ];
  return from < to ? new Ranges([from, to]) : unite([]);
}

function assumptionOf(test: ValueTest): About | string {
  const subject = describe(test.left);
  if (test.kind === "name-prefix") return inIntervals(subject, [namesWith(test.prefix)]);
  if (test.kind === "within") return inIntervals(subject, test.intervals);
  const { operator, right } = test;
  return operator === "==" || operator === "!=" ? { subject, values: [right] } : `${subject} ${operator} ${right}`;
}

function inIntervals(subject: string, intervals: readonly Interval[]): About {
  return {
    subject,
    values: intervals.map((interval) => (interval.from === interval.to ? interval.from : interval)),
  };
}
