/** Whether rules that are not about Services change what becomes of packets to Services, and which of them do. */
import type { Comparison, Region } from "../compare/compare.ts";
import { chancesOf, differencesOf, findDifference } from "../compare/outcomes.ts";
import { Evaluator } from "../evaluate/evaluate.ts";
import { type Environment, environmentOf, type Outcome, type Packet } from "../evaluate/packet.ts";
import type { Program, Rule, Table } from "../ir/types.ts";
import type { Address } from "../net/address.ts";
import type { NameOf } from "./names.ts";
import type { Policy, ServiceRules } from "./service-rules.ts";

/** What is left of a comparison of the rules about Services with all rules: regions of traffic to Services. Those are first
 *  packets of connections to a destination that the manifests name, or with which the rules about Services do something. */
export function onlyServiceTraffic(
  comparison: Comparison,
  { own, whole }: Pick<ServiceRules, "own" | "whole">,
  nameOf: NameOf,
  addresses: readonly Address[],
): Comparison {
  const evaluators = [new Evaluator(own), new Evaluator(whole)] as const;
  const environment = environmentOf(addresses);
  const regions = comparison.regions.flatMap((region): Region[] => {
    const { packet, left } = region;
    if (nameOf(packet.protocol, packet.destination, packet.destinationPort) !== undefined || isTreated(left))
      return [region];
    if (left.assumptions.length === 0) return [];
    const [a, b] = [evaluators[0].evaluate(packet, environment), evaluators[1].evaluate(packet, environment)];
    for (const difference of differencesOf(a, b)) if (isTreated(difference.left)) return [{ ...region, ...difference }];
    return [];
  });
  return { ...comparison, regions, differing: regions.length };
}

function isTreated(outcome: Outcome): boolean {
  return [...chancesOf(outcome).keys()].some((text) => text !== "goes on");
}

/** What is to blame for a region: a rule, or a policy, in words. */
export type Culprit = { readonly rule: Rule } | { readonly policy: string };

/** Finds the rules of others that make the difference between the rules about Services and all rules. */
export class Blame {
  private readonly whole: Program;
  private readonly own: Evaluator;
  private readonly all: Evaluator;
  private readonly environment: Environment;
  /** Rules that change something and then let the packet go on: nobody notes that they were met. */
  private readonly silent: readonly Rule[];
  private readonly policies: readonly Policy[];
  private readonly without = new Map<Suspect, Evaluator>();
  private readonly known = new Map<string, Culprit | undefined>();
  private readonly numbers: ReadonlyMap<Rule, number>;
  /** All that were found, and all that may be meant where several are to blame together. */
  readonly blamed = new Set<Suspect>();
  /** There are regions for which nothing was found. */
  isUnsure = false;

  constructor({ own, whole, others }: ServiceRules, addresses: readonly Address[]) {
    this.whole = whole;
    this.own = new Evaluator(own);
    this.all = new Evaluator(whole);
    this.environment = environmentOf(addresses);
    const rules = others.flatMap((each) => each.rules);
    this.numbers = new Map(rules.map((rule, i) => [rule, i]));
    this.silent = rules.filter(({ steps }) => steps.some(({ kind }) => kind === "set" || kind === "opaque-statement"));
    this.policies = others.flatMap(({ policy }) => policy ?? []);
  }

  /** The one without which there is no difference; else the last one that had a say, or one without which there is another difference. Regions that are treated alike by the
   *  same rules have the same one. */
  culpritOf(region: Region): Culprit | undefined {
    const { left, right } = region;
    const met = [...new Set(right.results.flatMap(({ reasons }) => reasons.map(({ rule }) => rule)))].filter((rule) =>
      this.numbers.has(rule),
    );
    const kinds = [left, right].map(({ results }) =>
      results.map(({ verdict, masquerade }) => `${verdict} ${masquerade}`),
    );
    const key = JSON.stringify([
      region.door,
      met.map((rule) => this.numbers.get(rule)),
      kinds.map((each) => [...new Set(each)]),
    ]);
    if (this.known.has(key)) return this.known.get(key);
    const culprit = this.find(region, met);
    this.known.set(key, culprit);
    if (culprit === undefined) this.isUnsure = true;
    return culprit;
  }

  private find({ packet }: Region, met: readonly Rule[]): Culprit | undefined {
    const wanted = this.own.evaluate(packet, this.environment);
    const isToBlame = (suspect: Suspect): boolean =>
      findDifference(wanted, this.evaluatorWithout(suspect).evaluate(packet, this.environment)) === undefined;
    // Jumps come before the rules that they lead to, and without them there is no difference either: the last one counts.
    const rule = [...met].reverse().find(isToBlame) ?? this.silent.find(isToBlame);
    const policy = rule === undefined ? this.policies.find(isToBlame) : undefined;
    if (policy !== undefined) {
      this.blamed.add(policy);
      return { policy: policy.what };
    }
    if (rule === undefined) for (const each of [...met, ...this.silent, ...this.policies]) this.blamed.add(each);
    const found = rule ?? met.at(-1) ?? this.silent.find((each) => this.matters(each, packet));
    if (found === undefined) return undefined;
    this.blamed.add(found);
    return { rule: found };
  }

  /** Whether `packet` fares otherwise without it, if not as by kube-proxy's rules alone. */
  private matters(suspect: Suspect, packet: Packet): boolean {
    const there = this.all.evaluate(packet, this.environment);
    return findDifference(there, this.evaluatorWithout(suspect).evaluate(packet, this.environment)) !== undefined;
  }

  private evaluatorWithout(suspect: Suspect): Evaluator {
    let evaluator = this.without.get(suspect);
    if (evaluator === undefined) {
      evaluator = new Evaluator(without(this.whole, suspect));
      this.without.set(suspect, evaluator);
    }
    return evaluator;
  }
}

type Suspect = Rule | Policy;

function without({ ruleset, routes }: Program, suspect: Suspect): Program {
  const change = (chain: Table["chains"][number], table: Table): Table["chains"][number] => {
    if ("steps" in suspect) {
      if (!chain.rules.includes(suspect)) return chain;
      return { ...chain, rules: chain.rules.filter((rule) => rule !== suspect) };
    }
    const isIt =
      chain.kind === "base" &&
      chain.name === suspect.name &&
      table.name === suspect.table.name &&
      table.family === suspect.table.family;
    return isIt ? { ...chain, policy: "accept" } : chain;
  };
  const tables = ruleset.tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain) => change(chain, table)),
  }));
  return { ruleset: { tables }, routes };
}
