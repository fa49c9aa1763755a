/** `kpc diff` of Ingresses and Gateways: whether two sides serve every request alike. */
import { compareUrls } from "../compare-urls/compare.ts";
import {
  type AppliedUrlDeclarations,
  applyUrlDeclarations,
  decodeUrlDeclarations,
  printUrlDeclarations,
  staleUrlFindings,
  type UrlDeclaration,
} from "../compare-urls/declared.ts";
import {
  isAllCompared,
  placeData,
  renderDifferences,
  renderHosts,
  renderUrlConclusion,
  type UrlAnswer,
  urlAnswerToData,
} from "../compare-urls/render.ts";
import { type Diagnostic, printPlace } from "../diagnostics.ts";
import { readDocuments } from "../documents/document.ts";
import { Field } from "../documents/field.ts";
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
  const [a, b] = sides as [ReadRoutes, ReadRoutes];
  if ([a, b].every(({ routes, listeners = [] }) => routes.length + listeners.length === 0))
    throw new Trouble(`neither ${left} nor ${right} has an Ingress or a Gateway for kpc`);
  const compared = compareUrls(a, b);
  const answer: UrlAnswer = { ...compared, gaps: [...a.gaps, ...b.gaps, ...compared.open], sides: { left, right } };
  return tellUrls(answer, declarations, flags);
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
