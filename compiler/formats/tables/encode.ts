/** From a tabulation to the bytes that the engine reads (assembly/layout.ts has the layout). */
import * as L from "../../../assembly/layout.ts";
import { invariant } from "../../invariant.ts";
import type { Interval } from "../../ir/types.ts";
import { Unsupported } from "../../ir/unsupported.ts";
import { type Address, FAMILIES, type Family } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { LocalClass, PortRow, Tabulation } from "../../tabulate/types.ts";
import { hostWords } from "./address-words.ts";
import { checksumOf, littleEndian, records, Sections, swap16, swap32 } from "./bytes.ts";
import { Codes } from "./codes.ts";
import { Endpoints, fold6 } from "./endpoints.ts";
import { Keys } from "./keys.ts";
import { writeLabels } from "./labels.ts";
import { elsewhere, findLocalPlaces } from "./local-places.ts";
import { printNames } from "./names.ts";
import { buildPerfectHash } from "./perfect-hash.ts";
import { ENDPOINT_PLACES, type Extended, extendedWords } from "./places.ts";
import { prefixesOf } from "./prefixes.ts";
import { planRegions } from "./regions.ts";
import { EXACT, type Free, ROOMY, type Room, type RoomyTable } from "./room.ts";

/** The table of `tabulation`. `source` names what it was made from. Throws `Unsupported`. */
export function encodeTable(tabulation: Tabulation, source: string): Uint8Array {
  return new Encoder(tabulation, source, EXACT).encode();
}

/** The same with room. Throws `Unsupported`. */
export function encodeWithRoom(tabulation: Tabulation, source: string): RoomyTable {
  const encoder = new Encoder(tabulation, source, ROOMY);
  const bytes = encoder.encode();
  return { bytes, ...encoder.free };
}

class Encoder {
  private readonly tabulation: Tabulation;
  private readonly source: string;
  private readonly keys: Keys;
  /** Those of addresses, then those of the node's own addresses, kind by kind. */
  private readonly rows: Readonly<Record<Family, readonly PortRow[]>>;
  private readonly endpoints: Readonly<Record<Family, Endpoints>>;
  private readonly sections = new Sections(L.HEADER_BYTES);
  private readonly header = new Map<number, number>();
  private readonly codes = new Codes();
  private readonly extended: Extended[] = [];
  private readonly allowed: number[] = [];
  private readonly allowedPlaces = new Map<readonly Interval[], { readonly at: number; readonly count: number }>();
  private readonly room: Room;
  private labelBytes = 0;

  constructor(tabulation: Tabulation, source: string, room: Room) {
    this.tabulation = tabulation;
    this.source = source;
    this.room = room;
    this.keys = new Keys(tabulation);
    const rowsOf = (family: Family): PortRow[] => {
      const { rows, localClasses } = tabulation.families[family];
      return [...rows, ...localClasses.flatMap((kind) => kind.rows)];
    };
    this.rows = { IPv4: rowsOf("IPv4"), IPv6: rowsOf("IPv6") };
    this.endpoints = { IPv4: new Endpoints(this.rows.IPv4, room), IPv6: new Endpoints(this.rows.IPv6, room) };
  }

  /** What is free, once all is encoded. */
  get free(): Omit<RoomyTable, "bytes"> {
    const behind = (count: number): Free => ({ from: count, end: this.room(count) });
    return {
      endpoints: { IPv4: this.endpoints.IPv4.free, IPv6: this.endpoints.IPv6.free },
      extended: behind(this.extended.length),
      allowed: behind(this.allowed.length * 4),
      labels: behind(this.labelBytes),
    };
  }

