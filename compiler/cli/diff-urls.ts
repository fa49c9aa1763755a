/** `kpc diff` of Ingresses and Gateways: whether two sides serve every request alike. */
import { compareUrls } from "../compare/urls/compare.ts";
import {
  type AppliedUrlDeclarations,
  applyUrlDeclarations,
  decodeUrlDeclarations,
  printUrlDeclarations,
  staleUrlFindings,
  type UrlDeclaration,
} from "../compare/urls/declared.ts";
import {
  isAllCompared,
  placeData,
  renderDifferences,
  renderHosts,
  renderUrlConclusion,
  type UrlAnswer,
  urlAnswerToData,
} from "../compare/urls/render.ts";
import { type Diagnostic, printPlace } from "../diagnostics.ts";
import { readDocuments } from "../documents/document.ts";
import { Field } from "../documents/field.ts";
import { asNamed } from "../formats/haproxy/read-named.ts";
import { jsonText } from "../json-output.ts";
import { type CompareFlags, limitsOf } from "./except.ts";
import { readSource } from "./inputs.ts";
import { isProxy, type ReadRoutes, readRoutes } from "./routed-side.ts";
import { EXIT, print, showDiagnostics } from "./session.ts";
import { Trouble } from "./trouble.ts";

/** Whether these two are compared by URLs: somebody asks for it, or one of them is of a proxy. */
export function comparesUrls(left: string, right: string, { ingress }: CompareFlags): boolean {
  return ingress === true || isProxy(left) || isProxy(right);
}

/** Compares two sides over all hosts and paths. Exit code 1 where they differ, or not everything was compared. */
export async function diffUrlsCommand(left: string, right: string, flags: CompareFlags): Promise<number> {
  if (flags.family !== undefined) throw new Trouble("--family is for packets: Ingresses are compared by host and path");
  const declarations = readUrlDeclarations(flags);
  if (declarations === undefined) return EXIT.trouble;
  const sides: ReadRoutes[] = [];
  for (const name of [left, right]) {
    const side = await readRoutes(name, flags);
    if (side === undefined) return EXIT.trouble;
    sides.push(side);
  }
  const [a, b] = onOneLevel(sides as [ReadRoutes, ReadRoutes]);
  if ([a, b].every(({ routes, listeners = [] }) => routes.length + listeners.length === 0))
    throw new Trouble(`neither ${left} nor ${right} has an Ingress or a Gateway for kpc`);
  const compared = compareUrls(a, b);
  const answer: UrlAnswer = { ...compared, gaps: [...a.gaps, ...b.gaps, ...compared.open], sides: { left, right } };
  return tellUrls(answer, declarations, flags);
}

/** Where one side tells names only, the listeners of the other one are told by theirs. Maps do not say the protocol of a port. */
function onOneLevel([a, b]: readonly [ReadRoutes, ReadRoutes]): readonly [ReadRoutes, ReadRoutes] {
  if (a.knowsEndpoints && b.knowsEndpoints) return [a, b];
  const named = [a, b].map((side) =>
    side.knowsEndpoints ? { ...side, listeners: asNamed(side.listeners ?? []) } : side,
  ) as [ReadRoutes, ReadRoutes];
  const withProtocols = (side: ReadRoutes, other: ReadRoutes): ReadRoutes => ({
    ...side,
    listeners: (side.listeners ?? []).map((listener) => ({
      ...listener,
      protocol: other.listeners?.find(({ port }) => port === listener.port)?.protocol ?? listener.protocol,
    })),
  });
  return [
    a.knowsEndpoints ? named[0] : withProtocols(named[0], named[1]),
    b.knowsEndpoints ? named[1] : withProtocols(named[1], named[0]),
  ];
}

async function tellUrls(
  answer: UrlAnswer,
  declarations: readonly UrlDeclaration[],
  flags: CompareFlags,
): Promise<number> {
  const { sides, differences } = answer;
  const limits = limitsOf(flags);
  const isDeclaring = declarations.length > 0 || flags.output === "except";
  const applied = applyUrlDeclarations(differences, declarations);
  const { undeclared } = applied;
  const words = isDeclaring ? verdictOf(applied, answer) : undefined;
  if (declarations.length > 0 && isAllCompared(answer)) showDiagnostics(staleUrlFindings(applied), flags);
  if (flags.output === "except") {
    await print(printUrlDeclarations(undeclared, sides));
  } else if (flags.output === "json") {
    const data = urlAnswerToData(answer, undeclared, limits.data);
    await print(jsonText("UrlComparison", isDeclaring ? { ...data, ...appliedData(applied, answer) } : data));
  } else {
    const lines = [
      ...renderHosts(undeclared, limits.rows),
      ...renderDifferences(undeclared, sides, limits.examples),
      ...expectedLines(applied),
      ...renderUrlConclusion(answer, words),
    ];
    await print(`${lines.join("\n")}\n`);
  }
  const isFine = isDeclaring ? isAsExpected(applied, answer) : differences.length === 0 && isAllCompared(answer);
  return isFine ? EXIT.fine : EXIT.finding;
}

/** The entries of the named files; undefined where something is wrong with one, which has been told. */
function readUrlDeclarations(flags: CompareFlags): readonly UrlDeclaration[] | undefined {
  const findings: Diagnostic[] = [];
  const report = (finding: Diagnostic): void => void findings.push(finding);
  const declarations = (flags.except ?? []).map(readSource).flatMap((source) =>
    [...readDocuments(source, report, "UrlDifferences (as -o except prints them)")].flatMap((document) => {
      const root = Field.root(document);
      return decodeUrlDeclarations({ report, root, subject: source.name }, root);
    }),
  );
  showDiagnostics(findings, flags);
  return findings.some(({ severity }) => severity === "error") ? undefined : declarations;
}

function isAsExpected({ undeclared, uses }: AppliedUrlDeclarations, answer: UrlAnswer): boolean {
  return isAllCompared(answer) && undeclared.length === 0 && uses.every(({ classes }) => classes > 0);
}

function verdictOf(applied: AppliedUrlDeclarations, answer: UrlAnswer): string {
  const { undeclared, uses } = applied;
  const count = `${uses.length} expected ${uses.length === 1 ? "difference" : "differences"}`;
  if (isAsExpected(applied, answer)) return uses.length === 0 ? "equal" : `equal except for ${count}`;
  if (undeclared.length > 0) return "different, also where no difference is expected";
  if (!isAllCompared(answer)) return "no unexpected difference found";
  return `different: ${uses.filter(({ classes }) => classes === 0).length} of ${count} no longer occurs`;
}

function expectedLines({ uses }: AppliedUrlDeclarations): string[] {
  const lines = uses
    .filter(({ classes }) => classes > 0)
    .map(({ declaration: { origin, reason }, classes }) => {
      const why = reason === undefined ? "" : `: ${reason.trim().replace(/\s+/g, " ")}`;
      return `expected: ${printPlace(origin.span())}, ${classes === 1 ? "1 class" : `${classes} classes`}${why}`;
    });
  return lines.length > 0 ? [...lines, ""] : [];
}

function appliedData(applied: AppliedUrlDeclarations, answer: UrlAnswer): object {
  return {
    verdict: verdictOf(applied, answer),
    equalExceptExpected: isAsExpected(applied, answer),
    expected: applied.uses.map(({ declaration: { origin, reason }, classes }) => ({
      ...placeData(origin),
      ...(reason === undefined ? {} : { reason }),
      classes,
      stale: classes > 0 ? false : isAllCompared(answer) ? true : null,
    })),
    unexpected: applied.undeclared.length,
  };
}
