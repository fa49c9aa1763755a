/** How to find one of many keys with few tests. */
import type { DataType, Interval, KeyPart, SetElement, Value } from "../../ir/types.ts";
import { firstNotBefore } from "../../order.ts";

/** One of the keys to be told apart. */
export interface TreeKey<Element extends SetElement> {
  readonly element: Element;
  /** By field. */
  readonly parts: readonly KeyPart[];
}

/** Where a field lies. */
export interface Bound {
  readonly part: number;
  readonly interval: Interval;
}

/** A way down: one key, or all keys whose field `part` lies in `interval`. Their other addresses lie within `others`. */
export type TreeBranch<Element extends SetElement> = TreeChoice<Element> | TreeGroup<Element>;

interface TreeChoice<Element extends SetElement> {
  readonly kind: "choice";
  readonly choice: TreeKey<Element>;
}

export interface TreeGroup<Element extends SetElement> {
  readonly kind: "group";
  readonly part: number;
  readonly interval: Interval;
  readonly others: readonly Bound[];
  /** Planned when they are asked for. */
  readonly branches: readonly TreeBranch<Element>[];
}

// What a rule costs a packet that it does not hold for, measured with lists of 300 of them: a test of an address 5 ns through
// iptables-legacy and 6 to 8 ns through iptables-nft, one of connection tracking 27 and 61 ns, of chance 37 and 60 ns. To go on
// in another chain costs 10 and 23 ns. So each level that leaves one in f of the keys costs (f + 1) / 2 tests and one goto, and
// there are log n / log f of them. Per factor e of keys that is 16 and 29 ns for f = 4, 16 and 26 ns for f = 8, 19 and 30 ns
// for f = 16; both backends read the same text.

/** At most one in this many keys stays in a group. From addresses that are spread out that makes eight groups, a power of
 *  two, and leaves room for chance. The kernel follows 16 jumps: the share bounds how many levels there are, whatever the
 *  addresses look like. */
const SHARE = 6;

/** So many keys are tested in a row: to part them once more would save a packet little and double the chains, and with them the
 *  time that loading takes. */
const ROW = 16;

/** The same where two addresses tell keys apart: a group is tested for both, and few packets that have no such key get
 *  behind the first level. */
const ROW_OF_PAIRS = 64;

/** At the first level of those, which nearly all packets leave behind after all of its tests: four groups instead of eight, of which one in four
 *  packets enters one, cost packets 6 tests instead of 9, at 14 ns each through iptables-nft. */
const FIRST_SHARE_OF_PAIRS = 3;

/** The branches at the root. Addresses come first, since they tell most keys apart: they are narrowed down by prefixes, which
 *  both packets and connections can be tested for. The protocol comes before ports, because a port is only tested in
 *  packets of a known protocol. Ports are narrowed down by ranges that hold equally many keys. */
export function planDispatch<Element extends SetElement>(
  choices: readonly TreeKey<Element>[],
  types: readonly DataType[],
): readonly TreeBranch<Element>[] {
  const arePoints = choices.every(({ parts }) => parts.every((part) => typeof part !== "object"));
  return new KeyPlan<Element>(types, arePoints).branches(choices, { order: orderOf(types), bounds: [], stuck: 0 }, []);
}

/** A function that orders choices by the part that tells them apart first. */
export function comparedFirst<Element extends SetElement>(
  types: readonly DataType[],
): (a: TreeKey<Element>, b: TreeKey<Element>) => number {
  const [part = 0] = orderOf(types);
  return (a, b) => compareValues(from(a, part), from(b, part));
}

/** Up to so many choices stand in a row, without a tree. */
export function rowOf(types: readonly DataType[]): number {
  return types.filter(isAddress).length > 1 ? ROW_OF_PAIRS : ROW;
}

/** Types of which rules can test a range, or one value of few: names of interfaces and marks stand in a row, however many there are. */
const ASKED: readonly (DataType | undefined)[] = ["ipv4_addr", "ipv6_addr", "inet_proto", "inet_service"];

