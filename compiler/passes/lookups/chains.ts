/** The chains that are made: one for each place that rules go on from, and for what is known there. */

import { goto, verdict } from "../../ir/build.ts";
import { ChainGraph } from "../../ir/chain-graph.ts";
import type { Chain, Rule, SetElement, Statement, Step, Table } from "../../ir/types.ts";
import { type OnElement, type Position, pastRule, type Residue, type StepCursor } from "./cursor.ts";
import type { OpenField } from "./keys.ts";
import { type KnownFields, knownText, ReadFields } from "./known.ts";

/** Makes chains for whoever evaluates rules. */
export interface ChainMaker {
  /** The name of `chain` for packets of which `known` is known; undefined when it does nothing to them. `comment`: what its rules say. */
  chainFor(chain: string, known: KnownFields, comment?: string): string | undefined;
  /** How a rule leaves for the one behind it. */
  leaveFor(cursor: StepCursor): Statement;
  /** The name of a chain that goes on from `place`; undefined when there is nothing left to do. */
  placeFor(place: Position): string | undefined;
  /** Adds a chain. Returns its name: `wanted`, or one like it. */
  add(wanted: string, rules: readonly Rule[]): string;
  /** Whether no packet comes back from a chain that has been made. */
  alwaysEnds(name: string): boolean;
  /** What a chain that has been made does to all packets, where it does nothing else: it stands where the chain would be
   *  jumped to. */
  onlyStatement(name: string): Statement | undefined;
  /** What `byKey` gives, where a tree for these elements is kept; undefined: it is to be made. */
  keptTree?<Element extends SetElement>(
    elements: readonly Element[],
    fields: readonly OpenField[],
    cursor: StepCursor,
    then: OnElement<Element>,
  ): Residue | undefined;
}

export class MadeChains implements ChainMaker {
  private readonly readFields: ReadFields;
  private readonly rulesFrom: (place: Position) => Rule[];
  /** By name; undefined for those that are being made, and for those without rules. */
  private readonly made = new Map<string, Chain | undefined>();

  /** `rulesFrom` gives what rules of `table` become. */
  constructor(table: Table, rulesFrom: (place: Position) => Rule[]) {
    this.readFields = new ReadFields(new ChainGraph(table));
    this.rulesFrom = rulesFrom;
  }

  /** Keeps a base chain. */
  keep(chain: Chain): void {
    this.made.set(chain.name, chain);
  }

  /** What base chains lead to, and they. */
  used(): Chain[] {
    const chains = [...this.made.values()].filter((chain) => chain !== undefined);
    return [...new ChainGraph({ chains, maps: [] }).reachableFrom(chains.filter(({ kind }) => kind === "base"))];
  }

  chainFor(chain: string, known: KnownFields, comment?: string): string | undefined {
    return this.placeFor({ chain, index: 0, known, comment });
  }

  leaveFor(cursor: StepCursor): Statement {
    return leaving(this.placeFor(pastRule(cursor)));
  }

  placeFor(place: Position): string | undefined {
    const { chain, index, comment } = place;
    const { name, known } = nameOfPlace(place, this.readFields);
    if (!this.made.has(name)) {
      this.made.set(name, undefined);
      const rules = this.rulesFrom({ chain, index, known, comment });
      if (rules.length > 0) this.add(name, rules);
    }
    return this.made.get(name) === undefined ? undefined : this.throughGoto(name);
  }

  /** Where a chain leads that does nothing but to go on in another one; else `name`. */
  private throughGoto(name: string): string {
    const only = this.firstStepOf(name);
    return only?.kind === "verdict" && only.verdict.kind === "goto" ? this.throughGoto(only.verdict.chain) : name;
  }

  /** The step of the first rule of a chain, where that has no others: behind one that ends there is no rule. */
  private firstStepOf(name: string): Step | undefined {
    return onlyStep(this.made.get(name)?.rules[0]);
  }

  add(wanted: string, rules: readonly Rule[]): string {
    let name = wanted;
    for (let n = 2; this.made.get(name) !== undefined; n++) name = `${wanted} #${n}`;
    this.made.set(name, { kind: "regular", name, rules });
    return name;
  }

  alwaysEnds(name: string): boolean {
    const only = onlyStep(this.made.get(name)?.rules.at(-1));
    if (only?.kind === "verdict" && "chain" in only.verdict) return this.alwaysEnds(only.verdict.chain);
    return only !== undefined && isEnd(only);
  }

  onlyStatement(name: string): Statement | undefined {
    const only = this.firstStepOf(name);
    return only !== undefined && isEnd(only) ? only : undefined;
  }
}

/** The name of the chain that goes on from `place`, and what of all that is known it depends on. */
export function nameOfPlace(
  { chain, index, known: all, comment }: Position,
  readFields: ReadFields,
): { readonly name: string; readonly known: KnownFields } {
  const fields = readFields.of(chain);
  const known: KnownFields = new Map([...all].filter(([field]) => fields.has(field)));
  const text = knownText(known);
  const own = `${chain}${index === 0 ? "" : `+${index}`}${text === "" ? "" : ` (${text})`}`;
  return { name: comment === undefined ? own : `${own} ${comment}`, known };
}

/** How a rule leaves for the chain `rest`; undefined: nothing is left to do. */
export function leaving(rest: string | undefined): Statement {
  return rest === undefined ? verdict({ kind: "return" }) : goto(rest);
}

/** The rules of a chain, where a jump of all packets at its end is a goto: a chain that does nothing else is not entered. */
export function endingByGoto(rules: readonly Rule[]): Rule[] {
  const end = rules.at(-1);
  const step = onlyStep(end);
  if (step?.kind !== "verdict" || step.verdict.kind !== "jump") return [...rules];
  return [...rules.slice(0, -1), { ...end, steps: [goto(step.verdict.chain)] }];
}

export function onlyStep(rule: Rule | undefined): Step | undefined {
  const [only, other] = rule?.steps ?? [];
  return other === undefined ? only : undefined;
}

/** Whether no packet goes on behind `step`. */
export function isEnd(step: Step): step is Statement {
  switch (step.kind) {
    case "verdict":
      return step.verdict.kind === "accept" || step.verdict.kind === "drop";
    case "reject":
    case "masquerade":
    case "redirect":
      return true;
    default:
      // Packets may go on behind others.
      return false;
  }
}
