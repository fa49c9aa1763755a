import { diagnosticToJson, renderDiagnostic } from "../documents/render.ts";
import { jsonText } from "../json-output.ts";
import { type CommonFlags, compileInputs, exitCodeOf, print, styleFor } from "./session.ts";

export interface CheckFlags extends CommonFlags {
  readonly output: "text" | "json";
}

/** `kpc check`: everything that was found, and nothing else. `--quiet`: errors only; `--verbose`: also each object of a kind
 *  that is not read. */
export async function checkCommand(names: readonly string[], flags: CheckFlags): Promise<number> {
  const result = compileInputs(names, flags, { checksNetwork: true });
  const { diagnostics } = result;
  const shown = diagnostics.filter(
    ({ severity, code }) =>
      severity === "error" || (!flags.quiet && (flags.verbose === true || code !== "skipped-object")),
  );
  if (flags.output === "json") {
    await print(jsonText("Diagnostics", { diagnostics: shown.map(diagnosticToJson) }));
  } else {
    const style = styleFor(flags, process.stdout.isTTY);
    await print(shown.map((diagnostic) => `${renderDiagnostic(diagnostic, style)}\n`).join(""));
    const count = (severity: string): string => {
      const { length } = diagnostics.filter((diagnostic) => diagnostic.severity === severity);
      return `${length} ${severity}${length === 1 ? "" : "s"}`;
    };
    process.stderr.write(`${count("error")}, ${count("warning")}\n`);
  }
  return exitCodeOf(diagnostics);
}
