import { dirname, isAbsolute, join } from "node:path";
import { decodeCase } from "../cases/decode.ts";
import { type FlowResult, runCase } from "../cases/run.ts";
import type { Case } from "../cases/types.ts";
import { type Compiled, compileSpecs } from "../compile.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import type { Engine } from "../engines/types.ts";
import type { Mode } from "../lower/settings.ts";
import { readDocuments } from "../specs/document.ts";
import { loadObjects } from "../specs/load.ts";
import { Node } from "../specs/node.ts";
import { chooseEngines } from "./engines.ts";
import { readInputs } from "./inputs.ts";
import { printJunit } from "./junit.ts";
import { type CommonFlags, EXIT, print, showDiagnostics } from "./session.ts";

export interface TestFlags extends CommonFlags {
  readonly engine: string;
  readonly output: "text" | "json" | "junit";
}

/** `kpc test`: runs expectations. A case that cannot be read or compiled is trouble, not a failed expectation. */
export async function testCommand(names: readonly string[], flags: TestFlags): Promise<number> {
  const engines = await chooseEngines(flags.engine);
  const { results, broken } = await runCases(names, flags, engines).finally(() =>
    Promise.all(engines.map((engine) => engine.close())),
  );
  await print(render(results, flags.output));
  if (broken) return EXIT.trouble;
  return results.some(({ status }) => status === "fail") ? EXIT.finding : EXIT.fine;
}

async function runCases(
  names: readonly string[],
  flags: TestFlags,
  engines: readonly Engine[],
): Promise<{ readonly results: readonly FlowResult[]; readonly broken: boolean }> {
  const results: FlowResult[] = [];
  let broken = false;
  for (const { testCase, path, diagnostics } of readCases(names, flags)) {
    showDiagnostics(diagnostics, { ...flags, quiet: true });
    if (testCase === undefined) {
      broken = true;
      continue;
    }
    for (const mode of testCase.modes) {
      const compiled = compileCase(testCase, mode, path, flags);
      if (compiled === undefined) broken = true;
      else for (const engine of engines) results.push(...(await runCase(testCase, mode, compiled, engine)));
    }
  }
  return { results, broken };
}

interface ReadCase {
  readonly testCase: Case | undefined;
  readonly path: string;
  readonly diagnostics: readonly Diagnostic[];
}

function* readCases(names: readonly string[], flags: TestFlags): Generator<ReadCase> {
  for (const source of readInputs(names, { recursive: flags.recursive ?? false })) {
    const diagnostics: Diagnostic[] = [];
    const report: Report = (diagnostic) => void diagnostics.push(diagnostic);
    const roots = [...readDocuments(source, report, "a case: a name, a world and flows")].map(Node.root);
    for (const root of roots) {
      const testCase = decodeCase({ report, root, subject: source.name }, root);
      const failed = diagnostics.some(({ severity }) => severity === "error");
      yield { testCase: failed ? undefined : testCase, path: source.name, diagnostics };
    }
    if (roots.length === 0) yield { testCase: undefined, path: source.name, diagnostics };
  }
}

/** The world of a case in one mode. Its findings are shown when they keep it from compiling. */
function compileCase(testCase: Case, mode: Mode, path: string, flags: TestFlags): Compiled | undefined {
  const files = testCase.files.map((file) => (isAbsolute(file.path) ? file.path : join(dirname(path), file.path)));
  const load = (report: Report): ReturnType<typeof loadObjects> => {
    const nodes =
      files.length === 0
        ? []
        : [...readInputs(files, { recursive: false })].flatMap((source) =>
            [...readDocuments(source, report)].map(Node.root),
          );
    return loadObjects([...testCase.objects, ...nodes], report);
  };
  const { compiled, diagnostics } = compileSpecs(load, { ...testCase.config, mode }, { strict: flags.strict ?? false });
  if (compiled === undefined) showDiagnostics(diagnostics, flags);
  return compiled;
}

function summaryOf(results: readonly FlowResult[]): {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
} {
  const count = (status: FlowResult["status"]): number => results.filter((result) => result.status === status).length;
  return { passed: count("pass"), failed: count("fail"), skipped: count("skip") };
}

function render(results: readonly FlowResult[], output: TestFlags["output"]): string {
  const summary = summaryOf(results);
  if (output === "json") return `${JSON.stringify({ results, summary }, null, 2)}\n`;
  if (output === "junit") return printJunit(results);
  const failures = results.filter(({ status }) => status === "fail");
  const skips = new Map(
    results.filter(({ status }) => status === "skip").map(({ engine, reason }) => [engine, reason]),
  );
  const lines = [
    ...failures.map(
      ({ case: name, flow, mode, engine, reason }) => `FAIL ${name} / ${flow} (${mode}, ${engine}): ${reason}`,
    ),
    ...[...skips].map(([engine, reason]) => `SKIP engine ${engine}: ${reason}`),
    `${summary.passed} passed, ${summary.failed} failed, ${summary.skipped} skipped`,
  ];
  return `${lines.join("\n")}\n`;
}
