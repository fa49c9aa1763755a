/** A table that is patched as Services come, change and go. */
import * as L from "../../../assembly/layout.ts";
import type { Interval } from "../../ir/types.ts";
import { Unsupported } from "../../ir/unsupported.ts";
import { type Address, FAMILIES, type Family } from "../../net/address.ts";
import type { FamilyPart, TablePart } from "../../tabulate/part.ts";
import type {
  AddressRange,
  Behaviour,
  EndpointTreatment,
  PortRow,
  RowEndpoints,
  Tabulation,
} from "../../tabulate/types.ts";
import { hostWords } from "./address-words.ts";
import { swap16, swap32 } from "./bytes.ts";
import { Codes } from "./codes.ts";
import { encodeWithRoom } from "./encode.ts";
import { isSticky, recordsOf } from "./endpoints.ts";
import { HashWriter } from "./hash-writer.ts";
import { secondsWord } from "./labels.ts";
import { writePatch } from "./patch.ts";
import { ENDPOINT_PLACES, extendedWords } from "./places.ts";
import { Area } from "./room.ts";
import { TableView } from "./view.ts";
import { WordWriter } from "./writer.ts";

export class LiveTable {
  private readonly table: WordWriter;
  private readonly hash: HashWriter;
  private readonly view: TableView;
  private readonly codes: Codes;
  /** Numbers of behaviours and of treatments, by their codes. */
  private readonly behaviours: ReadonlyMap<string, number>;
  private readonly treatments: ReadonlyMap<string, number>;
  private readonly blocks: ReadonlyMap<bigint, number>;
  private readonly windows: readonly Window[];
  private readonly endpoints: Readonly<Record<Family, { readonly sticky: Area; readonly plain: Area }>>;
  private readonly extended: Area;
  private readonly allowed: Area;
  private readonly labels: Area;
  /** Where sources are that patches have brought, by their words: Services often have the same. */
  private readonly allowedPlaces = new Map<string, number>();
  /** What clients are remembered by in the table: a number that is there already may have to be another one. */
  private readonly identities: Readonly<Record<Family, Set<number>>>;
  private readonly encoder = new TextEncoder();

  /** Throws `Unsupported`. */
  constructor(tabulation: Tabulation, source: string) {
    const { bytes, endpoints, extended, allowed, labels } = encodeWithRoom(tabulation, source);
    this.table = new WordWriter(bytes);
    this.view = new TableView(bytes);
    this.hash = new HashWriter(this.table);
    const areasOf = (family: Family) => ({
      sticky: new Area(endpoints[family].sticky),
      plain: new Area(endpoints[family].plain),
    });
    this.endpoints = { IPv4: areasOf("IPv4"), IPv6: areasOf("IPv6") };
    this.extended = new Area(extended);
    this.allowed = new Area(allowed);
    this.labels = new Area(labels);
    this.identities = { IPv4: this.identitiesOf("IPv4"), IPv6: this.identitiesOf("IPv6") };
    this.codes = new Codes(this.view.names.reasons);
    this.behaviours = this.numbersByCodes(L.H_CODES, L.H_BEHAVIOUR_COUNT);
    this.treatments = this.numbersByCodes(L.H_TREATMENTS, L.H_TREATMENT_COUNT);
    this.blocks = new Map(
      Array.from({ length: this.table.word(L.H_BLOCK_COUNT) }, (_, i): [bigint, number] => {
        const at = this.table.word(L.H_BLOCKS) + i * L.BLOCK_BYTES;
        return [BigInt(this.view.address(at, "IPv6")) >> 32n, i + 1];
      }),
    );
    this.windows = Array.from({ length: this.table.word(L.H_WINDOW_COUNT) }, (_, i) => this.windowAt(i));
  }

  /** The table as it is now. It changes with each patch. */
  get bytes(): Uint8Array {
    return this.table.bytes;
  }

  /** Puts `after` in the place of `before`: gives the patch, or undefined where the table has to be made anew. Then this one is not to
   *  be used any more. */
  replace(before: TablePart, after: TablePart): Uint8Array | undefined {
    const from = this.table.word(L.H_CHECKSUM);
    try {
      if (!FAMILIES.every((family) => this.drop(before.families[family], family))) return undefined;
      if (!this.put(after)) return undefined;
    } catch (error) {
      if (error instanceof Unsupported) return undefined;
      throw error;
    }
    return writePatch(this.table.bytes, from, this.table.take());
  }

  private identitiesOf(family: Family): Set<number> {
    const { identities, identityCount } = ENDPOINT_PLACES[family];
    const at = this.table.word(identities);
    return new Set(Array.from({ length: this.table.word(identityCount) }, (_, i) => this.table.word(at + i * 4)));
  }

