/** What has to hold for a condition, in words: assumptions that all hold, and choices of which one has to. */
import type { Alternatives, Assumption } from "./assumption.ts";
import {
  ALWAYS,
  both,
  type Condition,
  conditionsMade,
  either,
  firstAsked,
  NEVER,
  not,
  PAIR,
  type Unknown,
  unknownsIn,
  whenFalse,
  whenHolds,
  whenTrue,
  whereKnown,
} from "./condition.ts";

/** More choices, and more ways of one, are not told. */
const MOST = 100;
const MOST_WAYS = 20;

/** What has to hold for `condition`: all of `assumptions`, and one way of each of `choices`. */
export function assumptionsOf(condition: Condition): {
  readonly assumptions: readonly Assumption[];
  readonly choices: readonly Alternatives[];
} {
  if (condition === ALWAYS) return { assumptions: [], choices: [] };
  const implied = impliedBy(condition);
  const rest = whereKnown(condition, ({ text }) => implied.get(text));
  return { assumptions: assumptionsFor(condition, implied), choices: rest === ALWAYS ? [] : choicesOf(rest) };
}

function assumptionsFor(condition: Condition, implied: ReadonlyMap<string, boolean>): Assumption[] {
  return [...unknownsIn(condition)]
    .sort((a, b) => a.index - b.index)
    .flatMap((unknown): Assumption[] => {
      const holds = implied.get(unknown.text);
      return holds === undefined ? [] : [assumptionOf({ unknown, holds })];
    });
}

function assumptionOf({ unknown: { text, about, locality }, holds }: Literal): Assumption {
  return { text, holds, ...(about === undefined ? {} : { about }), ...(locality === undefined ? {} : { locality }) };
}

/** As sums of which each has to hold, or as one sum of products: whichever has fewer. */
function choicesOf(condition: Condition): Alternatives[] {
  const sums = coverOf(not(condition), MOST);
  const products = coverOf(condition, MOST_WAYS);
  if (sums.isMore || (!products.isMore && products.ways.length < sums.ways.length)) return [products];
  return sums.ways.map((way) => ({ ways: way.map((each) => [{ ...each, holds: !each.holds }]), isMore: false }));
}

/** The unknowns, by text, of which it follows whether they hold. Each way through the diagram to what holds asks them, and gets the
 *  same answer. */
function impliedBy(condition: Condition): Map<string, boolean> {
  const order = [...unknownsIn(condition)].sort((a, b) => b.index - a.index);
  const places = new Map(order.map((unknown, place) => [unknown, place]));
  const placeOf = ({ unknown }: Condition): number => (unknown && places.get(unknown)) ?? order.length;
  /** Where ways that pass by unknowns start, less where they end. */
  const passing = new Array<number>(order.length + 1).fill(0);
  const answers = order.map(() => new Set<boolean>());
  const seen = new Set<Condition>([condition]);
  for (const each of seen) {
    if (each.unknown === undefined) continue;
    const place = placeOf(each);
    for (const holds of [true, false]) {
      const next = holds ? each.high : each.low;
      if (next === NEVER) continue;
      answers[place]?.add(holds);
      passing[place + 1] = (passing[place + 1] ?? 0) + 1;
      passing[placeOf(next)] = (passing[placeOf(next)] ?? 0) - 1;
      seen.add(next);
    }
  }
  const implied = new Map<string, boolean>();
  let passed = 0;
  for (const [place, { text }] of order.entries()) {
    passed += passing[place] ?? 0;
    const [holds, more] = answers[place] ?? [];
    if (passed === 0 && holds !== undefined && more === undefined) implied.set(text, holds);
  }
  return implied;
}

/** Assumptions of which each list, by itself, is enough for a condition; together they are all ways to it. */
interface Cover {
  readonly ways: readonly (readonly Assumption[])[];
  /** There are more ways. */
  readonly isMore: boolean;
}

/** The ways to `condition`, at most `most` of them: few where that can be said, those that were met first first. */
function coverOf(condition: Condition, most: number): Cover {
  const sum = condition.depth > MOST_SUMMED ? undefined : new Sums(most).of(condition, condition);
  const found = sum?.ways ?? [...pathsIn(condition, most)];
  return { ways: found.map(inOrder), isMore: sum === undefined };
}

/** Conditions that ask more unknowns, one after the other, are told by some of their ways. */
const MOST_SUMMED = 300;

interface Literal {
  readonly unknown: Unknown;
  readonly holds: boolean;
}

type Way = readonly Literal[];

function inOrder(way: Way): Assumption[] {
  return [...way].sort((a, b) => a.unknown.index - b.unknown.index).map(assumptionOf);
}

interface Sum {
  readonly ways: readonly Way[];
  readonly condition: Condition;
}

/** Irredundant sums of products (Minato 1992). */
class Sums {
  private readonly most: number;
  private readonly known = new Map<number, Sum | undefined>();
  /** Where enough conditions were made to find them. */
  private readonly limit = conditionsMade() + MOST_MADE;

  constructor(most: number) {
    this.most = most;
  }

  /** A sum that holds where `least` does, and only where `all` does; undefined: it has too many products, or takes too long to
   *  find. */
  of(least: Condition, all: Condition): Sum | undefined {
    if (least === NEVER) return { ways: [], condition: NEVER };
    if (all === ALWAYS) return { ways: [[]], condition: ALWAYS };
    const key = least.id * PAIR + all.id;
    if (this.known.has(key)) return this.known.get(key);
    const sum = conditionsMade() > this.limit ? undefined : this.find(least, all);
    this.known.set(key, sum);
    return sum;
  }

  private find(least: Condition, all: Condition): Sum | undefined {
    const unknown = firstAsked(least, all);
    const [yes, no] = [whenTrue(least, unknown), whenFalse(least, unknown)];
    const [mayYes, mayNo] = [whenTrue(all, unknown), whenFalse(all, unknown)];
    const onlyYes = this.of(both(yes, not(mayNo)), mayYes);
    const onlyNo = onlyYes && this.of(both(no, not(mayYes)), mayNo);
    if (onlyYes === undefined || onlyNo === undefined) return undefined;
    const rest = either(both(yes, not(onlyYes.condition)), both(no, not(onlyNo.condition)));
    const any = this.of(rest, both(mayYes, mayNo));
    if (any === undefined || any.ways.length + onlyNo.ways.length + onlyYes.ways.length > this.most) return undefined;
    const ways = [
      ...any.ways,
      ...onlyNo.ways.map((way): Way => [{ unknown, holds: false }, ...way]),
      ...onlyYes.ways.map((way): Way => [{ unknown, holds: true }, ...way]),
    ];
    const decided = either(
      both(whenHolds(unknown, true), onlyYes.condition),
      both(whenHolds(unknown, false), onlyNo.condition),
    );
    return { ways, condition: either(decided, any.condition) };
  }
}

/** More conditions than this are not made for one sum. */
const MOST_MADE = 5000;

/** The first `most` paths through the diagram. */
function* pathsIn(condition: Condition, most: number): Generator<Way> {
  const open: { readonly at: Condition; readonly way: Way }[] = [{ at: condition, way: [] }];
  for (let left = most; left > 0; ) {
    const next = open.pop();
    if (next === undefined) return;
    const { at, way } = next;
    if (at === NEVER) continue;
    if (at.unknown === undefined) {
      left--;
      yield way;
      continue;
    }
    open.push({ at: at.low, way: [...way, { unknown: at.unknown, holds: false }] });
    open.push({ at: at.high, way: [...way, { unknown: at.unknown, holds: true }] });
  }
}
