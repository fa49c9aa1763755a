/** What network plugins translate by design, told apart from what is wrong. */
import type { Discrepancy } from "../compare/compare.ts";
import type { Rule } from "../ir/types.ts";
import { markOf } from "./by-design.ts";
import { placesOf } from "./places.ts";
import type { ServiceRules } from "./service-rules.ts";
import { ruleToData } from "./services/rule-data.ts";
import type { ServiceNames } from "./services/service-names.ts";

export interface Design {
  /** The plugin. */
  readonly by: string;
  readonly rules: readonly Rule[];
  /** Service ports to which it translates the source of packets. */
  readonly services: readonly string[];
}

export function designsOf(
  byDesign: ReadonlyMap<string, readonly Discrepancy[]>,
  { others }: Pick<ServiceRules, "others">,
  names: ServiceNames,
): Design[] {
  const rules = others.flatMap((each) => each.rules);
  return [...byDesign].map(([by, regions]) => ({
    by,
    rules: rules.filter((rule) => markOf(rule) === by),
    services: [
      ...new Set(
        regions.flatMap(({ box, trafficKind }) =>
          names.within(box, trafficKind.protocol, trafficKind.family).map(({ service }) => service),
        ),
      ),
    ].sort(),
  }));
}

/** `source translation by flannel, by design: 3 Services (lines 30-31 of host.v4)`. */
export function describeDesign({ by, rules, services }: Design): string {
  const places = placesOf(rules);
  const what =
    services.length === 0
      ? "packets to no Service by name"
      : services.length === 1
        ? services[0]
        : `${services.length} Services`;
  return `source translation by ${by}, by design: ${what}${places === "" ? "" : ` (${places})`}; --strict-source counts it as a difference`;
}

export function designToData({ by, rules, services }: Design): object {
  return { by, services, rules: rules.map(ruleToData) };
}
