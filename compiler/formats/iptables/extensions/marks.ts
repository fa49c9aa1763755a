/** Targets that write marks, of the packet or of its connection. */
import { shiftNumber } from "../../../ir/bits.ts";
import type { Expression, Statement, Value, WritableField } from "../../../ir/types.ts";
import { meaningOf } from "../../../words.ts";
import { isRefused, type RefusedOption, refuse } from "../choice.ts";
import type { OptionText } from "../grammar.ts";
import { bits, choice } from "../option-rules.ts";
import { type Lacking, lacking, type OptionWords, optionWords } from "../rule-words.ts";
import type { TargetRow } from "./row.ts";
import { NO_MARK, parseMarkAndMask, parseUnsigned, printHex } from "./values.ts";

const MARK = { kind: "meta", key: "mark" } as const satisfies WritableField;
const CT_MARK = { kind: "ct", key: "mark" } as const satisfies WritableField;
const ALL_BITS = 0xffffffff;

// --- reading -------------------------------------------------------------------------------------------------------------

type MarkRead = Statement | RefusedOption | undefined;

/** `(field & ~mask) ^ value`, as all of MARK's options become (xt_mark). */
function writeMark(field: WritableField, value: number, mask: number): Statement {
  return {
    kind: "set",
    field,
    value:
      mask === ALL_BITS
        ? { kind: "constant", type: "mark", value }
        : { kind: "bitwise", operand: field, mask: ~mask >>> 0, xor: value },
  };
}

/** How each option is written with a mask. */
const CHANGES: Readonly<Record<string, (value: number, mask: number) => readonly [value: number, mask: number]>> = {
  "--set-xmark": (value, mask) => [value, mask],
  "--set-mark": (value, mask) => [value, (value | mask) >>> 0],
  "--and-mark": (value) => [0, ~value >>> 0],
  "--or-mark": (value) => [value, value],
  "--xor-mark": (value) => [value, 0],
};

function readChange(field: WritableField, options: readonly OptionText[]): MarkRead {
  const [option, ...more] = options;
  const change = option === undefined ? undefined : meaningOf(CHANGES, option.name);
  if (option === undefined || change === undefined || more.length > 0) return undefined;
  const parsed = parseMarkAndMask(option.values[0] ?? "");
  return parsed === undefined ? NO_MARK : writeMark(field, ...change(parsed.value, parsed.mask));
}

function masked(field: WritableField, mask: number): Expression {
  return mask === ALL_BITS ? field : { kind: "bitwise", operand: field, mask, xor: 0 };
}

/** `(field & ~cleared) ^ ((source & taken) << by)` (connmark_tg_shift); it has no value without a connection, whatever is
 *  taken: nothing is written then. */
function copiedMark(
  field: WritableField,
  cleared: number,
  source: WritableField,
  taken: number,
  by: number,
): Expression {
  const copied = masked(source, taken);
  const moved: Expression = by === 0 ? copied : { kind: "shift", operand: copied, by };
  return cleared === ALL_BITS
    ? moved
    : { kind: "combine", operator: "xor", left: masked(field, ~cleared >>> 0), right: moved };
}

/** How far `options` shift a mark; refused where iptables does. */
function shiftOf(options: readonly OptionText[]): number | RefusedOption {
  const [shift, ...more] = options.filter(({ name }) => /^--(left|right)-shift-mark$/.test(name));
  if (shift === undefined) return 0;
  if (more.length > 0) return refuse("expected one of --left-shift-mark and --right-shift-mark");
  const count = parseUnsigned(shift.values[0] ?? "");
  // iptables takes 32 as well, and the kernel (6.18) refuses it.
  if (count === undefined || count > 31) return refuse("expected a number of bits from 0 to 31");
  return shift.name === "--left-shift-mark" ? count : -count;
}

/** What `--set-xmark` makes of the connection's mark is shifted as a whole. */
function shiftedWrite(written: MarkRead, by: number): MarkRead {
  if (written === undefined || isRefused(written) || written.kind !== "set" || by === 0) return written;
  const { value } = written;
  if (value.kind === "constant" && typeof value.value === "number")
    return { ...written, value: { ...value, value: shiftNumber(value.value, by) } };
  return { ...written, value: { kind: "shift", operand: value, by } };
}

// --- printing ------------------------------------------------------------------------------------------------------------

type MarkStatement = Extract<Statement, { kind: "set" }>;

/** A value of the statement's own, or bits of the field that it writes; undefined: it is something else. */
function ownWords({ field, value }: MarkStatement): OptionWords[] | undefined {
  if (value.kind === "constant") return xmark(value.value, ALL_BITS);
  return isBitsOf(value, field) && typeof value.mask === "number" ? xmark(value.xor, ~value.mask >>> 0) : undefined;
}

function xmark(value: Value, mask: number): OptionWords[] {
  return [optionWords("--set-xmark", [`${printHex(value)}/${printHex(mask)}`])];
}

/** What is shifted as a whole, or copied from the other mark. */
function movedWords({ field, value }: MarkStatement): OptionWords[] | Lacking {
  const own =
    field.kind === "ct" && value.kind === "shift" && isBitsOf(value.operand, field)
      ? ownWords({ kind: "set", field, value: value.operand })
      : undefined;
  if (own !== undefined && value.kind === "shift") return [...own, ...shiftWords(value.by)];
  const copied = copyOf(value, field);
  if (copied === undefined) return lacking("writing this value");
  const { cleared, taken, by } = copied;
  const [verb, nfmask, ctmask] =
    field.kind === "ct" ? (["--save-mark", taken, cleared] as const) : (["--restore-mark", cleared, taken] as const);
  return [
    optionWords(verb),
    optionWords("--nfmask", [printHex(nfmask)]),
    optionWords("--ctmask", [printHex(ctmask)]),
    ...shiftWords(by),
  ];
}

