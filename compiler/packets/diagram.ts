/** What hangs on the values of fields, ready to be asked for all packets of a region at once. */
import { invariant } from "../invariant.ts";
import { having, type PacketField, type PacketSet } from "./packet-set.ts";
import { type Cut, cutsUpTo, Ranges } from "./ranges.ts";

/** Values that have to be met, one set for each level. */
export interface DiagramEntry {
  readonly parts: readonly Ranges[];
}

/** How what is found for the entries that are met is made, and told apart. */
export interface Cases<T> {
  /** Of the numbers of entries, in their order. */
  readonly find: (met: readonly number[]) => T;
  /** Equal for things that need not be told apart. */
  readonly key: (found: T) => string;
  /** What is found for the entries that are met before a level, whatever the values are from there on; undefined: it depends. */
  readonly early?: (met: readonly number[], level: number) => T | undefined;
}

/** Packets of a region for which the same is found. */
export interface PacketCase<T> {
  readonly region: PacketSet;
  readonly found: T;
}

/** The values of one field, from each of `starts` to before the next, by what comes next; the first of `cases` is for those
 *  before all. */
interface Node<T> {
  readonly kind: "node";
  readonly id: number;
  readonly starts: readonly Cut[];
  readonly cases: readonly number[];
  readonly next: readonly (Node<T> | Leaf<T>)[];
}

interface Leaf<T> {
  readonly kind: "leaf";
  readonly id: number;
  readonly found: T;
}

/** A decision diagram of as many levels as its entries have parts. */
export class Diagram<T> {
  private readonly root: Node<T> | Leaf<T>;

  constructor(levels: number, entries: readonly DiagramEntry[], finding: Cases<T>) {
    this.root = new Builder(entries, levels, finding).root();
  }

  /** What is found for one value, where there is one level. */
  at(value: Cut): T {
    const next = this.root.kind === "leaf" ? this.root : nextAt(this.root, value);
    invariant(next.kind === "leaf", "a diagram that is asked for one value has one level");
    return next.found;
  }

  /** What is found for the packets of `region`, in regions without a packet in common. `fields` has the field whose values are
   *  looked up at each level: it may have one twice. */
  split(region: PacketSet, fields: readonly PacketField[]): PacketCase<T>[] {
    const found: PacketCase<T>[] = [];
    walk(this.root, region, fields, 0, found);
    return found;
  }
}

function walk<T>(
  node: Node<T> | Leaf<T>,
  region: PacketSet,
  fields: readonly PacketField[],
  level: number,
  found: PacketCase<T>[],
): void {
  if (node.kind === "leaf") {
    found.push({ region, found: node.found });
    return;
  }
  const field = fields[level] as PacketField;
  const { single } = region[field];
  if (single !== undefined) {
    walk(nextAt(node, single), region, fields, level + 1, found);
    return;
  }
  const byCase = divide(region[field], node);
  for (const [at, cuts] of byCase) {
    const part = byCase.size === 1 ? region : having(region, field, new Ranges(cuts));
    if (part !== undefined) walk(node.next[at] as Node<T> | Leaf<T>, part, fields, level + 1, found);
  }
}

function nextAt<T>({ starts, cases, next }: Node<T>, value: Cut): Node<T> | Leaf<T> {
  return next[cases[cutsUpTo(starts, value)] as number] as Node<T> | Leaf<T>;
}

/** The values of `ranges` for each of the cases that they meet. */
function divide({ cuts }: Ranges, { starts, cases }: Node<unknown>): Map<number, Cut[]> {
  const byCase = new Map<number, Cut[]>();
  for (let i = 0; i < cuts.length; i += 2) {
    let from = cuts[i] as Cut;
    const end = cuts[i + 1] as Cut;
    for (let segment = cutsUpTo(starts, from); from < end; segment++) {
      const border = starts[segment];
      const to = border === undefined || border > end ? end : border;
      addInterval(byCase, cases[segment] as number, from, to);
      from = to;
    }
  }
  return byCase;
}

