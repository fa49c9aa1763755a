/**
 * Which packets may come to a rule that two programs do not have in common. All others fare alike: on their way both programs do
 * the same, rule by rule. What is found is more than that, never less: only matches on what a packet has as it came, and
 * still has at the rule's place, are taken into account, and not which rules before it let packets through.
 */
import { fieldOf } from "../evaluate/expression.ts";
import type { Environment, Packets } from "../evaluate/packet.ts";
import { type PlannedRule, planRule } from "../evaluate/plan.ts";
import { type State, startState } from "../evaluate/state.ts";
import { isUnknown } from "../evaluate/unknown-expression.ts";
import { ChainGraph } from "../ir/chain-graph.ts";
import { placeOf, placeOfNat } from "../ir/place.ts";
import type { BaseChain, Chain, Expression, Rule, Table } from "../ir/types.ts";
import type { Family } from "../net/address.ts";
import { intersection, outside, type PacketSet } from "../packets/packet-set.ts";
import type { RuleChanges } from "./changes.ts";

/** A rule that is changed, or leads to such rules. */
interface Lead {
  readonly planned: PlannedRule;
  readonly isChanged: boolean;
  readonly targets: readonly Chain[];
}

/** Limits: the search gives up at more regions or more steps than this. */
const MOST_REGIONS = 64;
const MOST_STEPS = 20_000;

export class Interest {
  private readonly tables: readonly ChangedTable[];
  private readonly translates: boolean;

  /** `translates`: some rule of either program translates connections. */
  constructor({ left, right }: RuleChanges, translates: boolean) {
    this.tables = [...left, ...right].map(([table, rules]) => new ChangedTable(table, rules));
    this.translates = translates;
  }

  /** Those of `packets` that may come to a changed rule, in parts without a packet in common. */
  of(packets: Packets, environment: Environment): PacketSet[] {
    const state = startState(packets, environment, true);
    const search = new Search(state, packets, this.translates);
    for (const table of this.tables) if (table.isOf(packets.family)) table.visit(search);
    return search.regions;
  }
}

/** A table with rules that the other side has not. */
class ChangedTable {
  private readonly table: Table;
  private readonly chains: ChainGraph;
  private readonly changed: ReadonlySet<Rule>;
  private readonly leads = new Map<Chain, readonly Lead[]>();

  constructor(table: Table, changed: ReadonlySet<Rule>) {
    this.table = table;
    this.changed = changed;
    this.chains = new ChainGraph(table);
  }

  isOf(family: Family): boolean {
    return this.table.family === "inet" || this.table.family === (family === "IPv4" ? "ip" : "ip6");
  }

  visit(search: Search): void {
    if (this.table.dormant) return;
    for (const chain of this.table.chains)
      if (chain.kind === "base" && search.canEnter(chain)) this.enter(chain, search.state, { search, base: chain });
  }

  private enter(chain: Chain, state: State, at: { readonly search: Search; readonly base: BaseChain }): void {
    for (const { planned, isChanged, targets } of this.leadsOf(chain)) {
      const passing = at.search.passing(planned, state, at.base);
      if (passing === undefined) continue;
      if (isChanged) at.search.add(passing);
      else for (const target of targets) this.enter(target, passing, at);
    }
  }

  /** The rules of `chain` that are changed, or lead to those that are. */
  private leadsOf(chain: Chain): readonly Lead[] {
    const known = this.leads.get(chain);
    if (known !== undefined) return known;
    this.leads.set(chain, []); // while it is being found out, should a chain lead back to itself
    const found = chain.rules.flatMap((rule): Lead[] => {
      const isChanged = this.changed.has(rule);
      const targets = isChanged ? [] : this.targetsOf(rule).filter((target) => this.leadsOf(target).length > 0);
      return isChanged || targets.length > 0 ? [{ planned: planRule(rule), isChanged, targets }] : [];
    });
    this.leads.set(chain, found);
    return found;
  }

