/** What two programs ask of packets besides addresses and ports, as far as that tells packets apart. */
import { Ranges, unite } from "../evaluate/ranges.ts";
import { CT_STATUS } from "../ir/constants.ts";
import { stepsIn } from "../ir/steps.ts";
import type { CtKey, Expression, KeyPart, NatTarget, Program, Step, Table } from "../ir/types.ts";
import { classesOf, type Test } from "./bit-classes.ts";

export interface Asked {
  /** Marks with which packets may come: one for all that no rule tells apart; undefined: there are too many. */
  readonly marks: Ranges | undefined;
  /** The same of connections. */
  readonly ctMarks: Ranges | undefined;
  /** Bits of the connection's status, by `CT_STATUS`. */
  readonly status: number;
  /** Some rule asks in which direction a packet goes, or whence the first one of its connection went whither. */
  readonly direction: boolean;
  /** Some rule translates connections. */
  readonly translates: boolean;
}

/** An expression, and values that are told apart from others by it. */
interface Question {
  readonly expression: Expression;
  readonly parts: readonly KeyPart[];
}

type Register = "mark" | "ctmark";

/** `to` becomes `(from & mask) ^ xor`. */
interface Write {
  readonly to: Register;
  readonly from: Register;
  readonly mask: number;
  readonly xor: number;
}

export function askedBy(programs: readonly Program[]): Asked {
  const tables = programs.flatMap(({ ruleset }) => ruleset.tables);
  const questions = tables.flatMap((table) => [...questionsOf(table)]);
  const writes: Write[] = [];
  let translates = false;
  for (const step of stepsIn(tables)) {
    translates ||= TRANSLATIONS.has(step.kind);
    const write = writeOf(step);
    if (write !== undefined) writes.push(write);
  }
  const tests = throughWrites(questions.flatMap(testsOf), writes);
  const marks = (of: Register): Ranges | undefined => {
    const classes = tests && classesOf(tests.filter(({ register }) => register === of));
    return classes && unite(classes.map((value) => Ranges.of(value)));
  };
  return {
    marks: marks("mark"),
    ctMarks: marks("ctmark"),
    status: questions.reduce((bits, { expression }) => bits | statusBits(expression), 0),
    direction: questions.some(({ expression }) =>
      asksCt(expression, (key) => key === "direction" || /^original-/.test(key)),
    ),
    translates,
  };
}

const TRANSLATIONS: ReadonlySet<Step["kind"]> = new Set(["dnat", "snat", "masquerade", "redirect"]);

// --- what is asked -----------------------------------------------------------------------------------------------------

function* questionsOf(table: Table): Generator<Question> {
  const { sets, maps } = table;
  const keys = new Map([...sets, ...maps].map(({ name, elements }) => [name, elements.map(({ key }) => key)]));
  const elementsOf = (name: string): readonly (readonly KeyPart[])[] => keys.get(name) ?? [];
  function* byKey(key: Expression, elements: readonly (readonly KeyPart[])[]): Generator<Question> {
    const components = key.kind === "concat" ? key.parts : [key];
    for (const [i, expression] of components.entries()) {
      if (isAsked(expression)) yield { expression, parts: elements.flatMap((parts) => parts[i] ?? []) };
      yield* inside(expression);
    }
  }
  function* inside(expression: Expression): Generator<Question> {
    if (expression.kind === "lookup") yield* byKey(expression.key, elementsOf(expression.map));
    if (expression.kind === "bitwise") yield* inside(expression.operand);
    if (expression.kind === "concat") for (const part of expression.parts) yield* inside(part);
  }
  function* ofTarget(to: NatTarget): Generator<Question> {
    if (to.kind === "map") yield* byKey(to.key, elementsOf(to.map));
  }
  function* ofStep(step: Step): Generator<Question> {
    switch (step.kind) {
      case "compare":
      case "within":
        if (isAsked(step.left)) yield { expression: step.left, parts: partsOf(step) };
        yield* inside(step.left);
        return;
      case "member":
        yield* byKey(step.key, elementsOf(step.set));
        return;
      case "vmap":
        yield* byKey(step.key, typeof step.map === "string" ? elementsOf(step.map) : step.map.map(({ key }) => key));
        return;
      case "dnat":
      case "snat":
        yield* ofTarget(step.to);
        return;
      case "set":
        yield* inside(step.value);
        return;
    }
  }
  for (const step of stepsIn([table])) yield* ofStep(step);
}

