/** What an expression makes of marks: which bits of which mark become which bits of it. */
import { shiftNumber } from "../ir/bits.ts";
import type { Expression } from "../ir/types.ts";
import type { Test } from "./bit-classes.ts";

export type Register = "mark" | "ctmark";

/** The bits of a mark under `mask`, moved by `shift` (to the left, or by a negative number to the right). None of them
 *  falls off. */
interface Term {
  readonly register: Register;
  readonly mask: number;
  readonly shift: number;
}

export interface Form {
  /** At most one for each register and shift. */
  readonly terms: readonly Term[];
  /** Whether the value is `xor` and all terms, one bit changed by the other. If not, it is something that depends on the
   *  terms bit by bit. */
  readonly isLinear: boolean;
  readonly xor: number;
}

/** A form, and the interval that decides. */
export interface FormTest {
  readonly form: Form;
  readonly from: number;
  readonly to: number;
}

const ALL = 0xffffffff;

/** Undefined: the value depends on something else. */
export function formOf(expression: Expression): Form | undefined {
  switch (expression.kind) {
    case "meta":
    case "ct":
      if (expression.key !== "mark") return undefined;
      return linear([{ register: expression.kind === "meta" ? "mark" : "ctmark", mask: ALL, shift: 0 }], 0);
    case "constant":
      return typeof expression.value === "number" ? linear([], expression.value) : undefined;
    case "bitwise": {
      const { operand, mask, xor } = expression;
      const form = formOf(operand);
      return form === undefined || typeof mask !== "number" || typeof xor !== "number"
        ? undefined
        : flip(masked(form, mask), xor);
    }
    case "shift": {
      const form = formOf(expression.operand);
      return form && shifted(form, expression.by);
    }
    case "combine": {
      const [left, right] = [formOf(expression.left), formOf(expression.right)];
      return left && right && combined(expression.operator, left, right);
    }
    default:
      // The value of others does not come from marks alone.
      return undefined;
  }
}

function linear(terms: readonly Term[], xor: number): Form {
  return { terms, xor, isLinear: true };
}

function flip(form: Form, xor: number): Form {
  return { ...form, xor: (form.xor ^ xor) >>> 0 };
}

/** The bits of a form that a term has to do with. */
function supportOf({ mask, shift }: Term): number {
  return shiftNumber(mask, shift);
}

function masked({ terms, isLinear, xor }: Form, mask: number): Form {
  const kept = terms.map((term) => ({ ...term, mask: (term.mask & shiftNumber(mask, -term.shift)) >>> 0 }));
  return { terms: withoutEmpty(kept), isLinear, xor: (xor & mask) >>> 0 };
}

function shifted({ terms, isLinear, xor }: Form, by: number): Form {
  const moved = terms.map((term): Term => {
    const stay = shiftNumber(shiftNumber(supportOf(term), by), -by);
    return { ...term, mask: (term.mask & shiftNumber(stay, -term.shift)) >>> 0, shift: term.shift + by };
  });
  return { terms: withoutEmpty(moved), isLinear, xor: shiftNumber(xor, by) };
}

function combined(operator: "and" | "or" | "xor", left: Form, right: Form): Form {
  const bits = ({ terms, xor }: Form): number => terms.reduce((all, term) => all | supportOf(term), xor);
  const areApart = (bits(left) & bits(right)) === 0;
  const isLinear = left.isLinear && right.isLinear && (operator === "xor" || (operator === "or" && areApart));
  return {
    terms: addTerms([...left.terms, ...right.terms], isLinear),
    isLinear,
    xor: isLinear ? (left.xor ^ right.xor) >>> 0 : 0,
  };
}

/** Twice a bit of one register, at one place, is none; where terms are not added up it is one. */
function addTerms(terms: readonly Term[], isLinear: boolean): Term[] {
  const sums = new Map<string, Term>();
  for (const term of terms) {
    const key = `${term.register} ${term.shift}`;
    const known = sums.get(key)?.mask ?? 0;
    sums.set(key, { ...term, mask: (isLinear ? known ^ term.mask : known | term.mask) >>> 0 });
  }
  return withoutEmpty([...sums.values()]);
}

function withoutEmpty(terms: readonly Term[]): Term[] {
  return terms.filter(({ mask }) => mask !== 0);
}