  encode(): Uint8Array {
    const rows = [...this.rows.IPv4, ...this.rows.IPv6];
    const slots = this.addRows();
    this.addDestinations();
    this.addSources();
    this.addEndpoints();
    this.addCodes();
    const { about, texts } = writeLabels(rows, slots, (this.header.get(L.H_SLOT_MASK) as number) + 1);
    this.set(L.H_ABOUT, this.sections.add(littleEndian(about)));
    this.labelBytes = texts.length;
    this.addRoomy(L.H_LABELS, L.H_LABELS_LENGTH, texts, 1);
    const { interfaces } = this.tabulation;
    const names = printNames({ source: this.source, interfaces, reasons: this.codes.reasons });
    this.set(L.H_NAMES, this.sections.add(names));
    this.set(L.H_NAMES_LENGTH, names.length);
    return this.finish();
  }

  private set(word: number, value: number): void {
    this.header.set(word, value);
  }

  /** Adds records of `size` bytes, and room for more. */
  private addRoomy(offset: number, count: number, bytes: Uint8Array, size: number): void {
    const all = this.room(bytes.length / size);
    const at = this.sections.add(bytes);
    this.sections.extend(all * size - bytes.length);
    this.set(offset, at);
    this.set(count, all);
  }

  private addRecords<T>(
    offset: number,
    count: number,
    items: readonly T[],
    size: number,
    write: (view: DataView, at: number, item: T, index: number) => void,
  ): void {
    this.set(offset, this.sections.add(records(items, size, write)));
    this.set(count, items.length);
  }

  private finish(): Uint8Array {
    const bytes = this.sections.join();
    this.writeEndpoints(bytes);
    const view = new DataView(bytes.buffer);
    this.set(L.H_MAGIC, L.MAGIC);
    this.set(L.H_VERSION, L.LAYOUT_VERSION);
    this.set(L.H_LENGTH, bytes.length);
    this.set(L.H_INTERFACE_CLASS_COUNT, this.tabulation.interfaces.matches.length);
    for (const [at, value] of this.header) view.setUint32(at, value, true);
    view.setUint32(L.H_CHECKSUM, checksumOf(bytes, L.H_SEED), true);
    return bytes;
  }

  // --- rows ------------------------------------------------------------------------------------------------------------

  /** The keys of all rows, family by family. */
  private keysOfRows(): { readonly keys0: Uint32Array; readonly keys1: Uint32Array } {
    const count = this.rows.IPv4.length + this.rows.IPv6.length;
    if (count > MAX_ROWS) throw new Unsupported(`more than ${MAX_ROWS} destinations`);
    const keys0 = new Uint32Array(count);
    const keys1 = new Uint32Array(count);
    let i = 0;
    const add = ({ port, protocol }: PortRow, key0: number, block: number): void => {
      keys0[i] = key0;
      keys1[i++] = swap16(port) | (protocol << L.KEY1_PROTOCOL_SHIFT) | (block << L.KEY1_BLOCK_SHIFT);
    };
    for (const family of FAMILIES) {
      const { rows, localClasses } = this.tabulation.families[family];
      for (const row of rows) add(row, this.keys.key0Of(row.address), this.keys.mustHaveBlock(row.address));
      for (const [kind, { rows: own }] of localClasses.entries())
        for (const row of own) add(row, this.keys.ofKind(family, kind), L.BLOCK_LOCAL);
    }
    return { keys0, keys1 };
  }

