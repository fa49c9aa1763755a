/** `kpc lab run`: a described network is built, flows are made in it, and held against what was predicted. */
import { captureFlows } from "../../runtime/lab/capture.ts";
import { LabTrouble } from "../../runtime/lab/lab-helper.ts";
import { isAsPredicted, type LabFlow, makeFlow } from "../../runtime/lab/run.ts";
import { LabSession } from "../../runtime/lab/session.ts";
import type { Described } from "../described.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import { unreachable } from "../invariant.ts";
import { printPcapng } from "../trace/pcapng.ts";
import { mentionedIn, resolveFlow } from "../trace/walk/flow.ts";
import { WalkNames } from "../trace/walk/walk-names.ts";
import { VERSION } from "../version.ts";
import type { WalkFlow } from "../walk/types.ts";
import { describeInputs } from "./describe.ts";
import { parseFlows, readLabInputs, sortWords } from "./lab-inputs.ts";
import { type LabTelling, renderLabFlow, renderLabSummary } from "./lab-text.ts";
import { whyNoLab } from "./lab-trouble.ts";
import { refuseTerminal } from "./output.ts";
import { type CommonFlags, EXIT, print, showDiagnostics } from "./session.ts";
import { Trouble } from "./trouble.ts";

export interface LabRunFlags extends CommonFlags {
  readonly output: "text" | "pcapng";
  /** How often each flow is made; undefined: until each branch was seen, a few times at most. */
  readonly attempts?: number;
  /** Each attempt in full. */
  readonly all?: boolean;
}

/** `words`: flows and files. */
export async function labRunCommand(words: readonly string[], flags: LabRunFlags): Promise<number> {
  if (flags.output === "pcapng") refuseTerminal("-o pcapng");
  const { flows: texts, names } = sortWords(words);
  const questions: Diagnostic[] = [];
  const report: Report = (diagnostic) => void questions.push(diagnostic);
  const packets = parseFlows(texts, report);
  if (questions.length > 0) return refuse(questions, flags);
  if (packets.length === 0) throw new Trouble("no flows: expected one such as 'tcp web-1 > svc/api:http'");
  const inputs = readLabInputs(names, flags);
  const { described, code } = await describeInputs(inputs, flags, packets.flatMap(mentionedIn));
  if (described === undefined) return code;
  refuseWithoutNodes(described);
  const { input, layout } = described;
  const flows = packets.flatMap((packet) => resolveFlow(packet, input.specs, layout, report) ?? []);
  if (questions.length > 0) return refuse(questions, flags);
  const made = await makeFlows(described, flows, flags);
  const telling = {
    names: new WalkNames(input.specs, layout.network),
    hosts: layout.network.hosts,
    isAll: flags.all ?? false,
  };
  await print(printLab(made, telling, flags));
  return made.every(isAsPredicted) ? EXIT.fine : EXIT.finding;
}

function printLab(made: readonly LabFlow[], telling: LabTelling, { output }: LabRunFlags): string | Uint8Array {
  switch (output) {
    case "text":
      return [...made.map((each) => renderLabFlow(each, telling)), renderLabSummary(made)].join("\n");
    case "pcapng":
      return printPcapng(captureFlows(made, { ...telling, isVerbose: false }), `kpc ${VERSION}`);
    default:
      return unreachable(output);
  }
}

function refuse(questions: readonly Diagnostic[], flags: CommonFlags): number {
  showDiagnostics(questions, flags);
  return EXIT.trouble;
}

/** Throws `Trouble` where there is nothing to build. */
export function refuseWithoutNodes({ input }: Described): void {
  if (input.cluster.nodes.length === 0)
    throw new Trouble("the input has no Nodes: expected kind: Node for each machine of the cluster");
}

/** Builds the network, makes the flows in it, and takes it down. Throws `Trouble` where no lab can be made. */
async function makeFlows(
  { layout: { network }, walker, programOf }: Described,
  flows: readonly WalkFlow[],
  flags: LabRunFlags,
): Promise<LabFlow[]> {
  let session: LabSession | undefined;
  try {
    session = await LabSession.open({ network, walker, programOf });
    const made: LabFlow[] = [];
    for (const flow of flows) made.push(await makeFlow(session, flow, flags.attempts));
    return made;
  } catch (error) {
    if (!(error instanceof LabTrouble)) throw error;
    throw new Trouble(session === undefined ? whyNoLab(error) : `the lab failed: ${error.message}`);
  } finally {
    session?.close();
  }
}
