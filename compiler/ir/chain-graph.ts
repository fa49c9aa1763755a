/** Which chains of a table lead to which. */
import { RuleTargets } from "./rule-targets.ts";
import type { AskedMap, Chain, MapDeclaration, MapElement, Rule, Step, Table } from "./types.ts";
import { mayGiveVerdicts, verdictsOf } from "./walk.ts";

const NOBODY: ReadonlySet<string> = new Set();
const NOWHERE: readonly string[] = [];

export class ChainGraph {
  private readonly chains: readonly Chain[];
  /** Places in `chains`. */
  private readonly numbers: ReadonlyMap<string, number>;
  private readonly maps: ReadonlyMap<string, Pick<MapDeclaration, "elements">>;
  private readonly known = new Map<AskedMap, ReadonlySet<string>>();
  /** By length of a name, the place of the last chain: names that are made of the same words are as long as each other. */
  private readonly lasts: number[] = [];
  /** No two chains have one name. */
  private readonly isNamedOnce: boolean;

  constructor({ chains, maps }: Pick<Table, "chains" | "maps">) {
    this.chains = chains;
    this.numbers = new Map(chains.map(({ name }, i) => [name, i]));
    this.isNamedOnce = this.numbers.size === chains.length;
    this.maps = new Map(maps.map((map) => [map.name, map]));
  }

  private readonly elementsOf = (map: string): readonly MapElement[] => this.maps.get(map)?.elements ?? [];

  get(name: string): Chain | undefined {
    const number = this.numberOf(name);
    return number === undefined ? undefined : this.chains[number];
  }

  /** The place of a chain among those of the table; undefined: it is none of them. */
  numberOf(name: string): number | undefined {
    // Rules often name the chain of the last one, or chains in their order.
    const last = this.isNamedOnce ? this.lasts[name.length] : undefined;
    if (last !== undefined && this.chains[last]?.name === name) return last;
    const number = last !== undefined && this.chains[last + 1]?.name === name ? last + 1 : this.numbers.get(name);
    if (number !== undefined) this.lasts[name.length] = number;
    return number;
  }

  /** The names of the chains to which `step` may lead, whether they are there or not. */
  namesBehind(step: Step): ReadonlySet<string> {
    if (!mayGiveVerdicts(step)) return NOBODY;
    // Many rules ask one large map.
    const key = step.kind === "vmap" ? step.map : undefined;
    const known = key === undefined ? undefined : this.known.get(key);
    if (known !== undefined) return known;
    let names: Set<string> | undefined;
    for (const verdict of verdictsOf(step, this.elementsOf))
      if ("chain" in verdict) names = (names ?? new Set()).add(verdict.chain);
    if (key !== undefined) this.known.set(key, names ?? NOBODY);
    return names ?? NOBODY;
  }

  /** The names of the chains that a rule leads to, some more than once. */
  namesIn({ steps }: Rule): readonly string[] {
    let found = NOWHERE;
    for (const step of steps) {
      // One name needs no set: a table may have a million of these.
      if (step.kind === "verdict") {
        if ("chain" in step.verdict) found = found.length === 0 ? [step.verdict.chain] : [...found, step.verdict.chain];
        continue;
      }
      const names = this.namesBehind(step);
      if (names.size > 0) found = [...found, ...names];
    }
    return found;
  }

  /** The chains of the table to which the rules of `chain` may lead. */
  *behind({ rules }: Chain): Generator<Chain> {
    for (const { steps } of rules)
      for (const step of steps)
        for (const name of this.namesBehind(step)) {
          const target = this.get(name);
          if (target !== undefined) yield target;
        }
  }

  /** `starts`, and all chains to which they lead, the nearer ones first. */
  reachableFrom(starts: Iterable<Chain>): ReadonlySet<Chain> {
    const found = new Set(starts);
    const targets = new RuleTargets((rule) => this.namesIn(rule));
    const add = (name: string): boolean => {
      const target = this.get(name);
      if (target !== undefined) found.add(target);
      return true;
    };
    for (const chain of found) targets.every(chain, add);
    return found;
  }
}