  /** Gives the slot of each row. */
  private addRows(): Uint32Array {
    const { keys0, keys1 } = this.keysOfRows();
    const { seed, bucketMask, slotMask, pilots, slots } = buildPerfectHash(
      keys0,
      keys1,
      this.room === EXACT ? undefined : ROOMY_LOAD,
    );
    const entries = new Uint32Array((slotMask + 1) * (L.ENTRY_BYTES / 4));
    for (let at = 0; at < entries.length; at += L.ENTRY_BYTES / 4) {
      entries[at] = L.KEY_NOTHING;
      entries[at + L.ENTRY_KEY1 / 4] = L.KEY_NOTHING;
    }
    let i = 0;
    for (const family of FAMILIES) {
      const rows = this.rows[family];
      const { bases } = this.endpoints[family];
      for (let number = 0; number < rows.length; number++, i++) {
        const at = (slots[i] as number) * (L.ENTRY_BYTES / 4);
        entries[at] = keys0[i] as number;
        entries[at + L.ENTRY_KEY1 / 4] = keys1[i] as number;
        this.writeRow(entries, at, rows[number] as PortRow, bases[number] as number);
      }
    }
    this.set(L.H_SEED, seed);
    this.set(L.H_BUCKET_MASK, bucketMask);
    this.set(L.H_SLOT_MASK, slotMask);
    this.set(L.H_PILOTS, this.sections.add(littleEndian(pilots)));
    this.set(L.H_ENTRIES, this.sections.add(littleEndian(entries)));
    const words = Uint32Array.from(this.extended.flatMap(extendedWords));
    this.addRoomy(L.H_EXTENDED, L.H_EXTENDED_COUNT, littleEndian(words), L.EXTENDED_BYTES);
    this.addRoomy(L.H_ALLOWED, L.H_ALLOWED_BYTES, littleEndian(Uint32Array.from(this.allowed)), 1);
    return slots;
  }

  /** Writes what an entry says about a row whose lists begin at `base`. */
  private writeRow(entries: Uint32Array, entry: number, row: PortRow, base: number): void {
    const first = row.lists[0]?.length ?? 0;
    const second = row.lists[1]?.length ?? 0;
    const third = row.lists[2]?.length ?? 0;
    const isWide = first > L.ROW1_COUNT_MASK || second > L.ROW1_COUNT_MASK || third > 0;
    if (!isWide && row.allowed === undefined) {
      const behaviour = this.codes.behaviour(row.behaviour, 0);
      entries[entry + L.ENTRY_ROW0 / 4] = base;
      entries[entry + L.ENTRY_ROW1 / 4] =
        first | (second << L.ROW1_SECOND_SHIFT) | (behaviour << L.ROW1_BEHAVIOUR_SHIFT);
      return;
    }
    const { at, count } = this.placeAllowed(row.allowed ?? []);
    const extra = L.CODE_EXTENDED | (row.allowed === undefined ? 0 : L.CODE_ALLOWED);
    entries[entry + L.ENTRY_ROW0 / 4] = this.extended.length;
    entries[entry + L.ENTRY_ROW1 / 4] = this.codes.behaviour(row.behaviour, extra) << L.ROW1_BEHAVIOUR_SHIFT;
    const fourth = row.lists[3]?.length ?? 0;
    this.extended.push({ base, first, second, third, fourth, allowedAt: at, allowedCount: count });
  }

  private placeAllowed(intervals: readonly Interval[]): { readonly at: number; readonly count: number } {
    let place = this.allowedPlaces.get(intervals);
    if (place === undefined) {
      place = { at: this.allowed.length * 4, count: intervals.length };
      this.allowedPlaces.set(intervals, place);
      for (const { from, to } of intervals)
        this.allowed.push(...hostWords(from as Address), ...hostWords(to as Address));
    }
    return place;
  }

  // --- destinations without rows -----------------------------------------------------------------------------------------

  private addDestinations(): void {
    const { blocks } = this.keys;
    this.addRecords(L.H_BLOCKS, L.H_BLOCK_COUNT, blocks, L.BLOCK_BYTES, (view, at, prefix) => {
      for (const [i, word] of hostWords((prefix << 32n) as Address)
        .slice(0, 3)
        .entries())
        view.setUint32(at + i * 4, word, false);
    });
    this.addLocal();
    for (const family of FAMILIES) this.addRegions(family);
    this.set(L.H_WINDOW_COUNT, this.windows.length);
    this.set(
      L.H_WINDOWS,
      this.sections.add(
        records(this.windows, L.WINDOW_BYTES, (view, at, window) => {
          view.setUint32(at + L.WINDOW_KEY0, window.key0, true);
          view.setUint32(at + L.WINDOW_BLOCK, window.block, true);
          view.setUint32(at + L.WINDOW_FIRST, window.first, true);
          view.setUint32(at + L.WINDOW_COUNT, window.count, true);
          view.setUint32(at + L.WINDOW_BITS, window.bitsAt, true);
          view.setUint32(at + L.WINDOW_UNSET, window.unset, true);
          view.setUint32(at + L.WINDOW_SET, window.set, true);
        }),
      ),
    );
  }

