/** Where the values stand in which rules or elements of one form differ. */
import type { RowHole } from "./row-forms.ts";
import { isForOthers, partsOfKey } from "./sets.ts";
import type { Interval, MapElement, Rule, SetElement, Step } from "./types.ts";

/** What a value is in a part of a row. `point`: the operand of a comparison, or a part of a key or of a value; `from`, `to`: the ends of an
 *  interval; `chain`: that of a verdict; `set`: the one that is asked or filled; `address`, `port`: the only ones that a rule translates to. */
export interface FormPlace {
  readonly kind: "point" | "from" | "to" | "chain" | "set" | "address" | "port";
  readonly slot: number;
}

/** By part of a row, in their order. Parts of a rule are its steps; those of an element are the parts of its key, and then its verdict or
 *  the parts of its value. */
export type FormPlaces = readonly (readonly FormPlace[])[];

/** Undefined: a value stands where this does not say. `rule`: any of the form, with the values of which `holes` are. */
export function placesInRule(rule: Rule, holes: readonly RowHole[]): FormPlaces | undefined {
  const search = new Search(holes);
  const places = rule.steps.map((step) => search.inStep(step));
  return search.hasFoundAll(rule) ? places : undefined;
}

/** As `placesInRule`. */
export function placesInElement(element: SetElement | MapElement, holes: readonly RowHole[]): FormPlaces | undefined {
  const search = new Search(holes);
  const places = isForOthers(element.key) ? [] : partsOfKey(element).map((_, i) => search.inList(element.key, i));
  if ("value" in element) {
    const { value } = element;
    if ("kind" in value) places.push("chain" in value ? search.at(value, "chain", "chain") : []);
    else places.push(...value.map((_, i) => search.inList(value, i)));
  }
  return search.hasFoundAll(element) ? places : undefined;
}

class Search {
  private readonly holes: readonly RowHole[];
  private readonly found = new Set<RowHole>();
  /** A value stands at one end of an interval that is one value elsewhere. */
  private isOdd = false;

  constructor(holes: readonly RowHole[]) {
    this.holes = holes;
  }

  /** Nothing depends on a comment. */
  hasFoundAll(row: Rule | SetElement): boolean {
    this.at(row, "comment", "point");
    return !this.isOdd && this.found.size === this.holes.length;
  }

  at(of: object, key: string | number, kind: FormPlace["kind"]): FormPlace[] {
    const hole = this.holes.find((each) => each.of === of && each.key === key);
    if (hole === undefined) return [];
    this.found.add(hole);
    return [{ kind, slot: hole.slot }];
  }

  /** Of a list of values and intervals. */
  inList(list: object, i: number): FormPlace[] {
    const part: unknown = (list as readonly unknown[])[i];
    return typeof part === "object" && part !== null ? this.bounds(part) : this.at(list, i, "point");
  }

  private bounds(interval: object): FormPlace[] {
    return [...this.at(interval, "from", "from"), ...this.at(interval, "to", "to")];
  }

  /** An interval that is one value in all rows. */
  private single(interval: Interval | undefined, kind: FormPlace["kind"]): FormPlace[] {
    if (interval === undefined) return [];
    const [from, to] = [this.at(interval, "from", kind), this.at(interval, "to", kind)];
    this.isOdd ||= from[0]?.slot !== to[0]?.slot;
    return from;
  }

  inStep(step: Step): FormPlace[] {
    switch (step.kind) {
      case "compare":
        return this.at(step, "right", "point");
      case "within":
        return step.intervals.flatMap((interval) => this.bounds(interval));
      case "verdict":
        return this.at(step.verdict, "chain", "chain");
      case "dnat":
      case "snat":
        if (step.to.kind !== "literal") return [];
        return [...this.single(step.to.addresses, "address"), ...this.single(step.to.ports, "port")];
      case "member":
      case "remember":
        return this.at(step, "set", "set");
      default:
        // In others no value is looked for.
        return [];
    }
  }
}
