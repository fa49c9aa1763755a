/**
 * What steps and expressions are made of, and what they do: two tables with a row for each kind. A new kind does not compile until
 * it has a row. Whatever walks over programs asks these tables.
 */
import { namesWith } from "./interval.ts";
import type {
  AskedMap,
  AskedSet,
  Expression,
  FieldExpression,
  InertStatement,
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
  readonly among: AskedSet | AskedMap;
}

const NONE: readonly never[] = [];

/** What is read of the packet before masks and exclusive ors are applied. */
export function unmasked(expression: Expression): Expression {
  return expression.kind === "bitwise" ? unmasked(expression.operand) : expression;
}

// --- expressions -----------------------------------------------------------------------------------------------------------

interface ExpressionRow<Of> {
  /** The expressions that it is made of, one level down. */
  readonly parts: (of: Of) => readonly Expression[];
  /** It with other parts. */
  readonly withParts: (of: Of, change: Change) => Expression;
  /** The map in which it looks something up. */
  readonly lookup: (of: Of) => Lookup | undefined;
  /** It is a property of the packet or of its connection. */
  readonly isField: boolean;
}

const SIMPLE: ExpressionRow<Expression> & { readonly isField: false } = {
  parts: () => NONE,
  withParts: (of) => of,
  lookup: () => undefined,
  isField: false,
};
const FIELD: ExpressionRow<Expression> & { readonly isField: true } = { ...SIMPLE, isField: true };

const EXPRESSIONS: {
  readonly [K in Expression["kind"]]: ExpressionRow<Extract<Expression, { kind: K }>> & {
    readonly isField: K extends FieldExpression["kind"] ? true : false;
  };
} = {
  ip: FIELD,
  ip6: FIELD,
  transport: FIELD,
  meta: FIELD,
  ct: FIELD,
  fib: FIELD,
  header: FIELD,
  numgen: SIMPLE,
  constant: SIMPLE,
  opaque: SIMPLE,
  bitwise: {
    ...SIMPLE,
    parts: (of) => [of.operand],
    withParts: (of, change) => ({ ...of, operand: change(of.operand) }),
  },
  shift: {
    ...SIMPLE,
    parts: (of) => [of.operand],
    withParts: (of, change) => ({ ...of, operand: change(of.operand) }),
  },
  combine: {
    ...SIMPLE,
    parts: (of) => [of.left, of.right],
    withParts: (of, change) => ({ ...of, left: change(of.left), right: change(of.right) }),
  },
  concat: {
    ...SIMPLE,
    parts: (of) => of.parts,
    withParts: (of, change) => ({ ...of, parts: of.parts.map(change) }),
  },
  lookup: {
    ...SIMPLE,
    parts: (of) => [of.key],
    withParts: (of, change) => ({ ...of, key: change(of.key) }),
    lookup: (of) => ({ key: of.key, among: of.map }),
  },
};

function rowOf(expression: Expression): ExpressionRow<Expression> {
  // The row of a kind takes what is of that kind, which TypeScript does not follow through the index.
  return EXPRESSIONS[expression.kind] as ExpressionRow<Expression>;
}

/** The expressions that `expression` is made of, one level down. */
export function partsOf(expression: Expression): readonly Expression[] {
  return rowOf(expression).parts(expression);
}

/** `expression` with what `change` makes of each of its parts. */
export function withParts(expression: Expression, change: Change): Expression {
  return rowOf(expression).withParts(expression, change);
}

/** The field that `expression` is, if it is nothing more. */
export function asField(expression: Expression): FieldExpression | undefined {
  return isField(expression) ? expression : undefined;
}

