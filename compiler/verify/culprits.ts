/** The smallest set of other rules without which a packet to a Service fares as the Service rules say. */
import type { Discrepancy } from "../compare/compare.ts";
import { findDifference } from "../compare/outcomes.ts";
import { sourceOf } from "../evaluate/disposition.ts";
import { type Evaluation, Evaluator, knownOutcomes } from "../evaluate/evaluate.ts";
import { verdictOf } from "../evaluate/outcome.ts";
import { type Environment, hostOf, type Outcome, type Packet } from "../evaluate/packet.ts";
import { jumpTargetOf } from "../evaluate/plan.ts";
import { EXPLORE_LIMITS, type ExploreLimits } from "../evaluate/unknown/explore.ts";
import type { BaseChain, Chain, Program, Rule } from "../ir/types.ts";
import { isLast } from "../ir/walk.ts";
import type { Address } from "../net/address.ts";
import { realDifferences } from "./by-design.ts";
import type { Policy, ServiceRules, Suspect } from "./service-rules.ts";

/** Other rules, and policies, that together make a packet fare otherwise than the Service rules say. */
export interface Culprit {
  /** In the order in which the packet meets them. Without all of them it fares as it should. */
  readonly suspects: readonly Suspect[];
  /** Jumps that lead to them, and other rules without which there would be no difference either (those that set a mark, say). */
  readonly way: readonly Suspect[];
  /** It was proved that no smaller set is enough; of a packet that shares the explanation of another, that none can be left out. */
  readonly isSmallest: boolean;
}

/** What became of a packet without some of the other rules. */
interface Run {
  /** Those that are known: all of them, where the run is whole. */
  readonly outcomes: readonly Outcome[];
  /** Other rules that had a statement for the packet, and policies that dropped it, in order. */
  readonly met: readonly Suspect[];
  /** All outcomes are known, and are as they should be. */
  readonly isRight: boolean;
}

/** Finds culprits. Keep one for all regions of a comparison. */
export class Culprits {
  private readonly own: Evaluator;
  private readonly all: Evaluator;
  private readonly environment: Environment;
  private readonly limits: ExploreLimits;
  private readonly numbers: ReadonlyMap<Suspect, number>;
  private readonly byChain: ReadonlyMap<BaseChain, Policy>;
  /** Chains of `whole` by rule that leads to them. */
  private readonly leads: ReadonlyMap<Rule, Chain>;
  private readonly chains: ReadonlyMap<Rule, string>;
  private readonly known = new Map<string, Culprit[]>();
  /** All without which, alone or together with others, some packet to a Service fares otherwise. */
  readonly effective = new Set<Suspect>();
  /** There is a region that no set of other rules explains, or of which not all outcomes were found. */
  isUnsure = false;
  /** Evaluations that did not find all outcomes. */
  private partial = 0;

  constructor(
    { own, whole, others }: ServiceRules,
    addresses: readonly Address[],
    limits: ExploreLimits = EXPLORE_LIMITS,
  ) {
    this.limits = limits;
    this.own = new Evaluator(own);
    this.all = new Evaluator(whole);
    this.environment = hostOf(addresses);
    const suspects = others.flatMap(({ rules, policy }): Suspect[] => (policy === undefined ? [...rules] : [policy]));
    this.numbers = new Map(suspects.map((suspect, i) => [suspect, i]));
    this.byChain = new Map(others.flatMap(({ policy }) => (policy === undefined ? [] : [[policy.chain, policy]])));
    this.chains = new Map(
      whole.ruleset.tables.flatMap(({ chains }) =>
        chains.flatMap(({ name, rules }) => rules.map((rule) => [rule, name] as const)),
      ),
    );
    this.leads = leadsIn(whole, this.numbers);
  }

  /** The name of the chain that has one of the other rules. */
  chainOf(rule: Rule): string {
    return this.chains.get(rule) ?? "";
  }

