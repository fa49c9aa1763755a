/**
 * Rows of one form: what was made of one of them says what the others are.
 *
 * A matter of speed alone: `Describer` makes the same of each row. What it makes depends on the form of a row, on the value in each place
 * that is part of its template, and on whether there is a parameter in each other place: by these, templates are known here.
 */
import { type FormedRows, PerForm } from "../../ir/row-forms.ts";
import type { Sort } from "./fields.ts";
import type { Parameter, RowTemplate } from "./row-template.ts";
import type { Naming } from "./rule-shapes.ts";
import type { Token, Tokens } from "./tokens.ts";

/** What becomes of a value: it is a parameter if it may be one, or part of the template; of a set, what stands for its name. */
export type Taking = Sort | "chain" | "set" | "template";

export interface TakenSlot {
  readonly slot: number;
  readonly taking: Taking;
}

/** A row that was described by itself. */
export interface DescribedRow extends RowTemplate {
  /** How many parameters it has up to each of its parts, and with it. */
  readonly ends: readonly number[];
}

/** Rows, and how one is described by itself. */
export interface RowReading {
  readonly rows: FormedRows;
  /** By part of the rows of a form, which `row` is of: the values that its parameters come from or its template depends on, in the order in
   *  which `describe` takes them. Undefined: there are others. */
  readonly slotsOf: (row: number, form: number) => readonly (readonly TakenSlot[])[] | undefined;
  readonly describe: (row: number) => DescribedRow;
}

/** What rows are that differ in parameters alone. */
interface FormTemplate extends RowTemplate {
  /** Those of the last one that was found. */
  readonly parameters: Parameter[];
  /** By parameter: its place in `FormTemplates.taken`; -1: all rows have the same. */
  readonly layout: readonly number[];
}

interface FormPlan {
  /** Those of all parts. */
  readonly slots: readonly TakenSlot[];
  /** How many of them there are up to each part, and with it. */
  readonly ends: readonly number[];
  readonly start: Token;
  /** By `start` and the tokens of what is part of a template. */
  readonly templates: Map<Token, FormTemplate>;
}

/** Where rows of one form have more templates than this, the next ones are described by themselves. */
const MOST_TEMPLATES = 4096;

export class FormTemplates {
  /** `irregular`: each row has to be described. */
  private readonly plans = new PerForm<FormPlan | "irregular">();
  private readonly tokens: Tokens;
  private readonly naming: Naming;
  private readonly parameter: Token;
  private forms = 0;
  /** The parameters that the last row has in its slots; -1: there is none. */
  private readonly taken: Parameter[] = [];

  constructor(tokens: Tokens, naming: Naming) {
    this.tokens = tokens;
    this.naming = naming;
    this.parameter = tokens.ofText("parameter");
  }

  /** What `row` is, until the next call; undefined: it is none of a form, or what its form says does not do. */
  find(reading: RowReading, row: number): RowTemplate | undefined {
    const { rows } = reading;
    const form = rows.formOf(row);
    if (form < 0) return undefined;
    const plan = this.plans.get(rows, form) ?? this.open(reading, row, form);
    if (plan === "irregular") return undefined;
    const { slots, templates } = plan;
    const { naming, tokens, taken } = this;
    let state = plan.start;
    for (let i = 0; i < slots.length; i++) {
      const { slot, taking } = slots[i] as TakenSlot;
      const value = rows.valueOf(row, slot);
      let parameter: Parameter | undefined;
      let part = value;
      if (taking === "set") part = naming.ofSet(value as string);
      else if (taking === "chain") parameter = naming.ofChain(value as string);
      else if (taking !== "template") {
        if (typeof value === "string") return undefined;
        parameter = naming.ofValue(taking, value);
      }
      taken[i] = parameter ?? -1;
      state = tokens.pair(state, parameter === undefined ? tokens.ofValue(part) : this.parameter);
    }
    const template = templates.get(state) ?? this.learn(reading, row, form, plan, state);
    if (template === undefined) return undefined;
    const { layout, parameters } = template;
    for (let i = 0; i < layout.length; i++) {
      const place = layout[i] as number;
      if (place >= 0) parameters[i] = taken[place] as Parameter;
    }
    return template;
  }

  private open(reading: RowReading, row: number, form: number): FormPlan | "irregular" {
    const parts = reading.slotsOf(row, form);
    let plan: FormPlan | "irregular" = "irregular";
    if (parts !== undefined) {
      let end = 0;
      const ends = parts.map((part) => (end += part.length));
      plan = { slots: parts.flat(), ends, start: this.tokens.ofText(`form ${this.forms++}`), templates: new Map() };
    }
    this.plans.set(reading.rows, form, plan);
    return plan;
  }

  private learn(
    reading: RowReading,
    row: number,
    form: number,
    plan: FormPlan,
    state: Token,
  ): FormTemplate | undefined {
    if (plan.templates.size >= MOST_TEMPLATES) return undefined;
    const described = reading.describe(row);
    const layout = this.layoutOf(described, plan);
    if (layout === undefined) {
      this.plans.set(reading.rows, form, "irregular");
      return undefined;
    }
    const { token, guards, parameters } = described;
    const template: FormTemplate = { token, guards, parameters: [...parameters], layout };
    plan.templates.set(state, template);
    return template;
  }

  /** Undefined: parameters are not those in `taken`, part by part. */
  private layoutOf({ parameters, ends }: DescribedRow, plan: FormPlan): readonly number[] | undefined {
    if (ends.length !== plan.ends.length) return undefined;
    const layout: number[] = [];
    for (let part = 0; part < ends.length; part++) {
      const own = parameters.slice(ends[part - 1] ?? 0, ends[part]);
      const [first, end] = [plan.ends[part - 1] ?? 0, plan.ends[part] as number];
      if (first === end) {
        layout.push(...own.map(() => -1));
        continue;
      }
      const places = Array.from({ length: end - first }, (_, i) => first + i).filter((i) => this.taken[i] !== -1);
      if (places.length !== own.length || places.some((place, i) => this.taken[place] !== own[i])) return undefined;
      layout.push(...places);
    }
    return layout;
  }
}
