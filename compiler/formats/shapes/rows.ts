/** What texts of shapes are, kept as the values of their holes: objects of it are made when they are asked for. */
import { invariant } from "../../invariant.ts";
import type { FormedRows } from "../../ir/row-forms.ts";
import type { HoleValue } from "./holes.ts";
import { NumberColumn } from "./number-column.ts";
import type { HolePlace, Mask, ShapeTemplate } from "./template.ts";

/** The place of a row that was read otherwise. */
const MADE = -1;

const LEAST_ROOM = 64;

/** Holes of a row, about. */
const VALUES = 4;

export class Rows<T extends object> implements FormedRows {
  private readonly templates: ShapeTemplate<T>[] = [];
  /** By the number of their template. */
  private readonly masks: Mask<T>[] = [];
  private readonly numberOf = new Map<ShapeTemplate<T>, number>();
  /** By row: the number of its template, or `MADE`. */
  private readonly forms: NumberColumn;
  /** By row: where its values begin among `values`; or its place among `made`. */
  private readonly starts: NumberColumn;
  /** Numbers; and the places of what is none among `others`. */
  private values: Float64Array;
  private readonly others: (string | bigint)[] = [];
  private readonly made: T[] = [];
  private used = 0;
  private last: ShapeTemplate<T> | undefined;
  private lastForm = 0;
  count = 0;

  /** `room`: for about as many rows there is room before it grows. */
  constructor(room = LEAST_ROOM) {
    const rows = Math.max(room, LEAST_ROOM);
    this.forms = new NumberColumn(rows);
    this.starts = new NumberColumn(rows);
    this.values = new Float64Array(rows * VALUES);
  }

  /** Adds what `template` makes of `values`. */
  add(template: ShapeTemplate<T>, values: readonly HoleValue[]): void {
    const start = this.used;
    const { width } = template;
    if (start + width > this.values.length) {
      const larger = new Float64Array(2 * this.values.length + width);
      larger.set(this.values);
      this.values = larger;
    }
    for (let slot = 0; slot < width; slot++) {
      const value = values[slot] as HoleValue;
      this.values[start + slot] = typeof value === "number" ? value : this.others.push(value) - 1;
    }
    this.used = start + width;
    this.put(this.formFor(template), start);
  }

  /** Adds a row of no template. */
  addMade(row: T): void {
    this.put(MADE, this.made.push(row) - 1);
  }

  private put(form: number, start: number): void {
    this.count++;
    this.forms.push(form);
    this.starts.push(start);
  }

  private formFor(template: ShapeTemplate<T>): number {
    // Most are of the same one as the row before.
    if (template === this.last) return this.lastForm;
    let form = this.numberOf.get(template);
    if (form === undefined) {
      form = this.templates.push(template) - 1;
      this.numberOf.set(template, form);
    }
    this.last = template;
    this.lastForm = form;
    return form;
  }

  make(row: number): T {
    invariant(row >= 0 && row < this.count, "there is such a row");
    const form = this.forms.at(row);
    const start = this.starts.at(row);
    if (form === MADE) return this.made[start] as T;
    const template = this.templates[form] as ShapeTemplate<T>;
    return template.fill(Array.from({ length: template.width }, (_, slot) => this.valueAt(template, start, slot)));
  }

  /** Whether a row was added that was made elsewhere. */
  isMade(row: number): boolean {
    return this.forms.at(row) === MADE;
  }

  /** The number of the template of a row, or `MADE`. */
  formOf(row: number): number {
    return this.forms.at(row);
  }

  holesOf(form: number): readonly HolePlace[] {
    return this.maskOf(form).places;
  }

  /** Values of a slot are of one kind of hole, and so of one type. */
  valueOf(row: number, slot: number): HoleValue {
    return this.valueAt(this.templates[this.forms.at(row)] as ShapeTemplate<T>, this.starts.at(row), slot);
  }

  private maskOf(form: number): Mask<T> {
    this.masks[form] ??= (this.templates[form] as ShapeTemplate<T>).mask();
    return this.masks[form] as Mask<T>;
  }

  /** Calls `visit` with each row, as `peek` gives it. */
  forEach(visit: (row: T, number: number) => void): void {
    for (let row = 0; row < this.count; row++) visit(this.peek(row), row);
  }

  /** What `make` makes, until this is called again: all rows of a template are one object. */
  peek(row: number): T {
    const form = this.forms.at(row);
    const start = this.starts.at(row);
    if (form === MADE) return this.made[start] as T;
    const template = this.templates[form] as ShapeTemplate<T>;
    const { is, places } = this.masks[form] ?? this.maskOf(form);
    for (let i = 0; i < places.length; i++) {
      const { of, key, slot } = places[i] as HolePlace;
      of[key] = this.valueAt(template, start, slot);
    }
    return is;
  }

  private valueAt(template: ShapeTemplate<T>, start: number, slot: number): HoleValue {
    const value = this.values[start + slot] as number;
    return template.isNumber[slot] ? value : (this.others[value] as HoleValue);
  }
}