/** `form` of what was there before `register` became `written`. */
export function beforeWrite(form: Form, register: Register, written: Form): Form {
  const terms: Term[] = [];
  let { xor, isLinear } = form;
  for (const term of form.terms) {
    if (term.register !== register) {
      terms.push(term);
      continue;
    }
    const moved = shifted(masked(written, term.mask), term.shift);
    terms.push(...moved.terms);
    xor = (xor ^ moved.xor) >>> 0;
    isLinear &&= moved.isLinear;
  }
  return { terms: addTerms(terms, isLinear), isLinear, xor: isLinear ? xor : 0 };
}

/** Equal for tests that ask the same. */
export function formTestKey({ form: { terms, isLinear, xor }, from, to }: FormTest): string {
  const texts = terms.map(({ register, mask, shift }) => `${register} ${mask} ${shift}`).sort();
  return `${texts.join()} ${isLinear} ${xor} ${from} ${to}`;
}

/** Tests of single registers: where two values of a register pass the same ones, `test` has one answer for both, whatever
 *  the other register holds. */
export function singleTests(test: FormTest): { readonly register: Register; readonly test: Test }[] {
  const { form, from, to } = test;
  const [only, ...others] = form.terms;
  if (only === undefined) return [];
  if (form.isLinear && others.length === 0) {
    const found = ofOneTerm(only, form.xor, from, to);
    return found === undefined ? [] : [{ register: only.register, test: found }];
  }
  const compared = comparedBits(from, to);
  if (form.isLinear && compared !== undefined && areDisjoint(form.terms)) {
    // Each term has bits of its own to compare.
    const wanted = ((from ^ form.xor) & compared) >>> 0;
    return form.terms.flatMap((term) => {
      const bits = (supportOf(term) & compared) >>> 0;
      const own = { ...term, mask: shiftNumber(bits, -term.shift) };
      const found = bits === 0 ? undefined : ofOneTerm(own, 0, (wanted & bits) >>> 0, (wanted & bits) >>> 0);
      return found === undefined ? [] : [{ register: term.register, test: found }];
    });
  }
  return form.terms.flatMap((term) => {
    const bits = compared === undefined ? term.mask : (term.mask & shiftNumber(compared, -term.shift)) >>> 0;
    return eachBit(bits).map((bit) => ({ register: term.register, test: { mask: bit, xor: 0, from: bit, to: bit } }));
  });
}

/** The bits that all numbers of an interval share, if those are all that decides. */
function comparedBits(from: number, to: number): number | undefined {
  const free = (from ^ to) >>> 0;
  const isBlock = (free & (free + 1)) === 0 && (from & free) === 0 && (to & free) >>> 0 === free;
  return isBlock ? ~free >>> 0 : undefined;
}

function areDisjoint(terms: readonly Term[]): boolean {
  let seen = 0;
  return terms.every((term) => {
    const bits = supportOf(term);
    const isNew = (seen & bits) === 0;
    seen |= bits;
    return isNew;
  });
}

function eachBit(mask: number): number[] {
  return Array.from({ length: 32 }, (_, i) => (1 << i) >>> 0).filter((bit) => (mask & bit) !== 0);
}

/** Whether `((number & mask) << shift) ^ xor` is from `from` to `to`, without a shift; undefined: it never is. */
function ofOneTerm({ mask, shift }: Term, xor: number, from: number, to: number): Test | undefined {
  const size = 2 ** Math.abs(shift);
  if (shift >= 0) {
    // The lowest bits are those of `xor`.
    const low = xor % size;
    const [least, most] = [Math.ceil((from - low) / size), Math.floor((to - low) / size)];
    if (most < 0 || least > most) return undefined;
    return { mask, xor: Math.floor(xor / size), from: Math.max(least, 0), to: most };
  }
  // The highest bits are those of `xor`; as many at the low end have fallen off.
  const room = 2 ** 32 / size;
  const high = Math.floor(xor / room) * room;
  const [least, most] = [Math.max(from - high, 0), Math.min(to - high, room - 1)];
  if (most < 0 || least > most) return undefined;
  return { mask, xor: shiftNumber(xor, -shift), from: least * size, to: most * size + size - 1 };
}
