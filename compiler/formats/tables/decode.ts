/** From the bytes of a table back to a tabulation: what `encodeTable` was given, but for the order of things. */
import * as L from "../../../assembly/layout.ts";
import { required } from "../../invariant.ts";
import type { Interval } from "../../ir/types.ts";
import { type Address, FAMILIES, type Family, type Ipv4, type Ipv6 } from "../../net/address.ts";
import { type Prefix, prefixRange } from "../../net/prefix.ts";
import {
  type AddressRange,
  type Behaviour,
  type Default,
  type EndpointTreatment,
  type FamilyTable,
  type LocalAddress,
  type LocalClass,
  type PortRow,
  type RowEndpoints,
  SOURCE_CLASSES,
  sameDefault,
  type TableAnswer,
  type Tabulation,
  type Treatment,
} from "../../tabulate/types.ts";
import { swap16, swap32 } from "./bytes.ts";
import { TableView } from "./view.ts";
import { REJECTS, VERDICT_NAMES, VERDICTS } from "./words.ts";

/** The table has to be one that the engine takes. */
export function decodeTable(bytes: Uint8Array): Tabulation {
  return new Decoder(new TableView(bytes)).decode();
}

interface Entry {
  readonly key0: number;
  readonly block: number;
  readonly row: PortRow;
}

class Decoder {
  private readonly table: TableView;
  private readonly behaviours: readonly Behaviour[];
  /** One object for each list, by where it is. */
  private readonly lists = new Map<string, RowEndpoints>();
  private readonly allowed = new Map<string, readonly Interval[]>();

  constructor(table: TableView) {
    this.table = table;
    this.behaviours = this.perKind(L.H_CODES, L.H_BEHAVIOUR_COUNT, (code) => this.answer(code));
  }

  decode(): Tabulation {
    const entries = this.entries();
    const [IPv4, IPv6] = FAMILIES.map((family) => this.family(family, entries)) as [FamilyTable, FamilyTable];
    return {
      interfaces: this.table.names.interfaces,
      behaviours: this.behaviours,
      endpointTreatments: this.perKind(L.H_TREATMENTS, L.H_TREATMENT_COUNT, (code): EndpointTreatment[number][number] =>
        this.treatments(code),
      ),
      families: { IPv4, IPv6 },
    };
  }

  // --- answers -----------------------------------------------------------------------------------------------------------

  /** For each number, for each interface kind, a code for each kind of source. */
  private perKind<T>(section: number, countAt: number, read: (code: number) => T): T[][][] {
    const count = this.table.word(countAt);
    return Array.from({ length: count }, (_, number) =>
      Array.from({ length: this.table.word(L.H_INTERFACE_CLASS_COUNT) }, (_, kind) =>
        Array.from({ length: SOURCE_CLASSES }, (_, source) =>
          read(this.table.word(this.table.word(section) + ((kind * count + number) * SOURCE_CLASSES + source) * 4)),
        ),
      ),
    );
  }

  private answer(code: number): TableAnswer {
    const endpoint = this.needsEndpoint(code);
    const reason = this.table.reason(code);
    return {
      ...this.treatments(code),
      ...(endpoint ? { list: listOf(code) } : {}),
      ...((code & L.CODE_ASK_ENDPOINT) !== 0 ? { asksEndpoint: true } : {}),
      ...((code & L.STICKY) !== 0 ? { sticky: true } : {}),
      reasons: reason === "" ? [] : reason.split("; "),
    };
  }

  private needsEndpoint(code: number): boolean {
    return (code & L.VERDICT_MASK) === L.VERDICT_DNAT || (code & L.CODE_HAIRPIN) !== 0;
  }

  private treatments(code: number): EndpointTreatment[number][number] {
    const hairpin = (code & L.CODE_HAIRPIN) === 0 ? {} : { hairpin: treatment(code >>> L.CODE_HAIRPIN_SHIFT) };
    return { ...treatment(code), ...hairpin };
  }

  // --- rows --------------------------------------------------------------------------------------------------------------

  private entries(): Entry[] {
    const found: Entry[] = [];
    for (let slot = 0; slot <= this.table.word(L.H_SLOT_MASK); slot++) {
      const at = this.table.word(L.H_ENTRIES) + slot * L.ENTRY_BYTES;
      const key1 = this.table.word(at + L.ENTRY_KEY1);
      if (key1 === L.KEY_NOTHING >>> 0) continue;
      const key0 = this.table.word(at);
      const block = key1 >>> L.KEY1_BLOCK_SHIFT;
      const family = this.familyOf(key0, block);
      const lists = this.rowOf(this.table.word(at + L.ENTRY_ROW0), this.table.word(at + L.ENTRY_ROW1), family);
      const row = {
        protocol: (key1 >>> L.KEY1_PROTOCOL_SHIFT) & 0xff,
        port: swap16(key1 & 0xffff),
        ...lists,
        stickySeconds: this.table.timeout(slot),
        label: this.table.label(slot),
      };
      found.push({ key0, block, row });
    }
    return found;
  }

