/** A table whose elements come and go, and what its rules come to without lookups: kept up chain by chain. */
import type { Diagnostic } from "../../diagnostics.ts";
import { ChainGraph } from "../../ir/chain-graph.ts";
import { stringify } from "../../ir/normal-form.ts";
import type { BaseChain, Chain, MapElement, SetDeclaration, Table } from "../../ir/types.ts";
import { type ChainListener, FollowedChains } from "./followed-chains.ts";
import { ReadFields } from "./known.ts";
import { NO_ELEMENTS, type OwnedElements, OwnedTable } from "./owned-elements.ts";
import { Unfolder } from "./unfold.ts";
import type { UnfoldSource } from "./unfold-source.ts";

export class UnfoldedTable {
  private readonly family: Table["family"];
  private readonly listener: ChainListener;
  private elements = this.noElements();
  private table: Table | undefined;
  /** By name, with their texts. */
  private chains: ReadonlyMap<string, { readonly chain: Chain; readonly text: string }> = new Map();
  private sets: ReadonlyMap<string, SetDeclaration> = new Map();
  /** How many elements of each verdict map lead to a chain. */
  private verdicts = new Map<string, Map<string, number>>();
  private haveTargetsMoved = true;
  private readFields = new ReadFields(new ChainGraph({ chains: [], maps: [] }));
  /** The same as texts, by the name of the chain. */
  private read: ReadonlyMap<string, string> = new Map();
  private made: Made | undefined;

  constructor(family: Table["family"], listener: ChainListener) {
    this.family = family;
    this.listener = listener;
  }

  /** Forgets all elements. */
  reset(): void {
    this.restart();
    this.elements = this.noElements();
    this.verdicts = new Map();
    if (this.table !== undefined) this.putOwn(this.table);
  }

  /** The table without elements of owners; undefined: there is none. */
  setTable(table: Table | undefined): void {
    this.table = table;
    if (table === undefined) {
      this.chains = new Map();
      this.restart();
      return;
    }
    const before = this.chains;
    this.chains = new Map(
      table.chains.map((chain) => {
        const text = stringify(chain);
        const known = before.get(chain.name);
        return [chain.name, known?.text === text ? known : { chain, text }];
      }),
    );
    const sets = new Map(table.sets.map((set) => [set.name, set]));
    for (const [name, set] of sets) {
      const known = this.sets.get(name);
      if (known !== undefined && headText(known) !== headText(set)) this.restart();
    }
    this.sets = sets;
    this.putOwn(table);
    for (const name of new Set([...before.keys(), ...this.chains.keys()])) {
      if (before.get(name) === this.chains.get(name)) continue;
      this.haveTargetsMoved = true;
      this.made?.chains.rulesChanged(name);
    }
  }

  /** What an owner has in the table now, in place of what it had. */
  put(owner: string, elements: OwnedElements = NO_ELEMENTS): void {
    this.elements.put(owner, elements);
  }

  /** Makes all chains that differ. Gives rules that have no counterpart without lookups; undefined: there is no table. */
  settle(): readonly Diagnostic[] | undefined {
    if (this.haveTargetsMoved) this.readAgain();
    if (this.table === undefined) return undefined;
    this.made ??= this.start();
    const { chains } = this.made;
    chains.setBases(this.baseChains);
    chains.settle();
    return this.made.lacking;
  }

  /** Sets that rules fill, as `unfoldLookups` names them. */
  get dynamicSets(): ReadonlyMap<string, SetDeclaration> {
    return this.made?.unfolder.dynamicSets ?? NO_SETS;
  }

  get baseChains(): readonly BaseChain[] {
    return [...this.chains.values()].flatMap(({ chain }) => (chain.kind === "base" ? [chain] : []));
  }

  /** The chains of the table, by name. */
  chainNamed(name: string): Chain | undefined {
    return this.chains.get(name)?.chain;
  }

  // --- chains ------------------------------------------------------------------------------------------------------------

  private start(): Made {
    const lacking: Diagnostic[] = [];
    const source: UnfoldSource = {
      rulesOf: (chain) => this.chains.get(chain)?.chain.rules ?? [],
      setNamed: (name) => this.sets.get(name),
      mapElements: (map, values) => made.chains.read(this.elements.elementsOfMap(map).matching(values)),
      setElements: (set, values) => made.chains.read(this.elements.elementsOfSet(set).matching(values)),
    };
    let chains: FollowedChains | undefined;
    const unfolder = new Unfolder(this.family, source, lacking, (rulesFrom) => {
      chains = new FollowedChains(rulesFrom, () => this.readFields, this.listener);
      return chains;
    });
    const made: Made = { chains: chains as FollowedChains, unfolder, lacking };
    return made;
  }

  /** Everything is to be made again. */
  private restart(): void {
    this.made?.chains.close();
    this.made = undefined;
    this.haveTargetsMoved = true;
  }

  /** Looks again which fields chains read. Where that is not what it was, names of chains are others. */
  private readAgain(): void {
    this.haveTargetsMoved = false;
    const chains = [...this.chains.values()].map(({ chain }) => chain);
    const maps = [...this.verdicts].map(([name, targets]) => ({
      name,
      key: [],
      data: "verdict" as const,
      interval: false,
      elements: [...targets.keys()].map(leadingTo),
    }));
    this.readFields = new ReadFields(new ChainGraph({ chains, maps }));
    const isSame = chains.every(({ name }) => {
      const known = this.read.get(name);
      return known === undefined || known === fieldsText(this.readFields, name);
    });
    this.read = new Map(chains.map(({ name }) => [name, fieldsText(this.readFields, name)]));
    if (isSame) return;
    this.made?.chains.close();
    this.made = undefined;
  }

  // --- elements ----------------------------------------------------------------------------------------------------------

  private noElements(): OwnedTable {
    return new OwnedTable((map, { value }, by) => {
      if (!("chain" in value)) return;
      const targets = this.verdicts.get(map) ?? new Map<string, number>();
      this.verdicts.set(map, targets);
      const count = (targets.get(value.chain) ?? 0) + by;
      if (count === 0) targets.delete(value.chain);
      else targets.set(value.chain, count);
      if (count === 0 || (count === 1 && by === 1)) this.haveTargetsMoved = true;
    });
  }

  /** Elements that the table has without owners. */
  private putOwn({ sets, maps }: Table): void {
    this.elements.put("", {
      maps: new Map(maps.map(({ name, elements }) => [name, elements])),
      sets: new Map(sets.map(({ name, elements }) => [name, elements])),
      shared: new Map(),
    });
  }
}

const NO_SETS: ReadonlyMap<string, SetDeclaration> = new Map();

interface Made {
  readonly chains: FollowedChains;
  readonly unfolder: Unfolder;
  readonly lacking: Diagnostic[];
}

function leadingTo(chain: string): MapElement {
  return { key: [], value: { kind: "jump", chain } };
}

function fieldsText(fields: ReadFields, chain: string): string {
  return [...fields.of(chain)].sort().join(" ");
}

function headText({ elements: _, ...head }: SetDeclaration): string {
  return stringify(head);
}
