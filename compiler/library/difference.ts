/** What two rulesets do differently, over all packets. */
import type { CompareOptions, Comparison, Discrepancy } from "../compare/compare.ts";
import { renderRegions } from "../compare/render.ts";
import { unreachedIn } from "../compare/unreached.ts";
import type { Diagnostic } from "../diagnostics.ts";
import { withJumpsOfBoth } from "../formats/iptables/kube-proxy-jumps.ts";
import type { Program } from "../ir/types.ts";
import type { Address, Family } from "../net/address.ts";
import { familiesOf } from "../verify/service-rules.ts";
import { refusalCause } from "../verify/services/cause.ts";
import { type NamedSides, ServiceChanges } from "../verify/services/changes.ts";
import { describeDestination } from "../verify/services/destination.ts";
import type { EndpointNames } from "../verify/services/endpoint-names.ts";
import { frontendsIn } from "../verify/services/frontends.ts";
import { type ChangesView, changesToData, renderChanges } from "../verify/services/render.ts";
import { ServiceNames } from "../verify/services/service-names.ts";
import type { AnswerLimits, AnswerView, ComparedQuestion } from "./answers.ts";
import { withoutDoubtful } from "./doubtful.ts";
import { localHints } from "./local-hints.ts";

/** One of the things that are compared. */
export interface ComparedSide {
  /** As the user calls it. */
  readonly name: string;
  readonly program: Program;
  /** The node's addresses, where the input tells them. */
  readonly addresses: readonly Address[];
  /** What was found in its rules. */
  readonly diagnosed: readonly Diagnostic[];
  /** What was taken for given when it was read. */
  readonly given: readonly string[];
  readonly pods: EndpointNames;
  /** It was read as rules, not compiled. */
  readonly isRules: boolean;
}

function serviceNames({ program }: ComparedSide, addresses: readonly Address[]): ServiceNames {
  return new ServiceNames(frontendsIn(program), addresses);
}

const NO_NAMES = new ServiceNames([], []);

/** Compares two programs with the options of the caller. */
export type CompareWith = (left: Program, right: Program, options: CompareOptions) => Comparison;

/** What was found, how it is shown, and what the rules say of addresses that are not known. */
export interface FoundDifference {
  readonly question: ComparedQuestion;
  readonly shown: AnswerView;
  readonly hints: readonly string[];
}

/** Compares `left` and `right`. Each is completed with kube-proxy's jumps where both lack them. */
export function differenceOf(
  a: ComparedSide,
  b: ComparedSide,
  families: readonly Family[],
  limits: AnswerLimits,
  compareWith: CompareWith,
): FoundDifference {
  const [left, right] = [a.name, b.name];
  const addresses = [...new Set([...a.addresses, ...b.addresses])];
  const diagnosed = [...a.diagnosed, ...b.diagnosed];
  const { programs, families: completed } = withJumpsOfBoth(a.program, b.program);
  const comparison = withoutDoubtful(compareWith(...programs, { addresses, families }), diagnosed);
  const hints = comparison.regions.some(({ asksLocality }) => asksLocality)
    ? localHints([...a.program.ruleset.tables, ...b.program.ruleset.tables])
    : [];
  const named = { left, right, addresses };
  // A look at all elements, which nobody needs where there is nothing to name.
  let names: NamedSides | undefined;
  const namesIn = (regions: readonly Discrepancy[]): NamedSides => {
    if (regions.length === 0) return { left: NO_NAMES, right: NO_NAMES };
    names ??= { left: serviceNames(a, addresses), right: serviceNames(b, addresses) };
    return names;
  };
  const pods = new Map([...a.pods, ...b.pods]);
  const ruleSides = ([a, b] as const).flatMap(({ isRules }, i) =>
    isRules ? [i === 0 ? ("left" as const) : ("right" as const)] : [],
  );
  const changesIn = (regions: readonly Discrepancy[], limit: number): ChangesView => {
    const changes = new ServiceChanges(namesIn(regions));
    const whereOf = (region: Discrepancy): string => describeDestination(region, pods);
    for (const region of regions) changes.add(region, refusalCause(region, ruleSides), whereOf);
    const legend = { left: `only in ${left}`, right: `only in ${right}`, arrow: `changed: ${left} -> ${right}` };
    return {
      changes: changes.all(),
      names: pods,
      legend,
      limit,
      unseen: comparison.differing - comparison.regions.length,
    };
  };
  return {
    hints,
    question: {
      kind: "Comparison",
      parts: [{ programs, comparison }],
      sides: named,
      diagnosed,
      gaps: unreachedIn(...programs, families),
      given: [
        ...[...a.given, ...b.given],
        ...(completed.length === 0 ? [] : ["that kube-proxy's jumps to its chains are there, which neither side has"]),
      ],
    },
    shown: {
      text: ([regions = []], count) => [
        ...renderChanges(changesIn(regions, limits.rows)),
        ...renderRegions(regions, count, named, limits.examples),
      ],
      data: ([regions = []]) => changesToData(changesIn(regions, limits.data)),
    },
  };
}

/** Says that one side has nothing of a family of which the other has something: who gives one of two files may not have meant
 *  that. */
export function lackOf(side: ComparedSide, other: ComparedSide, families: readonly Family[]): string[] {
  const own = familiesOf(side.program.ruleset.tables);
  return familiesOf(other.program.ruleset.tables)
    .filter((family) => families.includes(family) && !own.includes(family))
    .map((family) => `no rules of ${family} in ${side.name}, some in ${other.name} (--family says what to compare)`);
}
