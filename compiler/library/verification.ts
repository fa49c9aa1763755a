/** Whether a host's rules do to Service traffic what manifests say. */
import type { CompareOptions, Comparison, Discrepancy } from "../compare/compare.ts";
import type { Compiled } from "../compile.ts";
import type { Diagnostic, Report, Source } from "../diagnostics.ts";
import { isIpvsMode } from "../formats/iptables/ipvs.ts";
import { dialectOf, isRestored, readIpsets, readRulesOf } from "../formats/read-rules.ts";
import type { Program } from "../ir/types.ts";
import { type Address, FAMILIES, type Family, printAddressPort } from "../net/address.ts";
import { causeByOthers } from "../verify/causes.ts";
import { Culprits } from "../verify/culprits.ts";
import { describeDesign, designsOf, designToData } from "../verify/designs.ts";
import { findingsAboutOthers, findingsOf } from "../verify/findings.ts";
import { isServiceTraffic, onlyServiceTraffic, type ServiceTraffic } from "../verify/others.ts";
import { describeOthers, findingsToData, othersToData, renderFindings, type ShownFindings } from "../verify/render.ts";
import { familiesOf, type Others, type ServiceRules } from "../verify/service-rules.ts";
import { refusalCause } from "../verify/services/cause.ts";
import { ServiceChanges } from "../verify/services/changes.ts";
import { describeDestination } from "../verify/services/destination.ts";
import { type EndpointNames, endpointNamesIn } from "../verify/services/endpoint-names.ts";
import { frontendsIn } from "../verify/services/frontends.ts";
import { type ChangesView, changesToData, renderChanges } from "../verify/services/render.ts";
import { type NameOf, ServiceNames } from "../verify/services/service-names.ts";
import type { AnswerLimits, AnswerView, ComparedPrograms, ComparedQuestion } from "./answers.ts";
import type { CompareWith } from "./difference.ts";
import { isDoubtful, withoutDoubtful } from "./doubtful.ts";
import { localHints } from "./local-hints.ts";
import { leftOutIn } from "./unread.ts";

/** What is asked of a host. */
export interface VerificationOptions {
  /** Families that are compared; both where it is left out. */
  readonly family?: readonly Family[] | undefined;
  /** The mode that was asked for, unless that of the rules counts. */
  readonly mode?: string | undefined;
  /** The host's listings, as the user calls them. */
  readonly against: string;
  /** List rules without an effect. */
  readonly verbose?: boolean | undefined;
  readonly limits: AnswerLimits;
}

/** What keeps a host's rules from being verified: a sentence. */
export function refusalOf(host: HostRules, rules: ServiceRules, against: string): string | undefined {
  if (isIpvsMode(host.program.ruleset.tables))
    return `the rules in ${against} are from kube-proxy's ipvs mode: IPVS sends packets to endpoints, and no rule says to which, so there is nothing to verify here (ipvsadm -Ln shows what IPVS does)`;
  if (rules.own.ruleset.tables.length === 0)
    return `no rules about Services in ${against}: expected table kube-proxy or kpc, or chains KUBE-… or KPC-…`;
  return undefined;
}

/** A host beside what was compiled for it. `detected`: how the pods of the node were recognised, in words. */
export interface VerifiedHost {
  readonly host: HostRules;
  readonly rules: ServiceRules;
  readonly compiled: Compiled;
  readonly detected: readonly string[];
  /** What was found in the host's rules. */
  readonly diagnosed: readonly Diagnostic[];
}

/** A verification: what is good to know before it, and the comparison. */
export interface Verification {
  readonly notes: readonly string[];
  readonly run: (compareWith: CompareWith) => {
    readonly question: ComparedQuestion;
    readonly shown: AnswerView;
    readonly notes: readonly string[];
  };
}