function addInterval(byCase: Map<number, Cut[]>, at: number, from: Cut, end: Cut): void {
  const known = byCase.get(at);
  if (known === undefined) byCase.set(at, [from, end]);
  else if (known.at(-1) === from) known[known.length - 1] = end;
  else known.push(from, end);
}

/** Builds nodes from the first level on; equal ones are one, but for the first. */
class Builder<T> {
  private readonly entries: readonly DiagramEntry[];
  private readonly levels: number;
  private readonly finding: Cases<T>;
  private readonly leaves = new Map<string, Leaf<T>>();
  private readonly nodes = new Map<string, Node<T>>();
  private ids = 0;

  constructor(entries: readonly DiagramEntry[], levels: number, finding: Cases<T>) {
    this.entries = entries;
    this.levels = levels;
    this.finding = finding;
  }

  root(): Node<T> | Leaf<T> {
    return this.build(
      this.entries.map((_, i) => i),
      0,
    );
  }

  private build(met: readonly number[], level: number): Node<T> | Leaf<T> {
    if (level === this.levels || met.length === 0) return this.leaf(this.finding.find(met));
    const early = this.finding.early?.(met, level);
    if (early !== undefined) return this.leaf(early);
    const borders = this.bordersOf(met, level);
    const active = new Set<number>();
    const bySignature = new Map<string | number, number>();
    const byId = new Map<number, number>();
    const next: (Node<T> | Leaf<T>)[] = [];
    const caseOf = (): number => {
      const now = [...active];
      if (now.length > 1) now.sort((a, b) => a - b);
      // Most values of a dispatch meet one entry, or none.
      const signature = now.length > 1 ? now.join() : (now[0] ?? -1);
      const known = bySignature.get(signature);
      if (known !== undefined) return known;
      const node = this.build(now, level + 1);
      const at = byId.get(node.id) ?? next.push(node) - 1;
      byId.set(node.id, at);
      bySignature.set(signature, at);
      return at;
    };
    const starts: Cut[] = [];
    const cases: number[] = [caseOf()];
    for (let i = 0; i < borders.length; ) {
      const { at } = borders[i] as Border;
      for (; borders[i]?.at === at; i++) {
        const { entry, isEnd } = borders[i] as Border;
        if (isEnd) active.delete(entry);
        else active.add(entry);
      }
      const own = caseOf();
      if (own === cases.at(-1)) continue;
      starts.push(at);
      cases.push(own);
    }
    // Copies have no room to grow, which takes most of the memory of short lists.
    const node = { starts: starts.slice(), cases: cases.slice(), next: next.slice() };
    return level === 0 ? { kind: "node", id: -1, ...node } : this.node(node);
  }

  /** Ends come before beginnings at the same place: an entry may end and begin there. */
  private bordersOf(met: readonly number[], level: number): Border[] {
    const borders: Border[] = [];
    for (const entry of met) {
      const { cuts } = (this.entries[entry] as DiagramEntry).parts[level] as Ranges;
      for (let i = 0; i < cuts.length; i++) borders.push({ at: cuts[i] as Cut, entry, isEnd: (i & 1) === 1 });
    }
    return borders.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : Number(b.isEnd) - Number(a.isEnd)));
  }

  private leaf(found: T): Leaf<T> {
    const key = this.finding.key(found);
    const known = this.leaves.get(key);
    if (known !== undefined) return known;
    const leaf: Leaf<T> = { kind: "leaf", id: this.ids++, found };
    this.leaves.set(key, leaf);
    return leaf;
  }

  private node({ starts, cases, next }: Pick<Node<T>, "starts" | "cases" | "next">): Node<T> | Leaf<T> {
    const [only, more] = next;
    if (only !== undefined && more === undefined && only.kind === "leaf") return only;
    const key = `${starts}:${cases.map((at) => next[at]?.id)}`;
    const known = this.nodes.get(key);
    if (known !== undefined) return known;
    const node: Node<T> = { kind: "node", id: this.ids++, starts, cases, next };
    this.nodes.set(key, node);
    return node;
  }
}

/** Where an entry begins, or ends: the first value behind it. */
interface Border {
  readonly at: Cut;
  readonly entry: number;
  readonly isEnd: boolean;
}