function isField(expression: Expression): expression is FieldExpression {
  return rowOf(expression).isField;
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

function lookupsInside(expression: Expression): readonly Lookup[] {
  const row = rowOf(expression);
  const own = row.lookup(expression);
  let found: readonly Lookup[] = own === undefined ? NONE : [own];
  for (const part of row.parts(expression)) found = withMore(found, lookupsInside(part));
  return found;
}

/** `found` and `more`; no list is made where one of them is empty, as it mostly is. */
function withMore<T>(found: readonly T[], more: readonly T[]): readonly T[] {
  return more.length === 0 ? found : found.length === 0 ? more : [...found, ...more];
}

// --- steps -----------------------------------------------------------------------------------------------------------------

interface StepRow<Of> {
  /** It does nothing but to end the rule. */
  readonly isMatch: boolean;
  /** It does nothing to packets. */
  readonly isInert: boolean;
  /** No step comes behind it. */
  readonly isLast: boolean;
  /** The expressions that the kernel evaluates. */
  readonly expressions: (of: Of) => readonly Expression[];
  /** It with other expressions. */
  readonly withExpressions: (of: Of, change: Change) => Step;
  /** Values with which its only expression is compared, where the rule itself says them. */
  readonly values: (of: Of) => readonly KeyPart[];
  /** Searches, besides those in its expressions. */
  readonly lookups: (of: Of) => readonly Lookup[];
  /** The set that it fills or empties. */
  readonly fills: (of: Of) => string | undefined;
  /** The fields that it writes, or may write. */
  readonly writes: (of: Of) => readonly WritableField[];
  /** The end of the connection that it translates. */
  readonly translates: "source" | "destination" | undefined;
  /** The verdicts that it may give. */
  readonly verdicts: (of: Of, elementsOf: ElementsOf) => Iterable<Verdict>;
}

/** The elements of a map of the rule's table. */
type ElementsOf = (map: string) => readonly MapElement[];

/** What a step says of itself to the types as well. */
interface Told<IsMatch, IsInert> {
  readonly isMatch: IsMatch;
  readonly isInert: IsInert;
}

type NothingDone = StepRow<Step> & Told<false, false>;

const STATEMENT: NothingDone = {
  isMatch: false,
  isInert: false,
  isLast: false,
  expressions: () => NONE,
  withExpressions: (of) => of,
  values: () => NONE,
  lookups: () => NONE,
  fills: () => undefined,
  writes: () => NONE,
  translates: undefined,
  verdicts: () => NONE,
};
const LAST: NothingDone = { ...STATEMENT, isLast: true };
const MATCH: StepRow<Step> & Told<true, false> = { ...STATEMENT, isMatch: true };
const INERT: StepRow<Step> & Told<false, true> = { ...STATEMENT, isInert: true };

const STEPS: {
  readonly [K in Step["kind"]]: StepRow<Extract<Step, { kind: K }>> &
    Told<K extends Match["kind"] ? true : false, K extends InertStatement["kind"] ? true : false>;
} = {
  compare: {
    ...MATCH,
    expressions: (of) => [of.left],
    withExpressions: (of, change) => ({ ...of, left: change(of.left) }),
    values: (of) => [of.right],
  },
  within: {
    ...MATCH,
    expressions: (of) => [of.left],
    withExpressions: (of, change) => ({ ...of, left: change(of.left) }),
    values: (of) => of.intervals,
  },
  "name-prefix": {
    ...MATCH,
    expressions: (of) => [of.left],
    withExpressions: (of, change) => ({ ...of, left: change(of.left) }),
    values: (of) => [namesWith(of.prefix)],
  },
  member: {
    ...MATCH,
    expressions: (of) => [of.key],
    withExpressions: (of, change) => ({ ...of, key: change(of.key) }),
    lookups: (of) => [{ key: of.key, among: of.set }],
  },
  chance: MATCH,
  opaque: MATCH,
  verdict: { ...LAST, verdicts: (of) => [of.verdict] },
  vmap: {
    ...LAST,
    expressions: (of) => [of.key],
    withExpressions: (of, change) => ({ ...of, key: change(of.key) }),
    lookups: (of) => [{ key: of.key, among: of.map }],
    verdicts: (of, elementsOf) => verdictsIn(typeof of.map === "string" ? elementsOf(of.map) : of.map.elements),
  },
  dnat: {
    ...LAST,
    expressions: (of) => keysOf(of.to),
    lookups: (of) => lookupsOf(of.to),
    withExpressions: (of, change) => ({ ...of, to: withKey(of.to, change) }),
    translates: "destination",
  },
  snat: {
    ...LAST,
    expressions: (of) => keysOf(of.to),
    lookups: (of) => lookupsOf(of.to),
    withExpressions: (of, change) => ({ ...of, to: withKey(of.to, change) }),
    translates: "source",
  },
  masquerade: { ...LAST, translates: "source" },
  redirect: { ...LAST, translates: "destination" },
  reject: LAST,
  set: {
    ...STATEMENT,
    expressions: (of) => [of.value],
    withExpressions: (of, change) => ({ ...of, value: change(of.value) }),
    writes: (of) => [of.field],
  },
  remember: {
    ...STATEMENT,
    expressions: (of) => [of.key],
    withExpressions: (of, change) => ({ ...of, key: change(of.key) }),
    fills: (of) => of.set,
  },
  counter: INERT,
  "opaque-statement": { ...STATEMENT, writes: (of) => of.writes ?? NONE },
};

function keysOf(to: NatTarget): readonly Expression[] {
  return to.kind === "map" ? [to.key] : NONE;
}

function lookupsOf(to: NatTarget): readonly Lookup[] {
  return to.kind === "map" ? [{ key: to.key, among: to.map }] : NONE;
}

function withKey(to: NatTarget, change: Change): NatTarget {
  return to.kind === "map" ? { ...to, key: change(to.key) } : to;
}

function* verdictsIn(elements: readonly MapElement[]): Generator<Verdict> {
  for (const { value } of elements) if ("kind" in value) yield value;
}

function rowOfStep(step: Step): StepRow<Step> {
  // As in `rowOf`.
  return STEPS[step.kind] as StepRow<Step>;
}

export function isMatch(step: Step): step is Match {
  return rowOfStep(step).isMatch;
}

/** Whether `step` does nothing to a packet, nor to what becomes of it or of a later one. */
export function isInert(step: Step): step is InertStatement {
  return rowOfStep(step).isInert;
}

/** Whether no step may stand behind `step` in a rule. */
export function isLast(step: Step): boolean {
  return rowOfStep(step).isLast;
}

/** The expressions that the kernel evaluates for `step`. */
export function expressionsOf(step: Step): readonly Expression[] {
  return rowOfStep(step).expressions(step);
}

/** `step` with what `change` makes of each of its expressions. */
export function withExpressions<Of extends Step>(step: Of, change: Change): Of {
  // Each row gives a step of its own kind.
  return rowOfStep(step).withExpressions(step, change) as Of;
}

/** The values with which `step` compares what `isWanted`, where the rule itself says them. */
export function valuesTested(step: Step, isWanted: (expression: Expression) => boolean): readonly KeyPart[] {
  const row = rowOfStep(step);
  const values = row.values(step);
  return values.length > 0 && row.expressions(step).every(isWanted) ? values : NONE;
}

/** All searches of `step`, those in its expressions as well. */
export function lookupsIn(step: Step): readonly Lookup[] {
  const row = rowOfStep(step);
  let found = row.lookups(step);
  for (const expression of row.expressions(step)) found = withMore(found, lookupsInside(expression));
  return found;
}

/** The names of the sets and maps that `step` asks or fills. */
export function* setsIn(step: Step): Generator<string> {
  for (const { among } of lookupsIn(step)) if (typeof among === "string") yield among;
  const filled = setFilledBy(step);
  if (filled !== undefined) yield filled;
}

/** The set that `step` fills or empties. */
export function setFilledBy(step: Step): string | undefined {
  return rowOfStep(step).fills(step);
}

/** The fields that `step` writes, or may write. */
export function fieldsWritten(step: Step): readonly WritableField[] {
  return rowOfStep(step).writes(step);
}

/** The end of the connection that `step` translates. */
export function translatedBy(step: Step): "source" | "destination" | undefined {
  return rowOfStep(step).translates;
}

/** Whether there are verdicts that `step` may give: most steps have none, and there may be a million. */
export function mayGiveVerdicts(step: Step): boolean {
  return rowOfStep(step).verdicts !== STATEMENT.verdicts;
}

/** The verdicts that `step` may give. */
export function verdictsOf(step: Step, elementsOf: ElementsOf): Iterable<Verdict> {
  return rowOfStep(step).verdicts(step, elementsOf);
}
