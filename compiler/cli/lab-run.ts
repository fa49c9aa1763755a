/** `kpc lab run`: a described network is built, flows are made in it, and held against what was predicted. */
import { captureFlows } from "../../runtime/lab/capture.ts";
import { lookInto } from "../../runtime/lab/difference.ts";
import { LabTrouble } from "../../runtime/lab/lab-helper.ts";
import { isAsPredicted, makeFlow } from "../../runtime/lab/run.ts";
import { labScript } from "../../runtime/lab/script.ts";
import { LabSession, type LabSessionOptions } from "../../runtime/lab/session.ts";
import type { Described } from "../described.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import { LAB_ENGINE, planClusterCase } from "../expectations/cluster/run.ts";
import type { ClusterCase } from "../expectations/cluster/types.ts";
import { unreachable } from "../invariant.ts";
import { jsonText } from "../json-output.ts";
import type { Mode } from "../node/settings.ts";
import { addressesAsked, resolveAsked } from "../trace/asked.ts";
import type { TraceText } from "../trace/parse.ts";
import { printPcapng } from "../trace/pcapng.ts";
import { WalkNames } from "../trace/walk/walk-names.ts";
import { VERSION } from "../version.ts";
import { describeInputs } from "./describe.ts";
import { printJunit } from "./junit.ts";
import { judgeMade, labNotes, sessionInput } from "./lab-cases.ts";
import { labOptionsFor, labRequestOf, whyNotSent, whyNotTaken } from "./lab-ingress.ts";
import { type LabInputs, originOf, parseFlows, readLabInputs, sortWords } from "./lab-inputs.ts";
import { type LabRunFlow, type LabTelling, labFlowToData, resultOfFlow } from "./lab-results.ts";
import { renderLabFlow, renderLabSummary } from "./lab-text.ts";
import { whyNoLab } from "./lab-trouble.ts";
import { refuseTerminal } from "./output.ts";
import { withHeaderFlags } from "./request-flags.ts";
import { type CommonFlags, EXIT, note, print, showDiagnostics } from "./session.ts";
import { casesIn } from "./test.ts";
import { describeCase, replayInputOf } from "./test-cluster.ts";
import { summaryOf } from "./test-results.ts";
import { Trouble } from "./trouble.ts";

export interface LabRunFlags extends CommonFlags {
  readonly output: "text" | "json" | "junit" | "pcapng";
  /** How often each flow is made; undefined: until each branch was seen, a few times at most. */
  readonly attempts?: number;
  /** Each branch in full. */
  readonly all?: boolean;
  /** Of the requests: `Name: value`. */
  readonly header?: readonly string[];
  /** Prints the script that builds the network, and no more. */
  readonly dryRun?: boolean;
}

/** `words`: flows and files. Without flows, those of the expectations among the files are made. */
export async function labRunCommand(words: readonly string[], flags: LabRunFlags): Promise<number> {
  if (flags.output === "pcapng") refuseTerminal("-o pcapng");
  const { flows: texts, names } = sortWords(words);
  const questions: Diagnostic[] = [];
  const written = parseFlows(texts, (diagnostic) => void questions.push(diagnostic));
  if (questions.length > 0) return refuse(questions, flags);
  const packets = written.map((asked) => withHeaderFlags(asked, flags.header));
  if (flags.header !== undefined && packets.length === 0)
    throw new Trouble("-H is for requests of the command line: flows of files have headers of their own");
  const inputs = readLabInputs(names, flags);
  if (flags.dryRun === true && packets.length === 0) return labDryRun(inputs, flags);
  const made = packets.length > 0 ? await runFlows(texts, packets, inputs, flags) : await runCases(inputs, flags);
  if (typeof made === "number") return made;
  await print(printLab(made, flags));
  return made.every(({ result }) => result.status !== "fail") ? EXIT.fine : EXIT.finding;
}

/** Prints the script that builds the network. */
export async function labDryRun(inputs: LabInputs, flags: CommonFlags): Promise<number> {
  const { described } = await describeInputs(inputs, flags);
  if (described === undefined) return EXIT.trouble;
  refuseWithoutNodes(described);
  return printScript(described);
}

async function printScript({ layout, programOf }: Described): Promise<number> {
  try {
    await print(labScript(layout.network, programOf));
    return EXIT.fine;
  } catch (error) {
    if (error instanceof LabTrouble) throw new Trouble(error.message);
    throw error;
  }
}

