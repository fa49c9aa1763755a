import { compare, type Region } from "../compare/compare.ts";
import { renderRegions } from "../compare/render.ts";
import { unreachedIn } from "../compare/unreached.ts";
import type { Diagnostic } from "../diagnostics.ts";
import { mentionsLocality } from "../evaluate/locality.ts";
import { withJumpsOfBoth } from "../formats/iptables/kube-proxy-jumps.ts";
import { dialectOf, isIr, readRules } from "../formats/read-rules.ts";
import type { Program } from "../ir/types.ts";
import { type Address, FAMILIES, type Family } from "../net/address.ts";
import { withKubeProxy } from "../node/kube-proxy.ts";
import { resolveConfig } from "../node/resolve.ts";
import { refusalCause } from "../services/cause.ts";
import { Changes } from "../services/changes.ts";
import { describeDestination } from "../services/destination.ts";
import { type EndpointNames, endpointNamesIn } from "../services/endpoint-names.ts";
import { frontendsIn } from "../services/frontends.ts";
import { type ChangesView, changesToData, renderChanges } from "../services/render.ts";
import { ServiceNames } from "../services/service-names.ts";
import { loadSpecs } from "../specs/load.ts";
import { familiesOf } from "../verify/service-rules.ts";
import { readConfig } from "./config.ts";
import { withoutDoubtful } from "./doubtful.ts";
import { type CompareFlags, compareOptions, limitsOf, readDeclarations, tell } from "./except.ts";
import { keepHeapSmall } from "./heap.ts";
import { readText, sourcesOf } from "./inputs.ts";
import { localHints } from "./local-hints.ts";
import { withProgress } from "./progress-line.ts";
import { compileInputs, EXIT, note, showDiagnostics, showFirst } from "./session.ts";
import { Trouble } from "./trouble.ts";
import { leftOutIn } from "./unread.ts";

/** One of the things that are compared. */
interface Side {
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

function serviceNames({ program }: Side, addresses: readonly Address[]): ServiceNames {
  return new ServiceNames(frontendsIn(program), addresses);
}

/** `kpc diff`: whether two of manifests and rules do the same to every packet. */
export async function diffCommand(left: string, right: string, flags: CompareFlags): Promise<number> {
  const declarations = readDeclarations(flags);
  if (declarations === undefined) return EXIT.trouble;
  const sides: Side[] = [];
  for (const name of [left, right]) {
    const side = await readSide(name, flags);
    if (side === undefined) return EXIT.trouble;
    sides.push(side);
  }
  const [a, b] = sides as [Side, Side];
  const addresses = [...new Set([...a.addresses, ...b.addresses])];
  const families = flags.family ?? FAMILIES;
  note([...lackOf(b, a, right, left, families), ...lackOf(a, b, left, right, families)], flags);
  keepHeapSmall();
  const diagnosed = [...a.diagnosed, ...b.diagnosed];
  const options = { ...compareOptions(flags, diagnosed), addresses, families };
  const { programs, families: completed } = withJumpsOfBoth(a.program, b.program);
  const comparison = withoutDoubtful(
    withProgress(flags, (progress) => compare(...programs, { ...options, progress })),
    diagnosed,
  );
  if (comparison.regions.some(({ assumptions }) => assumptions.some(mentionsLocality)))
    note(localHints([...a.program.ruleset.tables, ...b.program.ruleset.tables]), flags);
  const named = { left, right, addresses };
  const names = { left: serviceNames(a, addresses), right: serviceNames(b, addresses) };
  const pods = new Map([...a.pods, ...b.pods]);
  const ruleSides = ([a, b] as const).flatMap(({ isRules }, i) =>
    isRules ? [i === 0 ? ("left" as const) : ("right" as const)] : [],
  );
  const changesIn = (regions: readonly Region[], limit: number): ChangesView => {
    const changes = new Changes(names);
    const whereOf = (region: Region): string => describeDestination(region, pods);
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
  const shown = limitsOf(flags);
  return tell(
    {
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
    declarations,
    flags,
    {
      text: ([regions = []], count) => [
        ...renderChanges(changesIn(regions, shown.rows)),
        ...renderRegions(regions, count, named, shown.examples),
      ],
      data: ([regions = []]) => changesToData(changesIn(regions, shown.data)),
    },
  );
}

/** Says that one side has nothing of a family of which the other has something: who gives one of two files may not have meant
 *  that. */
function lackOf(side: Side, other: Side, name: string, otherName: string, families: readonly Family[]): string[] {
  const own = familiesOf(side.program.ruleset.tables);
  return familiesOf(other.program.ruleset.tables)
    .filter((family) => families.includes(family) && !own.includes(family))
    .map((family) => `no rules of ${family} in ${name}, some in ${otherName} (--family says what to compare)`);
}

/** Manifests are compiled; rules, and kpc's IR, are read. A comma list stands for several files of one of both. */
async function readSide(name: string, flags: CompareFlags): Promise<Side | undefined> {
  const files = name.split(",");
  const manifests = files.filter(isManifests);
  if (manifests.length > 0) {
    const [other] = files.filter((file) => !manifests.includes(file));
    if (other !== undefined)
      throw new Trouble(`${manifests[0]} has manifests, and ${other} has rules: expected one of both by commas`);
    const { diagnostics, compiled } = compileInputs(manifests, flags);
    showDiagnostics(diagnostics, flags);
    if (compiled === undefined) return undefined;
    const { program, node, specs } = compiled;
    return {
      program,
      addresses: node.addresses,
      diagnosed: [],
      given: [],
      pods: endpointNamesIn(specs),
      isRules: false,
    };
  }
  const findings: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => void findings.push(diagnostic);
  const program = await readRules(sourcesOf(name), report);
  showFirst(findings, flags);
  // What was not understood is kept as what may do anything; where nothing was, there is nothing to compare.
  if (program.ruleset.tables.length === 0) return undefined;
  const specs = loadSpecs([], report);
  const config = withKubeProxy(readConfig(flags, report), specs, () => undefined); // the side of the manifests says it
  const { node } = resolveConfig(config, specs, report);
  const given = leftOutIn(findings);
  return { program, addresses: node.addresses, diagnosed: findings, given, pods: new Map(), isRules: true };
}

function isManifests(name: string): boolean {
  if (name === "-") return false;
  if (/\.ya?ml(\.gz)?$/.test(name)) return true;
  if (/\.(nft|rules|v4|v6|ipset|txt|dump|save)(\.gz)?$/.test(name)) return false;
  try {
    const text = readText(name);
    return !isIr(text) && dialectOf(text) === undefined;
  } catch (error) {
    if (error instanceof Trouble && /it is a folder/.test(error.message)) return true;
    throw error;
  }
}
