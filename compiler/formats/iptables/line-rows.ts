/** Rules of lines that have the shape of earlier ones, as rows. */
import type { Origin } from "../../diagnostics.ts";
import type { LineStore } from "../../ir/draft.ts";
import type { RowHole } from "../../ir/row-forms.ts";
import type { RuleRows } from "../../ir/rule-rows.ts";
import type { Rule } from "../../ir/types.ts";
import type { HoleValue } from "../shapes/holes.ts";
import { NumberColumn } from "../shapes/number-column.ts";
import { Rows } from "../shapes/rows.ts";
import type { ShapeTemplate } from "../shapes/template.ts";
import type { ReadRule } from "./read-rule.ts";

type OriginOf = (start: number, end: number) => Origin;

/** Characters of a line, about. */
const LENGTH = 100;

/** A row is one rule. */
export class LineRows implements RuleRows, LineStore<Rule> {
  private readonly rows: Rows<readonly ReadRule[]>;
  /** By row: where its line begins and ends. */
  private readonly starts: NumberColumn;
  private readonly ends: NumberColumn;
  private readonly originOf: OriginOf;

  /** `length`: of the text. */
  constructor(length: number, originOf: OriginOf) {
    this.originOf = originOf;
    const room = Math.max(64, Math.floor(length / LENGTH));
    this.rows = new Rows(room);
    this.starts = new NumberColumn(room);
    this.ends = new NumberColumn(room);
  }

  get count(): number {
    return this.rows.count;
  }

  /** Adds the one rule that `template` makes of `values`. */
  add(template: ShapeTemplate<readonly ReadRule[]>, values: readonly HoleValue[], start: number, end: number): void {
    this.rows.add(template, values);
    this.starts.push(start);
    this.ends.push(end);
  }

  addMade(rule: Rule): void {
    this.rows.addMade([rule]);
    this.starts.push(0);
    this.ends.push(0);
  }

  readonly make = (row: number): Rule => {
    const [found] = this.rows.make(row) as readonly [ReadRule];
    if (this.rows.isMade(row)) return found;
    const { steps, comment } = found;
    const origin = this.originOf(this.starts.at(row), this.ends.at(row));
    return comment === undefined ? { steps, origin } : { steps, comment, origin };
  };

  readonly peek = (row: number): Rule => this.rows.peek(row)[0] as ReadRule;

  formOf(row: number): number {
    return this.rows.formOf(row);
  }

  holesOf(form: number): readonly RowHole[] {
    return this.rows.holesOf(form);
  }

  valueOf(row: number, slot: number): HoleValue {
    return this.rows.valueOf(row, slot);
  }
}