  /** What explains a region whose left side is what Service rules do, and whose right side is what all rules do. Regions in which
   *  the same other rules decide share an explanation where it holds for both. */
  of({ packet, trafficKind, left, right }: Discrepancy): Culprit | undefined {
    const decided = right.results.flatMap(({ reasons }) => reasons.map(({ rule }) => this.numbers.get(rule)));
    const verdicts = [left, right].map(({ results }) =>
      results.map((each) => `${verdictOf(each)} ${sourceOf(each.disposition).kind !== "kept"}`),
    );
    const key = JSON.stringify([
      trafficKind,
      [...new Set(decided.filter((number) => number !== undefined))],
      verdicts.map((each) => [...new Set(each)]),
    ]);
    const known = this.known.get(key) ?? [];
    const wanted = this.own.evaluate(packet, this.environment, this.limits);
    if (wanted.incomplete !== undefined) this.isUnsure = true;
    const found = known.find((culprit) => this.explains(culprit, packet, wanted));
    if (found !== undefined) return found;
    const culprit = this.find(packet, wanted);
    if (culprit === undefined) this.isUnsure = true;
    else this.known.set(key, [...known, culprit]);
    return culprit;
  }

  /** Whether the packet fares as it should without the suspects, and not without fewer of them: it need not meet all of them, even
   *  where the same rules decide. */
  private explains({ suspects }: Culprit, packet: Packet, wanted: Evaluation): boolean {
    if (!this.run(packet, wanted, suspects).isRight) return false;
    if (suspects.length < 2) return true;
    return suspects.every((each) => {
      const fewer = suspects.filter((other) => other !== each);
      return !this.run(packet, wanted, fewer).isRight;
    });
  }

  /** A packet fares alike without any of the rules that it does not meet. So each set that is enough has one of those that it meets
   *  as it fares now; and so on without that one (Reiter's hitting-set tree, breadth first). */
  private find(packet: Packet, wanted: Evaluation): Culprit | undefined {
    const before = this.partial;
    const start = this.run(packet, wanted, []);
    let level: Node[] = [{ without: [], run: start }];
    let runs = 0;
    for (let size = 1; size <= MOST_TOGETHER; size++) {
      const next = new Map<string, Node>();
      for (const { without, run } of level) {
        for (const suspect of run.met) {
          const more = [...without, suspect];
          const key = this.keyOf(more);
          if (next.has(key)) continue;
          if (++runs > MOST_RUNS) return this.shrink(packet, wanted, start);
          const after = this.run(packet, wanted, more);
          // Evidence that it does something, whether alone or together with those that were taken out before.
          if (findDifference(run.outcomes, after.outcomes) !== undefined || after.isRight)
            for (const each of [...without, suspect]) this.effective.add(each);
          next.set(key, { without: more, run: after });
        }
      }
      level = [...next.values()];
      const enough = level.filter(({ run }) => run.isRight).map(({ without }) => without);
      if (enough.length > 0) return this.choose(enough, start, this.partial === before);
      if (level.length === 0) return undefined;
    }
    return this.shrink(packet, wanted, start);
  }

  /** Not the smallest set, but one of which none can be left out. */
  private shrink(packet: Packet, wanted: Evaluation, start: Run): Culprit | undefined {
    let without: readonly Suspect[] = [];
    for (let run = start; !run.isRight; run = this.run(packet, wanted, without)) {
      if (run.met.length === 0) return undefined;
      without = [...without, ...run.met];
    }
    for (const suspect of without) {
      const less = without.filter((each) => each !== suspect);
      if (this.run(packet, wanted, less).isRight) without = less;
    }
    return this.choose([without], start, false);
  }

