/** Which rules two programs do not have in common: where neither program uses one of those, packets fare alike. */
import { listUseOf } from "../evaluate/list-use.ts";
import { stringify, textOfMap, textOfRule, textOfSet } from "../ir/normal-form.ts";
import type { BaseChain, Chain, Program, Rule, Table } from "../ir/types.ts";
import { setsIn, verdictsOf } from "../ir/walk.ts";
import { alignedIn, type Unaligned } from "./align.ts";

/** The rules of each side that the other one has not in the same place, by their tables. */
export interface RuleChanges {
  readonly left: ReadonlyMap<Table, ReadonlySet<Rule>>;
  readonly right: ReadonlyMap<Table, ReadonlySet<Rule>>;
}

/** Undefined: the programs have other tables or other base chains, chains that the kernel enters in another order, or other rules that
 *  fill lists, which rules in common may ask. */
export function changesBetween(left: Program, right: Program): RuleChanges | undefined {
  const [ours, theirs] = [left.ruleset.tables, right.ruleset.tables];
  if (ours.length !== theirs.length || entrances(ours) !== entrances(theirs)) return undefined;
  const changes = { left: new Map<Table, Set<Rule>>(), right: new Map<Table, Set<Rule>>() };
  for (const [i, table] of ours.entries()) {
    const other = theirs[i] as Table;
    const [own, their] = [new Reader(table), new Reader(other)];
    const [changed, changedThere] = [new Set<Rule>(), new Set<Rule>()];
    for (const chain of table.chains) {
      const twin = their.chains.get(chain.name);
      // What has no twin is entered by rules only that have none either.
      if (twin === undefined) continue;
      const { ours: some, theirs: more } = own.alignedWith(chain, their, twin);
      for (const at of some) changed.add(chain.rules[at] as Rule);
      for (const at of more) changedThere.add(twin.rules[at] as Rule);
    }
    if ([...changed, ...changedThere].some(fills)) return undefined;
    for (const rule of ofTable(table, changed)) spread(changes.left, table, rule);
    for (const rule of ofTable(other, changedThere)) spread(changes.right, other, rule);
  }
  return changes;
}

/** Whether the two programs have the same rules. */
export function areSame({ left, right }: RuleChanges): boolean {
  return left.size === 0 && right.size === 0;
}

function spread(into: Map<Table, Set<Rule>>, table: Table, rule: Rule): void {
  const known = into.get(table) ?? new Set<Rule>();
  known.add(rule);
  into.set(table, known);
}

function* ofTable({ chains }: Table, rules: ReadonlySet<Rule>): Generator<Rule> {
  if (rules.size > 0) for (const chain of chains) for (const rule of chain.rules) if (rules.has(rule)) yield rule;
}

/** What the kernel enters, and in which order: equal text for the same. */
function entrances(tables: readonly Table[]): string {
  const files = new Map<string, number>();
  const numberOf = (file: string): number => {
    const number = files.get(file) ?? files.size;
    files.set(file, number);
    return number;
  };
  const bases = tables.flatMap(({ chains }) => chains.filter((chain): chain is BaseChain => chain.kind === "base"));
  const times = bases.flatMap(({ registered }) => registered?.at ?? []).sort((a, b) => a - b);
  return stringify(
    tables.map(({ family, name, dormant, chains }) => ({
      ...{ family, name, dormant },
      chains: chains.flatMap((chain) => {
        if (chain.kind !== "base") return [];
        const { type, hook, priority, policy, device, registered } = chain;
        const order = registered && [numberOf(String(registered.file)), times.indexOf(registered.at)];
        return [{ name: chain.name, type, hook, priority, policy, device, order }];
      }),
    })),
  );
}

/** Whether a rule remembers something, for rules that may be anywhere. */
function fills({ steps }: Rule): boolean {
  return steps.some((step) => step.kind === "remember" || listUseOf(step)?.fills === true);
}

/** Equal for rules that are spelled alike. */
function plainText({ steps }: Rule): string {
  return JSON.stringify(steps, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
}

/** The rules of a table as text: equal for rules that do the same. */
class Reader {
  readonly chains: ReadonlyMap<string, Chain>;
  private readonly table: Table;
  private readonly sets: ReadonlyMap<string, Table["sets"][number]>;
  private readonly maps: ReadonlyMap<string, Table["maps"][number]>;
  private readonly known = new Map<string, string>();

  constructor(table: Table) {
    this.table = table;
    this.chains = new Map(table.chains.map((chain) => [chain.name, chain]));
    this.sets = new Map(table.sets.map((set) => [set.name, set]));
    this.maps = new Map(table.maps.map((map) => [map.name, map]));
  }

  /** The rules of `chain` held against those of `twin`, which `other` reads. */
  alignedWith(chain: Chain, other: Reader, twin: Chain): Unaligned {
    const found = alignedIn(this.textsOf(chain, plainText), other.textsOf(twin, plainText));
    if (found.ours.length === 0 && found.theirs.length === 0) return found;
    // Most rules that are the same are spelled alike; the others are worth a closer look.
    const { family } = this.table;
    const normal = ({ steps }: Rule): string => textOfRule({ steps }, family);
    return alignedIn(this.textsOf(chain, normal), other.textsOf(twin, normal));
  }

  private textsOf({ rules }: Chain, print: (rule: Rule) => string): string[] {
    return rules.map((rule) => this.textOf(rule, print));
  }

  /** With what the sets, maps and nameless chains hold that it names. Sets and maps without a name stand in the rule. */
  private textOf(rule: Rule, print: (rule: Rule) => string): string {
    const parts = [print(rule)];
    for (const step of rule.steps) {
      for (const name of setsIn(step)) parts.push(this.contentOf(name));
      for (const verdict of verdictsOf(step, () => [])) {
        const chain = "chain" in verdict ? this.chains.get(verdict.chain) : undefined;
        if (chain?.kind === "regular" && chain.anonymous) parts.push(...this.textsOf(chain, print));
      }
    }
    return parts.join("\n");
  }

  private contentOf(name: string): string {
    let text = this.known.get(name);
    if (text === undefined) {
      const [set, map] = [this.sets.get(name), this.maps.get(name)];
      text = set !== undefined ? textOfSet(set) : map !== undefined ? textOfMap(map) : "";
      this.known.set(name, text);
    }
    return text;
  }
}
