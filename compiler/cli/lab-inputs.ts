/** What `kpc lab` is given: flows, and files that say what to build. */
import type { Diagnostic, Origin, Report, Source } from "../diagnostics.ts";
import { formOf } from "../documents/other-input.ts";
import type { Config } from "../node/config.ts";
import { loadSpecs } from "../specs/load.ts";
import type { Specs } from "../specs/types.ts";
import { METHODS } from "../trace/lexer.ts";
import { parseTraceText, type TraceText } from "../trace/parse.ts";
import { readConfig } from "./config.ts";
import { readInputs } from "./inputs.ts";
import { whyNotSent } from "./lab-ingress.ts";
import { type CommonFlags, note } from "./session.ts";
import { Trouble } from "./trouble.ts";

/** The words of a command line that are flows, and those that name files. */
export function sortWords(words: readonly string[]): {
  readonly flows: readonly string[];
  readonly names: readonly string[];
} {
  const isFlow = (word: string): boolean =>
    word.includes(">") || word.includes("://") || METHODS.some((method) => word.startsWith(`${method} `));
  return { flows: words.filter(isFlow), names: words.filter((word) => !isFlow(word)) };
}

/** The flows of a command line, packets and requests; reports `packet-syntax`, also for those that a lab does not send. */
export function parseFlows(texts: readonly string[], report: Report): TraceText[] {
  return texts.flatMap((text, i) => {
    const name = texts.length === 1 ? "flow" : `flow ${i + 1}`;
    const asked = parseTraceText({ name, text }, report);
    if (asked === undefined) return [];
    const message = refusalOf(asked);
    if (message === undefined) return [asked];
    report({ severity: "error", code: "packet-syntax", message, origin: originOf(asked) });
    return [];
  });
}

/** Why a lab does not send it. */
function refusalOf({ packet, request }: TraceText): string | undefined {
  if (packet === undefined) return whyNotSent(request);
  return packet.inInterface === undefined && packet.mark === 0
    ? undefined
    : "a flow of a lab has two ends and nothing behind them: its sender decides about interface and mark";
}

/** Where its destination is named. */
export function originOf({ packet, request }: TraceText): Origin {
  return packet === undefined ? request.urlOrigin : packet.to.origin;
}

/** What the files of a lab are. */
export interface LabInputs {
  readonly load: (report: Report) => Specs;
  readonly config: Config;
  /** Files with expectations, in the order of the inputs. */
  readonly expectations: readonly Source[];
  readonly hasManifests: boolean;
}

/** Reads the inputs, folders with all that is in them. Settings among them count where no flag names others. Throws `Trouble` where
 *  something cannot be read, and for two files of settings. */
export function readLabInputs(names: readonly string[], flags: CommonFlags): LabInputs {
  const sources = [...readInputs([...names, ...(flags.filename ?? [])], { recursive: true })];
  const kinds = new Map(sources.map((source) => [source, kindOf(source)]));
  const ofKind = (kind: LabInputKind): Source[] => sources.filter((source) => kinds.get(source) === kind);
  const settings = ofKind("settings").filter(({ name }) => name !== flags.config);
  const [first, second] = settings;
  if (first !== undefined && second !== undefined && flags.config === undefined)
    throw new Trouble(`two files of settings, ${first.name} and ${second.name}: expected one (-c names it)`);
  if (first !== undefined && flags.config !== undefined)
    note([`passed over, as -c names other settings: ${settings.map(({ name }) => name).join(", ")}`], flags);
  const ofOneNode = ofKind("expectations of one node");
  if (ofOneNode.length > 0)
    note(
      [`passed over: ${ofOneNode.map(({ name }) => name).join(", ")}, expectations for one node (kpc test runs them)`],
      flags,
    );
  const early: Diagnostic[] = [];
  const chosen = flags.config ?? first?.name;
  const config = readConfig(
    { ...flags, ...(chosen === undefined ? {} : { config: chosen }) },
    (diagnostic) => void early.push(diagnostic),
  );
  const manifests = ofKind("manifests");
  const load = (report: Report): Specs => {
    for (const diagnostic of early) report(diagnostic);
    return loadSpecs(manifests, report);
  };
  return { load, config, expectations: ofKind("expectations"), hasManifests: manifests.length > 0 };
}

type LabInputKind = "manifests" | "settings" | "expectations" | "expectations of one node";

function kindOf({ text }: Source): LabInputKind {
  if (formOf(text)?.form === "expectations")
    return /^kind: *["']?Expectations\b/m.test(text) ? "expectations" : "expectations of one node";
  const isOwn = /^apiVersion: *["']?kpc\.dev\//m.test(text) && /^kind: *["']?Config\b/m.test(text);
  // A file of several documents is read as manifests.
  return isOwn && !/^---/m.test(text.trimStart().replace(/^---/, "")) ? "settings" : "manifests";
}
