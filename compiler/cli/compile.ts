import type { Compiled } from "../compile.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import { diagnosticToJson } from "../documents/render.ts";
import { jsonText } from "../json-output.ts";
import type { ProxyFlags } from "./config.ts";
import { aboutIngresses } from "./ingress-input.ts";
import { inputDigest } from "./input-digest.ts";
import { refuseTerminal } from "./output.ts";
import { isBinary, type Output, type PrintFlags, printOutput } from "./print-output.ts";
import { compileInputs, EXIT, exitCodeOf, print, showDiagnostics } from "./session.ts";
import { summarize } from "./summary.ts";
import { Trouble } from "./trouble.ts";

export interface CompileFlags extends Omit<PrintFlags, "output">, ProxyFlags {
  readonly output: Output | "node-setup" | "haproxy";
  readonly allNodes?: boolean;
  readonly directory?: string;
}

/** `kpc compile`: rules on standard output, or nothing when something is wrong. */
export async function compileCommand(names: readonly string[], { output, ...others }: CompileFlags): Promise<number> {
  refuseCombinations({ output, ...others });
  if (output === "haproxy") return (await import("./haproxy.ts")).haproxyCommand(names, others, others.directory);
  if (output === "node-setup")
    return (await import("./node-setup.ts")).nodeSetupCommand(names, others, others.directory);
  const flags = { ...others, output };
  if (flags.directory !== undefined)
    return (await import("./compile-all.ts")).compileAllCommand(names, flags, flags.directory);
  const digest = inputDigest(isBinary(flags.output));
  const { diagnostics, compiled } = compileInputs(names, flags, {
    seen: ({ text }) => digest?.add(text),
  });
  if (flags.output === "json") {
    const { programToJson } = await import("../formats/ir/print.ts");
    const program = compiled === undefined ? null : programToJson(compiled.program);
    const text = jsonText("Compilation", { diagnostics: diagnostics.map(diagnosticToJson), program });
    await print(text);
    if (compiled !== undefined) tellSummary(compiled, text, diagnostics, flags);
    return exitCodeOf(diagnostics);
  }
  showDiagnostics(flags.output === "router" ? aboutIngresses(diagnostics) : diagnostics, flags);
  if (compiled === undefined) return exitCodeOf(diagnostics);
  const unsupported: Diagnostic[] = [];
  const report: Report = (diagnostic) => void unsupported.push(diagnostic);
  const printed = await printOutput(compiled, flags, digest?.text() ?? "", report);
  showDiagnostics(unsupported, flags);
  if (printed === undefined) return EXIT.finding;
  await print(printed);
  tellSummary(compiled, printed, diagnostics, flags);
  return EXIT.fine;
}

/** Nothing was made where the output could not be written, which has set the exit code. */
function tellSummary(
  compiled: Compiled,
  printed: string | Uint8Array,
  diagnostics: readonly Diagnostic[],
  flags: PrintFlags,
): void {
  if (flags.quiet || process.exitCode !== undefined) return;
  process.stderr.write(summarize(compiled, printed, diagnostics, flags));
}

/** Throws `Trouble` for flags that do not go together. */
function refuseCombinations(flags: CompileFlags): void {
  const { output, current, allNodes = false, directory, node, nodeIp, zone } = flags;
  const { pathSafety, httpsRedirect, http2, proxyProtocol, accessLog, metrics, spareBackends, timeout } = flags;
  const ofProxy = {
    "--path-safety": pathSafety,
    "--https-redirect": httpsRedirect,
    "--http2": http2,
    "--proxy-protocol": proxyProtocol,
    "--access-log": accessLog,
    "--metrics": metrics,
    "--spare-backends": spareBackends,
    "--timeout": timeout,
  };
  for (const [flag, value] of Object.entries(ofProxy))
    if (output !== "haproxy" && value !== undefined)
      throw new Trouble(`${flag} is for -o haproxy: -o ${output} is no configuration of a proxy`);
  if (allNodes && directory === undefined)
    throw new Trouble("--all-nodes writes a file for each node: add -d DIR, the folder for the files");
  if (allNodes && (output === "haproxy" || output === "router"))
    throw new Trouble(`--all-nodes is for rules of nodes: -o ${output} is one proxy for the cluster`);
  if (!allNodes && directory !== undefined && output !== "haproxy")
    throw new Trouble("-d is for --all-nodes: the rules of one node go to standard output");
  const ofOneNode = { "--node": node, "--node-ip": nodeIp, "--zone": zone, "--current": current };
  for (const [flag, value] of Object.entries(ofOneNode))
    if (allNodes && value !== undefined)
      throw new Trouble(`${flag} is about one node: --all-nodes compiles for each Node of the input`);
  if (!allNodes && output !== "node-setup" && output !== "haproxy" && isBinary(output)) refuseTerminal(`-o ${output}`);
  if (current !== undefined && output !== "iptables" && output !== "ip6tables")
    throw new Trouble(`--current is for -o iptables and -o ip6tables: -o ${output} has no jumps to leave out`);
}
