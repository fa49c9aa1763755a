/** Differing regions as a file of declared differences. */
import { Document, type Node as YamlNode } from "yaml";
import type { Range } from "../compare/box.ts";
import type { Region } from "../compare/compare.ts";
import type { Door } from "../compare/doors.ts";
import { chancesOf } from "../compare/outcomes.ts";
import { printInterface, type Sides } from "../compare/render.ts";
import type { Field } from "../evaluate/region.ts";
import { PROTOCOL_NAMES } from "../ir/constants.ts";
import { type Address, addressBits, FAMILIES, type Family, printAddress } from "../net/address.ts";
import { printPrefix } from "../net/prefix.ts";
import { API_VERSION, KIND, RANGE_MEMBERS } from "./decode.ts";
import { printFate } from "./fate.ts";
import { joinRanges, showsPorts, type Where } from "./where.ts";

/** Packets that fare alike. */
interface Entry extends Where {
  readonly left: readonly string[];
  readonly right: readonly string[];
  readonly assumptions: readonly string[];
}

/** A file that declares `regions`, as few entries as come of joining those that fare alike; `doors`: all that were compared. */
export function printDeclarations(
  regions: readonly Region[],
  doors: readonly Door[],
  sides: Pick<Sides, "left" | "right">,
): string {
  const document = new Document({ apiVersion: API_VERSION, kind: KIND });
  const entries = joinAll(regions.map(entryOf), doors);
  const list = document.createNode(entries.map((entry) => printEntry(document, entry)));
  document.add(document.createPair("differences", list));
  document.commentBefore = ` What becomes of packets by ${sides.left} (left) and by ${sides.right} (right), where that is meant to differ.\n Give each a reason.`;
  return `---\n${document.toString({ lineWidth: 120, flowCollectionPadding: false, directives: false })}`;
}

function entryOf({ door, box, left, right, assumptions }: Region): Entry {
  const ports = showsPorts(door);
  const ranges = Object.entries(box).filter(([field, { from, to }]) => {
    if (field === "sport" || field === "dport") return ports && !(from === 0 && to === 65535);
    return !(BigInt(from) === 0n && BigInt(to) === 2n ** BigInt(addressBits(door.family)) - 1n);
  });
  return {
    family: door.family,
    protocols: [door.protocol],
    interfaces: [printInterface(door)],
    ctStates: [door.ctState],
    ranges: Object.fromEntries(ranges.map(([field, range]) => [field, [range]])),
    left: printFate(chancesOf(left)).sort(),
    right: printFate(chancesOf(right)).sort(),
    assumptions,
  };
}

// --- joining -----------------------------------------------------------------------------------------------------------

/** Entries that differ in one respect only are one, until there are no more of them. */
function joinAll(entries: readonly Entry[], doors: readonly Door[]): readonly Entry[] {
  const all = FAMILIES.map((family) => universeOf(doors.filter((door) => door.family === family)));
  const whole = new Map(FAMILIES.map((family, i) => [family, all[i] as Universe]));
  let joined = entries;
  for (let before = Number.POSITIVE_INFINITY; joined.length < before; ) {
    before = joined.length;
    for (const field of Object.values(RANGE_MEMBERS)) joined = joinBy(joined, field, (a, b) => joinField(a, b, field));
    for (const respect of RESPECTS)
      joined = joinBy(joined, respect, (a, b) => ({ ...a, [respect]: union<unknown>(a[respect], b[respect]) }));
    // Only now: what has been left out cannot be joined with what has not.
    joined = joined.map((entry) =>
      entry.family === undefined ? entry : withoutWholes(entry, whole.get(entry.family)),
    );
    if (doors.some(({ family }) => family === "IPv4") && doors.some(({ family }) => family === "IPv6"))
      joined = joinBy(joined, "family", (a) => ({ ...a, family: undefined }));
  }
  return joined;
}

const RESPECTS = ["ctStates", "interfaces", "protocols"] as const;

type Universe = Readonly<Record<(typeof RESPECTS)[number], ReadonlySet<unknown>>>;

function universeOf(doors: readonly Door[]): Universe {
  return {
    ctStates: new Set(doors.map(({ ctState }) => ctState)),
    interfaces: new Set(doors.map(printInterface)),
    protocols: new Set(doors.map(({ protocol }) => protocol)),
  };
}

