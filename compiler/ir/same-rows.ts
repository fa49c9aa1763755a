/** Whether rules or elements are the same on two sides. Of rows that readers have, each two forms are held against each other once, and then
 *  values alone. */
import { rowsOfElements } from "./element-rows.ts";
import type { FormedRows, RowHole } from "./row-forms.ts";
import { countRules, everyRule, rowsOfRules } from "./rule-rows.ts";
import { isSame } from "./same-data.ts";
import type { Chain, MapDeclaration, Rule, SetDeclaration, SetElement } from "./types.ts";

/** Members of a row that say where it was written, and what for. */
const UNREAD: ReadonlySet<string> = new Set(["comment", "origin"]);
const NONE: ReadonlySet<string> = new Set();

interface PeekedRows extends FormedRows {
  readonly peek: (row: number) => object;
}

/** A form of one side that was held against one of the other side. */
interface FormPair {
  readonly rows: FormedRows;
  readonly others: FormedRows;
  readonly form: number;
  readonly otherForm: number;
  /** Two rows have to have the same values in these to be the same; `other`: rows of these forms never are. */
  readonly slots: readonly number[] | "other";
}

export class SameRows {
  /** By the rows of one side and of the other one, then by form. */
  private readonly known = new Map<FormedRows, Map<FormedRows, (readonly FormPair[])[]>>();
  private last: FormPair | undefined;

  /** Whether all rules are the same, in the same order, but for comments and origins. */
  haveSameRules(chain: Chain, other: Chain): boolean {
    const count = countRules(chain);
    if (count !== countRules(other)) return false;
    const [own, theirs] = [rowsOfRules(chain), rowsOfRules(other)];
    if (own === undefined || theirs === undefined) {
      // Of one side at most there are rows: what `everyRule` peeks at stays as it is.
      const ruleOf = (i: number): Rule => theirs?.rows.peek(theirs.rowOf(i)) ?? (other.rules[i] as Rule);
      return everyRule(chain, (rule, i) => isSameRow(rule, ruleOf(i)));
    }
    for (let i = 0; i < count; i++)
      if (!this.isSame(own.rows, own.rowOf(i), theirs.rows, theirs.rowOf(i))) return false;
    return true;
  }

  /** Whether all elements are, in the same order. */
  haveSameElements(set: SetDeclaration | MapDeclaration, other: SetDeclaration | MapDeclaration): boolean {
    const [own, theirs] = [rowsOfElements(set), rowsOfElements(other)];
    const count = own?.count ?? set.elements.length;
    if (count !== (theirs?.count ?? other.elements.length)) return false;
    for (let row = 0; row < count; row++) {
      const isSame =
        own !== undefined && theirs !== undefined
          ? this.isSame(own, row, theirs, row)
          : isSameRow(
              own?.peek(row) ?? (set.elements[row] as SetElement),
              theirs?.peek(row) ?? (other.elements[row] as SetElement),
            );
      if (!isSame) return false;
    }
    return true;
  }

  private isSame(rows: PeekedRows, row: number, others: PeekedRows, other: number): boolean {
    const [form, otherForm] = [rows.formOf(row), others.formOf(other)];
    if (form < 0 || otherForm < 0) return isSameRow(rows.peek(row), others.peek(other));
    let pair = this.last;
    // Most rows are of the forms of those before.
    if (pair?.form !== form || pair.otherForm !== otherForm || pair.rows !== rows || pair.others !== others) {
      const pairs = this.pairsOf(rows, others);
      pair = pairs[form]?.find((each) => each.otherForm === otherForm);
      if (pair === undefined) {
        pair = { rows, others, form, otherForm, slots: slotsOfPair(rows, row, others, other) };
        pairs[form] = [...(pairs[form] ?? []), pair];
      }
      this.last = pair;
    }
    const { slots } = pair;
    if (slots === "other") return false;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      if (rows.valueOf(row, slot) !== others.valueOf(other, slot)) return false;
    }
    return true;
  }

  private pairsOf(rows: FormedRows, others: FormedRows): (readonly FormPair[])[] {
    const byOthers = this.known.get(rows) ?? new Map<FormedRows, (readonly FormPair[])[]>();
    this.known.set(rows, byOthers);
    const pairs = byOthers.get(others) ?? [];
    byOthers.set(others, pairs);
    return pairs;
  }
}

/** That of the forms of two rows. */
function slotsOfPair(rows: PeekedRows, row: number, others: PeekedRows, other: number): FormPair["slots"] {
  const holes = rows.holesOf(rows.formOf(row));
  const otherHoles = others.holesOf(others.formOf(other));
  const slots = new Set<number>();
  const isAlike = (a: unknown, b: unknown, unread: ReadonlySet<string>): boolean => {
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
    if (Array.isArray(a) !== Array.isArray(b)) return false;
    const [keys, otherKeys] = [membersOf(a, unread), membersOf(b, unread)];
    return (
      keys.length === otherKeys.length &&
      keys.every((key, i) => {
        if (otherKeys[i] !== key) return false;
        const slot = slotAt(holes, a, key);
        if (slot !== slotAt(otherHoles, b, key)) return false;
        if (slot === undefined) return isAlike(memberOf(a, key), memberOf(b, key), NONE);
        slots.add(slot);
        return true;
      })
    );
  };
  return isAlike(rows.peek(row), others.peek(other), UNREAD) ? [...slots] : "other";
}

function slotAt(holes: readonly RowHole[], of: object, key: string): number | undefined {
  return holes.find((hole) => hole.of === of && String(hole.key) === key)?.slot;
}

function membersOf(of: object, unread: ReadonlySet<string>): readonly string[] {
  return Object.keys(of).filter((key) => !unread.has(key));
}

function memberOf(of: object, key: string): unknown {
  return (of as Readonly<Record<string, unknown>>)[key];
}

function isSameRow(a: object, b: object): boolean {
  const [keys, otherKeys] = [membersOf(a, UNREAD), membersOf(b, UNREAD)];
  return (
    keys.length === otherKeys.length &&
    keys.every((key, i) => key === otherKeys[i] && isSame(memberOf(a, key), memberOf(b, key)))
  );
}
