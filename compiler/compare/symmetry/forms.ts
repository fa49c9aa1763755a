/** Components of one form: which of them are images of each other, and which stand for the others. */
import { type Components, componentsIn, kindsOf } from "./components.ts";
import { HAD, type Named, SORTS, type Sort } from "./fields.ts";
import type { Items } from "./items.ts";
import type { Roles } from "./roles.ts";
import type { Parameter } from "./row-template.ts";

/** Which rows and chains stay. */
export interface Staying {
  /** By row: whether it stays. */
  readonly rows: Uint8Array;
  /** By parameter: whether a chain of this name stays. */
  readonly chains: Uint8Array;
}

/** The class of a value, by its sort. */
type ClassOf = Readonly<Record<Sort, (value: Named) => number>>;

/** The components of two programs, by form. */
export class Forms {
  /** By form: the parameters of the components that stay. */
  readonly kept: (readonly Parameter[])[] = [];
  /** By component: its form. */
  private readonly formOf: Int32Array;
  /** By component: whether it is one of those that stay. */
  private readonly isKept: Uint8Array;
  private readonly components: Components;
  private readonly items: Items;
  private readonly roles: Roles;

  constructor(items: Items, roles: Roles, classOf: ClassOf) {
    this.items = items;
    this.roles = roles;
    const components = componentsIn(items, roles);
    this.components = components;
    this.formOf = new Int32Array(components.count);
    this.isKept = new Uint8Array(components.count);
    const kinds = kindsOf(items, roles);
    const featureOf = featuresOf(items, classOf);
    const labels = new Int32Array(items.chainsOf.length).fill(-1);
    const known = new KnownForms();
    const mostOf = mostIn(items);
    let last: Met | undefined;
    for (let number = 0; number < components.count; number++) {
      const rows = sortedRows(components, number, kinds);
      const { code, members } = formIn(items, roles.isFixed, kinds, rows, labels, featureOf);
      const others = last !== undefined && areEqual(last.code, code) ? last : known.of(code, () => mostOf(members));
      last = others;
      this.formOf[number] = others.form;
      if (++others.count > others.most) continue;
      this.isKept[number] = 1;
      this.kept[others.form] = [...(this.kept[others.form] ?? []), ...members];
    }
  }

  /** Of components. */
  get count(): number {
    return this.components.count;
  }

  /** Of the components that stay. */
  get countKept(): number {
    return this.isKept.reduce((sum, each) => sum + each, 0);
  }

  /** Whether all components of these forms stay. */
  keepsAllOf(forms: ReadonlySet<number>): boolean {
    return this.formOf.every((form, number) => this.isKept[number] === 1 || !forms.has(form));
  }

  /** Some components of each form, and all of these forms. */
  staying(all: ReadonlySet<number>): Staying {
    const { components, items, roles } = this;
    const rows = roles.isItem.map((each) => 1 - each);
    const chains = Uint8Array.from(roles.isFixed);
    for (let number = 0; number < components.count; number++) {
      if (this.isKept[number] === 0 && !all.has(this.formOf[number] as number)) continue;
      for (let i = components.starts[number] as number; i < (components.starts[number + 1] as number); i++) {
        const row = components.rows[i] as number;
        rows[row] = 1;
        for (let at = items.starts[row] as number; at < (items.starts[row + 1] as number); at++)
          chains[items.parameters[at] as number] = 1;
      }
    }
    return { rows, chains };
  }
}

/** A form, what its components are, how many of them may stay, and how many there are so far. */
interface Met {
  readonly form: number;
  readonly code: readonly number[];
  readonly most: number;
  count: number;
}

/** Forms by their codes. A hash says where to look for an equal one. */
class KnownForms {
  private readonly byHash = new Map<number, Met[]>();
  private count = 0;

  /** The form with this code, or a new one. */
  of(code: readonly number[], mostOf: () => number): Met {
    let hash = code.length;
    for (let i = 0; i < code.length; i++) hash = Math.imul(hash ^ (code[i] as number), 0x9e3779b1);
    const alike = this.byHash.get(hash);
    const met = alike?.find((each) => areEqual(each.code, code));
    if (met !== undefined) return met;
    const made: Met = { form: this.count++, code, most: mostOf(), count: 0 };
    if (alike === undefined) this.byHash.set(hash, [made]);
    else alike.push(made);
    return made;
  }
}

function areEqual(code: readonly number[], other: readonly number[]): boolean {
  if (code.length !== other.length) return false;
  for (let i = 0; i < code.length; i++) if (code[i] !== other[i]) return false;
  return true;
}

