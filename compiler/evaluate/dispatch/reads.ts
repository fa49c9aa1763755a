/** What rules ask of what rules can write: marks, the priority. What nobody asks for any more need not be remembered. */

import { describe } from "../../ir/describe.ts";
import type { Chain, Expression, MapElement, Rule, Step, Verdict } from "../../ir/types.ts";
import { asField, expressionsOf, partsOf } from "../../ir/walk.ts";
import { maskSpread } from "../../packets/preimage.ts";
import { atStartOfRun } from "../../run.ts";
import type { Behind, Frame } from "../frame.ts";
import type { HookEntry } from "../hooks.ts";
import { isExplained, type SharedState, type Symbolic } from "../state.ts";
import type { TableIndex } from "../table-index.ts";

/** What may be asked for. */
export interface Reads {
  /** Bits of the packet's mark, and of its connection's. */
  readonly mark: number;
  readonly ctMark: number;
  /** Which of the fields that a step may overwrite, a bit each. */
  readonly fields: number;
}

const NOTHING_READ: Reads = { mark: 0, ctMark: 0, fields: 0 };

const ALL_BITS = 0xffffffff;

/** Fields by what `describe` calls them. More than there are bits share the last one. */
const bits = new Map<string, number>();
atStartOfRun(() => bits.clear());

function bitOf(field: string): number {
  let bit = bits.get(field);
  if (bit === undefined) {
    bit = 2 ** Math.min(bits.size, 31);
    bits.set(field, bit);
  }
  return bit;
}

export function uniteReads(a: Reads, b: Reads): Reads {
  const mark = (a.mark | b.mark) >>> 0;
  const ctMark = (a.ctMark | b.ctMark) >>> 0;
  const fields = (a.fields | b.fields) >>> 0;
  if (mark === a.mark && ctMark === a.ctMark && fields === a.fields) return a;
  if (mark === b.mark && ctMark === b.ctMark && fields === b.fields) return b;
  return { mark, ctMark, fields };
}

// --- by chain --------------------------------------------------------------------------------------------------------------

/** What the chains of a table ask for. */
class TableReads {
  private readonly table: TableIndex;
  private readonly chains = new Map<Chain, Reads>();
  private readonly suffixes = new Map<Chain, readonly Reads[]>();
  private readonly elements = new Map<readonly MapElement[], Reads>();

  constructor(table: TableIndex) {
    this.table = table;
  }

  /** What `chain`, and the chains that it leads to, may ask for. */
  ofChain(chain: Chain): Reads {
    const known = this.chains.get(chain);
    if (known !== undefined) return known;
    const found = chain.rules.reduce((all, rule) => uniteReads(all, this.ofRule(rule)), NOTHING_READ);
    this.chains.set(chain, found);
    return found;
  }

  /** What the rules of `chain` from `index` on may ask for. */
  from(chain: Chain, index: number): Reads {
    let suffixes = this.suffixes.get(chain);
    if (suffixes === undefined) {
      const found: Reads[] = [NOTHING_READ];
      for (const rule of [...chain.rules].reverse()) found.push(uniteReads(found.at(-1) as Reads, this.ofRule(rule)));
      suffixes = found.reverse();
      this.suffixes.set(chain, suffixes);
    }
    return suffixes[index] ?? NOTHING_READ;
  }

  private ofRule({ steps }: Rule): Reads {
    let all = NOTHING_READ;
    for (const step of steps) {
      all = uniteReads(all, readBy(step));
      if (step.kind === "verdict") all = uniteReads(all, this.behind(step.verdict));
      if (step.kind === "vmap") all = uniteReads(all, this.ofElements(this.table.map(step.map).elements));
    }
    return all;
  }

  private behind(verdict: Verdict): Reads {
    return "chain" in verdict ? this.ofChain(this.table.chain(verdict.chain)) : NOTHING_READ;
  }

  private ofElements(elements: readonly MapElement[]): Reads {
    let all = this.elements.get(elements);
    if (all === undefined) {
      all = NOTHING_READ;
      for (const { value } of elements) if ("kind" in value) all = uniteReads(all, this.behind(value));
      this.elements.set(elements, all);
    }
    return all;
  }
}

const EVERYTHING_READ: Reads = { mark: ALL_BITS, ctMark: ALL_BITS, fields: ALL_BITS };

const TABLES = new WeakMap<TableIndex, TableReads>();