/** The fields that tell keys apart, in the order in which they are asked. */
export function orderOf(types: readonly DataType[]): readonly number[] {
  const rank = (part: number): number => ASKED.indexOf(types[part]);
  return [...types.keys()].filter((part) => rank(part) >= 0).sort((a, b) => rank(a) - rank(b));
}

/** What a plan of some choices depends on besides them. */
interface Way {
  /** The parts that may tell them apart, the one that is asked next first. */
  readonly order: readonly number[];
  /** Of addresses, as far as the way here has tested them. */
  readonly bounds: readonly Bound[];
  /** How many parts one after the other could not tell the choices apart. */
  readonly stuck: number;
  /** The part that the choices are sorted by already. */
  readonly sortedBy?: number | undefined;
}

/** A group that is being planned. */
export interface NewGroup<Element extends SetElement>
  extends Pick<PlannedGroup<Element>, "part" | "interval" | "members" | "bounds"> {}

/** What an earlier plan knows of a group. */
export interface Earlier<Element extends SetElement> {
  readonly group: PlannedGroup<Element>;
  /** Whether it is the same. */
  readonly stands: boolean;
  /** Where its addresses lie at `part` now; undefined: all keys have to be looked at. */
  readonly spanAt: (part: number) => AddressSpan | undefined;
}

/** Finds a group among the branches of an earlier plan. */
export type Recall = <Element extends SetElement>(
  before: readonly TreeBranch<Element>[],
  group: NewGroup<Element>,
) => Earlier<Element> | undefined;

export class KeyPlan<Element extends SetElement> {
  private readonly types: readonly DataType[];
  private readonly row: number;
  private readonly arePoints: boolean;
  private readonly recall: Recall | undefined;

  /** `arePoints`: no part of a key is a range. */
  constructor(types: readonly DataType[], arePoints: boolean, recall?: Recall) {
    this.types = types;
    this.arePoints = arePoints;
    this.row = rowOf(types);
    this.recall = recall;
  }

  /** `before`: branches of an earlier plan that led here. */
  branches(
    choices: readonly TreeKey<Element>[],
    way: Way,
    before: readonly TreeBranch<Element>[],
  ): readonly TreeBranch<Element>[] {
    const { order, bounds, stuck } = way;
    if (choices.length <= this.row || stuck === order.length)
      return choices.map((choice) => ({ kind: "choice", choice }));
    const [part, ...others] = order as readonly [number, ...number[]];
    const sorted =
      way.sortedBy === part ? choices : [...choices].sort((a, b) => compareValues(from(a, part), from(b, part)));
    const share = bounds.length === 0 && this.row === ROW_OF_PAIRS ? FIRST_SHARE_OF_PAIRS : SHARE;
    const limit = Math.max(Math.ceil(sorted.length / share), this.row);
    const groups = this.split(sorted, part, limit);
    // One value, or blocks that overlap: other parts tell these apart first.
    if (groups.length === 1)
      return this.branches(sorted, { order: [...others, part], bounds, stuck: stuck + 1 }, before);
    return groups.map((group): TreeBranch<Element> => {
      const [single, other] = group.members;
      if (single !== undefined && other === undefined) return { kind: "choice", choice: single };
      const earlier = this.recall?.(before, { ...group, part, bounds });
      if (earlier?.stands === true) return earlier.group;
      const spans = this.spansOf(group.members, part, earlier);
      const within = spans.map(({ part: at, low, high }) => ({ part: at, interval: blockOf(low, high) }));
      const news = within.filter((bound) => !bounds.some((other) => isSame(other, bound)));
      return new PlannedGroup(this, { ...group, part, spans }, { order, bounds, others: news }, earlier?.group);
    });
  }