/** By kind; rows of one kind stay in their order. */
function sortedRows({ rows, starts }: Components, number: number, kinds: Int32Array): number[] {
  const own: number[] = [];
  let isSorted = true;
  for (let i = starts[number] as number; i < (starts[number + 1] as number); i++) {
    const row = rows[i] as number;
    if (own.length > 0 && (kinds[own[own.length - 1] as number] as number) > (kinds[row] as number)) isSorted = false;
    own.push(row);
  }
  return isSorted ? own : own.sort((a, b) => (kinds[a] as number) - (kinds[b] as number) || a - b);
}

/** What a component is but for the names of its parameters, which are numbered in the order in which they come. Two components with
 *  one code are images of each other: the first parameter of one for the first of the other, and so on. */
function formIn(
  { starts, parameters }: Items,
  isFixed: Uint8Array,
  kinds: Int32Array,
  rows: readonly number[],
  labels: Int32Array,
  featureOf: (parameter: Parameter) => number,
): { readonly code: readonly number[]; readonly members: readonly Parameter[] } {
  const members: Parameter[] = [];
  const code: number[] = [];
  const compare = (a: number, b: number): number => {
    const [from, other] = [starts[a] as number, starts[b] as number];
    for (let at = 0; at < (starts[a + 1] as number) - from; at++) {
      const [one, two] = [labels[parameters[from + at] as number], labels[parameters[other + at] as number]];
      // What has no number yet comes last.
      const difference =
        (one === -1 ? members.length : (one as number)) - (two === -1 ? members.length : (two as number));
      if (difference !== 0) return difference;
    }
    return 0;
  };
  const write = (row: number): void => {
    code.push(kinds[row] as number);
    for (let at = starts[row] as number; at < (starts[row + 1] as number); at++) {
      const parameter = parameters[at] as Parameter;
      if (isFixed[parameter] === 1) continue; // its kind tells it
      if (labels[parameter] === -1) {
        labels[parameter] = members.push(parameter) - 1;
        code.push(-1 - featureOf(parameter));
      }
      code.push(labels[parameter] as number);
    }
  };
  // What is there once gives its parameters numbers, by which rows of one kind are told apart.
  let open: number[][] = [];
  for (let i = 0; i < rows.length; ) {
    let end = i + 1;
    while (end < rows.length && kinds[rows[end] as number] === kinds[rows[i] as number]) end++;
    if (end === i + 1) write(rows[i] as number);
    else open.push(rows.slice(i, end));
    i = end;
  }
  while (open.length > 0) {
    const rest: number[][] = [];
    for (const some of open) {
      some.sort((a, b) => compare(a, b) || a - b);
      if (some.some((row, i) => i > 0 && compare(some[i - 1] as number, row) === 0)) rest.push(some);
      else for (const row of some) write(row);
    }
    // Where none is told from the others of its kind, their order in the text decides.
    if (rest.length === open.length) for (const row of rest.shift() ?? []) write(row);
    open = rest;
  }
  for (const parameter of members) labels[parameter] = -1;
  return { code, members };
}

/** How many components stay of a form that has these parameters: as many as a packet may belong to. */
function mostIn({ describer }: Items): (members: readonly Parameter[]) => number {
  const { values, gifts, openSearches } = describer;
  const open = openSearches.count(!gifts.address.isEmpty || !gifts.port.isEmpty);
  return (members) => {
    const own = new Set(members);
    return SORTS.reduce(
      (sum, sort) => sum + (values[sort].numbers.some((each) => own.has(each)) ? HAD[sort] : 0),
      open,
    );
  };
}

/** A number for each parameter: of two with one number all tests that are not for single values say the same. */
function featuresOf({ describer, chainsOf, lists }: Items, classOf: ClassOf): (parameter: Parameter) => number {
  const features = new Int32Array(chainsOf.length).fill(-1);
  const kinds = new Map<string, Map<number, number>>();
  let met = 0;
  /** Notes for parameters which ones of `what` they are. */
  const noting = (what: string): ((parameter: Parameter, which: number) => void) => {
    const numbers = kinds.get(what) ?? new Map<number, number>();
    kinds.set(what, numbers);
    return (parameter, which) => {
      const number = numbers.get(which) ?? met++;
      numbers.set(which, number);
      features[parameter] = number;
    };
  };
  for (const sort of SORTS) {
    const { known, numbers } = describer.values[sort];
    const note = noting(sort);
    for (let i = 0; i < known.length; i++) note(numbers[i] as Parameter, classOf[sort](known[i] as Named));
  }
  for (const list of lists)
    if (list.kind === "rules" && list.name !== undefined) {
      // Where both sides have a chain of the name, and other rules in it: both lists.
      const other = features[list.name] as number;
      noting(other < 0 ? `chain ${list.where}` : `chain ${list.where} beside ${other}`)(list.name, list.count);
    }
  return (parameter) => features[parameter] as number;
}
