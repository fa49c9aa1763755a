/** One form for programs that are the same, however they are spelled. */
import { equal, L4PROTO } from "./build.ts";
import { BITS } from "./check.ts";
import { isCtAddress, typeOf } from "./expression-type.ts";
import { impliedProtocol } from "./implied-protocol.ts";
import { mergeIntervals } from "./interval.ts";
import { type AnySet, isForOthers, isMap, partsOfKey } from "./sets.ts";
import type {
  Chain,
  Component,
  Expression,
  InlineMap,
  InlineSet,
  MapDeclaration,
  Match,
  Program,
  Rule,
  SetDeclaration,
  SetElement,
  Statement,
  Step,
  Table,
} from "./types.ts";
import { expressionsOf, isMatch, somePart, withExpressions, withParts } from "./walk.ts";

/**
 * `program` as plain data that is equal for equal rules: what a text does not tell is left out (places, samples of types,
 * marks for replacing), what has no order is sorted, and matches that mean the same are written the same. Two programs
 * with equal normal forms do the same; two with different ones may.
 */
export function normaliseProgram({ ruleset, routes }: Program): object {
  const tables = ruleset.tables.map(normaliseTable);
  return { tables: sortBy(tables, ({ family, name }) => `${family} ${name}`), routes };
}

interface NormalTable {
  readonly family: Table["family"];
  readonly name: string;
}

function normaliseTable(table: Table): NormalTable {
  const { family, name, comment, sets, maps, chains, objects = [] } = table;
  return {
    family,
    name,
    ...(table.dormant ? { dormant: true } : {}),
    objects: sortBy(objects, ({ head }) => head),
    ...(comment === undefined ? {} : { comment }),
    sets: sortBy(sets.map(normaliseSet), ({ name: own }) => own),
    maps: sortBy(maps.map(normaliseMap), ({ name: own }) => own),
    chains: sortBy(
      chains.map((chain) => normaliseChain(chain, family)),
      ({ name: own }) => own,
    ),
  } as NormalTable;
}

function sortBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return items
    .map((item) => [key(item), item] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, item]) => item);
}

// --- sets and maps -----------------------------------------------------------------------------------------------------

function normaliseSet(set: SetDeclaration): { readonly name: string } {
  return { ...set, key: types(set.key), elements: elementsOf(set) } as { readonly name: string };
}

function normaliseMap(map: MapDeclaration): { readonly name: string } {
  const data = map.data === "verdict" ? "verdict" : types(map.data);
  return { ...map, key: types(map.key), data, elements: elementsOf(map) } as unknown as { readonly name: string };
}

function types(components: readonly Component[]): string[] {
  return components.map(({ type }) => type);
}

/** The elements of a set or map, those without an order sorted. */
export function elementsOf(set: AnySet): object[] {
  const plain = set.elements.map(normaliseElement);
  // Touching intervals of one component are one, where nothing else hangs on them.
  if (set.key.length === 1 && !isMap(set) && plain.every(isPlain)) {
    const intervals = plain.map((element) => {
      const [part = 0] = partsOfKey(element);
      return typeof part === "object" ? part : { from: part, to: part };
    });
    if (intervals.every(({ from }) => typeof from !== "string")) return mergeIntervals(intervals);
  }
  return sortBy(plain, stringify);
}

/** A set or map that stands in a rule, as `elementsOf` has its elements. Of several with one key the first one counts: their order
 *  stays. */
function normaliseAsked<Inline extends InlineSet | InlineMap>(asked: string | Inline): string | Inline {
  if (typeof asked === "string") return asked;
  const keys = asked.elements.map(({ key }) => stringify(key));
  const isOrdered = new Set(keys).size < keys.length;
  return { ...asked, elements: isOrdered ? asked.elements.map(normaliseElement) : elementsOf(asked) };
}

