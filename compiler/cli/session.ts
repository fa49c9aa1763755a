/** What commands share: compiling the inputs, and telling what was found. */
import { type CompileNodeOptions, type CompileOptions, type CompileResult, compileSpecs } from "../compile.ts";
import type { Diagnostic, Report, Source } from "../diagnostics.ts";
import { COLOURED, PLAIN, renderDiagnostic, type Style } from "../render.ts";
import { loadSpecs } from "../specs/load.ts";
import { type ConfigFlags, readConfig } from "./config.ts";
import { readInputs } from "./inputs.ts";
import { EXIT, print } from "./output.ts";

export { EXIT, print };

/** The flags of every command that reads manifests. */
export interface CommonFlags extends ConfigFlags {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly strict?: boolean;
  /** False with `--no-complete`. */
  readonly complete?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly color?: string;
}

/** How inputs are compiled, besides the flags. */
export interface InputUse extends Pick<CompileNodeOptions, "nodeFor" | "detection"> {
  /** Is shown each text before it is read. */
  readonly seen?: (source: Source) => void;
}

/** Compiles the named inputs for the node that the flags describe. */
export function compileInputs(
  names: readonly string[],
  flags: CommonFlags,
  { seen = () => undefined, ...use }: InputUse = {},
): CompileResult {
  const early: Diagnostic[] = [];
  const config = readConfig(flags, (diagnostic) => early.push(diagnostic));
  const inputs = [...names, ...(flags.filename ?? [])];
  const load = (report: Report): ReturnType<typeof loadSpecs> => {
    const specs = loadSpecs(shown(readInputs(inputs, { recursive: flags.recursive ?? false }), seen), report);
    for (const diagnostic of early) report(diagnostic);
    return specs;
  };
  return compileSpecs(load, config, { ...optionsOf(flags), ...use });
}

/** Options of the compiler, as flags say. */
export function optionsOf({ strict, complete }: CommonFlags): CompileOptions {
  return { strict: strict ?? false, complete: complete ?? true };
}

/** The exit code of a command that compiled its inputs and did no more. A node that is not there is a mistake in what kpc
 *  was asked, not in the manifests. */
export function exitCodeOf({ diagnostics, compiled }: CompileResult): number {
  if (compiled !== undefined) return EXIT.fine;
  const isWrongQuestion = diagnostics.some(({ severity, code }) => severity === "error" && code === "unknown-node");
  return isWrongQuestion ? EXIT.trouble : EXIT.finding;
}

function* shown(sources: Iterable<Source>, seen: (source: Source) => void): Generator<Source> {
  for (const source of sources) {
    seen(source);
    yield source;
  }
}

/** Prints findings on standard error. `info` only with `--verbose`; `note` and below not with `--quiet`. */
export function showDiagnostics(diagnostics: readonly Diagnostic[], flags: CommonFlags): void {
  const style = styleFor(flags, process.stderr.isTTY);
  for (const diagnostic of diagnostics) {
    const { severity } = diagnostic;
    if (severity === "info" && !flags.verbose) continue;
    if (flags.quiet && severity !== "error") continue;
    process.stderr.write(`${renderDiagnostic(diagnostic, style)}\n`);
  }
}

/** Likewise, the first ones of many. */
export function showFirst(diagnostics: readonly Diagnostic[], flags: CommonFlags): void {
  showDiagnostics(diagnostics.slice(0, SHOWN), flags);
  const more = diagnostics.length - SHOWN;
  if (more > 0) process.stderr.write(`kpc: and ${more} more findings like these\n`);
}

/** Prints what is good to know on standard error, unless `--quiet`. */
export function note(lines: readonly string[], { quiet }: CommonFlags): void {
  if (!quiet) for (const line of lines) process.stderr.write(`note: ${line}\n`);
}

const SHOWN = 20;

/** Colours on a terminal, unless NO_COLOR or `--color never` says otherwise. */
export function styleFor(flags: CommonFlags, isTerminal: boolean): Style {
  if (flags.color === "always") return COLOURED;
  if (flags.color === "never" || (process.env["NO_COLOR"] ?? "") !== "") return PLAIN;
  return isTerminal ? COLOURED : PLAIN;
}