  private numbersByCodes(section: number, countAt: number): Map<string, number> {
    const count = this.table.word(countAt);
    const numbers = new Map<string, number>();
    for (let number = 0; number < count; number++) {
      let text = "";
      for (let kind = 0; kind < this.table.word(L.H_INTERFACE_CLASS_COUNT); kind++) {
        const at = this.table.word(section) + ((kind * count + number) << L.CODES_SHIFT);
        for (let word = at; word < at + (1 << L.CODES_SHIFT); word += 4) text += `${this.table.word(word)} `;
      }
      if (!numbers.has(text)) numbers.set(text, number);
    }
    return numbers;
  }

  // --- rows that go ----------------------------------------------------------------------------------------------------

  /** False where the table does not have what was said to be in it. */
  private drop(part: FamilyPart, family: Family): boolean {
    const { rows, local, points } = part;
    for (const identity of identitiesIn(part)) this.identities[family].delete(identity);
    return (
      rows.every((row) => this.dropRow(this.keyOf(row.address), row, family)) &&
      local.every(({ localClass, row }) => this.dropRow(this.keyOfClass(localClass, family), row, family)) &&
      points.every((point) => this.setPoint(point, false, undefined))
    );
  }

  private dropRow(key: RowKey | undefined, { protocol, port, label }: PortRow, family: Family): boolean {
    const slot = key && this.hash.find(key.key0, key1Of(protocol, port, key.block));
    if (slot === undefined || this.view.label(slot) !== label) return false;
    const entry = this.hash.entryAt(slot);
    const row0 = this.table.word(entry + L.ENTRY_ROW0);
    const row1 = this.table.word(entry + L.ENTRY_ROW1);
    if (this.isExtended(row1 >>> L.ROW1_BEHAVIOUR_SHIFT)) {
      const record = this.table.word(L.H_EXTENDED) + row0 * L.EXTENDED_BYTES;
      this.releaseEndpoints(
        this.table.word(record + L.EXTENDED_BASE),
        this.table.word(record + L.EXTENDED_FIRST),
        family,
      );
      const allowedAt = this.table.word(record + L.EXTENDED_ALLOWED);
      if (this.table.word(record + L.EXTENDED_ALLOWED_COUNT) > 0 && this.allowed.release(allowedAt))
        for (const [text, at] of this.allowedPlaces) if (at === allowedAt) this.allowedPlaces.delete(text);
      this.extended.release(row0);
    } else this.releaseEndpoints(row0, row1 & L.ROW1_COUNT_MASK, family);
    const about = this.hash.aboutRecord(slot);
    if (this.table.word(about + L.ABOUT_LABEL_LENGTH) > 0) this.labels.release(this.table.word(about + L.ABOUT_LABEL));
    this.hash.remove(slot);
    return true;
  }

  /** The first list has an endpoint where there is a list. */
  private releaseEndpoints(base: number, first: number, family: Family): void {
    if (first === 0) return;
    this.endpoints[family].sticky.release(base);
    this.endpoints[family].plain.release(base);
  }

  private isExtended(behaviour: number): boolean {
    return (this.table.word(this.table.word(L.H_CODES) + (behaviour << L.CODES_SHIFT)) & L.CODE_EXTENDED) !== 0;
  }

  // --- rows that come --------------------------------------------------------------------------------------------------

  /** False where there is no room. */
  private put(part: TablePart): boolean {
    const placed = new Placed();
    return FAMILIES.every((family) => {
      const { rows, local, points } = part.families[family];
      const identities = identitiesIn(part.families[family]);
      for (const identity of identities) if (this.identities[family].has(identity)) return false;
      for (const identity of identities) this.identities[family].add(identity);
      const put = (key: RowKey | undefined, row: PortRow): boolean =>
        key !== undefined && this.putRow(key, row, family, part, placed);
      return (
        rows.every((row) => put(this.keyOf(row.address), row)) &&
        local.every(({ localClass, row }) => put(this.keyOfClass(localClass, family), row)) &&
        points.every((point) => this.setPoint(point, true, part))
      );
    });
  }

  private putRow({ key0, block }: RowKey, row: PortRow, family: Family, part: TablePart, placed: Placed): boolean {
    const key1 = key1Of(row.protocol, row.port, block);
    if (this.hash.find(key0, key1) !== undefined) return false;
    const words = this.rowWords(row, family, part, placed);
    const label = this.encoder.encode(row.label);
    const labelAt = placed.of("label", [row.label], this.labels, label.length, (at) =>
      this.setBytes(this.table.word(L.H_LABELS) + at, label),
    );
    if (words === undefined || labelAt === undefined) return false;
    return this.hash.add([key0, key1, ...words], [labelAt, label.length, secondsWord(row.stickySeconds)]);
  }

