import { compare } from "../compare/compare.ts";
import type { Diagnostic } from "../diagnostics.ts";
import { readHost, refusalOf, verificationOf } from "../library/verification.ts";
import { podDetectionOf } from "../verify/pod-detection.ts";
import { serviceRulesOf } from "../verify/service-rules.ts";
import { type CompareFlags, compareOptions, limitsOf, readDeclarations, tell } from "./except.ts";
import { keepHeapSmall } from "./heap.ts";
import { sourcesOf } from "./inputs.ts";
import { withProgress } from "./progress-line.ts";
import { compileInputs, EXIT, note, showDiagnostics, showFirst } from "./session.ts";
import { Trouble } from "./trouble.ts";

export interface VerifyFlags extends CompareFlags {
  readonly against: string;
  readonly strictSource?: boolean;
}

/** `kpc verify`: whether a host's rules do to Service traffic what the manifests say. */
export async function verifyCommand(names: readonly string[], flags: VerifyFlags): Promise<number> {
  const declarations = readDeclarations(flags);
  if (declarations === undefined) return EXIT.trouble;
  const diagnosed: Diagnostic[] = [];
  const host = await readHost(sourcesOf(flags.against), (diagnostic) => diagnosed.push(diagnostic));
  showFirst(diagnosed, flags);
  const rules = serviceRulesOf(host.program, host.restored, { strictSource: flags.strictSource ?? false });
  const refusal = refusalOf(host, rules, flags.against);
  if (refusal !== undefined) throw new Trouble(refusal);
  // A host is not held against addresses that kpc has chosen.
  const asked = { ...flags, complete: false };
  const detected: string[] = [];
  const { diagnostics, compiled } = compileInputs(
    names,
    rules.mode === undefined ? asked : { mode: rules.mode, ...asked },
    {
      detection: (specs) => {
        const { config, note: found } = podDetectionOf(rules, specs);
        detected.push(found);
        return config;
      },
    },
  );
  showDiagnostics(diagnostics, flags);
  if (compiled === undefined) return EXIT.trouble;
  const verification = verificationOf(
    { host, rules, compiled, detected, diagnosed },
    { ...flags, limits: limitsOf(flags) },
  );
  note(verification.notes, flags);
  keepHeapSmall();
  const options = compareOptions(flags, diagnosed);
  const { question, shown, notes } = verification.run((left, right, about) =>
    withProgress(flags, (progress) => compare(left, right, { ...options, ...about, progress })),
  );
  note(notes, flags);
  return tell(question, declarations, flags, shown);
}