/** An interval of one value is that value. */
function normaliseElement({ origin: _, ...element }: SetElement): SetElement {
  const { key } = element;
  if (isForOthers(key)) return element;
  return {
    ...element,
    key: key.map((part) => (typeof part === "object" && part.from === part.to ? part.from : part)),
  };
}

function isPlain({ key, comment, timeoutSeconds, statements }: SetElement): boolean {
  return !isForOthers(key) && comment === undefined && timeoutSeconds === undefined && statements === undefined;
}

// --- chains ------------------------------------------------------------------------------------------------------------

/** One chain of a table of `family`. */
export function normaliseChain(chain: Chain, family: Table["family"]): Chain {
  const rules = chain.rules.map((rule) => normaliseRule(rule, family));
  if (chain.kind === "regular") return { ...chain, rules };
  const { origin: _, ...base } = chain;
  return { ...base, rules };
}

function normaliseRule({ steps, comment }: Rule, family: Table["family"]): Rule {
  const sorted: Step[] = [];
  let run: Match[] = [];
  const flush = (): void => {
    const matches = run.flatMap((match) => normaliseMatch(match, family));
    // Twice the same test is one test; twice the same chance is another chance.
    const byText = new Map(matches.map((match, i) => [isChance(match) ? `chance ${i}` : stringify(match), match]));
    sorted.push(...sortBy([...byText.values()], stringify));
    run = [];
  };
  for (const step of steps) {
    // One that is not understood may count what it is asked, as a limit does: it keeps its place.
    if (step.kind === "opaque") {
      flush();
      sorted.push(...normaliseMatch(step, family));
    } else if (isMatch(step)) {
      run.push(step);
    } else {
      const { step: plain, implied } = normaliseStatement(step, family);
      run.push(...implied);
      flush();
      sorted.push(plain);
    }
  }
  flush();
  return comment === undefined ? { steps: sorted } : { steps: sorted, comment };
}

/** Whether `match` may answer otherwise when it is asked again. */
function isChance(match: Match): boolean {
  return (
    match.kind === "chance" || expressionsOf(match).some((each) => somePart(each, ({ kind }) => kind === "numgen"))
  );
}

function normaliseMatch(match: Match, family: Table["family"]): Match[] {
  const { step, implied } = normaliseExpressions(match, family);
  return [...implied, normalTest(step)];
}

/** The one spelling of a test. */
function normalTest(match: Match): Match {
  if (match.kind === "opaque") return { kind: "opaque", text: match.text, negated: match.negated };
  if (match.kind === "member") return { ...match, set: normaliseAsked(match.set) };
  if (match.kind !== "within") return match;
  const intervals = typeof match.intervals[0]?.from === "string" ? match.intervals : mergeIntervals(match.intervals);
  const [only] = intervals;
  if (intervals.length === 1 && only !== undefined && only.from === only.to)
    return { kind: "compare", left: match.left, operator: match.negated ? "!=" : "==", right: only.from };
  return { ...match, intervals };
}

/** `step` with its expressions in the one form that they have. */
function normaliseExpressions<Of extends Step>(
  step: Of,
  family: Table["family"],
): { readonly step: Of; readonly implied: readonly Match[] } {
  const implied: Match[] = [];
  const normal = withExpressions(step, (each) => {
    const found = normaliseExpression(each, family);
    implied.push(...found.implied);
    return found.expression;
  });
  return { step: normal, implied };
}

interface Normal {
  readonly expression: Expression;
  /** Matches that reading the expression takes for granted. */
  readonly implied: readonly Match[];
}

const NFPROTO: Expression = { kind: "meta", key: "nfproto" };

/** The match on the protocol that reading `expression` takes for granted. */
function protocolTest(expression: Expression): Match[] {
  const right = impliedProtocol(expression);
  return right === undefined ? [] : [equal(L4PROTO, right)];
}