  private targetsOf({ steps }: Rule): Chain[] {
    const names = new Set(steps.flatMap((step) => [...this.chains.namesBehind(step)]));
    return [...names].flatMap((name) => this.chains.get(name) ?? []);
  }
}

/** The regions of one kind of traffic. */
class Search {
  readonly state: State;
  private readonly packets: Packets;
  private readonly translates: boolean;
  private found: PacketSet[] = [];
  private steps = 0;

  constructor(state: State, packets: Packets, translates: boolean) {
    this.state = state;
    this.packets = packets;
    this.translates = translates;
  }

  get regions(): PacketSet[] {
    return this.found;
  }

  canEnter({ hook }: BaseChain): boolean {
    if (this.isAll) return false;
    return this.packets.inInterface === undefined ? hook !== "forward" : hook !== "output";
  }

  /** Packets of `state` for which the rule may do something. */
  passing({ first }: PlannedRule, state: State, base: BaseChain): State | undefined {
    this.steps++;
    if (this.steps > MOST_STEPS) this.addAll();
    if (this.isAll) return undefined;
    const { shared } = state;
    const [branch] = state.branches;
    if (branch === undefined) return undefined;
    let { region } = branch;
    for (const question of first) {
      if (!this.isAsItCame(question.left, base) || isUnknown(question.left, shared)) continue;
      const operand = fieldOf(question.left, shared, { ...branch, region });
      const passing = question.passing(operand, region);
      if (passing === undefined) return undefined;
      region = passing;
    }
    return region === branch.region ? state : { shared, branches: [{ ...branch, region }] };
  }

  add({ branches }: State): void {
    for (const { region } of branches) this.addRegion(region);
  }

  private addRegion(region: PacketSet): void {
    let parts = [region];
    for (const known of this.found)
      parts = parts.flatMap((part) => {
        const common = intersection(part, known);
        return common === undefined ? [part] : outside(part, common);
      });
    this.found.push(...parts);
    if (this.found.length > MOST_REGIONS) this.addAll();
  }

  private addAll(): void {
    this.found = [this.packets.region];
  }

  private get isAll(): boolean {
    return this.found[0] === this.packets.region;
  }

  /** Whether packets have in a field, in a chain below `base`, what they had as they came. */
  private isAsItCame(field: Expression, base: BaseChain): boolean {
    const isLooped = this.packets.inInterface === undefined && base.hook !== "output" && base.hook !== "postrouting";
    switch (field.kind) {
      case "bitwise":
        return this.isAsItCame(field.operand, base);
      case "header":
        return true;
      case "meta":
        if (field.key === "l4proto" || field.key === "nfproto") return true;
        return (field.key === "iifname" || field.key === "iif") && !isLooped;
      case "ip":
      case "ip6":
        return field.field === "saddr" ? this.keepsSource(base, isLooped) : this.keepsDestination(base, isLooped);
      case "transport":
        return field.field === "sport" ? this.keepsSource(base, isLooped) : this.keepsDestination(base, isLooped);
      default:
        // Other fields may have changed on the way.
        return false;
    }
  }

  /** Whether a place is before the first translation of sources. */
  private keepsSource(base: BaseChain, isLooped: boolean): boolean {
    const { hook, type } = base;
    if (isLooped) return false;
    if (hook !== "postrouting" && hook !== "input") return true;
    const { tracking } = this.packets;
    if (tracking === "original" || tracking === "reply") return false;
    return type === "nat" || placeOf(base) < placeOfNat(hook);
  }

  /** Whether a place is before the first translation of destinations, or no rule translates them. */
  private keepsDestination(base: BaseChain, isLooped: boolean): boolean {
    if (!this.translates) return true;
    const { hook, type } = base;
    if (isLooped || (hook !== "prerouting" && hook !== "output")) return false;
    return type === "nat" ? this.packets.tracking === "first" : placeOf(base) < placeOfNat(hook);
  }
}