  private familyOf(key0: number, block: number): Family {
    if (block === L.BLOCK_LOCAL) return key0 < this.table.word(L.H_KIND4_COUNT) ? "IPv4" : "IPv6";
    return block === L.BLOCK_IPV4 ? "IPv4" : "IPv6";
  }

  private rowOf(row0: number, row1: number, family: Family): Pick<PortRow, "behaviour" | "lists" | "allowed"> {
    const behaviour = row1 >>> L.ROW1_BEHAVIOUR_SHIFT;
    const code = this.table.word(this.table.word(L.H_CODES) + behaviour * SOURCE_CLASSES * 4);
    if ((code & L.CODE_EXTENDED) === 0) {
      const second = (row1 >>> L.ROW1_SECOND_SHIFT) & L.ROW1_COUNT_MASK;
      const counts = [row1 & L.ROW1_COUNT_MASK, second];
      return { behaviour, lists: this.listsAt(row0, counts, family), allowed: undefined };
    }
    const at = this.table.word(L.H_EXTENDED) + row0 * L.EXTENDED_BYTES;
    const counts = [L.EXTENDED_FIRST, L.EXTENDED_SECOND, L.EXTENDED_THIRD, L.EXTENDED_FOURTH].map((offset) =>
      this.table.word(at + offset),
    );
    const lists = this.listsAt(this.table.word(at + L.EXTENDED_BASE), counts, family);
    return { behaviour, lists, allowed: (code & L.CODE_ALLOWED) === 0 ? undefined : this.allowedAt(at, family) };
  }

  /** Lists of so many endpoints each, one behind the other. */
  private listsAt(base: number, counts: readonly number[], family: Family): RowEndpoints[] {
    let from = base;
    return counts
      .filter((count) => count > 0)
      .map((count) => {
        const start = from;
        from += count;
        return remembered(this.lists, `${family} ${start} ${count}`, () =>
          Array.from({ length: count }, (_, i) => this.table.endpoint(start + i, family)),
        );
      });
  }

  private allowedAt(extended: number, family: Family): readonly Interval[] {
    const from = this.table.word(extended + L.EXTENDED_ALLOWED);
    const count = this.table.word(extended + L.EXTENDED_ALLOWED_COUNT);
    const [last, bytes] = family === "IPv4" ? [L.ALLOWED4_LAST, L.ALLOWED4_BYTES] : [L.ALLOWED6_LAST, L.ALLOWED6_BYTES];
    return remembered(this.allowed, `${family} ${from} ${count}`, () =>
      Array.from({ length: count }, (_, i) => {
        const at = this.table.word(L.H_ALLOWED) + from + i * bytes;
        return { from: this.hostAddress(at, family), to: this.hostAddress(at + last, family) };
      }),
    );
  }

  /** An address in words of host order. */
  private hostAddress(at: number, family: Family): Address {
    if (family === "IPv4") return this.table.word(at) as Ipv4;
    return [0, 4, 8, 12].reduce((sum, i) => (sum << 32n) | BigInt(this.table.word(at + i)), 0n) as Ipv6;
  }

  // --- destinations ------------------------------------------------------------------------------------------------------

  private family(family: Family, entries: readonly Entry[]): FamilyTable {
    const kinds4 = this.table.word(L.H_KIND4_COUNT);
    const [firstKind, endKind] = family === "IPv4" ? [0, kinds4] : [kinds4, this.table.word(L.H_KIND_COUNT)];
    const ofFamily = entries.filter(({ key0, block }) => this.familyOf(key0, block) === family);
    return {
      detected: this.detected(family),
      rows: ofFamily
        .filter(({ block }) => block !== L.BLOCK_LOCAL)
        .map(({ key0, block, row }) => ({ ...row, address: this.addressOf(key0, block) })),
      local: this.local(family, firstKind),
      localClasses: Array.from({ length: endKind - firstKind }, (_, i): LocalClass => {
        const kind = firstKind + i;
        const rows = ofFamily.filter(({ key0, block }) => block === L.BLOCK_LOCAL && key0 === kind);
        return {
          default: this.default(this.table.word(this.table.word(L.H_KINDS) + kind * L.KIND_BYTES)),
          rows: rows.map(({ row }) => row),
        };
      }),
      loopback: family === "IPv4" ? this.table.word(L.H_LOOPBACK_CLASS) : undefined,
      ...this.regions(family),
    };
  }

  private addressOf(key0: number, block: number): Address {
    const low = swap32(key0);
    if (block === L.BLOCK_IPV4) return low as Ipv4;
    const at = this.table.word(L.H_BLOCKS) + (block - 1) * L.BLOCK_BYTES;
    const high = [0, 4, 8].reduce((sum, i) => (sum << 32n) | BigInt(this.table.bigWord(at + i)), 0n);
    return ((high << 32n) | BigInt(low)) as Ipv6;
  }

