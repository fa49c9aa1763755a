import { dirname, isAbsolute, join } from "node:path";
import { type Compiled, compileSpecs } from "../compile.ts";
import type { Diagnostic, Report, Source } from "../diagnostics.ts";
import { readDocuments } from "../documents/document.ts";
import { Field } from "../documents/field.ts";
import { insteadOfExpectations, otherInput } from "../documents/other-input.ts";
import { diagnosticToJson } from "../documents/render.ts";
import { decodeClusterCase, isClusterForm } from "../expectations/cluster/decode.ts";
import type { ClusterCase } from "../expectations/cluster/types.ts";
import { decodeCase } from "../expectations/decode.ts";
import type { Engine } from "../expectations/engines/types.ts";
import { decodeRequestCase, isRequestForm } from "../expectations/requests/decode.ts";
import type { RequestCase } from "../expectations/requests/types.ts";
import { type FlowResult, runCase } from "../expectations/run.ts";
import type { Case } from "../expectations/types.ts";
import { jsonText } from "../json-output.ts";
import type { Mode } from "../node/settings.ts";
import { loadObjects } from "../specs/load.ts";
import { type ChosenEngines, chooseEngines } from "./engines.ts";
import { readInputs } from "./inputs.ts";
import { type BrokenCase, printJunit } from "./junit.ts";
import { type CommonFlags, EXIT, note, optionsOf, print, showDiagnostics } from "./session.ts";
import { type ClusterRun, runCluster } from "./test-cluster.ts";
import { runRequests } from "./test-requests.ts";
import { renderResults, resultToJson, summaryOf } from "./test-results.ts";
import { Trouble } from "./trouble.ts";

export interface TestFlags extends CommonFlags {
  readonly engine: string;
  readonly output: "text" | "json" | "junit";
}

/** What became of the cases: flows that ran, and cases that could not. */
interface Run {
  readonly results: readonly FlowResult[];
  readonly broken: readonly BrokenCase[];
}

/** `kpc test`: runs expectations. A case that cannot be read or compiled is trouble, not a failed expectation. */
export async function testCommand(names: readonly string[], flags: TestFlags): Promise<number> {
  const engines = await chooseEngines(flags.engine);
  const all = [...engines.forPackets, ...engines.forRequests];
  const run = await runCases(names, flags, engines).finally(() => Promise.all(all.map((engine) => engine.close())));
  await print(render(run, flags.output));
  if (run.broken.length > 0) return EXIT.trouble;
  return run.results.some(({ status }) => status === "fail") ? EXIT.finding : EXIT.fine;
}

async function runCases(names: readonly string[], flags: TestFlags, engines: ChosenEngines): Promise<Run> {
  const results: FlowResult[] = [];
  const broken: BrokenCase[] = [];
  const completed = new Set<AnyCase>();
  for (const { testCase, path, diagnostics } of readCases(names, flags)) {
    if (testCase === undefined) {
      broken.push({ path, name: undefined, diagnostics });
      continue;
    }
    const found: Diagnostic[] = [];
    let isBroken = false;
    for (const { results: ran, diagnostics: inMode } of await runEach(testCase, path, flags, engines)) {
      if (inMode.some(({ code }) => code === "assumed")) completed.add(testCase);
      if (ran !== undefined) results.push(...ran);
      else {
        isBroken = true;
        found.push(...inMode);
      }
    }
    if (isBroken) broken.push({ path, name: testCase.name, diagnostics: unique(found) });
  }
  showDiagnostics(unique(broken.flatMap((each) => each.diagnostics)), flags);
  if (completed.size > 0)
    note(
      [
        `assumed what a cluster would add to the objects of ${completed.size} expectation files (kpc check -v lists it)`,
      ],
      flags,
    );
  return { results, broken };
}

/** What became of a case, in each of its modes. Routes of requests are the same in all. */
async function runEach(
  testCase: AnyCase,
  path: string,
  flags: TestFlags,
  { forPackets, forRequests }: ChosenEngines,
): Promise<ClusterRun[]> {
  if ("requests" in testCase) return [await runRequests(testCase, path, { flags, engines: forRequests })];
  const runs: ClusterRun[] = [];
  for (const mode of testCase.modes) runs.push(await runInMode(testCase, mode, path, { flags, engines: forPackets }));
  return runs;
}

