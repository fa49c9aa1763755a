/** `kpc trace` through the whole cluster. */
import type { Diagnostic, Report } from "../diagnostics.ts";
import type { Config } from "../node/config.ts";
import type { Specs } from "../specs/types.ts";
import type { PacketText } from "../trace/parse.ts";
import { resolveFlow } from "../trace/walk/flow.ts";
import { renderWalk } from "../trace/walk/text.ts";
import type { Walk } from "../walk/types.ts";
import { describeInputs } from "./describe.ts";
import { type CommonFlags, EXIT, print, showDiagnostics } from "./session.ts";

/** Whether the packet can be led through the cluster: its Nodes are known, and nothing is said that is about one node only. */
export function isAboutCluster({ inInterface, mark }: PacketText, specs: Specs): boolean {
  return inInterface === undefined && mark === 0 && specs.nodes.length > 0;
}

/** Leads the packet through the described network, and the answer back. */
export async function traceWalk(
  text: PacketText,
  load: (report: Report) => Specs,
  config: Config,
  flags: CommonFlags,
): Promise<number> {
  const { described, code } = await describeInputs({ load, config }, flags);
  if (described === undefined) return code;
  const questions: Diagnostic[] = [];
  const { layout, input, walker } = described;
  const flow = resolveFlow(text, input.specs, layout, (diagnostic) => void questions.push(diagnostic));
  if (flow === undefined) {
    showDiagnostics(questions, flags);
    return EXIT.trouble;
  }
  const walk = walker.walk(flow);
  await print(renderWalk(walk));
  return isAnswered(walk) ? EXIT.fine : EXIT.finding;
}

function isAnswered({ branches }: Walk): boolean {
  return branches.every(({ there, back }) => there.end.kind === "delivered" && back?.end.kind === "delivered");
}
