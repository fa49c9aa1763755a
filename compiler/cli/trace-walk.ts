/** `kpc trace` through the whole cluster. */
import type { Diagnostic, Report } from "../diagnostics.ts";
import { renderDiagnostic } from "../documents/render.ts";
import { findWalkFaults } from "../findings/walk-findings.ts";
import { parseAddress } from "../net/address.ts";
import type { Config } from "../node/config.ts";
import type { Specs } from "../specs/types.ts";
import type { PacketText } from "../trace/parse.ts";
import { resolveFlow } from "../trace/walk/flow.ts";
import { renderWalk } from "../trace/walk/text.ts";
import { WalkNames } from "../trace/walk/walk-names.ts";
import type { Walk } from "../walk/types.ts";
import { describeInputs } from "./describe.ts";
import { type CommonFlags, EXIT, print, showDiagnostics, styleFor } from "./session.ts";

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
  const mentioned = [text.from, text.to].flatMap(({ name }) => parseAddress(name) ?? []);
  const { described, code } = await describeInputs({ load, config }, flags, mentioned);
  if (described === undefined) return code;
  const questions: Diagnostic[] = [];
  const { layout, input, walker } = described;
  const flow = resolveFlow(text, input.specs, layout, (diagnostic) => void questions.push(diagnostic));
  if (flow === undefined) {
    showDiagnostics(questions, flags);
    return EXIT.trouble;
  }
  const walk = walker.walk(flow);
  const { network } = layout;
  const context = {
    names: new WalkNames(input.specs, network),
    protocol: flow.protocol,
    hosts: network.hosts,
    isVerbose: flags.verbose ?? false,
  };
  await print(renderWalk(walk, context, { all: false }));
  const style = styleFor(flags, process.stdout.isTTY);
  await print(
    findWalkFaults(described.known, walk)
      .map((each) => `\n${renderDiagnostic(each, style)}\n`)
      .join(""),
  );
  return isAnswered(walk) ? EXIT.fine : EXIT.finding;
}

function isAnswered({ branches }: Walk): boolean {
  return branches.every(({ there, back }) => there.end.kind === "delivered" && back?.end.kind === "delivered");
}
