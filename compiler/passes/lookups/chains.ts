/** The chains that are made: one for each place that rules go on from, and for what is known there. */

import { goto, verdict } from "../../ir/build.ts";
import { ChainGraph } from "../../ir/chain-graph.ts";
import type { Chain, Rule, Statement, Table } from "../../ir/types.ts";
import { type Position, pastRule, type StepCursor } from "./cursor.ts";
import { type KnownFields, knownText, ReadFields } from "./known.ts";

export class MadeChains {
  private readonly comments: ReadonlyMap<string, string | undefined>;
  private readonly readFields: ReadFields;
  private readonly rulesFrom: (place: Position) => Rule[];
  /** By name; undefined for those that are being made, and for those without rules. */
  private readonly made = new Map<string, Chain | undefined>();

  /** `rulesFrom` gives what rules of `table` become. */
  constructor(table: Table, rulesFrom: (place: Position) => Rule[]) {
    this.comments = new Map(table.chains.map(({ name, comment }) => [name, comment]));
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

  /** The name of `chain` for packets of which `known` is known; undefined when it does nothing to them. */
  chainFor(chain: string, known: KnownFields): string | undefined {
    return this.placeFor({ chain, index: 0, known });
  }

  /** How a rule leaves for the one behind it. */
  leaveFor(cursor: StepCursor): Statement {
    const rest = this.placeFor(pastRule(cursor));
    return rest === undefined ? verdict({ kind: "return" }) : goto(rest);
  }

  /** The name of a chain that goes on from `place`; undefined when there is nothing left to do. */
  placeFor(place: Position): string | undefined {
    const { chain, index } = place;
    const fields = this.readFields.of(chain);
    const known: KnownFields = new Map([...place.known].filter(([field]) => fields.has(field)));
    const text = knownText(known);
    const name = `${chain}${index === 0 ? "" : `+${index}`}${text === "" ? "" : ` (${text})`}`;
    if (!this.made.has(name)) {
      this.made.set(name, undefined);
      const rules = this.rulesFrom({ chain, index, known });
      if (rules.length > 0) this.add(name, rules, index === 0 ? this.comments.get(chain) : undefined);
    }
    return this.made.get(name) === undefined ? undefined : name;
  }

  /** Adds a chain. Returns its name: `wanted`, or one like it. */
  add(wanted: string, rules: readonly Rule[], comment?: string): string {
    let name = wanted;
    for (let n = 2; this.made.get(name) !== undefined; n++) name = `${wanted} #${n}`;
    this.made.set(name, { kind: "regular", name, rules, ...(comment === undefined ? {} : { comment }) });
    return name;
  }

  /** Whether no packet comes back from a chain that has been made. */
  alwaysEnds(name: string): boolean {
    const last = this.made.get(name)?.rules.at(-1);
    const [only, other] = last?.steps ?? [];
    if (only === undefined || other !== undefined) return false;
    switch (only.kind) {
      case "verdict":
        if ("chain" in only.verdict) return this.alwaysEnds(only.verdict.chain);
        return only.verdict.kind === "accept" || only.verdict.kind === "drop";
      case "reject":
      case "masquerade":
      case "redirect":
        return true;
      default:
        // Packets may come back from others.
        return false;
    }
  }
}