  private readonly windows: {
    readonly key0: number;
    readonly block: number;
    readonly first: number;
    readonly count: number;
    readonly bitsAt: number;
    readonly unset: number;
    readonly set: number;
  }[] = [];

  private addLocal(): void {
    const { families } = this.tabulation;
    const local = FAMILIES.flatMap((family) =>
      families[family].local.map(({ address, kind, hasRows }) => ({
        key0: this.keys.key0Of(address),
        block: this.keys.mustHaveBlock(address),
        kind: this.keys.ofKind(family, kind),
        hasRows,
      })),
    );
    const { factor, mask, places } = findLocalPlaces(local.map(({ key0, block }) => key0 + block));
    const words = new Uint32Array((mask + 1) * 2);
    for (let place = 0; place <= mask; place++) words[place * 2 + 1] = L.BLOCK_LOCAL << L.LOCAL_BLOCK_SHIFT;
    for (const [i, { key0, block, kind, hasRows }] of local.entries()) {
      if (kind > L.LOCAL_CLASS_MASK)
        throw new Unsupported(`more than ${L.LOCAL_CLASS_MASK + 1} kinds of local addresses`);
      words.set([key0, kind | (block << L.LOCAL_BLOCK_SHIFT) | (hasRows ? L.LOCAL_OWN : 0)], (places[i] as number) * 2);
    }
    this.set(L.H_LOCAL, this.sections.add(littleEndian(words)));
    this.set(L.H_LOCAL_MASK, mask);
    this.set(L.H_LOCAL_FACTOR, factor);
    this.addFolds(families.IPv6.local.map(({ address }) => fold6(address)));
    const kinds = FAMILIES.flatMap((family) => families[family].localClasses);
    this.addRecords(L.H_KINDS, L.H_KIND_COUNT, kinds, L.KIND_BYTES, (view, at, kind) => {
      view.setUint32(at, this.codes.defaultWord(kind.default), true);
    });
    this.set(L.H_LOCAL_DEFAULT4, this.commonDefault(families.IPv4.localClasses));
    this.set(L.H_LOCAL_DEFAULT6, this.commonDefault(families.IPv6.localClasses));
    this.set(L.H_KIND4_COUNT, families.IPv4.localClasses.length);
    const { loopback } = families.IPv4;
    invariant(loopback !== undefined, "the loopback block has a kind");
    this.set(L.H_LOOPBACK_CLASS, this.keys.ofKind("IPv4", loopback));
  }

  /** The default word that all `kinds` have. */
  private commonDefault(kinds: readonly LocalClass[]): number {
    const words = new Set(kinds.map((kind) => this.codes.defaultWord(kind.default)));
    const [word] = words;
    return words.size === 1 && word !== undefined ? word : L.NO_DEFAULT >>> 0;
  }

  private addFolds(all: readonly number[]): void {
    const folds = [...new Set(all)];
    const { factor, mask, places } = findLocalPlaces(folds);
    const words = Uint32Array.from({ length: mask + 1 }, (_, place) => elsewhere(place, factor, mask));
    for (const [i, fold] of folds.entries()) words[places[i] as number] = fold;
    this.set(L.H_FOLDS6, this.sections.add(littleEndian(words)));
    this.set(L.H_FOLDS6_MASK, mask);
    this.set(L.H_FOLDS6_FACTOR, factor);
  }

