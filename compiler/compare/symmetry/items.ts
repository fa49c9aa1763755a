/** The rules and elements of two programs, with what they are for the argument of README.md. */
import { keyText } from "../../evaluate/lookup.ts";
import { isAffinity } from "../../evaluate/memory.ts";
import { stringify } from "../../ir/normal-form.ts";
import { placeOf } from "../../ir/place.ts";
import { dataTypesOf, isForOthers, isMap, keyTypesOf, partsOfKey } from "../../ir/sets.ts";
import type {
  BaseChain,
  Chain,
  MapDeclaration,
  Program,
  Rule,
  SetDeclaration,
  SetElement,
  Table,
} from "../../ir/types.ts";
import type { Address } from "../../net/address.ts";
import { type Declarations, Describer, type Parameter } from "./describe.ts";
import type { Named, Sort } from "./fields.ts";
import { flatChainsOf } from "./flatten.ts";
import { guardingPorts } from "./ports.ts";
import { NoSymmetry, type Token } from "./tokens.ts";

/** A list of rules or of elements, in their order: `count` items from `first` on. */
export type ItemList = ChainRows | SetRows;

interface AnyList {
  /** 0: of the left program; 1: of the right one. */
  readonly side: number;
  readonly table: Table;
  /** A text for the side and the table. */
  readonly where: string;
  readonly first: number;
  readonly count: number;
}

export interface ChainRows extends AnyList {
  readonly kind: "rules";
  readonly chain: Chain;
  readonly rules: readonly Rule[];
  /** The parameter that its name is; undefined: the kernel enters the chain. */
  readonly name: Parameter | undefined;
}

export interface SetRows extends AnyList {
  readonly kind: "elements";
  readonly of: SetDeclaration | MapDeclaration;
}

/** Columns: a row for each rule and each element. */
export class Items {
  readonly describer: Describer;
  readonly lists: ItemList[] = [];
  /** All that is in them but their parameters. */
  readonly templates: Token[] = [];
  /** Their parameters are `parameters` from here on; one more row says where the last ones end. */
  readonly starts: number[] = [0];
  readonly parameters: Parameter[] = [];
  /** Places in `parameters` of up to three parameters without which they do nothing, and the fields that are asked for them; -1: none. */
  readonly guards: [at: number[], field: Token[]][] = [
    [[], []],
    [[], []],
    [[], []],
  ];
  /** By parameter: the text of the side and the table of a chain; undefined for values. */
  readonly chainsOf: (string | undefined)[] = [];

  constructor(programs: readonly [Program, Program]) {
    this.describer = new Describer(() => this.chainsOf.push(undefined) - 1, guardingPorts(programs));
    for (const [side, { ruleset }] of programs.entries()) {
      checkOrder(ruleset.tables);
      checkNames(ruleset.tables.map(({ family, name }) => `${family} ${name}`));
      for (const table of ruleset.tables) this.addTable(table, side);
    }
  }

  get count(): number {
    return this.templates.length;
  }

  private addTable(table: Table, side: number): void {
    const where = `${side} ${table.family} ${table.name}`;
    checkNames(table.chains.map(({ name }) => name));
    checkNames([...table.sets, ...table.maps].map(({ name }) => name));
    const { describer } = this;
    const chains = new Map<string, Parameter>();
    for (const chain of table.chains)
      if (chain.kind === "regular") chains.set(chain.name, this.chainsOf.push(where) - 1);
    const declared = [...table.sets, ...table.maps].map((set) => {
      const data = isMap(set) ? dataTypesOf(set) : undefined;
      return [set.name, { key: keyTypesOf(set), data, alike: affinityText(set, table) }] as const;
    });
    const declarations: Declarations = { where, family: table.family, sets: new Map(declared), chains };
    describer.enter(declarations);
    for (const [chain, rules] of flatChainsOf(table)) {
      const name = chains.get(chain.name);
      const list = { side, table, where, first: this.count, count: rules.length };
      this.lists.push({ kind: "rules", ...list, chain, rules, name });
      for (const rule of rules) this.add(describer.rule(rule), name);
    }
    for (const set of [...table.sets, ...table.maps]) {
      const { elements } = set;
      const list = { side, table, where, first: this.count, count: elements.length };
      this.lists.push({ kind: "elements", ...list, of: set });
      const key = keyTypesOf(set);
      const data = isMap(set) ? dataTypesOf(set) : undefined;
      checkNames(
        elements
          .filter((element) => !isForOthers(element.key) && !isRanged(element))
          .map((element) => keyText(partsOfKey(element))),
      );
      for (const element of elements as readonly SetElement[])
        this.add(describer.element(element, key, data), undefined);
    }
  }

  /** `name`: of the chain that it stands in, which comes before its other parameters. */
  private add({ token, parameters, guards }: ReturnType<Describer["rule"]>, name: Parameter | undefined): void {
    const start = this.parameters.length + (name === undefined ? 0 : 1);
    if (name !== undefined) this.parameters.push(name);
    for (const parameter of parameters) this.parameters.push(parameter);
    this.templates.push(token);
    this.starts.push(this.parameters.length);
    for (const [i, [at, field]] of this.guards.entries()) {
      const guard = guards[i];
      at.push(guard === undefined ? -1 : start + guard.at);
      field.push(guard === undefined ? -1 : guard.field);
    }
  }
}

/** Whether an element is for more than one key. */
export function isRanged(element: SetElement): boolean {
  return partsOfKey(element).some((part) => typeof part === "object");
}

function checkNames(names: readonly string[]): void {
  if (new Set(names).size < names.length) throw new NoSymmetry("two things of one kind have one name");
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

/** What a list of session affinity is but for its name. Rules fill it, and the evaluator follows neither what they put there nor
 *  which list it is. Undefined: it is another set. */
function affinityText(set: SetDeclaration | MapDeclaration, table: Table): string | undefined {
  if (isMap(set) || set.elements.length > 0 || !isAffinity(set.name, table)) return undefined;
  const { name: _, comment: __, ...rest } = set;
  return `affinity ${stringify(rest)}`;
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