/** Compares the rules of a host with what was compiled from manifests. */
export function verificationOf(
  { host, rules, compiled, detected, diagnosed }: VerifiedHost,
  options: VerificationOptions,
): Verification {
  const { limits } = options;
  const { program, node, settings, specs } = compiled;
  const known = new ServiceNames(frontendsIn(program), node.addresses);
  const { families, gaps } = chooseFamilies(options, rules, known.families, host.families);
  const notes = [
    ...notesOf(rules, settings.mode, options),
    ...detected,
    ...(node.addresses.length === 0 ? localHints(host.program.ruleset.tables) : []),
  ];
  return { notes, run };

  function run(compareWith: CompareWith): ReturnType<Verification["run"]> {
    const { own, whole, others } = rules;
    const about = { addresses: node.addresses, families, unmarked: true };
    const compareAll: CompareWith = (left, right, more) =>
      withoutDoubtful(compareWith(left, right, { ...about, ...more }), diagnosed);
    const parts: ComparedPrograms[] = [{ programs: [program, own], comparison: compareAll(program, own, about) }];
    const byOthers =
      others.length > 0
        ? compareOthers(
            rules,
            (left, right, more) => compareAll(left, right, { ...about, ...more }),
            known.nameOf,
            node.addresses,
          )
        : undefined;
    if (byOthers !== undefined) {
      parts.push({ programs: [own, whole], comparison: byOthers.traffic });
      gaps.push(...byOthers.gaps);
    }
    const sides = { left: "manifests", right: "this host", addresses: node.addresses };
    const culprits = new Culprits(rules, node.addresses);
    const found = ([about = [], treated = []]: readonly Comparison["regions"][]): ShownFindings[] => [
      { about: "service rules", findings: findingsOf(about, known.nameOf, node.addresses), sides },
      {
        about: "other rules",
        findings: findingsAboutOthers(treated, known.nameOf, (region) => culprits.of(region), node.addresses),
        sides: { ...sides, left: "Service rules", right: "all rules" },
      },
    ];
    let namesOfHost: ServiceNames | undefined;
    const unseen = parts.reduce((sum, { comparison: { differing, regions } }) => sum + differing - regions.length, 0);
    const changesIn = ([about = [], treated = []]: readonly Comparison["regions"][], limit: number): ChangesView => {
      const isSame = about.length + treated.length === 0;
      // A look at all elements, and at all endpoints, which nobody needs where there is nothing to name.
      if (!isSame) namesOfHost ??= new ServiceNames(frontendsIn(own), node.addresses);
      const changes = new ServiceChanges({ left: known, right: namesOfHost ?? known });
      const pods: EndpointNames = isSame ? new Map() : endpointNamesIn(specs);
      const whereOf = (region: Discrepancy): string => describeDestination(region, pods);
      for (const region of about) changes.add(region, refusalCause(region, ["right"]), whereOf);
      for (const region of treated)
        changes.add(region, causeByOthers(region, culprits), whereOf, { isWithin: "right" });
      return { changes: changes.all(), names: pods, legend: LEGEND, limit, unseen };
    };
    for (const region of byOthers?.traffic.regions ?? []) culprits.of(region);
    const isAll =
      byOthers !== undefined &&
      byOthers.gaps.length === 0 &&
      byOthers.traffic.open.length === 0 &&
      !isDoubtful(diagnosed);
    const harmless = (each: Others): boolean => !hasEffect(each, culprits);
    const designs = designsOf(byOthers?.byDesign ?? new Map(), rules, known);
    return {
      notes: [...designs.map(describeDesign), ...describeHarmless(others.filter(harmless), isAll, options)],
      question: {
        kind: "Verification",
        parts,
        sides,
        diagnosed,
        gaps,
        given: [
          ...(rules.withoutJumps.given.length > 0 ? ["that kube-proxy's jumps to its chains are there"] : []),
          ...leftOutIn(diagnosed),
        ],
        ...(others.length > 0 ? { also: ", and those to Services by all rules of this host" } : {}),
      },
      shown: {
        text: (regions) => [
          ...problemsOf(rules),
          ...renderChanges(changesIn(regions, limits.rows)),
          ...renderFindings(found(regions), limits.examples),
        ],
        data: (regions) => ({
          mode: settings.mode,
          families,
          ...changesToData(changesIn(regions, limits.data)),
          ...findingsToData(found(regions), limits.data),
          networkPlugins: designs.map(designToData),
          thirdPartyRules: others.map((each) => othersToData(each, !harmless(each) || (isAll ? false : null))),
          notes: [...notes, ...problemsOf(rules)],
        }),
      },
    };
  }
}

const LEGEND = { left: "missing on this host", right: "only on this host", arrow: "changed: manifests -> host" };

/** The rules about Services against all rules, for traffic to Services. `gaps`: what of it was not looked at. */
function compareOthers(
  rules: ServiceRules,
  compareWith: (left: Program, right: Program, more: Partial<CompareOptions>) => Comparison,
  nameOf: NameOf,
  addresses: readonly Address[],
): { readonly traffic: Comparison; readonly byDesign: ServiceTraffic["byDesign"]; readonly gaps: readonly string[] } {
  const comparison = compareWith(rules.own, rules.whole, {
    ...{ firstOnly: true, keep: MOST_OF_OTHERS },
    only: isServiceTraffic(nameOf),
  });
  const unseen = comparison.differing - comparison.regions.length;
  const { comparison: traffic, byDesign, notCompared } = onlyServiceTraffic(comparison, rules, nameOf, addresses);
  return {
    traffic,
    byDesign,
    gaps: [
      ...(unseen > 0 ? [`${unseen} classes of packets to which third-party rules apply`] : []),
      ...describeNotCompared(notCompared, nameOf),
    ],
  };
}