  private addRegions(family: Family): void {
    const plan = planRegions(
      this.tabulation.families[family],
      (address) => this.keys.blockOf(address),
      this.room !== EXACT,
    );
    for (const { from, count, block, bits, unset, set } of plan.windows) {
      const low = Number(BigInt(from) & 0xffffffffn);
      this.windows.push({
        key0: swap32((low & ~0xfffff) >>> 0),
        block,
        first: low & 0xfffff,
        count,
        bitsAt: this.sections.add(bits),
        unset: this.codes.defaultWord(unset),
        set: this.codes.defaultWord(set),
      });
    }
    const [offset, counts, size] =
      family === "IPv4"
        ? [L.H_REGIONS4, L.H_REGIONS4_COUNT, L.REGION4_BYTES]
        : [L.H_REGIONS6, L.H_REGIONS6_COUNT, L.REGION6_BYTES];
    this.addRecords(offset, counts, plan.regions, size, (view, at, region) => {
      const words = hostWords(region.from);
      for (const [i, word] of words.entries()) view.setUint32(at + i * 4, word, true);
      view.setUint32(at + words.length * 4, this.codes.defaultWord(region), true);
    });
    const other = plan.other === undefined ? L.NO_DEFAULT >>> 0 : this.codes.defaultWord(plan.other);
    this.set(family === "IPv4" ? L.H_OTHER4 : L.H_OTHER6, other);
  }

  // --- sources, endpoints, answers ---------------------------------------------------------------------------------------

  private addSources(): void {
    const { IPv4, IPv6 } = this.tabulation.families;
    const write = (view: DataView, at: number, { address, length }: Prefix): void => {
      const words = hostWords(address);
      for (const [i, word] of words.entries()) {
        const covered = Math.min(32, Math.max(0, length - i * 32));
        const mask = covered === 0 ? 0 : (0xffffffff << (32 - covered)) >>> 0;
        view.setUint32(at + i * 4, word, false);
        view.setUint32(at + (words.length + i) * 4, mask, false);
      }
    };
    this.addRecords(L.H_DETECTED4, L.H_DETECTED4_COUNT, prefixesOf(IPv4.detected), L.PREFIX4_BYTES, write);
    this.addRecords(L.H_DETECTED6, L.H_DETECTED6_COUNT, prefixesOf(IPv6.detected), L.PREFIX6_BYTES, write);
  }

  /** The records are written by `writeEndpoints`: there are too many of them to write them twice. */
  private addEndpoints(): void {
    for (const family of FAMILIES) {
      const { count, identities } = this.endpoints[family];
      const places = ENDPOINT_PLACES[family];
      this.set(places.records, this.sections.reserve(count * places.bytes));
      this.set(places.count, count);
      this.set(places.fingers, this.sections.reserve(count));
      this.set(places.identities, this.sections.add(littleEndian(identities)));
      this.set(places.identityCount, identities.length);
    }
  }

  private writeEndpoints(table: Uint8Array): void {
    for (const family of FAMILIES) {
      const { records: recordsAt, fingers: fingersAt, bytes } = ENDPOINT_PLACES[family];
      const endpoints = this.endpoints[family];
      const fingers = table.subarray(this.header.get(fingersAt), (this.header.get(fingersAt) ?? 0) + endpoints.count);
      const records = new Uint32Array(table.buffer, this.header.get(recordsAt), (endpoints.count * bytes) / 4);
      if (family === "IPv4") endpoints.write4(records, fingers);
      else endpoints.write6(records, fingers);
      littleEndian(records);
    }
  }

  /** After everything else: by then it is known which behaviours there are. */
  private addCodes(): void {
    this.set(L.H_CODES, this.sections.add(littleEndian(this.codes.ofBehaviours(this.tabulation))));
    this.set(L.H_BEHAVIOUR_COUNT, this.codes.count);
    this.set(L.H_TREATMENTS, this.sections.add(littleEndian(this.codes.ofTreatments(this.tabulation))));
    this.set(L.H_TREATMENT_COUNT, this.tabulation.endpointTreatments.length);
  }
}

/** The share of slots that is taken where there is room: new rows find a place after some tries. */
const ROOMY_LOAD = 0.75;
const MAX_ROWS = Math.floor(2 ** L.MAX_SLOT_BITS * 0.96);