/** Only these are looked at: others are asked a hundred thousand times. */
function isAsked(expression: Expression): boolean {
  if (expression.kind === "bitwise") return isAsked(expression.operand);
  return expression.kind === "ct" || (expression.kind === "meta" && expression.key === "mark");
}

function partsOf(test: Extract<Step, { kind: "compare" | "within" }>): readonly KeyPart[] {
  return test.kind === "within" ? test.intervals : [sideOf(test)];
}

/** Values of which all, or none, pass; of numbers of 32 bits, which marks are. */
function sideOf({ operator, right }: Extract<Step, { kind: "compare" }>): KeyPart {
  if (typeof right !== "number" || operator === "==" || operator === "!=") return right;
  return operator === "<" || operator === ">=" ? { from: right, to: 0xffffffff } : { from: 0, to: right };
}

function asksCt(expression: Expression, wanted: (key: CtKey) => boolean): boolean {
  if (expression.kind === "bitwise") return asksCt(expression.operand, wanted);
  return expression.kind === "ct" && wanted(expression.key);
}

function statusBits(expression: Expression): number {
  if (expression.kind !== "bitwise" || typeof expression.mask !== "number") return 0;
  const { operand, mask } = expression;
  const isStatus = operand.kind === "ct" && operand.key === "status";
  return isStatus ? mask & ALL_STATUS : statusBits(operand);
}

const ALL_STATUS = Object.values(CT_STATUS).reduce((all, bit) => all | bit, 0);

// --- marks -------------------------------------------------------------------------------------------------------------

interface RegisterTest extends Test {
  readonly register: Register;
}

function testsOf({ expression, parts }: Question): RegisterTest[] {
  const view = viewOf(expression);
  if (view === undefined) return [];
  return parts.flatMap((part): RegisterTest[] => {
    const [from, to] = typeof part === "object" ? [part.from, part.to] : [part, part];
    return typeof from === "number" && typeof to === "number" ? [{ ...view, from, to }] : [];
  });
}

/** A mark, masked or not. */
function viewOf(expression: Expression): Pick<RegisterTest, "register" | "mask" | "xor"> | undefined {
  if (expression.kind === "bitwise") {
    const inner = viewOf(expression.operand);
    const { mask, xor } = expression;
    if (inner === undefined || typeof mask !== "number" || typeof xor !== "number") return undefined;
    return { register: inner.register, mask: (inner.mask & mask) >>> 0, xor: ((inner.xor & mask) ^ xor) >>> 0 };
  }
  if ((expression.kind !== "meta" && expression.kind !== "ct") || expression.key !== "mark") return undefined;
  return { register: expression.kind === "meta" ? "mark" : "ctmark", mask: 0xffffffff, xor: 0 };
}

function writeOf(step: Step): Write | undefined {
  if (step.kind !== "set") return undefined;
  const [to, from] = [viewOf(step.field), viewOf(step.value)];
  return to && from && { to: to.register, from: from.register, mask: from.mask, xor: from.xor };
}

/** More tests than this are not followed back. */
const MOST_TESTS = 4096;

/** All that is asked of what a mark was before it was written, too. */
function throughWrites(tests: readonly RegisterTest[], writes: readonly Write[]): readonly RegisterTest[] | undefined {
  const all = new Map<string, RegisterTest>();
  const open: RegisterTest[] = [...tests];
  for (let test = open.pop(); test !== undefined; test = open.pop()) {
    const { register, mask, xor, from, to } = test;
    const key = `${register} ${mask} ${xor} ${from} ${to}`;
    if (all.has(key)) continue;
    all.set(key, test);
    if (all.size > MOST_TESTS) return undefined;
    for (const write of writes) {
      if (write.to !== register) continue;
      open.push({
        ...{ register: write.from, from, to },
        mask: (write.mask & mask) >>> 0,
        xor: ((write.xor & mask) ^ xor) >>> 0,
      });
    }
  }
  return [...all.values()];
}