  private split(sorted: readonly TreeKey<Element>[], part: number, limit: number): Group<Element>[] {
    const type = this.types[part];
    if (!isAddress(type)) return splitEvenly(sorted, part, type === "inet_proto" ? 1 : limit);
    return (this.arePoints ? splitPoints : splitByPrefix)(sorted, part, limit);
  }

  /** Where the addresses of `members` lie, but for those at `part`. What is known of other members is used as far as it still holds. */
  private spansOf(
    members: readonly TreeKey<Element>[],
    part: number,
    earlier: Earlier<Element> | undefined,
  ): readonly AddressSpan[] {
    return [...this.types.entries()].flatMap(([other, type]): AddressSpan[] =>
      other === part || !isAddress(type) ? [] : [earlier?.spanAt(other) ?? { part: other, ...spanOf(members, other) }],
    );
  }
}

/** The lowest and the highest address of some keys at `part`. */
export interface AddressSpan {
  readonly part: number;
  readonly low: Value;
  readonly high: Value;
}

/** A group, and all that it was planned by. */
export class PlannedGroup<Element extends SetElement> implements TreeGroup<Element> {
  readonly kind = "group";
  readonly part: number;
  readonly interval: Interval;
  readonly others: readonly Bound[];
  private readonly plan: KeyPlan<Element>;
  readonly members: readonly TreeKey<Element>[];
  readonly spans: readonly AddressSpan[];
  readonly order: readonly number[];
  readonly bounds: readonly Bound[];
  /** What stood here in an earlier plan, until this one is made. */
  private before: PlannedGroup<Element> | undefined;
  private made: readonly TreeBranch<Element>[] | undefined;

  constructor(
    plan: KeyPlan<Element>,
    {
      part,
      interval,
      members,
      spans,
    }: Group<Element> & { readonly part: number; readonly spans: readonly AddressSpan[] },
    { order, bounds, others }: Pick<PlannedGroup<Element>, "order" | "bounds" | "others">,
    before: PlannedGroup<Element> | undefined,
  ) {
    this.plan = plan;
    this.part = part;
    this.interval = interval;
    this.members = members;
    this.spans = spans;
    this.order = order;
    this.bounds = bounds;
    this.others = others;
    this.before = before;
  }

  get branches(): readonly TreeBranch<Element>[] {
    if (this.made === undefined) {
      const way = { order: this.order, bounds: [...this.bounds, ...this.others], stuck: 0, sortedBy: this.part };
      this.made = this.plan.branches(this.members, way, this.before?.made ?? []);
      this.before = undefined;
    }
    return this.made;
  }
}

export function isSame(a: Bound, b: Bound): boolean {
  return a.part === b.part && a.interval.from === b.interval.from && a.interval.to === b.interval.to;
}

interface Group<Element extends SetElement> {
  readonly interval: Interval;
  readonly members: readonly TreeKey<Element>[];
}

/** Runs of about `limit` choices; equal values, and ranges that overlap, stay together. */
function splitEvenly<Element extends SetElement>(
  sorted: readonly TreeKey<Element>[],
  part: number,
  limit: number,
): Group<Element>[] {
  const count = Math.ceil(sorted.length / limit);
  const runs: { members: TreeKey<Element>[]; interval: { from: Value; to: Value }; wanted: number }[] = [];
  for (const [i, choice] of sorted.entries()) {
    const [first, last] = [from(choice, part), to(choice, part)];
    const run = runs.at(-1);
    if (run === undefined || (run.members.length >= run.wanted && first > run.interval.to)) {
      const wanted = Math.ceil((sorted.length - i) / (count - runs.length));
      runs.push({ members: [choice], interval: { from: first, to: last }, wanted });
    } else {
      run.members.push(choice);
      if (last > run.interval.to) run.interval.to = last;
    }
  }
  return runs;
}

/** Address blocks with at most `limit` of the choices each: one with more is split again and again at its next bit.
 *  A choice that does not fit into one half becomes a group of its own; several of them keep their group whole. */