/** `tcp dport` is `th dport` of a packet that is TCP. In a table of both families an address says which one. */
function normaliseExpression(expression: Expression, family: Table["family"]): Normal {
  switch (expression.kind) {
    case "transport": {
      return { expression: { ...expression, protocol: "th" }, implied: protocolTest(expression) };
    }
    case "ip":
    case "ip6": {
      const right = expression.kind === "ip" ? 2 : 10;
      return { expression, implied: family === "inet" ? [equal(NFPROTO, right)] : [] };
    }
    case "ct": {
      const isAddress = isCtAddress(expression.key);
      return { expression, implied: isAddress && family === "inet" ? [equal(NFPROTO, 2)] : [] };
    }
    case "header": {
      // The kernel takes the protocol of an IPv4 packet from this field.
      if (expression.field === "ip protocol") {
        return { expression: L4PROTO, implied: family === "ip" ? [] : [equal(NFPROTO, 2)] };
      }
      return { expression, implied: protocolTest(expression) };
    }
    case "bitwise": {
      const { operand, mask, xor } = expression;
      // A mask that leaves all bits is none.
      const bits = BITS[typeOf(operand, family)];
      const leavesAll = typeof mask === "number" && xor === 0 && bits > 0 && mask % 2 ** bits === 2 ** bits - 1;
      return leavesAll ? normaliseExpression(operand, family) : normaliseParts(expression, family);
    }
    case "combine": {
      const sides = [expression.left, expression.right].map((side) => normaliseExpression(side, family));
      const [left = expression.left, right = expression.right] = sortBy(
        sides.map((side) => side.expression),
        stringify,
      );
      return { expression: { ...expression, left, right }, implied: sides.flatMap(({ implied }) => implied) };
    }
    case "lookup":
      return normaliseParts({ ...expression, map: normaliseAsked(expression.map) }, family);
    default:
      // Of others only their parts have several forms.
      return normaliseParts(expression, family);
  }
}

function normaliseParts(expression: Expression, family: Table["family"]): Normal {
  const implied: Match[] = [];
  const normal = withParts(expression, (part) => {
    const found = normaliseExpression(part, family);
    implied.push(...found.implied);
    return found.expression;
  });
  return { expression: normal, implied };
}

function normaliseStatement(
  statement: Statement,
  family: Table["family"],
): { readonly step: Step; readonly implied: readonly Match[] } {
  if (statement.kind === "reject" && statement.with === "tcp-reset") {
    const tcp: Match = { kind: "compare", left: { kind: "meta", key: "l4proto" }, operator: "==", right: 6 };
    return { step: statement, implied: [tcp] };
  }
  const { step, implied } = normaliseExpressions(statement, family);
  return { step: withNormalMap(step), implied };
}

function withNormalMap(statement: Statement): Statement {
  switch (statement.kind) {
    case "vmap":
      return { ...statement, map: normaliseAsked(statement.map) };
    case "dnat":
    case "snat": {
      const { to } = statement;
      return to.kind === "map" ? { ...statement, to: { ...to, map: normaliseAsked(to.map) } } : statement;
    }
    default:
      // Others have maps in their expressions only.
      return statement;
  }
}

/** Equal for rules that do the same in a table of `family`, as far as the sets that they name hold the same. */
export function textOfRule(rule: Pick<Rule, "steps">, family: Table["family"]): string {
  return stringify(normaliseRule({ steps: rule.steps }, family).steps);
}

/** Equal for sets that hold the same. */
export function textOfSet(set: SetDeclaration): string {
  return stringify(withoutNotes(normaliseSet(set), set));
}

export function textOfMap(map: MapDeclaration): string {
  return stringify(withoutNotes(normaliseMap(map), map));
}

/** What a set holds, without what is there for readers. */
function withoutNotes(normal: object, { elements }: SetDeclaration | MapDeclaration): object {
  const keys = elements.map(({ key }) => stringify(key));
  return {
    ...normal,
    comment: undefined,
    // Of several elements with one key the first one counts.
    order: new Set(keys).size < keys.length ? keys : undefined,
  };
}

/** Text that is equal for equal data, whatever the order of members. */
export function stringify(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    if (typeof member === "bigint") return `${member}n`;
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
