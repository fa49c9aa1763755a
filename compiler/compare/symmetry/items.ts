/** The rules and elements of two programs, with what they are for the argument of README.md. */
import { countElements, forEachElement, rowsOfElements } from "../../ir/element-rows.ts";
import { placeOf } from "../../ir/place.ts";
import { countRules, type RuleRows, rowsOfRules, ruleAt } from "../../ir/rule-rows.ts";
import { dataTypesOf, isMap, keyTypesOf } from "../../ir/sets.ts";
import type {
  BaseChain,
  Chain,
  MapDeclaration,
  MapElement,
  Program,
  SetDeclaration,
  SetElement,
  Table,
} from "../../ir/types.ts";
import type { Address } from "../../net/address.ts";
import { Column } from "./columns.ts";
import { affinityTextsOf } from "./declarations.ts";
import { type DescribedElement, Describer } from "./describe.ts";
import type { Named, Sort } from "./fields.ts";
import { flatChainsOf, flatTwinsOf } from "./flatten.ts";
import type { FormTemplates, RowReading } from "./form-templates.ts";
import { areTextsDistinct, type KeyForm, keyFormOf } from "./keys.ts";
import { areKeysDistinct, KeyTypes } from "./numeric-keys.ts";
import { guardingPorts } from "./ports.ts";
import { elementsAsRead, rulesAsRead } from "./readings.ts";
import type { Parameter, RowTemplate } from "./row-template.ts";
import { countRulesIn, type RuleRun } from "./rule-runs.ts";
import { NoSymmetry, type Token } from "./tokens.ts";
import { type Twin, twinOf } from "./twins.ts";

/** A list of rules or of elements, in their order: `count` items from `first` on. */
export type ItemList = ChainRows | SetRows;

interface AnyList<Of> {
  /** A text for the table, and the side or both. */
  readonly where: string;
  readonly first: number;
  readonly count: number;
  /** What it is of the left program, of the right one, or of each: the rows are those of both then. */
  readonly on: readonly (OnSide & Of)[];
}

interface OnSide {
  /** 0: of the left program; 1: of the right one. */
  readonly side: number;
  readonly table: Table;
}

interface FlatChain {
  readonly chain: Chain;
  readonly runs: readonly RuleRun[];
}

export interface ChainRows extends AnyList<FlatChain> {
  readonly kind: "rules";
  /** The parameter that its name is; undefined: the kernel enters the chain. */
  readonly name: Parameter | undefined;
}

export interface SetRows extends AnyList<{ readonly of: SetDeclaration | MapDeclaration }> {
  readonly kind: "elements";
}

/** Places in `parameters` of a parameter without which each row does nothing, and the field that is asked for it; -1: none. */
type GuardColumns = readonly [at: Int32Array, field: Int32Array];

/** How many guards of a row are known. */
const GUARDS = 3;

/** Columns: a row for each rule and each element. */
export class Items {
  readonly describer: Describer;
  readonly lists: ItemList[] = [];
  /** All that is in them but their parameters: a `Token` each. */
  readonly templates: Int32Array;
  /** Their parameters are `parameters` from here on; one more row says where the last ones end. */
  readonly starts: Int32Array;
  /** A `Parameter` each. */
  readonly parameters: Int32Array;
  readonly guards: readonly GuardColumns[];
  /** By parameter: the text of the side and the table of a chain; undefined for values. */
  readonly chainsOf: (string | undefined)[] = [];
  /** By template of an element: its key. */
  readonly keys = new Map<Token, KeyForm>();
  private readonly growing = new Column();
  private readonly readings = new Map<RuleRows, RowReading>();
  private rows = 0;
  /** Of the table that was entered. */
  private chains: ReadonlyMap<string, Parameter> = new Map();

  constructor(programs: readonly [Program, Program]) {
    const [left, right] = programs.map(({ ruleset }) => ruleset.tables) as [readonly Table[], readonly Table[]];
    for (const tables of [left, right]) {
      checkOrder(tables);
      checkNames(tables.map(({ family, name }) => `${family} ${name}`));
      for (const { chains, sets, maps } of tables) {
        checkNames(chains.map(({ name }) => name));
        checkNames([...sets, ...maps].map(({ name }) => name));
      }
    }
    const twins = left.map((table) => twinOf(table, right));
    const matched = new Set(twins.map((twin) => twin?.table));
    const others = right.filter((table) => !matched.has(table));
    const onlyRight = twins.flatMap((twin) => twin?.onlyThere ?? []);
    this.describer = new Describer(
      () => this.chainsOf.push(undefined) - 1,
      guardingPorts([...left, ...onlyRight, ...others]),
    );
    // As many as there are without trees of chains laid flat.
    const most = sizeOf(programs);
    const rows = (): Int32Array => new Int32Array(most);
    const [templates, starts] = [rows(), new Int32Array(most + 1)];
    const guards = Array.from({ length: GUARDS }, (): GuardColumns => [rows(), rows()]);
    this.templates = templates;
    this.starts = starts;
    this.guards = guards;
    for (const [i, table] of left.entries()) {
      const twin = twins[i];
      if (twin === undefined) this.addTable(table, 0);
      else this.addTwins(table, twin);
    }
    for (const table of others) this.addTable(table, 1);
    this.templates = templates.subarray(0, this.count);
    this.starts = starts.subarray(0, this.count + 1);
    this.parameters = this.growing.values;
    this.guards = guards.map(([at, field]) => [at.subarray(0, this.count), field.subarray(0, this.count)]);
  }