/** What is said of packets of which not all outcomes were found, a sentence for each destination. */
function describeNotCompared(regions: readonly Discrepancy[], nameOf: NameOf): string[] {
  const by = new Map<string, number>();
  for (const { packet } of regions) {
    const { protocol, destination, destinationPort } = packet;
    const name = nameOf(protocol, destination, destinationPort);
    const to = name === undefined ? printAddressPort(destination, destinationPort) : `Service ${name}`;
    by.set(to, (by.get(to) ?? 0) + 1);
  }
  return [...by].map(
    ([to, count]) =>
      `packets to ${to} (${count === 1 ? "1 class" : `${count} classes`}): they depend on too many matches that are not understood`,
  );
}

/** Regions that are looked at for traffic to Services. */
const MOST_OF_OTHERS = 200_000;

// --- input -----------------------------------------------------------------------------------------------------------------

/** What a host's listings have. */
export interface HostRules {
  readonly program: Program;
  /** Families whose text is no listing of a host, but such as kube-proxy restores. */
  readonly restored: readonly Family[];
  /** Families that the texts would have rules of, if the host had any. */
  readonly families: readonly Family[];
}

/** The rules of a host, from its listings. */
export async function readHost(sources: readonly Source[], report: Report): Promise<HostRules> {
  const restored = new Set<Family>();
  const families = new Set<Family>();
  const programs: Program[] = [];
  const { rules, ipsets } = readIpsets(sources, report);
  for (const source of rules) {
    const program = await readRulesOf(source, report, ipsets);
    const { tables } = program.ruleset;
    const isRuleset = dialectOf(source.text) === "nft" && tables.length > 1;
    for (const family of isRuleset ? FAMILIES : familiesOf(tables)) families.add(family);
    if (isRestored(source)) for (const family of familiesOf(tables)) restored.add(family);
    programs.push(program);
  }
  const tables = programs.flatMap(({ ruleset }) => ruleset.tables);
  return { program: { ruleset: { tables }, routes: [] }, restored: [...restored], families: [...families] };
}

/** Families that are compared, and why others are not. */
function chooseFamilies(
  { family, against }: VerificationOptions,
  rules: ServiceRules,
  wanted: readonly Family[],
  given: readonly Family[],
): { families: Family[]; gaps: string[] } {
  const asked = FAMILIES.filter((each) => family?.includes(each) ?? true);
  const isThere = (each: Family): boolean => rules.families.includes(each) || given.includes(each);
  return {
    families: asked.filter((each) => isThere(each) && (rules.families.includes(each) || wanted.includes(each))),
    gaps: asked
      .filter((each) => wanted.includes(each) && !isThere(each))
      .map(
        (each) =>
          `${each}: there are Services of it, and no ${each} rules in ${against} (--family says what to compare)`,
      ),
  };
}

// --- what is told besides --------------------------------------------------------------------------------------------------

function notesOf({ mode, owner }: ServiceRules, taken: string, { mode: asked }: VerificationOptions): string[] {
  if (mode === undefined)
    return [`the host's rules do not show their mode: the manifests are compiled in ${taken} mode (--mode changes it)`];
  if (asked !== undefined && asked !== mode)
    return [`the host has ${owner}'s rules in ${mode} mode; the manifests are compiled in ${asked} mode`];
  return [`the host has ${owner}'s rules in ${mode} mode; the manifests are compiled in that mode (--mode changes it)`];
}

/** What is wrong with the rules as a whole. */
function problemsOf({ owner, withoutJumps: { missing } }: ServiceRules): string[] {
  const chains = owner === "kpc" ? "KPC-…" : "KUBE-…";
  return missing.map(
    (family) => `This host: no built-in chain of ${family} leads to ${chains} chains, which no packet enters\n`,
  );
}

/** Other rules without an effect: how many, and with `-v` which ones. */
function describeHarmless(harmless: readonly Others[], isAll: boolean, { verbose }: VerificationOptions): string[] {
  if (harmless.length === 0) return [];
  const what = isAll ? "Service traffic" : "the Service traffic that was compared";
  const rules = harmless.reduce((sum, each) => sum + each.rules.length, 0);
  const policies = harmless.filter(({ policy }) => policy !== undefined).length;
  const counted = [
    ...(rules > 0 ? [rules === 1 ? "1 rule" : `${rules} rules`] : []),
    ...(policies > 0 ? [policies === 1 ? "1 drop policy" : `${policies} drop policies`] : []),
  ].join(" and ");
  if (verbose) return harmless.map((each) => `no effect on ${what}: ${describeOthers(each)}`);
  return [`no effect on ${what}: ${counted} of third parties (-v lists them)`];
}

function hasEffect({ rules, policy }: Others, { isUnsure, effective }: Culprits): boolean {
  return isUnsure || rules.some((rule) => effective.has(rule)) || (policy !== undefined && effective.has(policy));
}