function shiftWords(by: number): OptionWords[] {
  return by === 0 ? [] : [optionWords(by > 0 ? "--left-shift-mark" : "--right-shift-mark", [Math.abs(by)])];
}

/** The other mark, as CONNMARK copies it: `(field & ~cleared) ^ ((other & taken) << by)`. */
interface CopiedMark {
  readonly cleared: number;
  readonly taken: number;
  readonly by: number;
}

function copyOf(value: Expression, field: WritableField): CopiedMark | undefined {
  if (value.kind === "combine") {
    for (const [own, other] of [
      [value.left, value.right],
      [value.right, value.left],
    ] as const) {
      const kept = maskOf(own, field.kind);
      const copied = copyOf(other, field);
      if (kept === undefined || copied?.cleared !== ALL_BITS) continue;
      const { taken, by } = copied;
      // "or" is "xor" where no bit is in both.
      if (value.operator === "xor" || (value.operator === "or" && (kept & shiftNumber(taken, by)) === 0))
        return { cleared: ~kept >>> 0, taken, by };
    }
    return undefined;
  }
  const [operand, by] = value.kind === "shift" ? [value.operand, value.by] : [value, 0];
  const taken = maskOf(operand, field.kind === "ct" ? "meta" : "ct");
  return taken === undefined ? undefined : { cleared: ALL_BITS, taken, by };
}

/** The mask over the mark of the packet (`meta`) or of the connection (`ct`), if `expression` is nothing else. */
function maskOf(expression: Expression, of: "meta" | "ct"): number | undefined {
  if (expression.kind === "bitwise")
    return maskOf(expression.operand, of) === ALL_BITS && expression.xor === 0 && typeof expression.mask === "number"
      ? expression.mask
      : undefined;
  return expression.kind === of && expression.key === "mark" ? ALL_BITS : undefined;
}

function isBitsOf(value: Expression, field: WritableField): value is Extract<Expression, { kind: "bitwise" }> {
  if (value.kind !== "bitwise") return false;
  const { operand } = value;
  return operand.kind === field.kind && operand.key === field.key;
}

// --- rows ----------------------------------------------------------------------------------------------------------------

const CHANGE_NAMES = Object.keys(CHANGES);
const CHANGE_OPTIONS = Object.fromEntries(CHANGE_NAMES.map((name) => [name, 1]));

/** These take no mask. */
const WHOLE_MARKS = { "--and-mark": bits(32), "--or-mark": bits(32), "--xor-mark": bits(32) };

export const MARK_TARGETS: Readonly<Record<string, TargetRow>> = {
  MARK: {
    passing: ["mark"],
    options: CHANGE_OPTIONS,
    asks: { ...choice(...CHANGE_NAMES), numbers: WHOLE_MARKS },
    read: ({ options }) =>
      options.length === 0 ? refuse(`expected one of ${CHANGE_NAMES.join(", ")}`) : readChange(MARK, options),
    statements: {
      set: (statement) =>
        statement.field.kind === "meta" && statement.field.key === "mark" ? ownWords(statement) : undefined,
    },
  },
  CONNMARK: {
    passing: ["mark", "ct mark"],
    options: {
      ...CHANGE_OPTIONS,
      "--save-mark": 0,
      "--restore-mark": 0,
      "--left-shift-mark": 1,
      "--right-shift-mark": 1,
      "--nfmask": 1,
      "--ctmask": 1,
      "--mask": 1,
    },
    asks: {
      ...choice(...CHANGE_NAMES, "--save-mark", "--restore-mark"),
      exclusive: [
        [...CHANGE_NAMES, "--save-mark", "--restore-mark"],
        ["--mask", "--nfmask"],
        ["--mask", "--ctmask"],
        ["--left-shift-mark", "--right-shift-mark"],
      ],
      numbers: { ...WHOLE_MARKS, "--mask": bits(32), "--nfmask": bits(32), "--ctmask": bits(32) },
    },
    read: ({ options }) => {
      const copy = options.find(({ name }) => name === "--save-mark" || name === "--restore-mark");
      const by = shiftOf(options);
      if (typeof by !== "number") return by;
      const others = options.filter(({ name }) => !name.endsWith("-shift-mark"));
      if (copy === undefined) return shiftedWrite(readChange(CT_MARK, others), by);
      const maskOf = (name: string): number | undefined => {
        const text = options.find((option) => option.name === name || option.name === "--mask")?.values[0];
        return text === undefined ? ALL_BITS : parseMarkAndMask(text)?.value;
      };
      const [nfmask, ctmask] = [maskOf("--nfmask"), maskOf("--ctmask")];
      if (nfmask === undefined || ctmask === undefined) return refuse("expected a mask of 32 bits");
      const [field, source] = copy.name === "--save-mark" ? [CT_MARK, MARK] : [MARK, CT_MARK];
      const [cleared, taken] = copy.name === "--save-mark" ? [ctmask, nfmask] : [nfmask, ctmask];
      return { kind: "set", field, value: copiedMark(field, cleared, source, taken, by) };
    },
    statements: {
      set: (statement) => {
        const { kind, key } = statement.field;
        if (key !== "mark") return undefined;
        return (kind === "ct" ? ownWords(statement) : undefined) ?? movedWords(statement);
      },
    },
  },
};
