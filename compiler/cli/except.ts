/** Differences that are meant, as flags of the commands that compare; and how these tell their answer. */
import { isWhole } from "../compare/answer.ts";
import type { CompareOptions, Discrepancy } from "../compare/compare.ts";
import { applyExceptions, isAsDeclared, isComplete, joinApplied } from "../compare/exceptions/apply.ts";
import { decodeDeclarations } from "../compare/exceptions/decode.ts";
import { printDeclarations } from "../compare/exceptions/print.ts";
import { appliedToData, renderAnswer, staleFindings } from "../compare/exceptions/render.ts";
import type { Declaration } from "../compare/exceptions/types.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import { readDocuments } from "../documents/document.ts";
import { Field } from "../documents/field.ts";
import { diagnosticToJson } from "../documents/render.ts";
import { jsonText } from "../json-output.ts";
import {
  type AnswerLimits,
  type AnswerView,
  answerData,
  answerText,
  answerTo,
  type ComparedQuestion,
} from "../library/answers.ts";
import { isDoubtful } from "../library/doubtful.ts";
import { unreadIn } from "../library/unread.ts";
import type { Family } from "../net/address.ts";
import { readSource } from "./inputs.ts";
import { type CommonFlags, EXIT, note, print, showDiagnostics } from "./session.ts";
import { timeLimit } from "./time-limit.ts";

/** The flags of commands that compare. */
export interface CompareFlags extends CommonFlags {
  readonly output: "text" | "json" | "except";
  readonly limit?: number;
  readonly budget: number;
  /** Seconds. */
  readonly time: number;
  readonly except?: readonly string[];
  /** Families that are compared; both where it is left out. */
  readonly family?: readonly Family[];
  /** Compare what serves URLs, not packets. */
  readonly ingress?: boolean;
}

/** How much of an answer is shown: rows of the table, counterexamples, and entries of each list in JSON. */
export function limitsOf({ limit, verbose }: CompareFlags): AnswerLimits {
  return {
    rows: limit ?? 20,
    examples: verbose ? Number.POSITIVE_INFINITY : (limit ?? 3),
    data: limit ?? 10,
  };
}

/** The differences in the named files; undefined where something is wrong with one, which has been told. */
export function readDeclarations(flags: CompareFlags): readonly Declaration[] | undefined {
  const findings: Diagnostic[] = [];
  const report: Report = (finding) => void findings.push(finding);
  const declarations = (flags.except ?? []).map(readSource).flatMap((source) =>
    [...readDocuments(source, report, "Differences (as -o except prints them)")].flatMap((document) => {
      const root = Field.root(document);
      return decodeDeclarations({ report, root, subject: source.name }, root);
    }),
  );
  showDiagnostics(findings, flags);
  return findings.some(({ severity }) => severity === "error") ? undefined : declarations;
}

/** Options of comparisons, as flags say; the time that they may take runs from now on. All regions are needed where they are held against what is declared, and where some of
 *  them are no claim. */
export function compareOptions(
  flags: CompareFlags,
  findings: readonly Diagnostic[],
): Pick<CompareOptions, "budget" | "giveUp" | "keep"> {
  const { budget, time } = flags;
  const keep = isSettled(flags) || isDoubtful(findings) ? { keep: MOST_HELD } : {};
  return { budget, giveUp: timeLimit(time), ...keep };
}

/** Prints the answer, and gives the exit code. */
export async function tell(
  question: ComparedQuestion,
  declarations: readonly Declaration[],
  flags: CompareFlags,
  shown: AnswerView,
): Promise<number> {
  const { parts, sides, diagnosed } = question;
  const answer = answerTo(question);
  if (flags.verbose)
    note(
      parts.flatMap(({ comparison: { symmetry } }) => symmetry ?? []),
      flags,
    );
  const more = (regions: readonly (readonly Discrepancy[])[]): object => ({
    ...shown.data(regions),
    errors: unreadIn(diagnosed).map(diagnosticToJson),
  });
  if (!isSettled(flags)) {
    if (flags.output === "json")
      await print(jsonText(question.kind, answerData(question, answer, shown, limitsOf(flags).data)));
    else await print(answerText(question, answer, shown));
    return answer.differing === 0 && isWhole(answer) ? EXIT.fine : EXIT.finding;
  }
  const allApplied = parts.map(({ programs, comparison }) => applyExceptions(comparison, declarations, { programs }));
  const applied = joinApplied(allApplied);
  const regions = allApplied.map(({ undeclared }) => undeclared);
  showDiagnostics(staleFindings(applied, answer), flags);
  if (flags.output === "except") {
    if (!isComplete(applied, answer))
      process.stderr.write("kpc: not everything has been compared: there may be more differences (--budget, --time)\n");
    await print(
      printDeclarations(
        applied.undeclared,
        parts.map(({ comparison }) => comparison.space),
        sides,
      ),
    );
  } else if (flags.output === "json") {
    await print(
      jsonText(question.kind, {
        ...appliedToData(applied, answer, sides, limitsOf(flags).data),
        ...more(regions),
      }),
    );
  } else {
    const lines = shown.text(regions, applied.undeclared.length);
    await print(`${[...lines, ...renderAnswer(applied, answer)].join("\n")}\n`);
  }
  return isAsDeclared(applied, answer) ? EXIT.fine : EXIT.finding;
}

function isSettled({ except = [], output }: CompareFlags): boolean {
  return except.length > 0 || output === "except";
}

/** Regions that are held against what is declared: some 2 kB each. More is not kept, and said. */
const MOST_HELD = 200_000;
