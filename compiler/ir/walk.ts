/**
 * What steps and expressions are made of, and what they do: two tables with a row for each kind. A new kind does not compile until
 * it has a row. Whatever walks over programs asks these tables.
 */
import { namesWith } from "./interval.ts";
import type {
  Expression,
  FieldExpression,
  KeyPart,
  MapElement,
  Match,
  NatTarget,
  Step,
  Verdict,
  WritableField,
} from "./types.ts";

/** Makes another one of an expression. */
type Change = (expression: Expression) => Expression;

/** A search for a key. */
interface Lookup {
  readonly key: Expression;
  /** The name of the set or map; or the elements of a map that is written in the rule. */
  readonly among: string | readonly MapElement[];
}

const NONE: readonly never[] = [];

// --- expressions -----------------------------------------------------------------------------------------------------------

interface ExpressionRow {
  /** The expressions that it is made of, one level down. */
  readonly parts: readonly Expression[];
  /** It with other parts. */
  readonly withParts: (change: Change) => Expression;
  /** The map in which it looks something up. */
  readonly lookup?: Lookup;
  /** It, where it is a property of the packet or of its connection. */
  readonly field?: FieldExpression;
}

const EXPRESSIONS: { readonly [K in Expression["kind"]]: (of: Extract<Expression, { kind: K }>) => ExpressionRow } = {
  ip: fieldRow,
  ip6: fieldRow,
  transport: fieldRow,
  meta: fieldRow,
  ct: fieldRow,
  fib: fieldRow,
  header: fieldRow,
  numgen: simpleRow,
  constant: simpleRow,
  opaque: simpleRow,
  bitwise: (of) => ({
    parts: [of.operand],
    withParts: (change) => ({ ...of, operand: change(of.operand) }),
  }),
  shift: (of) => ({
    parts: [of.operand],
    withParts: (change) => ({ ...of, operand: change(of.operand) }),
  }),
  combine: (of) => ({
    parts: [of.left, of.right],
    withParts: (change) => ({ ...of, left: change(of.left), right: change(of.right) }),
  }),
  concat: (of) => ({
    parts: of.parts,
    withParts: (change) => ({ ...of, parts: of.parts.map(change) }),
  }),
  lookup: (of) => ({
    parts: [of.key],
    withParts: (change) => ({ ...of, key: change(of.key) }),
    lookup: { key: of.key, among: of.map },
  }),
};

function simpleRow(of: Expression): ExpressionRow {
  return { parts: NONE, withParts: () => of };
}

function fieldRow(of: FieldExpression): ExpressionRow {
  return { ...simpleRow(of), field: of };
}

function rowOf(expression: Expression): ExpressionRow {
  // The row of a kind takes what is of that kind, which TypeScript does not follow through the index.
  return (EXPRESSIONS[expression.kind] as (of: Expression) => ExpressionRow)(expression);
}

/** The expressions that `expression` is made of, one level down. */
export function partsOf(expression: Expression): readonly Expression[] {
  return rowOf(expression).parts;
}

/** `expression` with what `change` makes of each of its parts. */
export function withParts(expression: Expression, change: Change): Expression {
  return rowOf(expression).withParts(change);
}

/** The field that `expression` is, if it is nothing more. */
export function asField(expression: Expression): FieldExpression | undefined {
  return rowOf(expression).field;
}

/** `expression`, and all that it is made of. */
export function* allParts(expression: Expression): Generator<Expression> {
  yield expression;
  for (const part of partsOf(expression)) yield* allParts(part);
}

/** Whether `test` holds for `expression`, or for something that it is made of. */
export function somePart(expression: Expression, test: (part: Expression) => boolean): boolean {
  return test(expression) || partsOf(expression).some((part) => somePart(part, test));
}

/** The components of a key. */
export function componentsOf(key: Expression): readonly Expression[] {
  return key.kind === "concat" ? key.parts : [key];
}

/** The names of the maps that `expression` asks. */
export function* mapsIn(expression: Expression): Generator<string> {
  for (const { among } of lookupsInside(expression)) if (typeof among === "string") yield among;
}

function* lookupsInside(expression: Expression): Generator<Lookup> {
  for (const part of allParts(expression)) {
    const { lookup } = rowOf(part);
    if (lookup !== undefined) yield lookup;
  }
}

// --- steps -----------------------------------------------------------------------------------------------------------------

interface StepRow {
  /** It does nothing but to end the rule. */
  readonly isMatch: boolean;
  /** No step comes behind it. */
  readonly isLast: boolean;
  /** The expressions that the kernel evaluates. */
  readonly expressions: readonly Expression[];
  /** It with other expressions. */
  readonly withExpressions: (change: Change) => Step;
  /** Values with which its only expression is compared, where the rule itself says them. */
  readonly values: readonly KeyPart[];
  /** Searches, besides those in its expressions. */
  readonly lookups: readonly Lookup[];
  /** The set that it fills or empties. */
  readonly fills: string | undefined;
  /** The fields that it writes, or may write. */
  readonly writes: readonly WritableField[];
  /** The end of the connection that it translates. */
  readonly translates: "source" | "destination" | undefined;
  /** The verdicts that it may give. */
  readonly verdicts: (elementsOf: ElementsOf) => Iterable<Verdict>;
}

/** The elements of a map of the rule's table. */
type ElementsOf = (map: string) => readonly MapElement[];

