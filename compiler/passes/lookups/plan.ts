/** How to find one of many keys with few tests. */
import { intervalAsPrefix } from "../../ir/interval.ts";
import type { DataType, Interval, KeyPart, SetElement, Value } from "../../ir/types.ts";

/** One of the keys to be told apart. */
export interface TreeKey<Element extends SetElement> {
  readonly element: Element;
  /** By field. */
  readonly parts: readonly KeyPart[];
}

/** A way down: one key, or all keys whose field `part` lies in `interval`. */
export type TreeBranch<Element extends SetElement> =
  | { readonly kind: "choice"; readonly choice: TreeKey<Element> }
  | {
      readonly kind: "group";
      readonly part: number;
      readonly interval: Interval;
      readonly branches: readonly TreeBranch<Element>[];
    };

/** Each level of the tree leaves at most one in FAN_OUT of the keys, so that its depth is logarithmic whatever the
 *  addresses look like: the kernel follows 16 jumps. Up to FAN_OUT keys are tested in a row: a smaller number would save
 *  a packet some tests and cost iptables, which is slow with many chains, twice as many of them. */
const FAN_OUT = 16;

/** The branches at the root. Addresses come first, since they tell most keys apart: they are narrowed down by prefixes, which
 *  both packets and connections can be tested for. The protocol comes before ports, because a port is only tested in
 *  packets of a known protocol. Ports are narrowed down by ranges that hold equally many keys. */
export function planDispatch<Element extends SetElement>(
  choices: readonly TreeKey<Element>[],
  types: readonly DataType[],
): TreeBranch<Element>[] {
  const order = [...types.keys()].sort((a, b) => rank(types[a]) - rank(types[b]));
  return plan([...choices], order, types);
}

function rank(type: DataType | undefined): number {
  if (type === "ipv4_addr" || type === "ipv6_addr") return 0;
  return type === "inet_proto" ? 1 : 2;
}

/** `stuck`: how many parts one after the other could not tell the choices apart. */
function plan<Element extends SetElement>(
  choices: TreeKey<Element>[],
  order: readonly number[],
  types: readonly DataType[],
  stuck = 0,
): TreeBranch<Element>[] {
  const [part, ...others] = order;
  if (choices.length <= FAN_OUT || part === undefined || stuck === order.length)
    return choices.map((choice) => ({ kind: "choice", choice }));
  const sorted = choices.sort((a, b) => compareValues(from(a, part), from(b, part)));
  const groups = split(sorted, part, types[part] as DataType);
  const [only] = groups;
  if (groups.length === 1 && only !== undefined) {
    // One value: nothing to tell apart here. Blocks that overlap: other parts tell them apart first.
    return isPoint(only.interval) ? plan(sorted, others, types) : plan(sorted, [...others, part], types, stuck + 1);
  }
  return groups.flatMap(({ interval, members }): TreeBranch<Element>[] => {
    const [single] = members;
    if (members.length === 1 && single !== undefined) return [{ kind: "choice", choice: single }];
    return [{ kind: "group", part, interval, branches: plan(members, isPoint(interval) ? others : order, types) }];
  });
}

interface Group<Element extends SetElement> {
  readonly interval: Interval;
  readonly members: TreeKey<Element>[];
}

function split<Element extends SetElement>(sorted: TreeKey<Element>[], part: number, type: DataType): Group<Element>[] {
  if (isAddress(type)) return splitByPrefix(sorted, part, type);
  return type === "inet_proto" ? splitByValue(sorted, part) : splitEvenly(sorted, part);
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

/** Up to FAN_OUT runs of about equally many choices; equal values stay together. */
function splitEvenly<Element extends SetElement>(sorted: readonly TreeKey<Element>[], part: number): Group<Element>[] {
  const groups: Group<Element>[] = [];
  let start = 0;
  while (start < sorted.length) {
    const left = FAN_OUT - groups.length;
    let end = left <= 1 ? sorted.length : start + Math.ceil((sorted.length - start) / left);
    while (end < sorted.length && compareValues(from(sorted[end], part), to(sorted[end - 1], part)) <= 0) end++;
    const members = sorted.slice(start, end);
    groups.push({ members, interval: { from: from(members[0], part), to: to(members.at(-1), part) } });
    start = end;
  }
  return groups;
}

/** Address blocks with at most one in FAN_OUT of the choices each: the fullest is split again and again at its next bit.
 *  A choice that does not fit into one half becomes a group of its own; several of them keep their group whole. */
function splitByPrefix<Element extends SetElement>(
  sorted: TreeKey<Element>[],
  part: number,
  type: DataType,
): Group<Element>[] {
  const bits = type === "ipv4_addr" ? 32 : 128;
  const limit = Math.ceil(sorted.length / FAN_OUT);
  const groups: Group<Element>[] = [];
  const waiting: Group<Element>[] = [{ members: sorted, interval: commonBlock(sorted, part, bits) }];
  for (let group = waiting.pop(); group !== undefined; group = waiting.pop()) {
    const small = group.members.length <= limit || isPoint(group.interval);
    const halves = small ? [] : splitBlock(group, part, bits, type);
    if (halves.length < 2) groups.push(group);
    else waiting.push(...halves.reverse());
  }
  return groups;
}

function splitBlock<Element extends SetElement>(
  { interval, members }: Group<Element>,
  part: number,
  bits: number,
  type: DataType,
): Group<Element>[] {
  const prefix = intervalAsPrefix(interval, type);
  if (prefix === undefined) return [];
  const middle =
    typeof interval.from === "number"
      ? interval.from + 2 ** (bits - prefix.length - 1)
      : (interval.from as bigint) + (1n << BigInt(bits - prefix.length - 1));
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
  const lowest = BigInt(from(members[0], part));
  const highest = members.reduce(
    (top, choice) => (BigInt(to(choice, part)) > top ? BigInt(to(choice, part)) : top),
    lowest,
  );
  const differing = lowest ^ highest;
  const host = BigInt(differing === 0n ? 0 : differing.toString(2).length);
  const start = (lowest >> host) << host;
  const end = start + (1n << host) - 1n;
  return bits === 32 ? { from: Number(start), to: Number(end) } : { from: start, to: end };
}

function from<Element extends SetElement>(choice: TreeKey<Element> | undefined, part: number): Value {
  const value = choice?.parts[part] as KeyPart;
  return typeof value === "object" ? value.from : value;
}

function to<Element extends SetElement>(choice: TreeKey<Element> | undefined, part: number): Value {
  const value = choice?.parts[part] as KeyPart;
  return typeof value === "object" ? value.to : value;
}

function isPoint({ from, to }: Interval): boolean {
  return from === to;
}

function isAddress(type: DataType): boolean {
  return type === "ipv4_addr" || type === "ipv6_addr";
}

function compareValues(a: Value, b: Value): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
