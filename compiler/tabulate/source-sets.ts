/** Sets of sources that rules ask about. */

import { keyText } from "../evaluate/lookup.ts";
import { ADDRESS_TYPE } from "../ir/constants.ts";
import { mergeIntervals, partHolds } from "../ir/interval.ts";
import { isForOthers, partsOfKey } from "../ir/sets.ts";
import type { Interval, KeyPart, SetElement, Value } from "../ir/types.ts";
import { Unsupported } from "../ir/unsupported.ts";
import type { Address } from "../net/address.ts";
import type { GraphNode, SetOrMap } from "./graph/types.ts";

/** Equal sets are one object. */
export interface SourceSet {
  /** `everywhere`: rules ask about it whatever the destination; `local`: the node's addresses; `loopback`: 127.0.0.0/8; `row`:
   *  one destination's own. */
  readonly kind: "everywhere" | "local" | "loopback" | "row";
  /** Sorted, disjoint, not touching; empty for `local`. */
  readonly intervals: readonly Interval[];
}

const LOCAL: SourceSet = { kind: "local", intervals: [] };
const LOOPBACK: SourceSet = { kind: "loopback", intervals: [{ from: 0x7f000000, to: 0x7fffffff }] };

export class SourceSets {
  private readonly interned = new Map<string, SourceSet>();
  private readonly byIntervals = new Map<readonly Interval[], SourceSet>();
  private readonly indices = new Map<SetOrMap, SourceIndex>();

  /** The sources for which the test of `node` holds, negation aside; undefined when there are none. `others` are the values
   *  that it reads besides the source. */
  of(node: Extract<GraphNode, { kind: "test" }>, others: readonly Value[]): SourceSet | undefined {
    const { reads, against } = node;
    const at = reads.findIndex(({ kind }) => kind === "source" || kind === "source-type");
    if (reads[at]?.kind === "source-type") {
      const [only, more] = against.kind === "intervals" ? against.intervals : [];
      if (
        reads.length === 1 &&
        more === undefined &&
        only?.from === ADDRESS_TYPE.local &&
        only.to === ADDRESS_TYPE.local
      )
        return LOCAL;
      throw new Unsupported("an address type of the source other than local");
    }
    if (reads.filter(({ kind }) => kind === "source").length > 1) throw new Unsupported("a key with the source twice");
    const kind = reads.length === 1 ? "everywhere" : "row";
    if (against.kind === "intervals") return this.intern(kind, against.intervals);
    let index = this.indices.get(against.set);
    if (index === undefined) {
      if (against.set.elements.some(({ key }) => isForOthers(key)))
        throw new Unsupported("a set with an element for all other keys");
      index = new SourceIndex(against.set.elements, at);
      this.indices.set(against.set, index);
    }
    return this.intern(kind, index.find(others));
  }

  private intern(kind: "everywhere" | "row", intervals: readonly Interval[]): SourceSet | undefined {
    if (intervals.length === 0) return undefined;
    const known = this.byIntervals.get(intervals);
    if (known?.kind === kind) return known;
    const merged = mergeIntervals(intervals);
    if (kind === "everywhere" && isLoopback(merged)) return LOOPBACK;
    const text = `${kind} ${merged.map(({ from, to }) => `${from}-${to}`).join()}`;
    let set = this.interned.get(text);
    if (set === undefined) {
      set = { kind, intervals: merged };
      this.interned.set(text, set);
    }
    this.byIntervals.set(intervals, set);
    return set;
  }
}

function isLoopback([only, more]: readonly Interval[]): boolean {
  const [block] = LOOPBACK.intervals as [Interval];
  return more === undefined && only?.from === block.from && only.to === block.to;
}

const NONE: readonly Interval[] = [];

/** Elements whose key has the source at one place, by the rest of the key. */
class SourceIndex {
  private readonly exact = new Map<string, Interval[]>();
  private readonly ranged: { readonly rest: readonly KeyPart[]; readonly source: Interval }[] = [];

  constructor(elements: readonly SetElement[], at: number) {
    for (const element of elements) {
      const key = partsOfKey(element);
      const part = key[at] as KeyPart;
      const source: Interval = typeof part === "object" ? part : { from: part as Address, to: part as Address };
      const rest = [...key.slice(0, at), ...key.slice(at + 1)];
      if (rest.some((each) => typeof each === "object")) this.ranged.push({ rest, source });
      else {
        const text = keyText(rest);
        const known = this.exact.get(text);
        if (known === undefined) this.exact.set(text, [source]);
        else known.push(source);
      }
    }
  }

  find(rest: readonly Value[]): readonly Interval[] {
    const exact = this.exact.get(keyText(rest)) ?? NONE;
    if (this.ranged.length === 0) return exact;
    const ranged = this.ranged.filter((each) => each.rest.every((part, i) => partHolds(part, rest[i] as Value)));
    return [...exact, ...ranged.map(({ source }) => source)];
  }
}