const STEPS: {
  readonly [K in Step["kind"]]: (
    of: Extract<Step, { kind: K }>,
  ) => StepRow & { readonly isMatch: K extends Match["kind"] ? true : false };
} = {
  compare: (of) => ({
    ...match(of),
    expressions: [of.left],
    withExpressions: (change) => ({ ...of, left: change(of.left) }),
    values: [of.right],
  }),
  within: (of) => ({
    ...match(of),
    expressions: [of.left],
    withExpressions: (change) => ({ ...of, left: change(of.left) }),
    values: of.intervals,
  }),
  "name-prefix": (of) => ({
    ...match(of),
    expressions: [of.left],
    withExpressions: (change) => ({ ...of, left: change(of.left) }),
    values: [namesWith(of.prefix)],
  }),
  member: (of) => ({
    ...match(of),
    expressions: [of.key],
    withExpressions: (change) => ({ ...of, key: change(of.key) }),
    lookups: [{ key: of.key, among: of.set }],
  }),
  chance: match,
  opaque: match,
  verdict: (of) => ({ ...last(of), verdicts: () => [of.verdict] }),
  vmap: (of) => ({
    ...last(of),
    expressions: [of.key],
    withExpressions: (change) => ({ ...of, key: change(of.key) }),
    lookups: [{ key: of.key, among: of.map }],
    verdicts: (elementsOf) => verdictsIn(typeof of.map === "string" ? elementsOf(of.map) : of.map),
  }),
  dnat: (of) => ({
    ...last(of),
    ...asks(of.to),
    withExpressions: (change) => ({ ...of, to: withKey(of.to, change) }),
    translates: "destination",
  }),
  snat: (of) => ({
    ...last(of),
    ...asks(of.to),
    withExpressions: (change) => ({ ...of, to: withKey(of.to, change) }),
    translates: "source",
  }),
  masquerade: (of) => ({ ...last(of), translates: "source" }),
  redirect: (of) => ({ ...last(of), translates: "destination" }),
  reject: last,
  set: (of) => ({
    ...statement(of),
    expressions: [of.value],
    withExpressions: (change) => ({ ...of, value: change(of.value) }),
    writes: [of.field],
  }),
  remember: (of) => ({
    ...statement(of),
    expressions: [of.key],
    withExpressions: (change) => ({ ...of, key: change(of.key) }),
    fills: of.set,
  }),
  counter: statement,
  "opaque-statement": (of) => ({ ...statement(of), writes: of.writes ?? NONE }),
};

type NothingDone = Omit<StepRow, "isMatch"> & { readonly isMatch: false };

function statement(of: Step): NothingDone {
  return {
    isMatch: false,
    isLast: false,
    expressions: NONE,
    withExpressions: () => of,
    values: NONE,
    lookups: NONE,
    fills: undefined,
    writes: NONE,
    translates: undefined,
    verdicts: () => NONE,
  };
}

function last(of: Step): NothingDone {
  return { ...statement(of), isLast: true };
}

function match(of: Match): Omit<StepRow, "isMatch"> & { readonly isMatch: true } {
  return { ...statement(of), isMatch: true };
}

function asks(to: NatTarget): Pick<StepRow, "expressions" | "lookups"> {
  return to.kind === "map"
    ? { expressions: [to.key], lookups: [{ key: to.key, among: to.map }] }
    : { expressions: NONE, lookups: NONE };
}

function withKey(to: NatTarget, change: Change): NatTarget {
  return to.kind === "map" ? { ...to, key: change(to.key) } : to;
}

function* verdictsIn(elements: readonly MapElement[]): Generator<Verdict> {
  for (const { value } of elements) if ("kind" in value) yield value;
}

function rowOfStep(step: Step): StepRow {
  // As in `rowOf`.
  return (STEPS[step.kind] as (of: Step) => StepRow)(step);
}

export function isMatch(step: Step): step is Match {
  return rowOfStep(step).isMatch;
}

/** Whether no step may stand behind `step` in a rule. */
export function isLast(step: Step): boolean {
  return rowOfStep(step).isLast;
}

/** The expressions that the kernel evaluates for `step`. */
export function expressionsOf(step: Step): readonly Expression[] {
  return rowOfStep(step).expressions;
}

/** `step` with what `change` makes of each of its expressions. */
export function withExpressions<Of extends Step>(step: Of, change: Change): Of {
  // Each row gives a step of its own kind.
  return rowOfStep(step).withExpressions(change) as Of;
}

/** The values with which `step` compares what `isWanted`, where the rule itself says them. */
export function valuesAsked(step: Step, isWanted: (expression: Expression) => boolean): readonly KeyPart[] {
  const { values, expressions } = rowOfStep(step);
  return values.length > 0 && expressions.every(isWanted) ? values : NONE;
}

/** All searches of `step`, those in its expressions as well. */
export function* lookupsIn(step: Step): Generator<Lookup> {
  const { lookups, expressions } = rowOfStep(step);
  yield* lookups;
  for (const expression of expressions) yield* lookupsInside(expression);
}

/** The names of the sets and maps that `step` asks or fills. */
export function* setsIn(step: Step): Generator<string> {
  for (const { among } of lookupsIn(step)) if (typeof among === "string") yield among;
  const filled = setFilledBy(step);
  if (filled !== undefined) yield filled;
}

/** The set that `step` fills or empties. */
export function setFilledBy(step: Step): string | undefined {
  return rowOfStep(step).fills;
}

/** The fields that `step` writes, or may write. */
export function fieldsWritten(step: Step): readonly WritableField[] {
  return rowOfStep(step).writes;
}

/** The end of the connection that `step` translates. */
export function translatedBy(step: Step): "source" | "destination" | undefined {
  return rowOfStep(step).translates;
}

/** The verdicts that `step` may give. */
export function verdictsOf(step: Step, elementsOf: ElementsOf): Iterable<Verdict> {
  return rowOfStep(step).verdicts(elementsOf);
}