function splitByPrefix<Element extends SetElement>(
  sorted: readonly TreeKey<Element>[],
  part: number,
  limit: number,
): Group<Element>[] {
  const groups: Group<Element>[] = [];
  const splitFrom = (members: readonly TreeKey<Element>[]): void => {
    const interval = commonBlock(members, part);
    const halves = members.length <= limit ? [] : halvesOf(members, part, middleOf(interval));
    // One address, or several choices that fit into no half.
    if (halves.length < 2) groups.push({ members, interval });
    else for (const half of halves) splitFrom(half);
  };
  splitFrom(sorted);
  return groups;
}

/** The same of choices that are one address each: none is looked at but those where a block begins, ends or is split. */
function splitPoints<Element extends SetElement>(
  sorted: readonly TreeKey<Element>[],
  part: number,
  limit: number,
): Group<Element>[] {
  const groups: Group<Element>[] = [];
  const splitFrom = (start: number, end: number): void => {
    const interval = blockOf(from(sorted[start], part), from(sorted[end - 1], part));
    if (end - start <= limit || isPoint(interval)) {
      groups.push({ interval, members: sorted.slice(start, end) });
      return;
    }
    const middle = middleOf(interval);
    const upper = firstNotBefore(start, end, (i) => from(sorted[i], part) < middle);
    splitFrom(start, upper);
    splitFrom(upper, end);
  };
  splitFrom(0, sorted.length);
  return groups;
}

/** The first address of a block's upper half. */
function middleOf({ from, to }: Interval): Value {
  return typeof from === "bigint" ? (from + BigInt(to)) / 2n + 1n : (Number(from) + Number(to) + 1) / 2;
}

/** The choices of a block that lie across its middle, below and above, where there are any; none where several lie across. */
function halvesOf<Element extends SetElement>(
  members: readonly TreeKey<Element>[],
  part: number,
  middle: Value,
): readonly TreeKey<Element>[][] {
  const low = members.filter((choice) => to(choice, part) < middle);
  const high = members.filter((choice) => from(choice, part) >= middle);
  const across = members.filter((choice) => from(choice, part) < middle && to(choice, part) >= middle);
  return across.length > 1 ? [] : [across, low, high].filter((half) => half.length > 0);
}

/** The smallest address block that holds all `members`. */
function commonBlock<Element extends SetElement>(members: readonly TreeKey<Element>[], part: number): Interval {
  const { low, high } = spanOf(members, part);
  return blockOf(low, high);
}

/** Where the values of `members` lie. */
function spanOf<Element extends SetElement>(
  members: readonly TreeKey<Element>[],
  part: number,
): Omit<AddressSpan, "part"> {
  let [low, high] = [from(members[0], part), to(members[0], part)];
  for (const member of members) {
    const [first, last] = [from(member, part), to(member, part)];
    if (first < low) low = first;
    if (last > high) high = last;
  }
  return { low, high };
}

/** The smallest address block that holds both. */
function blockOf(low: Value, high: Value): Interval {
  const lowest = BigInt(low);
  const differing = lowest ^ BigInt(high);
  const host = BigInt(differing === 0n ? 0 : differing.toString(2).length);
  const start = (lowest >> host) << host;
  const end = start + (1n << host) - 1n;
  return typeof low === "bigint" ? { from: start, to: end } : { from: Number(start), to: Number(end) };
}

export function from<Element extends SetElement>(choice: TreeKey<Element> | undefined, part: number): Value {
  const value = choice?.parts[part] as KeyPart;
  return typeof value === "object" ? value.from : value;
}

export function to<Element extends SetElement>(choice: TreeKey<Element> | undefined, part: number): Value {
  const value = choice?.parts[part] as KeyPart;
  return typeof value === "object" ? value.to : value;
}

function isPoint({ from, to }: Interval): boolean {
  return from === to;
}

function isAddress(type: DataType | undefined): boolean {
  return type === "ipv4_addr" || type === "ipv6_addr";
}

function compareValues(a: Value, b: Value): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