  /** The two words of an entry that say what its row gets. */
  private rowWords(row: PortRow, family: Family, part: TablePart, placed: Placed): [number, number] | undefined {
    const [first = 0, second = 0, third = 0, fourth = 0] = row.lists.map(({ length }) => length);
    const isWide = first > L.ROW1_COUNT_MASK || second > L.ROW1_COUNT_MASK || third > 0;
    const base = this.placeEndpoints(row, family, part, placed);
    if (base === undefined) return undefined;
    if (!isWide && row.allowed === undefined) {
      const behaviour = this.behaviourOf(part, row.behaviour, 0);
      if (behaviour === undefined) return undefined;
      return [base, first | (second << L.ROW1_SECOND_SHIFT) | (behaviour << L.ROW1_BEHAVIOUR_SHIFT)];
    }
    const extra = L.CODE_EXTENDED | (row.allowed === undefined ? 0 : L.CODE_ALLOWED);
    const behaviour = this.behaviourOf(part, row.behaviour, extra);
    const allowed = row.allowed ?? [];
    const allowedAt = allowed.length === 0 ? 0 : this.placeAllowed(allowed);
    const number = this.extended.take(1);
    if (behaviour === undefined || allowedAt === undefined || number === undefined) return undefined;
    const record = { base, first, second, third, fourth, allowedAt, allowedCount: allowed.length };
    this.setWords(this.table.word(L.H_EXTENDED) + number * L.EXTENDED_BYTES, extendedWords(record));
    return [number, behaviour << L.ROW1_BEHAVIOUR_SHIFT];
  }

  private placeEndpoints({ lists }: PortRow, family: Family, part: TablePart, placed: Placed): number | undefined {
    const all = lists.flat();
    if (all.length === 0) return 0;
    const keeps = isSticky(all) === 1;
    const area = this.endpoints[family][keeps ? "sticky" : "plain"];
    return placed.of(family, lists, area, all.length, (base) => this.writeEndpoints(all, base, family, part, keeps));
  }

  private writeEndpoints(list: RowEndpoints, base: number, family: Family, part: TablePart, keeps: boolean): void {
    const { records: recordsAt, bytes, fingers: fingersAt, identities } = ENDPOINT_PLACES[family];
    const numbered = list.map((endpoint) => ({
      ...endpoint,
      endpointTreatment:
        endpoint.endpointTreatment === undefined ? undefined : this.treatmentOf(part, endpoint.endpointTreatment),
    }));
    const { records, fingers } = recordsOf(numbered, family);
    this.setWords(this.table.word(recordsAt) + base * bytes, records);
    this.setBytes(this.table.word(fingersAt) + base, fingers);
    if (!keeps) return;
    for (const [i, { identity }] of list.entries())
      this.table.setWord(this.table.word(identities) + (base + i) * 4, identity);
  }

  private placeAllowed(intervals: readonly Interval[]): number | undefined {
    const words = intervals.flatMap(({ from, to }) => [...hostWords(from as Address), ...hostWords(to as Address)]);
    const text = words.join();
    const known = this.allowedPlaces.get(text);
    if (known !== undefined) {
      this.allowed.share(known);
      return known;
    }
    const at = this.allowed.take(words.length * 4);
    if (at === undefined) return undefined;
    this.setWords(this.table.word(L.H_ALLOWED) + at, words);
    this.allowedPlaces.set(text, at);
    return at;
  }

  private setBytes(at: number, bytes: Uint8Array): void {
    for (const [i, byte] of bytes.entries()) this.table.setByte(at + i, byte);
  }

  private setWords(at: number, words: Iterable<number>): void {
    let place = at;
    for (const word of words) {
      this.table.setWord(place, word);
      place += 4;
    }
  }

  // --- numbers ---------------------------------------------------------------------------------------------------------

  /** The table's number of a behaviour; undefined when it has none like it. */
  private behaviourOf({ behaviours }: TablePart, number: number, extra: number): number | undefined {
    const codes = (behaviours[number] as Behaviour).flatMap((answers) => this.codes.codesOf(answers, extra));
    return this.behaviours.get(codes.map((code) => `${code} `).join(""));
  }