function withoutWholes(entry: Entry, universe: Universe | undefined): Entry {
  const wholes = RESPECTS.filter((respect) => entry[respect]?.length === universe?.[respect].size);
  return { ...entry, ...Object.fromEntries(wholes.map((respect) => [respect, undefined])) };
}

/** Joins the entries that are the same but for `respect`. */
function joinBy(entries: readonly Entry[], respect: string, join: (a: Entry, b: Entry) => Entry): readonly Entry[] {
  const joined = new Map<string, Entry>();
  for (const entry of entries) {
    const key = keyOf(entry, respect);
    const known = joined.get(key);
    joined.set(key, known === undefined ? entry : join(known, entry));
  }
  return [...joined.values()];
}

/** All of an entry but `respect`, in one spelling. */
function keyOf(
  { ranges, family, protocols, interfaces, ctStates, left, right, assumptions }: Entry,
  respect: string,
): string {
  const parts = { family, protocols, interfaces, ctStates, left, right, assumptions, ...RANGES, ...ranges };
  const given = Object.entries(parts).map(([name, value]) => (name === respect ? "any" : value));
  return JSON.stringify(given, (_, value) => (typeof value === "bigint" ? String(value) : value));
}

/** So that they come in one order. */
const RANGES = { saddr: undefined, sport: undefined, daddr: undefined, dport: undefined } as const;

function joinField(a: Entry, b: Entry, field: Field): Entry {
  const { [field]: _, ...others } = a.ranges;
  const [mine, theirs] = [a.ranges[field], b.ranges[field]];
  if (mine === undefined || theirs === undefined) return { ...a, ranges: others };
  const ranges = joinRanges([...mine, ...theirs]);
  return { ...a, ranges: isWhole(ranges, field, a.family) ? others : { ...others, [field]: ranges } };
}

function isWhole(ranges: readonly Range[], field: Field, family: Family | undefined): boolean {
  const [first, more] = ranges;
  if (first === undefined || more !== undefined || BigInt(first.from) !== 0n) return false;
  const bits = field === "sport" || field === "dport" ? 16 : addressBits(family ?? "IPv4");
  return BigInt(first.to) === 2n ** BigInt(bits) - 1n;
}

/** Of both, each once; any where one is any. */
function union<T>(a: readonly T[] | undefined, b: readonly T[] | undefined): readonly T[] | undefined {
  return a === undefined || b === undefined ? undefined : [...new Set([...a, ...b])].sort();
}

// --- text --------------------------------------------------------------------------------------------------------------

function printEntry(document: Document, entry: Entry): YamlNode {
  const { family, protocols, interfaces, ctStates, ranges, left, right, assumptions } = entry;
  const hasAddresses = ranges.saddr !== undefined || ranges.daddr !== undefined;
  const shown = {
    family: hasAddresses ? undefined : family,
    protocol: oneOrMore(document, protocols?.map(printProtocol)),
    inInterface: oneOrMore(document, interfaces),
    ctState: oneOrMore(document, ctStates),
    ...Object.fromEntries(
      Object.entries(RANGE_MEMBERS).map(([member, field]) => [
        member,
        oneOrMore(document, ranges[field]?.map(field === "sport" || field === "dport" ? printPorts : printAddresses)),
      ]),
    ),
    assumptions: assumptions.length === 0 ? undefined : assumptions,
    left: left.length === 1 ? left[0] : left,
    right: right.length === 1 ? right[0] : right,
  };
  return document.createNode(Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== undefined)));
}

/** One value as it is, several as a list on one line. */
function oneOrMore<T>(document: Document, values: readonly T[] | undefined): unknown {
  if (values === undefined || values.length === 1) return values?.[0];
  return document.createNode(values, { flow: true });
}

function printProtocol(number: number): string | number {
  return PROTOCOL_NAMES.get(number) ?? number;
}

function printPorts({ from, to }: Range): string | number {
  return from === to ? Number(from) : `${from}-${to}`;
}

/** A block where the range is one. */
function printAddresses({ from, to }: Range): string {
  const address = from as Address;
  if (from === to) return printAddress(address);
  const size = BigInt(to) - BigInt(from) + 1n;
  const bits = size.toString(2).length - 1;
  if (2n ** BigInt(bits) === size && BigInt(from) % size === 0n)
    return printPrefix({ address, length: (typeof from === "number" ? 32 : 128) - bits });
  return `${printAddress(address)}-${printAddress(to as Address)}`;
}