  /** Of the sets that are enough one with the rules that act, and of these the last ones: the others are on the way there. */
  private choose(enough: readonly (readonly Suspect[])[], { met }: Run, isSmallest: boolean): Culprit {
    const place = new Map(met.map((suspect, i) => [suspect, i]));
    const rank = (suspects: readonly Suspect[]): number =>
      suspects.reduce((sum, each) => sum + (place.get(each) ?? met.length) - (isOnlyOnTheWay(each) ? 1e6 : 0), 0);
    const [first = [], ...rest] = [...enough].sort((a, b) => rank(b) - rank(a));
    const order = (a: Suspect, b: Suspect): number => (place.get(a) ?? met.length) - (place.get(b) ?? met.length);
    const suspects = [...first].sort(order);
    const among = new Set(suspects);
    const jumps = met.filter((each) => this.leadsTo(each, among) || this.isBehind(each, suspects));
    const way = [...new Set([...rest.flat(), ...jumps])].filter((each) => !among.has(each)).sort(order);
    for (const each of [...suspects, ...way]) this.effective.add(each);
    return { suspects, way, isSmallest };
  }

  /** Whether it is a jump to a chain that has one of `suspects`, or that leads to such a chain. */
  private leadsTo(jump: Suspect, suspects: ReadonlySet<Suspect>): boolean {
    if (!("steps" in jump)) return false;
    const chain = this.leads.get(jump);
    return chain?.rules.some((rule) => suspects.has(rule) || this.leadsTo(rule, suspects)) ?? false;
  }

  /** Whether it is in a chain to which one of `jumps` leads. */
  private isBehind(suspect: Suspect, jumps: readonly Suspect[]): boolean {
    return jumps.some((jump) => this.leadsTo(jump, new Set([suspect])));
  }

  private run(packet: Packet, wanted: Evaluation, without: readonly Suspect[]): Run {
    const met = new Set<Suspect>();
    const evaluation = this.all.evaluate(
      packet,
      {
        ...this.environment,
        without: new Set(without.map((each) => ("steps" in each ? each : each.chain))),
        met: (what) => {
          const suspect = "steps" in what ? what : this.byChain.get(what);
          if (suspect !== undefined && this.numbers.has(suspect)) met.add(suspect);
        },
      },
      this.limits,
    );
    const outcomes = knownOutcomes(evaluation);
    if (evaluation.incomplete !== undefined) {
      this.partial++;
      this.isUnsure = true;
    }
    const isWhole = wanted.incomplete === undefined && evaluation.incomplete === undefined;
    const isRight = isWhole && realDifferences(knownOutcomes(wanted), outcomes).next().done === true;
    return { outcomes, met: [...met], isRight };
  }

  private keyOf(suspects: readonly Suspect[]): string {
    return suspects
      .map((each) => this.numbers.get(each) ?? -1)
      .sort((a, b) => a - b)
      .join();
  }
}

interface Node {
  readonly without: readonly Suspect[];
  readonly run: Run;
}

/** More rules together than this are looked for in another way. */
const MOST_TOGETHER = 4;
/** Culprits are looked for in another way where packets would be evaluated more often than this for one of them. */
const MOST_RUNS = 300;

/** Jumps, and rules that only write a mark or the like. */
function isOnlyOnTheWay(suspect: Suspect): boolean {
  if (!("steps" in suspect)) return false;
  return (
    jumpTargetOf(suspect)?.kind === "jump" ||
    !suspect.steps.some((step) => isLast(step) && (step.kind !== "verdict" || jumpTargetOf(suspect) === undefined))
  );
}

function leadsIn({ ruleset }: Program, suspects: ReadonlyMap<Suspect, number>): ReadonlyMap<Rule, Chain> {
  const leads = new Map<Rule, Chain>();
  for (const { chains } of ruleset.tables) {
    const byName = new Map(chains.map((chain) => [chain.name, chain]));
    for (const { rules } of chains) {
      for (const rule of rules) {
        const chain = byName.get(jumpTargetOf(rule)?.chain ?? "");
        if (chain !== undefined && suspects.has(rule)) leads.set(rule, chain);
      }
    }
  }
  return leads;
}