/** The flows of the command line, or the exit code where the inputs have an error. */
async function runFlows(
  texts: readonly string[],
  packets: readonly TraceText[],
  inputs: LabInputs,
  flags: LabRunFlags,
): Promise<LabRunFlow[] | number> {
  if (inputs.expectations.length > 0)
    note([`passed over, as flows are named: ${inputs.expectations.map(({ name }) => name).join(", ")}`], flags);
  const { described } = await describeInputs(inputs, flags, packets.flatMap(addressesAsked));
  if (described === undefined) return EXIT.trouble;
  refuseWithoutNodes(described);
  if (flags.dryRun === true) return printScript(described);
  const questions: Diagnostic[] = [];
  const report: Report = (diagnostic) => void questions.push(diagnostic);
  const { input, layout } = described;
  const flows = packets.flatMap((packet, i) => {
    const asked = resolveAsked(packet, { ...input, layout }, report);
    if (asked === undefined) return [];
    const message = whyNotTaken(asked, described);
    if (message === undefined) return [{ asked, origin: originOf(packet), text: texts[i] ?? "" }];
    questions.push({ severity: "error", code: "no-ingress-proxy", message, origin: originOf(packet) });
    return [];
  });
  if (questions.length > 0) return refuse(questions, flags);
  const telling = tellingOf(described, flags);
  const mode = input.nodes[0]?.settings.mode ?? "nftables";
  const asked = flows.map((each) => each.asked);
  return inLab(described, { flags, options: labOptionsFor(described, asked) }, async (session) => {
    const found: LabRunFlow[] = [];
    for (const { asked, origin, text } of flows) {
      const made = await makeFlow(session, asked.flow, flags.attempts, labRequestOf(asked));
      const difference = isAsPredicted(made) ? undefined : await lookInto(session, made);
      found.push({ result: resultOfFlow(text, origin, mode, made), made, difference, telling });
    }
    return found;
  });
}

/** The flows of all expectations among the inputs, each file in the network that it names. */
async function runCases(inputs: LabInputs, flags: LabRunFlags): Promise<LabRunFlow[] | number> {
  if (inputs.expectations.length === 0)
    throw new Trouble(
      "no flows: expected one such as 'tcp web-1 > svc/api:http', or a file of expectations (kind: Expectations)",
    );
  const found: LabRunFlow[] = [];
  for (const source of inputs.expectations)
    for (const { testCase, diagnostics } of casesIn(source)) {
      if (testCase === undefined || !("cluster" in testCase)) return refuse(diagnostics, flags);
      for (const mode of testCase.modes) {
        const ran = await runCase(testCase, mode, source.name, flags);
        if (typeof ran === "number") return ran;
        found.push(...ran);
      }
    }
  return found;
}

async function runCase(
  testCase: ClusterCase,
  mode: Mode,
  path: string,
  flags: LabRunFlags,
): Promise<LabRunFlow[] | number> {
  const { described, diagnostics } = await describeCase(testCase, mode, path, flags);
  if (described === undefined) return refuse(diagnostics, flags);
  refuseWithoutNodes(described);
  const telling = tellingOf(described, flags);
  const replay = replayInputOf(testCase, path, flags);
  const all = planClusterCase(testCase, mode, described, { engine: LAB_ENGINE, replay });
  return inLab(described, { flags, options: labOptionsFor(described, all) }, async (session) => {
    const found: LabRunFlow[] = [];
    for (const planned of all) {
      if (planned.flow === undefined) {
        found.push({ result: planned.failure, made: undefined, difference: undefined, telling });
        continue;
      }
      const reason = whyNotSent(planned.request?.text) ?? whyNotTaken(planned, described);
      if (reason !== undefined) {
        found.push({ result: planned.skip(reason), made: undefined, difference: undefined, telling });
        continue;
      }
      const made = await makeFlow(session, planned.flow, flags.attempts, labRequestOf(planned));
      const difference = isAsPredicted(made) ? undefined : await lookInto(session, made);
      found.push({ result: judgeMade(planned, made), made, difference, telling });
    }
    return found;
  });
}

function tellingOf({ input, layout: { network } }: Described, { all = false }: LabRunFlags): LabTelling {
  return { names: new WalkNames(input.specs, network), hosts: network.hosts, isAll: all };
}

/** Builds the network, uses it, and takes it down. Throws `Trouble` where no lab can be made. */
async function inLab<T>(
  described: Described,
  { flags, options }: { readonly flags: CommonFlags; readonly options: LabSessionOptions },
  use: (session: LabSession) => Promise<T>,
): Promise<T> {
  let session: LabSession | undefined;
  try {
    session = await LabSession.open(sessionInput(described), options);
    note(labNotes(session.lab), flags);
    return await use(session);
  } catch (error) {
    if (!(error instanceof LabTrouble)) throw error;
    throw new Trouble(session === undefined ? whyNoLab(error) : `the lab failed: ${error.message}`);
  } finally {
    session?.close();
  }
}

function printLab(flows: readonly LabRunFlow[], { output }: LabRunFlags): string | Uint8Array {
  switch (output) {
    case "text":
      return [...flows.map(renderLabFlow), renderLabSummary(flows)].join("\n");
    case "json": {
      const summary = summaryOf(flows.map(({ result }) => result));
      return jsonText("LabRun", { flows: flows.map(labFlowToData), summary });
    }
    case "junit":
      return printJunit(
        flows.map(({ result }) => result),
        [],
      );
    case "pcapng": {
      const [first] = flows;
      if (first === undefined) throw new Trouble("no flows");
      const made = flows.flatMap((each) => each.made ?? []);
      return printPcapng(captureFlows(made, { ...first.telling, isVerbose: false }), `kpc ${VERSION}`);
    }
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
