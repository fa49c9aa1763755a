import { compare } from "../compare/compare.ts";
import { compareUrls } from "../compare/urls/compare.ts";
import type { Diagnostic } from "../diagnostics.ts";
import { readRules } from "../formats/read-rules.ts";
import { type ComparedSide, differenceOf, lackOf } from "../library/difference.ts";
import { leftOutIn } from "../library/unread.ts";
import { FAMILIES } from "../net/address.ts";
import { withKubeProxy } from "../node/kube-proxy.ts";
import { resolveConfig } from "../node/resolve.ts";
import { loadSpecs } from "../specs/load.ts";
import { endpointNamesIn } from "../verify/services/endpoint-names.ts";
import { readConfig } from "./config.ts";
import { comparesUrls, diffUrlsCommand } from "./diff-urls.ts";
import { type CompareFlags, compareOptions, limitsOf, readDeclarations, tell } from "./except.ts";
import { keepHeapSmall } from "./heap.ts";
import { sourcesOf } from "./inputs.ts";
import { isManifests } from "./is-manifests.ts";
import { withProgress } from "./progress-line.ts";
import { compileInputs, EXIT, note, showDiagnostics, showFirst } from "./session.ts";
import { Trouble } from "./trouble.ts";

/** `kpc diff`: whether two of manifests and rules do the same to every packet. */
export async function diffCommand(left: string, right: string, flags: CompareFlags): Promise<number> {
  if (comparesUrls(left, right, flags)) return diffUrlsCommand(left, right, flags);
  const declarations = readDeclarations(flags);
  if (declarations === undefined) return EXIT.trouble;
  const sides: ComparedSide[] = [];
  for (const name of [left, right]) {
    const side = await readSide(name, flags);
    if (side === undefined) return EXIT.trouble;
    sides.push(side);
  }
  const [a, b] = sides as [ComparedSide, ComparedSide];
  const families = flags.family ?? FAMILIES;
  note([...lackOf(b, a, families), ...lackOf(a, b, families), ...aboutUrls(a, b)], flags);
  keepHeapSmall();
  const options = compareOptions(flags, [...a.diagnosed, ...b.diagnosed]);
  const { question, shown, hints } = differenceOf(a, b, families, limitsOf(flags), (left, right, about) =>
    withProgress(flags, (progress) => compare(left, right, { ...options, ...about, progress })),
  );
  note(hints, flags);
  return tell(question, declarations, flags, shown);
}

/** Packets are compared here: what becomes of the Ingresses among the manifests. */
function aboutUrls(a: ComparedSide, b: ComparedSide): string[] {
  const [left, right] = [a, b].map(({ program }) => ({
    routes: program.routes,
    listeners: program.listeners ?? [],
    knowsEndpoints: true,
    rejectsUnsafe: false,
    tls: program.tls ?? ("none" as const),
  }));
  if (left === undefined || right === undefined) return [];
  const [routes, listeners] = [
    left.routes.length + right.routes.length,
    left.listeners.length + right.listeners.length,
  ];
  if (routes + listeners === 0) return [];
  const { differences, open } = compareUrls(left, right);
  const words = differences.length > 0 ? "differ" : open.length > 0 ? "may differ" : "are equal";
  const what = listeners === 0 ? "Ingresses" : routes === 0 ? "Gateways" : "Ingresses and Gateways";
  return [`packets are compared here; the ${what} ${words} (--ingress compares them)`];
}

/** Manifests are compiled; rules, and kpc's IR, are read. A comma list stands for several files of one of both. */
async function readSide(name: string, flags: CompareFlags): Promise<ComparedSide | undefined> {
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
      name,
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
  return { name, program, addresses: node.addresses, diagnosed: findings, given, pods: new Map(), isRules: true };
}