  private local(family: Family, firstKind: number): LocalAddress[] {
    const found: LocalAddress[] = [];
    for (let i = 0; i <= this.table.word(L.H_LOCAL_MASK); i++) {
      const at = this.table.word(L.H_LOCAL) + i * L.LOCAL_BYTES;
      const about = this.table.word(at + L.LOCAL_ABOUT);
      const block = (about >>> L.LOCAL_BLOCK_SHIFT) & L.LOCAL_BLOCK_MASK;
      if (block === L.BLOCK_LOCAL || (block === L.BLOCK_IPV4) !== (family === "IPv4")) continue;
      found.push({
        address: this.addressOf(this.table.word(at + L.LOCAL_KEY0), block),
        kind: (about & L.LOCAL_CLASS_MASK) - firstKind,
        hasRows: (about & L.LOCAL_OWN) !== 0,
      });
    }
    return found;
  }

  private detected(family: Family): Interval[] {
    const four = family === "IPv4";
    const count = this.table.word(four ? L.H_DETECTED4_COUNT : L.H_DETECTED6_COUNT);
    return Array.from({ length: count }, (_, i) => {
      const at = this.table.word(four ? L.H_DETECTED4 : L.H_DETECTED6) + i * (four ? L.PREFIX4_BYTES : L.PREFIX6_BYTES);
      const mask = BigInt(this.table.address(at + (four ? L.PREFIX4_MASK : L.PREFIX6_MASK), family));
      const prefix: Prefix = {
        address: this.table.address(at, family),
        length: mask.toString(2).replace(/0/g, "").length,
      };
      return prefixRange(prefix);
    });
  }

  private default(word: number): Default {
    return {
      new: word & 0xff,
      invalid: (word >>> L.DEFAULT_INVALID_SHIFT) & 0xff,
      untracked: (word >>> L.DEFAULT_UNTRACKED_SHIFT) & 0xff,
    };
  }

  /** Regions as the table has them, windows on top. */
  private regions(family: Family): Pick<FamilyTable, "regions" | "points"> {
    const four = family === "IPv4";
    const [bytes, defaultAt] = four ? [L.REGION4_BYTES, L.REGION4_DEFAULT] : [L.REGION6_BYTES, L.REGION6_DEFAULT];
    const count = this.table.word(four ? L.H_REGIONS4_COUNT : L.H_REGIONS6_COUNT);
    const regions = Array.from({ length: count }, (_, i): AddressRange => {
      const at = this.table.word(four ? L.H_REGIONS4 : L.H_REGIONS6) + i * bytes;
      return { from: this.hostAddress(at, family), ...this.default(this.table.word(at + defaultAt)) };
    });
    const points: AddressRange[] = [];
    for (let i = 0; i < this.table.word(L.H_WINDOW_COUNT); i++) {
      const at = this.table.word(L.H_WINDOWS) + i * L.WINDOW_BYTES;
      const block = this.table.word(at + L.WINDOW_BLOCK);
      if ((block === L.BLOCK_IPV4) !== four) continue;
      this.pointsOfWindow(at, block, points);
    }
    return { regions, points: points.sort((a, b) => (a.from < b.from ? -1 : 1)) };
  }

  private pointsOfWindow(at: number, block: number, points: AddressRange[]): void {
    const first = swap32(this.table.word(at + L.WINDOW_KEY0)) + this.table.word(at + L.WINDOW_FIRST);
    const unset = this.default(this.table.word(at + L.WINDOW_UNSET));
    const set = this.default(this.table.word(at + L.WINDOW_SET));
    if (sameDefault(unset, set)) return;
    for (let bit = 0; bit < this.table.word(at + L.WINDOW_COUNT); bit++) {
      const byte = required(this.table.bytes[this.table.word(at + L.WINDOW_BITS) + (bit >>> 3)], "each bit is there");
      if (((byte >> (bit & 7)) & 1) !== 0) points.push({ from: this.addressOf(swap32(first + bit), block), ...set });
    }
  }
}

function listOf(code: number): 0 | 1 | 2 | 3 {
  const isOdd = (code & L.CODE_SECOND) !== 0;
  if ((code & L.CODE_THIRD) !== 0) return isOdd ? 3 : 2;
  return isOdd ? 1 : 0;
}

function treatment(bits: number): Treatment {
  const verdict = required(
    Object.keys(VERDICTS).find((name) => name === VERDICT_NAMES[bits & L.VERDICT_MASK]),
    "codes have verdicts",
  );
  const rejectWith = REJECTS[(bits >>> L.REJECT_SHIFT) & L.REJECT_MASK];
  return {
    verdict: verdict as keyof typeof VERDICTS,
    ...(verdict === "reject" && rejectWith !== undefined ? { rejectWith } : {}),
    masquerade: (bits & L.MASQUERADE) !== 0,
  };
}

function remembered<T>(known: Map<string, T>, key: string, make: () => T): T {
  const found = known.get(key) ?? make();
  known.set(key, found);
  return found;
}
