/** How to find one of many keys with few tests. Long because a plan, and the ways to split keys that it chooses from, are one idea. */
import { intervalAsPrefix } from "../../ir/interval.ts";
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

/** The fields in the order in which they are asked. */
export function orderOf(types: readonly DataType[]): readonly number[] {
  return [...types.keys()].sort((a, b) => rank(types[a]) - rank(types[b]));
}

function rank(type: DataType | undefined): number {
  if (type === "ipv4_addr" || type === "ipv6_addr") return 0;
  return type === "inet_proto" ? 1 : 2;
}

/** What a plan of some choices depends on besides them. */
interface Way {
  /** The parts that may tell them apart. */
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
    const [part, ...others] = order;
    if (choices.length <= this.row || part === undefined || stuck === order.length)
      return choices.map((choice) => ({ kind: "choice", choice }));
    const sorted =
      way.sortedBy === part ? choices : [...choices].sort((a, b) => compareValues(from(a, part), from(b, part)));
    const share = bounds.length === 0 && this.row === ROW_OF_PAIRS ? FIRST_SHARE_OF_PAIRS : SHARE;
    const limit = Math.max(Math.ceil(sorted.length / share), this.row);
    const groups = this.split(sorted, part, limit);
    const [only] = groups;
    if (groups.length === 1 && only !== undefined) {
      // One value: nothing to tell apart here. Blocks that overlap: other parts tell them apart first.
      return isPoint(only.interval)
        ? this.branches(sorted, { order: others, bounds, stuck: 0 }, before)
        : this.branches(sorted, { order: [...others, part], bounds, stuck: stuck + 1 }, before);
    }
    return groups.map((group): TreeBranch<Element> => {
      const [single] = group.members;
      if (group.members.length === 1 && single !== undefined) return { kind: "choice", choice: single };
      const below = isPoint(group.interval) ? others : order;
      const earlier = this.recall?.(before, { ...group, part, bounds });
      if (earlier?.stands === true) return earlier.group;
      const spans = this.spansOf(group.members, part, earlier);
      const within = spans.map(({ part: at, low, high }) => ({ part: at, interval: this.blockAt(at, low, high) }));
      const news = within.filter((bound) => !bounds.some((other) => isSame(other, bound)));
      return new PlannedGroup(this, { ...group, part, spans }, { below, bounds, others: news }, earlier?.group);
    });
  }

  private split(sorted: readonly TreeKey<Element>[], part: number, limit: number): Group<Element>[] {
    const type = this.types[part] as DataType;
    if (!isAddress(type)) return type === "inet_proto" ? splitByValue(sorted, part) : splitEvenly(sorted, part, limit);
    return (this.arePoints ? splitPoints : splitByPrefix)(sorted, part, type, limit);
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

  private blockAt(part: number, low: Value, high: Value): Interval {
    return blockOf(low, high, bitsOf(this.types[part] as DataType));
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
  readonly below: readonly number[];
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
    { below, bounds, others }: Pick<PlannedGroup<Element>, "below" | "bounds" | "others">,
    before: PlannedGroup<Element> | undefined,
  ) {
    this.plan = plan;
    this.part = part;
    this.interval = interval;
    this.members = members;
    this.spans = spans;
    this.below = below;
    this.bounds = bounds;
    this.others = others;
    this.before = before;
  }

  get branches(): readonly TreeBranch<Element>[] {
    if (this.made === undefined) {
      const way = { order: this.below, bounds: [...this.bounds, ...this.others], stuck: 0 };
      const sortedBy = this.below.includes(this.part) ? this.part : undefined;
      this.made = this.plan.branches(this.members, { ...way, sortedBy }, this.before?.made ?? []);
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
  readonly members: TreeKey<Element>[];
}

/** A group for each value. */
function splitByValue<Element extends SetElement>(sorted: readonly TreeKey<Element>[], part: number): Group<Element>[] {
  const groups: { interval: { from: Value; to: Value }; members: TreeKey<Element>[] }[] = [];
  for (const choice of sorted) {
    const last = groups.at(-1);
    if (last === undefined || from(choice, part) > last.interval.to) {
      groups.push({ members: [choice], interval: { from: from(choice, part), to: to(choice, part) } });
    } else {
      last.members.push(choice);
      if (to(choice, part) > last.interval.to) last.interval.to = to(choice, part);
    }
  }
  return groups;
}

/** Runs of about `limit` choices; equal values stay together. */
function splitEvenly<Element extends SetElement>(
  sorted: readonly TreeKey<Element>[],
  part: number,
  limit: number,
): Group<Element>[] {
  const runs = Math.ceil(sorted.length / limit);
  const groups: Group<Element>[] = [];
  let start = 0;
  while (start < sorted.length) {
    const left = runs - groups.length;
    let end = left <= 1 ? sorted.length : start + Math.ceil((sorted.length - start) / left);
    while (end < sorted.length && compareValues(from(sorted[end], part), to(sorted[end - 1], part)) <= 0) end++;
    const members = sorted.slice(start, end);
    groups.push({ members, interval: { from: from(members[0], part), to: to(members.at(-1), part) } });
    start = end;
  }
  return groups;
}

/** Address blocks with at most `limit` of the choices each: one with more is split again and again at its next bit.
 *  A choice that does not fit into one half becomes a group of its own; several of them keep their group whole. */
function splitByPrefix<Element extends SetElement>(
  sorted: readonly TreeKey<Element>[],
  part: number,
  type: DataType,
  limit: number,
): Group<Element>[] {
  const bits = bitsOf(type);
  const groups: Group<Element>[] = [];
  const waiting: Group<Element>[] = [{ members: [...sorted], interval: commonBlock(sorted, part, bits) }];
  for (let group = waiting.pop(); group !== undefined; group = waiting.pop()) {
    const small = group.members.length <= limit || isPoint(group.interval);
    const halves = small ? [] : splitBlock(group, part, bits, type);
    if (halves.length < 2) groups.push(group);
    else waiting.push(...halves.reverse());
  }
  return groups;
}

/** The same of choices that are one address each: none is looked at but those where a block begins, ends or is split. */
function splitPoints<Element extends SetElement>(
  sorted: readonly TreeKey<Element>[],
  part: number,
  type: DataType,
  limit: number,
): Group<Element>[] {
  const bits = bitsOf(type);
  const groups: Group<Element>[] = [];
  const splitFrom = (start: number, end: number): void => {
    const interval = blockOf(from(sorted[start], part), from(sorted[end - 1], part), bits);
    if (end - start <= limit || isPoint(interval)) {
      groups.push({ interval, members: sorted.slice(start, end) });
      return;
    }
    const middle = middleOf(interval, bits, type) as Value;
    const upper = firstNotBefore(start, end, (i) => compareValues(from(sorted[i], part), middle) < 0);
    splitFrom(start, upper);
    splitFrom(upper, end);
  };
  splitFrom(0, sorted.length);
  return groups;
}

/** The first address of a block's upper half; undefined for what is no block. */
function middleOf(interval: Interval, bits: number, type: DataType): Value | undefined {
  const prefix = intervalAsPrefix(interval, type);
  if (prefix === undefined) return undefined;
  return typeof interval.from === "number"
    ? interval.from + 2 ** (bits - prefix.length - 1)
    : (interval.from as bigint) + (1n << BigInt(bits - prefix.length - 1));
}

function splitBlock<Element extends SetElement>(
  { interval, members }: Group<Element>,
  part: number,
  bits: number,
  type: DataType,
): Group<Element>[] {
  const middle = middleOf(interval, bits, type);
  if (middle === undefined) return [];
  const low = members.filter((choice) => compareValues(to(choice, part), middle) < 0);
  const high = members.filter((choice) => compareValues(from(choice, part), middle) >= 0);
  const across = members.filter(
    (choice) => compareValues(from(choice, part), middle) < 0 && compareValues(to(choice, part), middle) >= 0,
  );
  if (across.length > 1 || across.length === members.length) return [];
  return [across, low, high]
    .filter((half) => half.length > 0)
    .map((half) => ({ members: half, interval: commonBlock(half, part, bits) }));
}

/** The smallest address block that holds all `members`. */
function commonBlock<Element extends SetElement>(
  members: readonly TreeKey<Element>[],
  part: number,
  bits: number,
): Interval {
  const { low, high } = spanOf(members, part);
  return blockOf(low, high, bits);
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
function blockOf(low: Value, high: Value, bits: number): Interval {
  const lowest = BigInt(low);
  const differing = lowest ^ BigInt(high);
  const host = BigInt(differing === 0n ? 0 : differing.toString(2).length);
  const start = (lowest >> host) << host;
  const end = start + (1n << host) - 1n;
  return bits === 32 ? { from: Number(start), to: Number(end) } : { from: start, to: end };
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

function bitsOf(type: DataType): number {
  return type === "ipv4_addr" ? 32 : 128;
}

function isAddress(type: DataType): boolean {
  return type === "ipv4_addr" || type === "ipv6_addr";
}

function compareValues(a: Value, b: Value): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
