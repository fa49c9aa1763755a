/** `kpc trace` through the whole cluster. */
import { walkPacketBytes } from "../../runtime/walk-packet.ts";
import type { Diagnostic, Report } from "../diagnostics.ts";
import { diagnosticToJson, renderDiagnostic } from "../documents/render.ts";
import { findRequestFaults } from "../findings/request-findings.ts";
import { findWalkFaults } from "../findings/walk-findings.ts";
import { findWalkNotes } from "../findings/walk-notes.ts";
import { unreachable } from "../invariant.ts";
import { jsonText } from "../json-output.ts";
import type { Config } from "../node/config.ts";
import type { ColourScheme } from "../pictures/colours.ts";
import { paint } from "../pictures/paint.ts";
import { layWalk } from "../pictures/walk/picture.ts";
import { tellWalk } from "../pictures/walk/tell.ts";
import type { Specs } from "../specs/types.ts";
import { type AskedFlow, addressesAsked, askedToData, renderAsked, resolveAsked } from "../trace/asked.ts";
import type { TraceText } from "../trace/parse.ts";
import { printPcapng } from "../trace/pcapng.ts";
import { captureWalk } from "../trace/walk/capture.ts";
import { isAnswered } from "../trace/walk/json.ts";
import { renderMermaid } from "../trace/walk/mermaid.ts";
import { type TellingContext, WalkNames } from "../trace/walk/walk-names.ts";
import { VERSION } from "../version.ts";
import type { Walk } from "../walk/types.ts";
import { describeInputs } from "./describe.ts";
import { refuseTerminal } from "./output.ts";
import { type CommonFlags, EXIT, print, showDiagnostics, styleFor } from "./session.ts";
import { Trouble } from "./trouble.ts";

/** Flags of walks. */
export interface WalkFlags extends CommonFlags {
  readonly output: "text" | "json" | "mermaid" | "pcapng" | "svg";
  /** Each branch in full. */
  readonly all?: boolean;
  /** False with `--no-reply`. */
  readonly reply?: boolean;
  /** Of pictures: which branch is told, from 1. */
  readonly branch?: number;
  /** Of pictures. Undefined: as the reader prefers. */
  readonly scheme?: ColourScheme;
  readonly transparent?: boolean;
  /** False with `--no-table`. */
  readonly table?: boolean;
  /** False with `--no-drawing`. */
  readonly drawing?: boolean;
}

/** Leads the packet, or the request, through the described network, and the answer back. */
export async function traceWalk(
  text: TraceText,
  load: (report: Report) => Specs,
  config: Config,
  flags: WalkFlags,
): Promise<number> {
  const told = await describeInputs({ load, config }, flags, addressesAsked(text));
  if (told.described === undefined) return told.code;
  const { described, areRulesRead } = told;
  const questions: Diagnostic[] = [];
  const { layout, input, walker } = described;
  const { specs } = input;
  const asked = resolveAsked(text, { ...input, layout }, (diagnostic) => void questions.push(diagnostic));
  if (asked === undefined) {
    showDiagnostics(questions, flags);
    return EXIT.trouble;
  }
  const { flow } = asked;
  const isOneWay = flags.reply === false;
  const walk = walker.walk(flow, isOneWay);
  const { network } = layout;
  const context = {
    names: new WalkNames(specs, network),
    protocol: flow.protocol,
    hosts: network.hosts,
    isVerbose: flags.verbose ?? false,
  };
  const findings = [findWalkFaults, findRequestFaults, findWalkNotes]
    .flatMap((find) => find(described.known, walk))
    .filter((each) => isShown(each, flags));
  await print(printWalk({ walk, asked, written: text, findings }, context, flags));
  const isFaulty = findings.some(({ severity }) => severity === "error");
  return isAnswered(walk, isOneWay) && !isFaulty && areRulesRead ? EXIT.fine : EXIT.finding;
}

/** Notes stand behind what goes wrong; `info` is for those who ask. */
function isShown({ severity }: Diagnostic, { quiet, verbose }: CommonFlags): boolean {
  if (severity === "info") return verbose === true;
  return severity === "error" || quiet !== true;
}

interface Judged {
  readonly walk: Walk;
  readonly asked: AskedFlow;
  readonly written: TraceText;
  readonly findings: readonly Diagnostic[];
}

function printWalk(
  { walk, asked, written, findings }: Judged,
  context: TellingContext,
  flags: WalkFlags,
): string | Uint8Array {
  const { output, all = false } = flags;
  switch (output) {
    case "text":
      return [
        renderAsked(walk, asked, context, all),
        ...findings.map((each) => `\n${renderDiagnostic(each, styleFor(flags, process.stdout.isTTY))}\n`),
      ].join("");
    case "json":
      return jsonText("Walk", askedToData(walk, asked, context, flags.reply !== false, findings.map(diagnosticToJson)));
    case "mermaid":
      return renderMermaid(walk, context, all);
    case "svg":
      return printPicture({ walk, asked, written, findings }, context, flags);
    case "pcapng":
      refuseTerminal("-o pcapng");
      return printPcapng(captureWalk(walk, context, all, walkPacketBytes), `kpc ${VERSION}`);
    default:
      return unreachable(output);
  }
}

/** Throws `Trouble` where the walk has no such branch. */
function printPicture({ walk, written, findings }: Judged, context: TellingContext, flags: WalkFlags): string {
  const { branch, scheme, transparent = false, table = true, drawing = true } = flags;
  const { source } = (written.packet === undefined ? written.request.urlOrigin : written.packet.from.origin).span();
  const story = tellWalk(walk, context, { asked: source.text.trim(), findings, branch });
  if (story === undefined) throw new Trouble(`--branch ${branch}: the walk has ${walk.branches.length} branches`);
  return paint(layWalk(story, { hasDrawing: drawing, hasTable: table }), { scheme, isTransparent: transparent });
}
