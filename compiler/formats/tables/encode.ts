/** From a tabulation to the bytes that the engine reads (assembly/layout.ts has the layout). */
import * as L from "../../../assembly/layout.ts";
import { invariant } from "../../invariant.ts";
import { intervalAsPrefix } from "../../ir/interval.ts";
import type { Interval } from "../../ir/types.ts";
import { type Address, FAMILIES, type Family } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import type {
  AddressRow,
  Answer,
  Default,
  Fate,
  LocalKind,
  PortRow,
  Tabulation,
  Treatment,
} from "../../tabulate/types.ts";
import { checksumOf, littleEndian, records, Sections, swap16, swap32 } from "./bytes.ts";
import { Endpoints } from "./endpoints.ts";
import { type Key, Keys } from "./keys.ts";
import { TableLimit } from "./limit.ts";
import { elsewhere, findLocalPlaces } from "./local-places.ts";
import { printNames } from "./names.ts";
import { buildPerfectHash } from "./perfect-hash.ts";
import { planRegions } from "./regions.ts";
import { REJECTS, VERDICTS } from "./words.ts";

/** The table of `tabulation`. `source` names what it was made from. Throws `TableLimit`. */
export function encodeTable(tabulation: Tabulation, source: string): Uint8Array {
  return new Encoder(tabulation, source).encode();
}

/** A row with its key. */
interface KeyedRow {
  readonly key: Key;
  readonly row: PortRow;
  readonly family: Family;
}

interface Extended {
  readonly base: number;
  readonly first: number;
  readonly second: number;
  readonly allowedAt: number;
  readonly allowedCount: number;
}

class Encoder {
  private readonly tabulation: Tabulation;
  private readonly source: string;
  private readonly keys: Keys;
  private readonly endpoints: Readonly<Record<Family, Endpoints>>;
  private readonly sections = new Sections(L.HEADER_BYTES);
  private readonly header = new Map<number, number>();
  /** Behaviours as the engine numbers them: extended rows have some of their own. */
  private readonly behaviours: { readonly number: number; readonly extra: number }[] = [];
  private readonly behaviourNumbers = new Map<string, number>();
  private readonly reasons = new Map<string, number>();
  private readonly extended: Extended[] = [];
  private readonly allowed: number[] = [];
  private readonly allowedPlaces = new Map<readonly Interval[], { readonly at: number; readonly count: number }>();

  constructor(tabulation: Tabulation, source: string) {
    this.tabulation = tabulation;
    this.source = source;
    this.keys = new Keys(tabulation);
    const lists = (family: Family): Endpoints => {
      const { rows, localKinds } = tabulation.families[family];
      const all = [...rows, ...localKinds.flatMap((kind) => kind.rows)].map((row) => row.lists);
      return new Endpoints(all);
    };
    this.endpoints = { IPv4: lists("IPv4"), IPv6: lists("IPv6") };
  }

  encode(): Uint8Array {
    const rows = this.keyedRows();
    const slots = this.addRows(rows);
    this.addDestinations();
    this.addSources();
    this.addEndpoints();
    this.addCodes();
    const sticky = rows.flatMap(({ row }, i) =>
      row.stickySeconds === undefined ? [] : [{ slot: slots[i] as number, seconds: row.stickySeconds }],
    );
    this.addRecords(
      L.H_TIMEOUTS,
      L.H_TIMEOUT_COUNT,
      sticky.sort((a, b) => a.slot - b.slot),
      L.TIMEOUT_BYTES,
      (view, at, { slot, seconds }) => {
        view.setUint32(at, slot, true);
        view.setUint32(at + 4, seconds, true);
      },
    );
    const labels = rows.map(({ row }, i): [number, string] => [slots[i] as number, row.label]);
    const names = printNames({
      source: this.source,
      interfaces: this.tabulation.interfaces,
      reasons: [...this.reasons.keys()],
      labels: labels.sort(([a], [b]) => a - b),
    });
    this.set(L.H_NAMES, this.sections.add(names));
    this.set(L.H_NAMES_LENGTH, names.length);
    return this.finish();
  }

  private set(word: number, value: number): void {
    this.header.set(word, value);
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
    const view = new DataView(bytes.buffer);
    this.set(L.H_MAGIC, L.MAGIC);
    this.set(L.H_VERSION, L.LAYOUT_VERSION);
    this.set(L.H_LENGTH, bytes.length);
    this.set(L.H_INTERFACE_KIND_COUNT, this.tabulation.interfaces.matches.length);
    for (const [at, value] of this.header) view.setUint32(at, value, true);
    view.setUint32(L.H_CHECKSUM, checksumOf(bytes, L.H_SEED), true);
    return bytes;
  }

  // --- rows ------------------------------------------------------------------------------------------------------------

