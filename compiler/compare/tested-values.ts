/** The values of marks and of connection tracking that the rules of two programs test, as far as that tells packets apart. */

import { CT_STATUS } from "../ir/constants.ts";
import { partsOfKey } from "../ir/sets.ts";
import { stepsIn } from "../ir/steps.ts";
import type { CtKey, Expression, KeyPart, Program, Step, Table } from "../ir/types.ts";
import {
  allParts,
  componentsOf,
  expressionsOf,
  lookupsIn,
  partsOf,
  somePart,
  translatedBy,
  valuesTested,
} from "../ir/walk.ts";
import { Ranges, unite } from "../packets/ranges.ts";
import { classesOf, type Test } from "./bit-classes.ts";
import {
  beforeWrite,
  type Form,
  type FormTest,
  formOf,
  formTestKey,
  type Register,
  singleTests,
} from "./mark-forms.ts";

export interface TestedValues {
  /** Marks with which packets may come: one for all that no rule tells apart; undefined: there are too many. */
  readonly marks: Ranges | undefined;
  /** Marks that connections may have: one for all that no rule tells apart; undefined: there are too many. */
  readonly ctMarks: Ranges | undefined;
  /** Bits of the connection's status, by `CT_STATUS`. */
  readonly status: number;
  /** Some rule tests the direction of a packet, or the addresses and ports of its connection's first packet. */
  readonly direction: boolean;
  /** Some rule translates connections. */
  readonly translates: boolean;
}

/** An expression, and values that are told apart from others by it. */
interface Question {
  readonly expression: Expression;
  readonly parts: readonly KeyPart[];
}

/** `to` becomes what `form` says. */
interface Write {
  readonly to: Register;
  readonly form: Form;
}

export function testedBy(programs: readonly Program[]): TestedValues {
  const tables = programs.flatMap(({ ruleset }) => ruleset.tables);
  const questions = tables.flatMap((table) => [...questionsOf(table)]);
  const writes: Write[] = [];
  let translates = false;
  for (const step of stepsIn(tables)) {
    translates ||= translatedBy(step) !== undefined;
    const write = writeOf(step);
    if (write !== undefined) writes.push(write);
  }
  const tests = throughWrites(questions.flatMap(testsOf), writes);
  const marks = (of: Register): Ranges | undefined => {
    const own = tests?.flatMap(singleTests).flatMap(({ register, test }) => (register === of ? [test] : []));
    const classes = own && classesOf(distinct(own));
    return classes && unite(classes.map((value) => Ranges.of(value)));
  };
  return {
    marks: marks("mark"),
    ctMarks: marks("ctmark"),
    status: questions.reduce((bits, { expression }) => bits | statusBits(expression), 0),
    direction: questions.some(({ expression }) =>
      asksCt(expression, (key) => key === "direction" || /^(original|reply)-/.test(key)),
    ),
    translates,
  };
}

// --- what rules test -------------------------------------------------------------------------------------------------

function* questionsOf(table: Table): Generator<Question> {
  const { sets, maps } = table;
  const keys = new Map([...sets, ...maps].map(({ name, elements }) => [name, elements.map(partsOfKey)]));
  for (const step of stepsIn([table])) {
    const values = step.kind === "compare" ? [sideOf(step)] : valuesTested(step, isTested);
    for (const expression of values.length === 0 ? [] : expressionsOf(step))
      if (isTested(expression)) yield { expression, parts: values };
    for (const { key, among } of lookupsIn(step)) {
      const components = componentsOf(key);
      if (!components.some(isTested)) continue;
      const elements = typeof among === "string" ? (keys.get(among) ?? []) : among.elements.map(partsOfKey);
      for (const [i, expression] of components.entries())
        if (isTested(expression)) yield { expression, parts: elements.flatMap((parts) => parts[i] ?? []) };
    }
  }
}

/** Whether an expression is one of those that `testedBy` collects. Others occur a hundred thousand times in large programs. */
function isTested(expression: Expression): boolean {
  // What comes of a lookup is another value than that of its key.
  if (expression.kind === "lookup" || expression.kind === "concat") return false;
  return expression.kind === "ct" || isMark(expression) || partsOf(expression).some(isTested);
}

function isMark(expression: Expression): boolean {
  return expression.kind === "meta" && expression.key === "mark";
}

/** Values of which all, or none, pass; of numbers of 32 bits, which marks are. */
function sideOf({ operator, right }: Extract<Step, { kind: "compare" }>): KeyPart {
  if (typeof right !== "number" || operator === "==" || operator === "!=") return right;
  return operator === "<" || operator === ">=" ? { from: right, to: 0xffffffff } : { from: 0, to: right };
}

function asksCt(expression: Expression, wanted: (key: CtKey) => boolean): boolean {
  return somePart(expression, (part) => part.kind === "ct" && wanted(part.key));
}

/** The bits of the connection's status that an expression results. */
function statusBits(expression: Expression): number {
  let bits = 0;
  for (const part of allParts(expression)) {
    if (part.kind !== "bitwise" || typeof part.mask !== "number") continue;
    if (part.operand.kind === "ct" && part.operand.key === "status") bits |= part.mask & ALL_STATUS;
  }
  return bits;
}

const ALL_STATUS = Object.values(CT_STATUS).reduce((all, bit) => all | bit, 0);

// --- marks -------------------------------------------------------------------------------------------------------------

function testsOf({ expression, parts }: Question): FormTest[] {
  const form = formOf(expression);
  if (form === undefined) return [];
  return parts.flatMap((part): FormTest[] => {
    const [from, to] = typeof part === "object" ? [part.from, part.to] : [part, part];
    return typeof from === "number" && typeof to === "number" ? [{ form, from, to }] : [];
  });
}

function writeOf(step: Step): Write | undefined {
  if (step.kind !== "set" || step.field.key !== "mark") return undefined;
  const form = formOf(step.value);
  return form && { to: step.field.kind === "meta" ? "mark" : "ctmark", form };
}

/** The search gives up at more tests than this. */
const MOST_TESTS = 4096;

/** `tests`, and the tests of what marks were before a rule wrote them. */
function throughWrites(tests: readonly FormTest[], writes: readonly Write[]): readonly FormTest[] | undefined {
  const all = new Map<string, FormTest>();
  const open: FormTest[] = [...tests];
  for (let test = open.pop(); test !== undefined; test = open.pop()) {
    const { form, from, to } = test;
    const key = formTestKey(test);
    if (form.terms.length === 0 || all.has(key)) continue;
    all.set(key, test);
    if (all.size > MOST_TESTS) return undefined;
    for (const write of writes) {
      if (form.terms.some(({ register }) => register === write.to))
        open.push({ form: beforeWrite(form, write.to, write.form), from, to });
    }
  }
  return [...all.values()];
}

function distinct(tests: readonly Test[]): Test[] {
  return [...new Map(tests.map((test) => [`${test.mask} ${test.xor} ${test.from} ${test.to}`, test])).values()];
}
