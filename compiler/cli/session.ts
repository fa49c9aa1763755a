/** What commands share: compiling the inputs, and telling what was found. */
import {
  type AllNodesResult,
  type CompileNodeOptions,
  type CompileOptions,
  type CompileResult,
  compileAllNodes,
  compileSpecs,
} from "../compile.ts";
import type { Diagnostic, Report, Source } from "../diagnostics.ts";
import { COLOURED, PLAIN, renderDiagnostic, type Style } from "../documents/render.ts";
import type { Config } from "../node/config.ts";
import { loadSpecs } from "../specs/load.ts";
import type { Specs } from "../specs/types.ts";
import { type ConfigFlags, type ProxyFlags, readConfig } from "./config.ts";
import { readInputs } from "./inputs.ts";
import { EXIT, print } from "./output.ts";
import { Trouble } from "./trouble.ts";

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
export interface InputUse extends Pick<CompileNodeOptions, "nodeFor" | "detection" | "now"> {
  /** Is shown each text before it is read. */
  readonly seen?: (source: Source) => void;
}

/** Compiles the named inputs for the node that the flags describe. */
export function compileInputs(
  names: readonly string[],
  flags: CommonFlags,
  { seen = () => undefined, ...use }: InputUse = {},
): CompileResult {
  const { load, config } = inputsOf(names, flags, seen);
  return compileSpecs(load, config, { ...optionsOf(flags), ...use });
}

/** Compiles the named inputs for each of their Nodes. `seen` is shown each text before it is read. */
export function compileAllInputs(
  names: readonly string[],
  flags: CommonFlags,
  seen: (source: Source) => void,
): AllNodesResult {
  const { load, config } = inputsOf(names, flags, seen);
  return compileAllNodes(load, config, optionsOf(flags));
}

/** What the named inputs and the flags say; `seen` is shown each text before it is read. */
export function inputsOf(
  names: readonly string[],
  flags: CommonFlags & ProxyFlags,
  seen: (source: Source) => void = () => undefined,
): { readonly load: (report: Report) => Specs; readonly config: Config } {
  const early: Diagnostic[] = [];
  const config = readConfig(flags, (diagnostic) => early.push(diagnostic));
  const inputs = [...names, ...(flags.filename ?? [])];
  const load = (report: Report): Specs => {
    const specs = loadSpecs(shown(readInputs(inputs, { recursive: flags.recursive ?? false }), seen), report);
    for (const diagnostic of early) report(diagnostic);
    return specs;
  };
  return { load, config };
}

/** Reads inputs when first asked, and only then: standard input cannot be read twice. */
export function loadOnce(load: (report: Report) => Specs): (report: Report) => Specs {
  const found: Diagnostic[] = [];
  let specs: Specs | undefined;
  return (report) => {
    specs ??= load((diagnostic) => void found.push(diagnostic));
    for (const diagnostic of found) report(diagnostic);
    return specs;
  };
}

/** Options of the compiler, as flags say. */
export function optionsOf({ strict, complete }: CommonFlags): CompileOptions {
  return { strict: strict ?? false, complete: complete ?? true };
}

/** The time to check certificates at: `--now`, else SOURCE_DATE_EPOCH (seconds since 1970), else now. Milliseconds since 1970. Throws
 *  `Trouble` for what is none. */
export function checkedTime({ now }: { readonly now?: string }): number {
  const epoch = process.env["SOURCE_DATE_EPOCH"] ?? "";
  if (now === undefined && epoch === "") return Date.now();
  const text = now ?? epoch;
  const time = now === undefined ? (/^\d{1,12}$/.test(text) ? Number(text) * 1000 : Number.NaN) : Date.parse(text);
  const isTime =
    now === undefined || /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text);
  if (isTime && !Number.isNaN(time)) return time;
  const [name, example] =
    now === undefined ? ["SOURCE_DATE_EPOCH", "1767225600"] : ["--now", "2026-01-02 or 2026-01-02T15:04:05Z"];
  throw new Trouble(`${name}: expected a time, such as ${example}, found ${JSON.stringify(text)}`);
}

/** The exit code of a command that compiled its inputs and did no more. A node that is not there is a mistake in what kpc
 *  was asked, not in the manifests. */
export function exitCodeOf(diagnostics: readonly Diagnostic[]): number {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length === 0) return EXIT.fine;
  return errors.some(({ code }) => code === "unknown-node") ? EXIT.trouble : EXIT.finding;
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

/** Prints the first of many findings, and how many more there are. */
export function showFirst(diagnostics: readonly Diagnostic[], flags: CommonFlags): void {
  showDiagnostics(diagnostics.slice(0, SHOWN), flags);
  const more = diagnostics.length - SHOWN;
  if (more > 0) process.stderr.write(`kpc: and ${more} more diagnostics\n`);
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
