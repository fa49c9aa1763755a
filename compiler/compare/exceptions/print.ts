/** Differing regions as a file of expected differences. */
import { Document, type Node as YamlNode } from "yaml";
import { distributionOf, printChances } from "../../evaluate/distribution.ts";
import { PROTOCOL_NAMES } from "../../ir/constants.ts";
import { API_VERSION } from "../../json-output.ts";
import { type Address, addressBits, FAMILIES, type Family, printAddress } from "../../net/address.ts";
import { printPrefix } from "../../net/prefix.ts";
import { RANGE_FIELDS, type RangeField } from "../../packets/packet-set.ts";
import { type Few, isAny, isAnywhere, joinRanges, type Range } from "../box.ts";
import type { Discrepancy } from "../compare.ts";
import type { PacketSpace } from "../packet-space.ts";
import { ctStatesOf, printInterface, type Sides } from "../render.ts";
import type { TrafficKind } from "../traffic-kinds.ts";
import { KIND, RANGE_MEMBERS, VALUE_MEMBERS } from "./decode.ts";
import { showsPorts, type ValueField, type Where } from "./where.ts";

/** Packets that fare alike. */
interface Entry extends Omit<Where, "values"> {
  readonly values: Readonly<Partial<Record<ValueField, Few>>>;
  readonly left: readonly string[];
  readonly right: readonly string[];
  readonly assumptions: readonly string[];
}

/** A file that declares `regions`, as few entries as come of joining those that fare alike; `grounds`: all that was compared. */
export function printDeclarations(
  regions: readonly Discrepancy[],
  spaces: readonly PacketSpace[],
  sides: Pick<Sides, "left" | "right">,
): string {
  const document = new Document({ apiVersion: API_VERSION, kind: KIND });
  const entries = joinAll(regions.map(entryOf), spaces);
  const list = document.createNode(entries.map((entry) => printEntry(document, entry)));
  document.add(document.createPair("differences", list));
  document.commentBefore = ` Expected differences: what ${sides.left} (left) and ${sides.right} (right) do with these packets.\n Give each entry a reason.`;
  return `---\n${document.toString({ lineWidth: 120, flowCollectionPadding: false, directives: false })}`;
}

function isPort(field: RangeField): boolean {
  return field === "sport" || field === "dport" || field === "toport";
}

function isSent(field: RangeField): boolean {
  return field === "toaddr" || field === "toport";
}

function entryOf({ trafficKind, box, left, right, assumptions }: Discrepancy): Entry {
  const ports = showsPorts(trafficKind);
  const isTold = isAnywhere(box, trafficKind.family) ? (field: RangeField) => !isSent(field) : () => true;
  const ranges = RANGE_FIELDS.map((field) => [field, box[field]] as const).filter(([field, { from, to }]) => {
    if (!isTold(field)) return false;
    if (isPort(field)) return ports && !(from === 0 && to === 65535);
    return !(BigInt(from) === 0n && BigInt(to) === 2n ** BigInt(addressBits(trafficKind.family)) - 1n);
  });
  const values = Object.values(VALUE_MEMBERS).filter((field) => !isAny(box[field]));
  return {
    family: trafficKind.family,
    protocols: [trafficKind.protocol],
    interfaces: [printInterface(trafficKind)],
    ctStates: ctStatesOf(trafficKind, box),
    values: Object.fromEntries(values.map((field) => [field, box[field]])),
    ranges: Object.fromEntries(ranges.map(([field, range]) => [field, [range]])),
    left: printChances(distributionOf(left), DIGITS).sort(),
    right: printChances(distributionOf(right), DIGITS).sort(),
    assumptions,
  };
}

/** So many digits of a percentage are less than what comparisons take for equal. */
const DIGITS = 4;

// --- joining -----------------------------------------------------------------------------------------------------------

/** Entries that differ in one respect only are one, until there are no more of them. */
function joinAll(entries: readonly Entry[], spaces: readonly PacketSpace[]): readonly Entry[] {
  const trafficKinds = spaces.flatMap((space) => space.trafficKinds);
  const whole = new Map(FAMILIES.map((family) => [family, universeOf(family, spaces)]));
  let joined = entries;
  for (let before = Number.POSITIVE_INFINITY; joined.length < before; ) {
    before = joined.length;
    for (const field of Object.values(RANGE_MEMBERS)) joined = joinBy(joined, field, (a, b) => joinField(a, b, field));
    for (const field of Object.values(VALUE_MEMBERS)) joined = joinBy(joined, field, (a, b) => joinValues(a, b, field));
    for (const respect of RESPECTS)
      joined = joinBy(joined, respect, (a, b) => ({ ...a, [respect]: union<unknown>(a[respect], b[respect]) }));
    // Only now: what has been left out cannot be joined with what has not.
    joined = joined.map((entry) =>
      entry.family === undefined ? entry : withoutWholes(entry, whole.get(entry.family)),
    );
    if (trafficKinds.some(({ family }) => family === "IPv4") && trafficKinds.some(({ family }) => family === "IPv6"))
      joined = joinBy(joined, "family", (a) => ({ ...a, family: undefined }));
  }
  return joined;
}

