/** Digests of the elements that the kernel should hold, kept up with transactions. */
import type { TableChange } from "../../compiler/ir/table-change.ts";
import type { MapDeclaration, SetDeclaration, Table } from "../../compiler/ir/types.ts";
import { Digest } from "../table/digest.ts";
import { digestElement, digestRaw, hasKnownBytes } from "../table/element-bytes.ts";
import type { LiveFamily } from "../table/live-tables.ts";
import type { Netfilter } from "../table/netfilter.ts";
import { dumpElements } from "../table/nf-tables.ts";

/** A set or map of kpc's table. */
export interface LiveSet {
  readonly family: LiveFamily;
  readonly table: string;
  readonly set: string;
}

interface Expected {
  readonly at: LiveSet;
  /** Without its elements. */
  readonly declaration: SetDeclaration | MapDeclaration;
  readonly digest: Digest;
}

export class ExpectedElements {
  private readonly sets = new Map<string, Expected>();

  /** Those of `tables`, instead of all that was expected before. */
  reset(tables: readonly Table[]): void {
    this.sets.clear();
    for (const { family, name, sets, maps } of tables)
      for (const set of [...maps, ...sets]) {
        const expected = this.declare(family as LiveFamily, name, set);
        if (expected !== undefined)
          for (const element of set.elements) digestElement(expected.digest, expected.declaration, element);
      }
  }

  /** Those after `change`. */
  apply({ family, name, table, sets, maps, elements, retired }: TableChange): void {
    const of = family as LiveFamily;
    if (table === "deleted" || table === "remade")
      for (const [key, { at }] of this.sets) if (at.family === family) this.sets.delete(key);
    for (const head of [...sets, ...maps]) this.declare(of, name, { ...head, elements: [] });
    for (const { of: head, removed, added } of elements) {
      const expected = this.sets.get(keyOf(of, head.name)) ?? this.declare(of, name, { ...head, elements: [] });
      if (expected === undefined) continue;
      for (const element of removed) digestElement(expected.digest, expected.declaration, element, "remove");
      for (const element of added) digestElement(expected.digest, expected.declaration, element);
    }
    for (const set of [...retired.sets, ...retired.maps]) this.sets.delete(keyOf(of, set));
  }

  /** The first set whose digest, as `digestOf` gives it, is another one; `digestOf` gives undefined where there is no such set. */
  async firstDifference(digestOf: (set: LiveSet) => Promise<string | undefined>): Promise<string | undefined> {
    for (const { at, digest } of [...this.sets.values()])
      if ((await digestOf(at)) !== digest.toString()) return `${at.family} ${at.table} ${at.set}`;
    return undefined;
  }

  /** How many elements each set should hold, by `family set`. */
  counts(): ReadonlyMap<string, number> {
    return new Map([...this.sets].map(([key, { digest }]) => [key, Number(digest.toString().split("/")[1])]));
  }

  private declare(family: LiveFamily, table: string, set: SetDeclaration | MapDeclaration): Expected | undefined {
    if (!hasKnownBytes(set)) return undefined;
    const at = { family, table, set: set.name };
    const expected = { at, declaration: { ...set, elements: [] }, digest: new Digest() };
    this.sets.set(keyOf(family, set.name), expected);
    return expected;
  }
}

function keyOf(family: LiveFamily, set: string): string {
  return `${family} ${set}`;
}

/** The digest of what the kernel holds in a set; undefined: there is no such set. Throws `NetfilterTrouble`. */
export async function kernelDigest(netfilter: Netfilter, set: LiveSet): Promise<string | undefined> {
  let digest = new Digest();
  const isThere = await dumpElements(
    netfilter,
    set,
    (raw) => digestRaw(digest, raw),
    () => {
      digest = new Digest();
    },
  );
  return isThere ? digest.toString() : undefined;
}
