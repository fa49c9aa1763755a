/** What the objects of one family's table depend on, and short ways to write them. */
import type {
  BaseChain,
  Component,
  Expression,
  MapDeclaration,
  RegularChain,
  Rule,
  SetDeclaration,
  Statement,
  Step,
} from "../ir/types.ts";
import type { Family } from "../net/address.ts";
import type { Protocol } from "../net/protocol.ts";
import type { Settings } from "../node/settings.ts";
import type { Feature, PickChain } from "./contribution.ts";

/** Which sets, maps and chains there are, and the rules in them: all but the elements. */
export interface TableShape {
  readonly family: Family;
  readonly settings: Settings;
  /** Protocols of the Services, in the order of `PROTOCOLS`. */
  readonly protocols: readonly Protocol[];
  /** Some Service has session affinity. */
  readonly sticky: boolean;
  /** Timeouts of session affinity, in seconds, rising. */
  readonly affinitySeconds: readonly number[];
  /** By name of the chain, in the order of names. */
  readonly picks: ReadonlyMap<string, PickChain>;
  readonly features: ReadonlySet<Feature>;
}

export type SetShape = Omit<SetDeclaration, "elements">;
export type MapShape = Omit<MapDeclaration, "elements">;

/** The sets and maps of one behaviour. */
export interface Fragment {
  readonly sets?: (shape: TableShape) => SetShape[];
  readonly setsOf?: (protocol: Protocol, shape: TableShape) => SetShape[];
  readonly maps?: (shape: TableShape) => MapShape[];
  readonly mapsOf?: (protocol: Protocol, shape: TableShape) => MapShape[];
}

export function declareSet(name: string, comment: string, key: readonly Component[], interval = false): SetShape {
  return { name, comment, key, interval };
}

export function declareMap(
  name: string,
  comment: string,
  key: readonly Component[],
  data: MapDeclaration["data"],
): MapShape {
  return { name, comment, key, interval: false, data };
}

export function declareVerdicts(name: string, comment: string, key: readonly Component[]): MapShape {
  return declareMap(name, comment, key, "verdict");
}

export function regular(name: string, rules: readonly Rule[], comment?: string): RegularChain {
  return { kind: "regular", name, rules, ...(comment === undefined ? {} : { comment }) };
}

export function natChain(name: string, hook: BaseChain["hook"], priority: number, rules: readonly Rule[]): BaseChain {
  return { kind: "base", name, type: "nat", hook, priority, policy: "accept", rules };
}

export function filterChain(
  name: string,
  hook: BaseChain["hook"],
  priority: number,
  rules: readonly Rule[],
): BaseChain {
  return { kind: "base", name, type: "filter", hook, priority, policy: "accept", rules };
}

/** A rule for packets that see a verdict of the new rules and a chain that is empty in the old ones. */
export function whileReplacing(...steps: Step[]): Rule {
  return { steps, whileReplacing: true };
}

export function dnatTo(key: Expression, map: string): Statement {
  return { kind: "dnat", to: { kind: "map", key, map }, random: "none" };
}