const RESPECTS = ["ctStates", "interfaces", "protocols"] as const;

type Universe = Readonly<Record<(typeof RESPECTS)[number], ReadonlySet<unknown>>>;

function universeOf(family: Family, spaces: readonly PacketSpace[]): Universe {
  const isOfIt = (trafficKind: TrafficKind): boolean => trafficKind.family === family;
  const trafficKinds = spaces.flatMap((space) => space.trafficKinds.filter(isOfIt));
  return {
    ctStates: new Set(
      spaces.flatMap((space) =>
        space.trafficKinds.filter(isOfIt).flatMap((trafficKind) => space.ctStatesOf(trafficKind)),
      ),
    ),
    interfaces: new Set(trafficKinds.map(printInterface)),
    protocols: new Set(trafficKinds.map(({ protocol }) => protocol)),
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
  { ranges, values, family, protocols, interfaces, ctStates, left, right, assumptions }: Entry,
  respect: string,
): string {
  const parts = { family, protocols, interfaces, ctStates, left, right, assumptions, ...FIELDS, ...values, ...ranges };
  const given = Object.entries(parts).map(([name, value]) => (name === respect ? "any" : value));
  return JSON.stringify(given, (_, value) => (typeof value === "bigint" ? String(value) : value));
}

/** So that they come in one order. */
const FIELDS = Object.fromEntries(
  [...Object.values(VALUE_MEMBERS), ...RANGE_FIELDS].map((field) => [field, undefined]),
);

function joinValues(a: Entry, b: Entry, field: ValueField): Entry {
  const { [field]: mine, ...others } = a.values;
  const theirs = b.values[field];
  if (mine === undefined || theirs === undefined) return { ...a, values: others };
  const both = {
    values: [...new Set([...mine.values, ...theirs.values])].sort((x, y) => x - y),
    among: mine.among,
  };
  return { ...a, values: isAny(both) ? others : { ...others, [field]: both } };
}

function joinField(a: Entry, b: Entry, field: RangeField): Entry {
  const { [field]: _, ...others } = a.ranges;
  const [mine, theirs] = [a.ranges[field], b.ranges[field]];
  if (mine === undefined || theirs === undefined) return { ...a, ranges: others };
  const ranges = joinRanges([...mine, ...theirs]);
  return { ...a, ranges: isWhole(ranges, field, a.family) ? others : { ...others, [field]: ranges } };
}

function isWhole(ranges: readonly Range[], field: RangeField, family: Family | undefined): boolean {
  const [first, more] = ranges;
  if (first === undefined || more !== undefined || BigInt(first.from) !== 0n) return false;
  const bits = isPort(field) ? 16 : addressBits(family ?? "IPv4");
  return BigInt(first.to) === 2n ** BigInt(bits) - 1n;
}

/** Of both, each once; any where one is any. */
function union<T>(a: readonly T[] | undefined, b: readonly T[] | undefined): readonly T[] | undefined {
  return a === undefined || b === undefined ? undefined : [...new Set([...a, ...b])].sort();
}

// --- text --------------------------------------------------------------------------------------------------------------

function printEntry(document: Document, entry: Entry): YamlNode {
  const { family, protocols, interfaces, ctStates, values, ranges, left, right, assumptions } = entry;
  const hasAddresses = (["saddr", "daddr", "toaddr"] as const).some((field) => ranges[field] !== undefined);
  const shown = {
    family: hasAddresses ? undefined : family,
    protocol: oneOrMore(document, protocols?.map(printProtocol)),
    inInterface: oneOrMore(document, interfaces),
    ctState: oneOrMore(document, ctStates),
    ...Object.fromEntries(
      Object.entries(VALUE_MEMBERS).map(([member, field]) => [member, oneOrMore(document, values[field]?.values)]),
    ),
    ...Object.fromEntries(
      Object.entries(RANGE_MEMBERS).map(([member, field]) => [
        member,
        oneOrMore(document, ranges[field]?.map(isPort(field) ? printPorts : printAddresses)),
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