  private keyedRows(): KeyedRow[] {
    return FAMILIES.flatMap((family) => {
      const { rows, localKinds } = this.tabulation.families[family];
      return [
        ...rows.map((row: AddressRow): KeyedRow => ({ key: this.keys.ofAddress(row.address), row, family })),
        ...localKinds.flatMap((kind, i) =>
          kind.rows.map((row): KeyedRow => ({ key: this.keys.ofKind(family, i), row, family })),
        ),
      ];
    });
  }

  /** Gives the slot of each row. */
  private addRows(rows: readonly KeyedRow[]): Uint32Array {
    const keys0 = Uint32Array.from(rows, ({ key }) => key.key0);
    const keys1 = Uint32Array.from(
      rows,
      ({ key, row }) =>
        (swap16(row.port) | (row.protocol << L.KEY1_PROTOCOL_SHIFT) | (key.block << L.KEY1_BLOCK_SHIFT)) >>> 0,
    );
    if (rows.length > MAX_ROWS) throw new TableLimit(`more than ${MAX_ROWS} destinations`);
    const { seed, bucketMask, slotMask, pilots, slots } = buildPerfectHash(keys0, keys1);
    const entries = new Uint32Array((slotMask + 1) * (L.ENTRY_BYTES / 4));
    for (let slot = 0; slot <= slotMask; slot++) entries.set([L.KEY_NOTHING, L.KEY_NOTHING, 0, 0], slot * 4);
    for (const [i, { row, family }] of rows.entries()) {
      const at = (slots[i] as number) * 4;
      entries.set([keys0[i] as number, keys1[i] as number, ...this.rowWords(row, family)], at);
    }
    this.set(L.H_SEED, seed);
    this.set(L.H_BUCKET_MASK, bucketMask);
    this.set(L.H_SLOT_MASK, slotMask);
    this.set(L.H_PILOTS, this.sections.add(littleEndian(pilots)));
    this.set(L.H_ENTRIES, this.sections.add(littleEndian(entries)));
    this.addRecords(L.H_EXTENDED, L.H_EXTENDED_COUNT, this.extended, L.EXTENDED_BYTES, (view, at, extended) => {
      view.setUint32(at + L.EXTENDED_BASE, extended.base, true);
      view.setUint32(at + L.EXTENDED_FIRST, extended.first, true);
      view.setUint32(at + L.EXTENDED_SECOND, extended.second, true);
      view.setUint32(at + L.EXTENDED_ALLOWED, extended.allowedAt, true);
      view.setUint32(at + L.EXTENDED_ALLOWED_COUNT, extended.allowedCount, true);
    });
    this.set(L.H_ALLOWED, this.sections.add(littleEndian(Uint32Array.from(this.allowed))));
    this.set(L.H_ALLOWED_BYTES, this.allowed.length * 4);
    return slots;
  }

  private rowWords(row: PortRow, family: Family): [number, number] {
    const { base, counts } = this.endpoints[family].place(row.lists);
    const [first, second] = counts;
    const isWide = first > L.ROW1_COUNT_MASK || second > L.ROW1_COUNT_MASK;
    if (!isWide && row.allowed === undefined) {
      const behaviour = this.behaviour(row.behaviour, 0);
      return [base, (first | (second << L.ROW1_SECOND_SHIFT) | (behaviour << L.ROW1_BEHAVIOUR_SHIFT)) >>> 0];
    }
    const { at, count } = this.placeAllowed(row.allowed ?? []);
    this.extended.push({ base, first, second, allowedAt: at, allowedCount: count });
    const extra = L.CODE_EXTENDED | (row.allowed === undefined ? 0 : L.CODE_ALLOWED);
    return [this.extended.length - 1, (this.behaviour(row.behaviour, extra) << L.ROW1_BEHAVIOUR_SHIFT) >>> 0];
  }

