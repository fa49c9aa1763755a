import type { Compiled } from "../compile.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import type { Outcome } from "../evaluate/packet.ts";
import { parsePacket } from "../trace/parse.ts";
import { renderTrace, traceToJson } from "../trace/render.ts";
import { resolvePacket } from "../trace/resolve.ts";
import { chooseEngines } from "./engines.ts";
import { type CommonFlags, compileInputs, EXIT, print, showDiagnostics } from "./session.ts";
import { Trouble } from "./trouble.ts";

export interface TraceFlags extends CommonFlags {
  readonly engine: string;
  readonly output: "text" | "json";
}

/** `kpc trace`: the way of one packet, and the rules that decided it. */
export async function traceCommand(text: string, names: readonly string[], flags: TraceFlags): Promise<number> {
  const [engine, ...others] = await chooseEngines(flags.engine);
  if (engine === undefined || others.length > 0) throw new Trouble("a trace takes one engine");
  const reason = engine.unavailable();
  if (reason !== undefined) throw new Trouble(`engine ${engine.name} cannot run here: ${reason}`);
  const questions: Diagnostic[] = [];
  const report: Report = (diagnostic) => void questions.push(diagnostic);
  const packetText = parsePacket({ name: "packet", text }, report);
  if (packetText === undefined) return trouble(questions, flags);
  const { diagnostics, compiled } = compileInputs(names, flags);
  showDiagnostics(diagnostics, flags);
  if (compiled === undefined) return EXIT.finding;
  const packet = resolvePacket(packetText, compiled.specs, compiled.node, report);
  if (packet === undefined) return trouble(questions, flags);
  const [outcomes = []] = await engine.run(compiled, [packet]).finally(() => engine.close());
  await print(flags.output === "json" ? traceToJson(outcomes) : renderTrace(packet, outcomes, describe(compiled)));
  return outcomes.every(isDelivered) ? EXIT.fine : EXIT.finding;
}

function trouble(questions: readonly Diagnostic[], flags: TraceFlags): number {
  showDiagnostics(questions, flags);
  return EXIT.trouble;
}

/** Also a packet that no rule touches goes where its address leads. */
function isDelivered({ verdict }: Outcome): boolean {
  return verdict === "dnat" || verdict === "accept" || verdict === "pass";
}

function describe({ node, settings }: Compiled): string {
  return `${node.name === undefined ? "some node" : `node ${node.name}`}, ${settings.mode} mode`;
}
