/** Packets that have everything in common but addresses and ports, and what is remembered of them. */
import { EMPTY, intersect, type Ranges, subtract } from "./ranges.ts";

export const HEADER_FIELDS = ["daddr", "dport", "saddr", "sport"] as const;

/** The packet's mark, and state, status and mark of its connection: a few values each, which stand for all that no rule tells
 *  apart. */
const FEW_FIELDS = ["mark", "ctstate", "ctstatus", "ctmark"] as const;

/** Where the connection sends the packet, if it does. */
const SENT_FIELDS = ["toaddr", "toport"] as const;

const MEMORY_FIELDS = [...FEW_FIELDS, ...SENT_FIELDS] as const;

export const RANGE_FIELDS = [...HEADER_FIELDS, ...SENT_FIELDS] as const;

export const FIELDS = [...HEADER_FIELDS, ...MEMORY_FIELDS] as const;

type HeaderField = (typeof HEADER_FIELDS)[number];
export type PacketField = (typeof FIELDS)[number];
export type FewField = (typeof FEW_FIELDS)[number];
export type RangeField = (typeof RANGE_FIELDS)[number];

export type Memory = Readonly<Record<(typeof MEMORY_FIELDS)[number], Ranges>>;

/** All packets that have in each field one of its values. None of the sets is empty. */
export class PacketSet implements Readonly<Record<PacketField, Ranges>> {
  readonly daddr: Ranges;
  readonly dport: Ranges;
  readonly saddr: Ranges;
  readonly sport: Ranges;
  /** Apart from the others, and one for many regions: rules seldom ask for it, and regions are made by the million. */
  readonly memory: Memory;

  constructor(daddr: Ranges, dport: Ranges, saddr: Ranges, sport: Ranges, memory: Memory) {
    this.daddr = daddr;
    this.dport = dport;
    this.saddr = saddr;
    this.sport = sport;
    this.memory = memory;
  }

  get mark(): Ranges {
    return this.memory.mark;
  }

  get ctstate(): Ranges {
    return this.memory.ctstate;
  }

  get ctstatus(): Ranges {
    return this.memory.ctstatus;
  }

  get ctmark(): Ranges {
    return this.memory.ctmark;
  }

  get toaddr(): Ranges {
    return this.memory.toaddr;
  }

  get toport(): Ranges {
    return this.memory.toport;
  }
}

export function hasFewValues(field: PacketField): field is FewField {
  return field === "mark" || field === "ctstate" || field === "ctstatus" || field === "ctmark";
}

export function isOnePacket(region: PacketSet): boolean {
  const { daddr, dport, saddr, sport, memory } = region;
  const isOneHeader =
    daddr.single !== undefined &&
    dport.single !== undefined &&
    saddr.single !== undefined &&
    sport.single !== undefined;
  return isOneHeader && MEMORY_FIELDS.every((field) => memory[field].single !== undefined);
}

/** What `region` has with one of `ranges` in `field`; undefined: nothing. `region` itself where that is all of it. */
export function within(region: PacketSet, field: PacketField, ranges: Ranges): PacketSet | undefined {
  return having(region, field, intersect(region[field], ranges));
}

/** What `region` has with none of `ranges` in `field`; as `within`. */
export function without(region: PacketSet, field: PacketField, ranges: Ranges): PacketSet | undefined {
  return having(region, field, subtract(region[field], ranges));
}

/** `region` with other values in `field`. */
export function having(region: PacketSet, field: PacketField, ranges: Ranges): PacketSet | undefined {
  if (ranges === region[field]) return region;
  if (ranges === EMPTY) return undefined;
  const { daddr, dport, saddr, sport, memory } = region;
  switch (field) {
    case "daddr":
      return new PacketSet(ranges, dport, saddr, sport, memory);
    case "dport":
      return new PacketSet(daddr, ranges, saddr, sport, memory);
    case "saddr":
      return new PacketSet(daddr, dport, ranges, sport, memory);
    case "sport":
      return new PacketSet(daddr, dport, saddr, ranges, memory);
    default:
      return new PacketSet(daddr, dport, saddr, sport, changed(memory, field, ranges));
  }
}

/** The fields in which two regions may differ: without a look at what both have from one place. */
export function fieldsApart(a: PacketSet, b: PacketSet): readonly PacketField[] {
  return a.memory === b.memory ? HEADER_FIELDS : FIELDS;
}

/** What is in both; undefined: nothing. */
export function intersection(a: PacketSet, b: PacketSet): PacketSet | undefined {
  let common: PacketSet | undefined = a;
  for (const field of fieldsApart(a, b)) {
    if (common === undefined) return undefined;
    common = within(common, field, b[field]);
  }
  return common;
}

/** What `whole` has outside of `part`, in regions without a packet in common. */
export function outside(whole: PacketSet, part: PacketSet): PacketSet[] {
  const regions: PacketSet[] = [];
  if (whole === part) return regions;
  let inside: PacketSet | undefined = whole;
  for (const field of fieldsApart(whole, part)) {
    if (inside === undefined) break;
    if (whole[field] === part[field]) continue;
    const beyond = without(inside, field, part[field]);
    if (beyond !== undefined) regions.push(beyond);
    inside = within(inside, field, part[field]);
  }
  return regions;
}

/** Equal for equal regions. */
export function regionKey({ daddr, dport, saddr, sport, memory }: PacketSet): string {
  return `${daddr.key}|${dport.key}|${saddr.key}|${sport.key}|${memoryKey(memory)}`;
}

const KEYS = new WeakMap<Memory, string>();

function memoryKey(memory: Memory): string {
  let key = KEYS.get(memory);
  if (key === undefined) {
    key = MEMORY_FIELDS.map((field) => memory[field].key).join("|");
    KEYS.set(memory, key);
  }
  return key;
}

/** What memories become by a change of one field: rules tell thousands of regions apart by the same few values. */
const CHANGED = new WeakMap<Memory, Map<string, Memory>>();
const MOST_CHANGES = 1000;

/** `memory` with other values in `field`. */
function changed(memory: Memory, field: Exclude<PacketField, HeaderField>, ranges: Ranges): Memory {
  let changes = CHANGED.get(memory);
  if (changes === undefined || changes.size === MOST_CHANGES) {
    changes = new Map();
    CHANGED.set(memory, changes);
  }
  const key = `${field} ${ranges.key}`;
  let next = changes.get(key);
  if (next === undefined) {
    next = intern({ ...memory, [field]: ranges });
    changes.set(key, next);
  }
  return next;
}

const INTERNED = new Map<string, Memory>();
const MOST_INTERNED = 10_000;

/** The same object for the same values, as a rule: equal ones are soon seen to be so. */
function intern(memory: Memory): Memory {
  const key = memoryKey(memory);
  const known = INTERNED.get(key);
  if (known !== undefined) return known;
  if (INTERNED.size === MOST_INTERNED) INTERNED.clear();
  INTERNED.set(key, memory);
  return memory;
}