  /** The engine's number of a behaviour whose codes have the bits `extra` set. */
  private behaviour(number: number, extra: number): number {
    const text = `${number} ${extra}`;
    let found = this.behaviourNumbers.get(text);
    if (found === undefined) {
      found = this.behaviours.push({ number, extra }) - 1;
      if (found >= L.MAX_BEHAVIOURS) throw new TableLimit(`more than ${L.MAX_BEHAVIOURS} ways to treat packets`);
      this.behaviourNumbers.set(text, found);
    }
    return found;
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
      for (const [i, word] of wordsOf(prefix << 32n, 3).entries()) view.setUint32(at + i * 4, word, false);
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
        ...this.keys.ofAddress(address),
        kind: this.keys.ofKind(family, kind).key0,
        hasRows,
      })),
    );
    const { factor, mask, places } = findLocalPlaces(local.map(({ key0, block }) => key0 + block));
    const words = new Uint32Array((mask + 1) * 2);
    for (let place = 0; place <= mask; place++) words[place * 2 + 1] = L.BLOCK_LOCAL << L.LOCAL_BLOCK_SHIFT;
    for (const [i, { key0, block, kind, hasRows }] of local.entries()) {
      if (kind > L.LOCAL_KIND_MASK) throw new TableLimit(`more than ${L.LOCAL_KIND_MASK + 1} kinds of local addresses`);
      words.set([key0, kind | (block << L.LOCAL_BLOCK_SHIFT) | (hasRows ? L.LOCAL_OWN : 0)], (places[i] as number) * 2);
    }
    this.set(L.H_LOCAL, this.sections.add(littleEndian(words)));
    this.set(L.H_LOCAL_MASK, mask);
    this.set(L.H_LOCAL_FACTOR, factor);
    this.addFolds(families.IPv6.local.map(({ address }) => fold6(address)));
    const kinds = FAMILIES.flatMap((family) => families[family].localKinds);
    this.addRecords(L.H_KINDS, L.H_KIND_COUNT, kinds, L.KIND_BYTES, (view, at, kind) => {
      view.setUint32(at, this.defaultWord(kind.default), true);
    });
    this.set(L.H_LOCAL_DEFAULT4, this.commonDefault(families.IPv4.localKinds));
    this.set(L.H_LOCAL_DEFAULT6, this.commonDefault(families.IPv6.localKinds));
    this.set(L.H_KIND4_COUNT, families.IPv4.localKinds.length);
    const { loopback } = families.IPv4;
    invariant(loopback !== undefined, "the loopback block has a kind");
    this.set(L.H_LOOPBACK_KIND, this.keys.ofKind("IPv4", loopback).key0);
  }

  /** The default word that all `kinds` have. */
  private commonDefault(kinds: readonly LocalKind[]): number {
    const words = new Set(kinds.map((kind) => this.defaultWord(kind.default)));
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
    const plan = planRegions(this.tabulation.families[family], (address) => this.keys.blockOf(address));
    for (const { from, count, block, bits, unset, set } of plan.windows) {
      const low = Number(BigInt(from) & 0xffffffffn);
      this.windows.push({
        key0: swap32((low & ~0xfffff) >>> 0),
        block,
        first: low & 0xfffff,
        count,
        bitsAt: this.sections.add(bits),
        unset: this.defaultWord(unset),
        set: this.defaultWord(set),
      });
    }
    const [offset, counts, size] =
      family === "IPv4"
        ? [L.H_REGIONS4, L.H_REGIONS4_COUNT, L.REGION4_BYTES]
        : [L.H_REGIONS6, L.H_REGIONS6_COUNT, L.REGION6_BYTES];
    this.addRecords(offset, counts, plan.regions, size, (view, at, region) => {
      const words = hostWords(region.from);
      for (const [i, word] of words.entries()) view.setUint32(at + i * 4, word, true);
      view.setUint32(at + words.length * 4, this.defaultWord(region), true);
    });
    const other = plan.other === undefined ? L.NO_DEFAULT >>> 0 : this.defaultWord(plan.other);
    this.set(family === "IPv4" ? L.H_OTHER4 : L.H_OTHER6, other);
  }

  private defaultWord({ new: fresh, invalid, untracked }: Default): number {
    return (
      this.behaviour(fresh, 0) |
      (this.behaviour(invalid, 0) << L.DEFAULT_INVALID_SHIFT) |
      (this.behaviour(untracked, 0) << L.DEFAULT_UNTRACKED_SHIFT)
    );
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

  private addEndpoints(): void {
    for (const family of FAMILIES) {
      const { all, identities } = this.endpoints[family];
      const four = family === "IPv4";
      const portAt = four ? L.ENDPOINT4_PORT : L.ENDPOINT6_PORT;
      this.addRecords(
        four ? L.H_ENDPOINTS4 : L.H_ENDPOINTS6,
        four ? L.H_ENDPOINTS4_COUNT : L.H_ENDPOINTS6_COUNT,
        all,
        four ? L.ENDPOINT4_BYTES : L.ENDPOINT6_BYTES,
        (view, at, { address, port, fate }) => {
          for (const [i, word] of hostWords(address).entries()) view.setUint32(at + i * 4, word, false);
          view.setUint16(at + portAt, port, true);
          view.setUint16(at + portAt + 2, fate === undefined ? 0 : fate + 1, true);
        },
      );
      this.set(
        four ? L.H_FINGERS4 : L.H_FINGERS6,
        this.sections.add(Uint8Array.from(all, ({ address }) => Math.imul(foldOf(address), L.HASH_A) >>> 24)),
      );
      this.addRecords(
        four ? L.H_IDENTITIES4 : L.H_IDENTITIES6,
        four ? L.H_IDENTITIES4_COUNT : L.H_IDENTITIES6_COUNT,
        identities,
        4,
        (view, at, identity) => view.setUint32(at, identity, true),
      );
    }
  }

  /** After everything else: by then it is known which behaviours there are. */
  private addCodes(): void {
    const { behaviours, fates, interfaces } = this.tabulation;
    const kinds = interfaces.matches.map((_, i) => i);
    const codes = kinds.flatMap((kind) =>
      this.behaviours.flatMap(({ number, extra }) =>
        (behaviours[number]?.[kind] ?? []).map((answer) => (this.code(answer) | extra) >>> 0),
      ),
    );
    this.set(L.H_CODES, this.sections.add(littleEndian(Uint32Array.from(codes))));
    this.set(L.H_BEHAVIOUR_COUNT, this.behaviours.length);
    const fateCodes = kinds.flatMap((kind) =>
      fates.flatMap((fate: Fate) => (fate[kind] ?? []).map((answer) => this.code({ ...answer, reasons: [] }))),
    );
    if (fates.length > MAX_FATES) throw new TableLimit(`more than ${MAX_FATES} fates of endpoints`);
    this.set(L.H_FATES, this.sections.add(littleEndian(Uint32Array.from(fateCodes))));
    this.set(L.H_FATE_COUNT, fates.length);
  }

  private code({ list, asksEndpoint, sticky, hairpin, reasons, ...plain }: Answer): number {
    const reason = reasons.join("; ");
    const number = this.reasons.get(reason) ?? this.reasons.size;
    this.reasons.set(reason, number);
    if (number >= MAX_REASONS) throw new TableLimit(`more than ${MAX_REASONS} reasons`);
    return (
      (treatmentBits(plain) |
        (hairpin === undefined ? 0 : L.CODE_HAIRPIN | (treatmentBits(hairpin) << L.CODE_HAIRPIN_SHIFT)) |
        (list === 1 ? L.CODE_SECOND : 0) |
        (asksEndpoint ? L.CODE_ASK_ENDPOINT : 0) |
        (sticky ? L.STICKY : 0) |
        (number << L.CODE_REASON_SHIFT)) >>>
      0
    );
  }
}