function readsOf(table: TableIndex): TableReads {
  let reads = TABLES.get(table);
  if (reads === undefined) {
    reads = new TableReads(table);
    TABLES.set(table, reads);
  }
  return reads;
}

/** What may be asked for from a rule of a chain on. */
export function readFrom(chain: Chain, index: number, frame: Frame): Reads {
  return uniteReads(readsOf(frame.table).from(chain, index), readOutside(frame));
}

/** What may be asked for in a chain, from wherever in it, and behind it. */
export function readInside(frame: Frame): Reads {
  const { table, chain } = frame;
  return uniteReads(readsOf(table).ofChain(table.chain(chain)), readOutside(frame));
}

function readOutside({ caller, behind }: Frame): Reads {
  return caller === undefined ? readBehind(behind) : readInside(caller);
}

/** What may be asked for behind a base chain. */
export function readBehind({ entries, next, later }: Behind): Reads {
  return later === undefined ? EVERYTHING_READ : readByChains(entries.slice(next), readByAll(later));
}

const ALL = new WeakMap<readonly HookEntry[], Reads>();

function readByAll(entries: readonly HookEntry[]): Reads {
  const known = ALL.get(entries) ?? readByChains(entries, NOTHING_READ);
  ALL.set(entries, known);
  return known;
}

function readByChains(entries: readonly HookEntry[], others: Reads): Reads {
  return entries.reduce((all, { index, chain }) => uniteReads(all, readsOf(index).ofChain(chain)), others);
}

function readBy(step: Step): Reads {
  // A bit that is only kept where it is, is asked for by nobody.
  if (step.kind === "set" && step.value.kind === "bitwise" && describe(step.value.operand) === describe(step.field))
    return NOTHING_READ;
  return expressionsOf(step).reduce((all, expression) => uniteReads(all, readIn(expression)), NOTHING_READ);
}

/** `mask`: the bits of the value that count. */
function readIn(expression: Expression, mask = ALL_BITS): Reads {
  if (expression.kind === "bitwise")
    return readIn(expression.operand, typeof expression.mask === "number" ? (expression.mask & mask) >>> 0 : ALL_BITS);
  if (asField(expression) === undefined)
    return partsOf(expression).reduce((all, part) => uniteReads(all, readIn(part)), NOTHING_READ);
  const text = describe(expression);
  const fields = bitOf(text);
  if (text === "meta mark") return { mark: mask, ctMark: 0, fields };
  return { mark: 0, ctMark: text === "ct mark" ? mask : 0, fields };
}

// --- what is not asked for -------------------------------------------------------------------------------------------------

/** `shared` without what nobody asks for: `reads` is all that is still asked for. Of many packets it is not told either whether
 *  some rule has accepted them. */
export function forget(shared: SharedState, reads: Reads): SharedState {
  const mark = keepBits(shared.mark, reads.mark);
  const ctMark = keepBits(shared.ctMark, reads.ctMark);
  const priority = (reads.fields & bitOf("meta priority")) === 0 ? 0 : shared.priority;
  const overwritten = keepRead(shared.overwritten, reads.fields);
  const accepted = shared.accepted && isExplained(shared);
  const isSame =
    mark === shared.mark &&
    ctMark === shared.ctMark &&
    priority === shared.priority &&
    overwritten === shared.overwritten &&
    accepted === shared.accepted;
  return isSame ? shared : { ...shared, mark, ctMark, priority, overwritten, accepted };
}

/** `held` with 0 in the place of bits that nobody asks for. What packets came with stays as it is where any of it is asked for: it is
 *  the same for all. */
function keepBits(held: Symbolic, read: number): Symbolic {
  if (typeof held === "number") return (held & read) >>> 0;
  const mask = held.masked === undefined ? ALL_BITS : Number(held.masked.mask);
  if ((mask & read) === 0) return (Number(held.masked?.xor ?? 0) & read) >>> 0;
  if (held.masked === undefined || ((mask | Number(held.masked.xor)) & ~read) === 0) return held;
  return maskSpread(held, read, 0);
}

const NONE: ReadonlySet<string> = new Set();

function keepRead(fields: ReadonlySet<string>, read: number): ReadonlySet<string> {
  if (fields.size === 0) return fields;
  const left = [...fields].filter((text) => (bitOf(text) & read) !== 0);
  if (left.length === fields.size) return fields;
  return left.length === 0 ? NONE : new Set(left);
}