  get count(): number {
    return this.rows;
  }

  private addTable(table: Table, side: number): void {
    const where = whereOf(side, table);
    this.enter(table, this.chainsIn(table, where), [where]);
    const forms = this.describer.newForms();
    for (const [chain, runs] of flatChainsOf(table)) this.addChain([{ side, table, chain, runs }], where, forms);
    for (const set of [...table.sets, ...table.maps]) this.addSet([{ side, table, of: set }], where);
  }

  /** A table of both sides: what it has on both is one row. */
  private addTwins(table: Table, twin: Twin): void {
    const where = whereOf("both", table);
    const sides = [whereOf(0, table), whereOf(1, table)] as const;
    const chains = this.chainsIn(table, where);
    const { flat, flatTwin } = flatTwinsOf(table, twin);
    const isChanged = (runs: readonly RuleRun[]): boolean => runs.some(({ chain }) => twin.changed.has(chain));
    this.enter(table, chains, sides);
    const forms = this.describer.newForms();
    const others = new Set(flatTwin.keys());
    for (const [chain, runs] of flat) {
      const own = { side: 0, table, chain, runs };
      const other = twin.chains.get(chain) as Chain;
      const otherRuns = flatTwin.get(other);
      if (otherRuns === undefined || isChanged(runs) || !areTwins(runs, otherRuns, twin)) {
        this.addChain([own], sides[0], forms);
        continue;
      }
      others.delete(other);
      this.addChain([own, { side: 1, table: twin.table, chain: other, runs: otherRuns }], where, forms);
    }
    for (const set of [...table.sets, ...table.maps]) {
      const own = { side: 0, table, of: set };
      const other = { side: 1, table: twin.table, of: twin.declared.get(set) as typeof set };
      if (twin.refilled.has(set)) this.addSet([own], sides[0]);
      else this.addSet([own, other], where);
    }
    this.enter(twin.table, chains, sides);
    const otherForms = this.describer.newForms();
    for (const chain of others) {
      const runs = flatTwin.get(chain) as readonly RuleRun[];
      this.addChain([{ side: 1, table: twin.table, chain, runs }], sides[1], otherForms);
    }
    for (const set of twin.refilled)
      this.addSet([{ side: 1, table: twin.table, of: twin.declared.get(set) as typeof set }], sides[1]);
  }

  /** A parameter for each chain that the kernel does not enter. */
  private chainsIn({ chains }: Table, where: string): ReadonlyMap<string, Parameter> {
    const named = new Map<string, Parameter>();
    for (const { kind, name } of chains) if (kind === "regular") named.set(name, this.chainsOf.push(where) - 1);
    return named;
  }

  /** What is described next stands in `table`. */
  private enter(table: Table, chains: ReadonlyMap<string, Parameter>, where: readonly string[]): void {
    const affinityText = affinityTextsOf(table);
    const declared = [...table.sets, ...table.maps].map((set) => {
      const data = isMap(set) ? dataTypesOf(set) : undefined;
      return [set.name, { key: keyTypesOf(set), data, alike: affinityText(set) }] as const;
    });
    this.chains = chains;
    this.describer.enter({ where, family: table.family, sets: new Map(declared), chains });
  }

  private addChain(on: ChainRows["on"], where: string, forms: FormTemplates): void {
    const [{ chain, runs }] = on as [ChainRows["on"][number]];
    const name = this.chains.get(chain.name);
    this.lists.push({ kind: "rules", on, where, first: this.count, count: countRulesIn(runs), name });
    for (const run of runs) this.addRules(run, name, forms);
  }

  private addSet(on: SetRows["on"], where: string): void {
    const [{ of }] = on as [SetRows["on"][number]];
    this.lists.push({ kind: "elements", on, where, first: this.count, count: countElements(of) });
    if (!this.addElements(of)) throw new NoSymmetry(TWO_OF_A_NAME);
  }

