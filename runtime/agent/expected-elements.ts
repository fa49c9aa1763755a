/** Digests of the elements that the kernel should hold, kept up with transactions. */
import type { TableChange } from "../../compiler/ir/table-change.ts";
import type { MapDeclaration, SetDeclaration, TableFamily } from "../../compiler/ir/types.ts";
import { Digest } from "../table/digest.ts";
import { type ElementBatch, placeOf } from "../table/element-batch.ts";
import { bytesOfElement, bytesOfRaw, digestBytes, hasKnownBytes } from "../table/element-bytes.ts";
import type { LiveFamily } from "../table/live-tables.ts";
import { MarkSet } from "../table/mark-set.ts";
import type { NetlinkPort } from "../table/netfilter.ts";
import { dumpElements } from "../table/nf-tables.ts";

/** A set or map of kpc's table. */
export interface LiveSet {
  readonly family: LiveFamily;
  readonly table: string;
  readonly set: string;
}

/** What a set or map should hold. */
export interface ExpectedSet {
  readonly at: LiveSet;
  /** Without its elements. */
  readonly declaration: SetDeclaration | MapDeclaration;
  readonly digest: Digest;
  /** Of its elements. */
  readonly marks: MarkSet;
}

export class ExpectedElements {
  private readonly sets = new Map<string, ExpectedSet>();

  /** Those after `change`, whose elements are written to `batch`: their bytes are made once for both. */
  apply(change: TableChange, batch?: ElementBatch): void {
    const { family, name, table, sets, maps, elements, retired } = change;
    const of = family as LiveFamily;
    if (table === "deleted" || table === "remade")
      for (const [key, { at }] of this.sets) if (at.family === family) this.sets.delete(key);
    for (const head of [...sets, ...maps]) this.declare(of, name, { ...head, elements: [] });
    for (const { of: head, removed, added } of elements) {
      const expected = this.sets.get(keyOfSet(of, head.name)) ?? this.declare(of, name, { ...head, elements: [] });
      if (expected === undefined) continue;
      const { digest, marks, declaration } = expected;
      const place = placeOf(change, head);
      for (const element of removed) {
        const bytes = bytesOfElement(declaration, element);
        marks.delete(digestBytes(digest, bytes, "remove"));
        batch?.remove(place, bytes);
      }
      for (const element of added) {
        const bytes = bytesOfElement(declaration, element);
        marks.add(digestBytes(digest, bytes));
        batch?.add(place, bytes);
      }
    }
    for (const set of [...retired.sets, ...retired.maps]) this.sets.delete(keyOfSet(of, set));
  }

  /** All sets and maps of which elements are expected. */
  all(): Iterable<ExpectedSet> {
    return this.sets.values();
  }

  /** The first set whose digest, as `digestOf` gives it, is another one; `digestOf` gives undefined where there is no such set. */
  async firstDifference(digestOf: (set: LiveSet) => Promise<string | undefined>): Promise<string | undefined> {
    for (const { at, digest } of [...this.sets.values()])
      if ((await digestOf(at)) !== digest.toString()) return `${at.family} ${at.table} ${at.set}`;
    return undefined;
  }

  /** How many elements each set should hold, by `family set`. */
  counts(): ReadonlyMap<string, number> {
    return new Map([...this.sets].map(([key, { marks }]) => [key, marks.size]));
  }

  private declare(family: LiveFamily, table: string, set: SetDeclaration | MapDeclaration): ExpectedSet | undefined {
    if (!hasKnownBytes(set)) return undefined;
    const at = { family, table, set: set.name };
    const expected = { at, declaration: { ...set, elements: [] }, digest: new Digest(), marks: new MarkSet() };
    this.sets.set(keyOfSet(family, set.name), expected);
    return expected;
  }
}

/** By which a set or map is known. */
export function keyOfSet(family: TableFamily, set: string): string {
  return `${family} ${set}`;
}

/** The digest of what the kernel holds in a set; undefined: there is no such set. Throws `NetfilterTrouble`. */
export async function kernelDigest(netfilter: NetlinkPort, set: LiveSet): Promise<string | undefined> {
  let digest = new Digest();
  const isThere = await dumpElements(
    netfilter,
    set,
    (raw) => void digestBytes(digest, bytesOfRaw(raw)),
    () => {
      digest = new Digest();
    },
  );
  return isThere ? digest.toString() : undefined;
}