  /** Likewise. Throws `Unsupported`. */
  private treatmentOf({ endpointTreatments }: TablePart, number: number): number {
    const codes = (endpointTreatments[number] as EndpointTreatment).flatMap((each) => this.codes.treatmentCodes(each));
    const found = this.treatments.get(codes.map((code) => `${code >>> 0} `).join(""));
    if (found === undefined) throw new Unsupported("a new treatment of endpoints");
    return found;
  }

  private keyOf(address: Address): RowKey | undefined {
    const block = this.blockOf(address);
    return block === undefined ? undefined : { key0: swap32(lastWord(address)), block };
  }

  private blockOf(address: Address): number | undefined {
    return typeof address === "number" ? L.BLOCK_IPV4 : this.blocks.get(address >> 32n);
  }

  private keyOfClass(localClass: number, family: Family): RowKey {
    const first = family === "IPv4" ? 0 : this.table.word(L.H_KIND4_COUNT);
    return { key0: first + localClass, block: L.BLOCK_LOCAL };
  }

  // --- points ----------------------------------------------------------------------------------------------------------

  private windowAt(number: number): Window {
    const at = this.table.word(L.H_WINDOWS) + number * L.WINDOW_BYTES;
    const word = (offset: number): number => this.table.word(at + offset);
    return {
      block: word(L.WINDOW_BLOCK),
      start: swap32(word(L.WINDOW_KEY0)),
      first: word(L.WINDOW_FIRST),
      count: word(L.WINDOW_COUNT),
      bitsAt: word(L.WINDOW_BITS),
      set: word(L.WINDOW_SET),
    };
  }

  /** Sets or clears an address's bit; `part`: whose default the address gets. False where no window has it, or it is so already. */
  private setPoint(point: AddressRange, isSet: boolean, part: TablePart | undefined): boolean {
    const block = this.blockOf(point.from);
    const word = lastWord(point.from);
    const low = word & WINDOW_LOW;
    const window = this.windows.find(
      (each) =>
        each.block === block &&
        each.start === (word & ~WINDOW_LOW) >>> 0 &&
        low >= each.first &&
        low < each.first + each.count,
    );
    if (window === undefined || (part !== undefined && this.defaultWord(point, part) !== window.set)) return false;
    const bit = low - window.first;
    const at = window.bitsAt + (bit >>> 3);
    const byte = this.table.bytes[at] as number;
    const mask = 1 << (bit & 7);
    if (((byte & mask) !== 0) === isSet) return false;
    this.table.setByte(at, byte ^ mask);
    return true;
  }

  private defaultWord({ new: fresh, invalid, untracked }: AddressRange, part: TablePart): number | undefined {
    const [a, b, c] = [fresh, invalid, untracked].map((number) => this.behaviourOf(part, number, 0));
    if (a === undefined || b === undefined || c === undefined) return undefined;
    return a | (b << L.DEFAULT_INVALID_SHIFT) | (c << L.DEFAULT_UNTRACKED_SHIFT);
  }
}

function identitiesIn({ rows, local }: FamilyPart): Set<number> {
  const found = new Set<number>();
  for (const { lists } of [...rows, ...local.map(({ row }) => row)])
    for (const list of lists) for (const { identity } of list) if (identity !== 0) found.add(identity);
  return found;
}

/** Where a row's key begins, and its block. */
interface RowKey {
  readonly key0: number;
  readonly block: number;
}

interface Window {
  readonly block: number;
  readonly start: number;
  readonly first: number;
  readonly count: number;
  readonly bitsAt: number;
  readonly set: number;
}

/** What one part has put into areas: rows that say the same share it. */
class Placed {
  private readonly places: { readonly area: string; readonly values: readonly unknown[]; readonly at: number }[] = [];

  /** Where `values` are in `area`: at a place that `write` is given, unless they are there. Undefined: there is no room. */
  of(
    name: string,
    values: readonly unknown[],
    area: Area,
    size: number,
    write: (at: number) => void,
  ): number | undefined {
    const known = this.places.find(
      (each) =>
        each.area === name && each.values.length === values.length && each.values.every((v, i) => v === values[i]),
    );
    if (known !== undefined) {
      area.share(known.at);
      return known.at;
    }
    if (size === 0) return 0;
    const at = area.take(size);
    if (at === undefined) return undefined;
    write(at);
    this.places.push({ area: name, values, at });
    return at;
  }
}

const WINDOW_LOW = 0xfffff;

function key1Of(protocol: number, port: number, block: number): number {
  return (swap16(port) | (protocol << L.KEY1_PROTOCOL_SHIFT) | (block << L.KEY1_BLOCK_SHIFT)) >>> 0;
}

function lastWord(address: Address): number {
  return typeof address === "number" ? address : Number(address & 0xffffffffn);
}