const MAX_ROWS = Math.floor(2 ** L.MAX_SLOT_BITS * 0.96);
const MAX_FATES = 0xfffe;
const MAX_REASONS = 2 ** (32 - L.CODE_REASON_SHIFT);

function treatmentBits({ verdict, rejectWith, masquerade }: Treatment): number {
  const reject = rejectWith === undefined ? 0 : REJECTS.indexOf(rejectWith) << L.REJECT_SHIFT;
  return VERDICTS[verdict] | reject | (masquerade ? L.MASQUERADE : 0);
}

/** The intervals as prefixes. */
function prefixesOf(intervals: readonly Interval[]): Prefix[] {
  return intervals.flatMap(({ from, to }) =>
    typeof from === "bigint"
      ? [...cut(from, to as bigint, 128)].map(([a, b]) => asPrefix({ from: a, to: b }, "ipv6_addr"))
      : [...cut(BigInt(from), BigInt(to), 32)].map(([a, b]) =>
          asPrefix({ from: Number(a), to: Number(b) }, "ipv4_addr"),
        ),
  );
}

function asPrefix(interval: Interval, type: "ipv4_addr" | "ipv6_addr"): Prefix {
  const prefix = intervalAsPrefix(interval, type);
  invariant(prefix !== undefined, "the piece is a prefix");
  return prefix;
}

/** The largest aligned pieces from `from` to `to`, both included. */
function* cut(from: bigint, to: bigint, bits: number): Generator<[bigint, bigint]> {
  for (let at = from; at <= to; ) {
    let length = bits;
    while (length > 0) {
      const size = 1n << BigInt(bits - length + 1);
      if (at % size !== 0n || at + size - 1n > to) break;
      length--;
    }
    const size = 1n << BigInt(bits - length);
    yield [at, at + size - 1n];
    at += size;
  }
}

/** An address in words of host order, highest first. */
function hostWords(address: Address): number[] {
  return typeof address === "number" ? [address] : wordsOf(address, 4);
}

function wordsOf(address: bigint, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Number((address >> BigInt(96 - i * 32)) & 0xffffffffn));
}

/** An address as one word, as the engine folds it. */
function foldOf(address: Address): number {
  return typeof address === "number" ? swap32(address) : fold6(address);
}

function fold6(address: Address): number {
  const [a, b, c, d] = hostWords(address).map(swap32) as [number, number, number, number];
  return ((d + Math.imul(a ^ Math.imul(b, L.HASH_B), L.HASH_A)) ^ c) >>> 0;
}