/** The results of a case in one mode, on each engine; undefined where its world could not be made. */
async function runInMode(
  testCase: Case | ClusterCase,
  mode: Mode,
  path: string,
  use: { readonly flags: TestFlags; readonly engines: readonly Engine[] },
): Promise<ClusterRun> {
  if ("cluster" in testCase) return runCluster(testCase, mode, path, use);
  const { compiled, diagnostics } = compileCase(testCase, mode, path, use.flags);
  if (compiled === undefined) return { results: undefined, diagnostics };
  const results: FlowResult[] = [];
  for (const engine of use.engines) results.push(...(await runCase(testCase, mode, compiled, engine)));
  return { results, diagnostics };
}

/** What is found in each mode, or in manifests that several cases name, is told once. */
function unique(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [...new Map(diagnostics.map((each) => [JSON.stringify(diagnosticToJson(each)), each])).values()];
}

type AnyCase = Case | ClusterCase | RequestCase;

interface ReadCase {
  /** Undefined when something is wrong with it. */
  readonly testCase: AnyCase | undefined;
  readonly path: string;
  readonly diagnostics: readonly Diagnostic[];
  /** It is a file of manifests or settings. */
  readonly isOther?: boolean;
}

/** The cases of the named files. What lies beside expectations in a folder, such as manifests, is passed over, with a note; where
 *  there is nothing else, it is an error. */
function readCases(names: readonly string[], flags: TestFlags): ReadCase[] {
  const cases: ReadCase[] = [];
  const others: ReadCase[] = [];
  for (const source of readInputs(names, { recursive: flags.recursive ?? false }))
    for (const each of casesIn(source)) {
      const isBeside = each.isOther === true && !names.includes(source.name);
      (isBeside ? others : cases).push(each);
    }
  if (cases.length === 0) return others;
  if (others.length > 0) note([`no expectations, passed over: ${others.map(({ path }) => path).join(", ")}`], flags);
  return cases;
}

/** The cases of a file, each with what was found in it alone; what is no document comes first. */
export function* casesIn(source: Source): Generator<ReadCase> {
  const path = source.name;
  const unreadable: Diagnostic[] = [];
  const report: Report = (diagnostic) => void unreadable.push(diagnostic);
  const roots = [...readDocuments(source, report, "an expectation file, with name, files and flows")].map(Field.root);
  const other = roots.some(isExpectations) ? undefined : otherInput(source, insteadOfExpectations);
  if (other !== undefined) {
    const isOther = unreadable.length === 0 && roots.every((root) => typeof root.get("kind")?.value === "string");
    return yield { testCase: undefined, path, diagnostics: [other], isOther };
  }
  if (unreadable.length > 0) yield { testCase: undefined, path, diagnostics: unreadable };
  for (const root of roots) {
    const diagnostics: Diagnostic[] = [];
    const context = { report: (diagnostic: Diagnostic) => void diagnostics.push(diagnostic), root, subject: path };
    const testCase = isRequestForm(root)
      ? decodeRequestCase(context, root)
      : isClusterForm(root)
        ? decodeClusterCase(context, root)
        : decodeCase(context, root);
    const failed = diagnostics.some(({ severity }) => severity === "error");
    yield { testCase: failed ? undefined : testCase, path, diagnostics };
  }
}

function isExpectations(root: Field): boolean {
  return root.get("flows") !== undefined || root.get("kind")?.value === "Expectations" || isRequestForm(root);
}

/** The world of a case in one mode. */
function compileCase(
  testCase: Case,
  mode: Mode,
  path: string,
  flags: TestFlags,
): { readonly compiled: Compiled | undefined; readonly diagnostics: readonly Diagnostic[] } {
  const load = (report: Report): ReturnType<typeof loadObjects> =>
    loadObjects([...testCase.objects, ...readWorld(testCase, path, report)], report);
  return compileSpecs(load, { ...testCase.config, mode }, optionsOf(flags));
}

/** The objects in the files that a case names. Reports `unreadable-file`. */
function readWorld({ files }: Case, path: string, report: Report): Field[] {
  return files.flatMap((file) => {
    const place = isAbsolute(file.path) ? file.path : join(dirname(path), file.path);
    try {
      return [...readInputs([place], { recursive: false })].flatMap((source) =>
        [...readDocuments(source, report)].map(Field.root),
      );
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      report({ severity: "error", code: "unreadable-file", message: error.message, origin: file.node });
      return [];
    }
  });
}

function render({ results, broken }: Run, output: TestFlags["output"]): string {
  switch (output) {
    case "text":
      return renderResults(results, broken.length);
    case "json": {
      const diagnostics = unique(broken.flatMap((each) => each.diagnostics)).map(diagnosticToJson);
      return jsonText("TestResults", { results: results.map(resultToJson), summary: summaryOf(results), diagnostics });
    }
    case "junit":
      return printJunit(results, broken);
  }
}