  private addRules({ chain, first, end }: RuleRun, name: Parameter | undefined, forms: FormTemplates): void {
    const { describer } = this;
    const own = rowsOfRules(chain);
    if (own === undefined) {
      for (let at = first; at < end; at++) this.add(describer.rule(ruleAt(chain, at), chain, at), name);
      return;
    }
    const { rows } = own;
    const reading = this.readings.get(rows) ?? rulesAsRead(rows, describer);
    this.readings.set(rows, reading);
    for (let at = first; at < end; at++) {
      const row = own.rowOf(at);
      this.add(forms.find(reading, row) ?? describer.rule(rows.peek(row), chain, at), name);
    }
  }

  /** Whether no two of them are for one and the same key, by its text. */
  private addElements(set: SetDeclaration | MapDeclaration): boolean {
    const { describer, keys } = this;
    const first = this.count;
    const types = new KeyTypes();
    const key = keyTypesOf(set);
    const data = isMap(set) ? dataTypesOf(set) : undefined;
    const describe = (element: SetElement | MapElement): DescribedElement => {
      const described = describer.element(element, key, data);
      if (!keys.has(described.token)) keys.set(described.token, keyFormOf(element.key, described));
      types.add(element.key);
      return described;
    };
    const rows = rowsOfElements(set);
    if (rows === undefined) forEachElement(set, (element) => this.add(describe(element), undefined));
    else {
      const forms = describer.newForms();
      const reading = elementsAsRead(rows, key, data, describe);
      for (let row = 0; row < rows.count; row++)
        this.add(forms.find(reading, row) ?? describe(rows.peek(row)), undefined);
    }
    if (!types.areLike) return areTextsDistinct(set);
    const columns = { templates: this.templates, starts: this.starts, parameters: this.growing.values, keys };
    return areKeysDistinct(columns, first, this.count - first);
  }

  /** `name`: of the chain that it stands in, which comes before its other parameters. */
  private add({ token, parameters: own, guards: found }: RowTemplate, name: Parameter | undefined): void {
    const { growing, guards } = this;
    if (name !== undefined) growing.push(name);
    const start = growing.length;
    for (let i = 0; i < own.length; i++) growing.push(own[i] as Parameter);
    const row = this.rows++;
    this.templates[row] = token;
    this.starts[row + 1] = growing.length;
    for (let i = 0; i < GUARDS; i++) {
      const [at, field] = guards[i] as GuardColumns;
      const guard = found[i];
      at[row] = guard === undefined ? -1 : start + guard.at;
      field[row] = guard === undefined ? -1 : guard.field;
    }
  }
}

/** The rules and elements of programs. */
export function sizeOf(programs: readonly Program[]): number {
  let size = 0;
  for (const { chains, sets, maps } of programs.flatMap(({ ruleset }) => ruleset.tables)) {
    for (const chain of chains) size += countRules(chain);
    for (const set of [...sets, ...maps]) size += countElements(set);
  }
  return size;
}

const TWO_OF_A_NAME = "two things of one kind have one name";

function whereOf(side: number | "both", { family, name }: Table): string {
  return `${side} ${family} ${name}`;
}

/** Whether runs of the left side are these ones of the right side. */
function areTwins(runs: readonly RuleRun[], others: readonly RuleRun[], { chains }: Twin): boolean {
  return (
    runs.length === others.length &&
    runs.every(({ chain, first, end }, i) => {
      const other = others[i] as RuleRun;
      return chains.get(chain) === other.chain && first === other.first && end === other.end;
    })
  );
}

function checkNames(names: readonly string[]): void {
  if (new Set(names).size < names.length) throw new NoSymmetry(TWO_OF_A_NAME);
}

/** Chains of several tables that the kernel enters from one place: which comes first may depend on what else is in them. */
function checkOrder(tables: readonly Table[]): void {
  const known = new Map<string, Table>();
  for (const table of tables)
    for (const chain of table.chains) {
      if (chain.kind !== "base") continue;
      for (const family of familiesOf(table)) {
        const key = `${family} ${chain.hook} ${placeIn(chain)}`;
        const other = known.get(key);
        if (other !== undefined && other !== table)
          throw new NoSymmetry(`several tables have a chain at one place of ${chain.hook}`);
        known.set(key, table);
      }
    }
}

function placeIn(chain: BaseChain): string {
  return `${placeOf(chain)} ${chain.device ?? ""}`;
}

function familiesOf({ family }: Table): readonly string[] {
  return family === "inet" ? ["ip", "ip6"] : [family];
}

/** The values that are what they are: nothing is exchanged with them. `own`: the node's addresses. */
export function fixedValues(own: readonly Address[]): Readonly<Record<Sort, readonly Named[]>> {
  return {
    // Also what packets have that go nowhere, and what those are redirected to that come from the node itself.
    address: [...own, 0, 0n, 0x7f000001, 1n],
    port: [0], // of packets that have none
    identity: [0], // of packets to which no rule has given one
  };
}
