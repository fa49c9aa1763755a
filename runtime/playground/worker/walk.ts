/** The walk of the question, told as `kpc trace` tells it. */
import type { ResolvedInput } from "../../../compiler/compile.ts";
import { describeNetwork } from "../../../compiler/described.ts";
import type { Diagnostic } from "../../../compiler/diagnostics.ts";
import { diagnosticToJson } from "../../../compiler/documents/render.ts";
import { findRequestFaults } from "../../../compiler/findings/request-findings.ts";
import { findWalkFaults } from "../../../compiler/findings/walk-findings.ts";
import { addressesAsked, renderAsked, resolveAsked } from "../../../compiler/trace/asked.ts";
import { chance } from "../../../compiler/trace/chance.ts";
import { parseTraceText } from "../../../compiler/trace/parse.ts";
import { endText } from "../../../compiler/trace/walk/end-text.ts";
import { groupsOf } from "../../../compiler/trace/walk/groups.ts";
import { isAnswered } from "../../../compiler/trace/walk/json.ts";
import { replyRows } from "../../../compiler/trace/walk/reply.ts";
import { rowsOf, type WalkRow } from "../../../compiler/trace/walk/rows.ts";
import { type TellingContext, WalkNames } from "../../../compiler/trace/walk/walk-names.ts";
import type { WalkBranch } from "../../../compiler/walk/types.ts";
import type { BranchLines, LinePlace, StepLine, WalkAnswer, WalkLines } from "../protocol.ts";

/** The name of the question in findings. */
export const QUESTION = "packet";

/** Leads the packet or request through the network that the manifests describe. */
export function walkOf(resolved: ResolvedInput, question: string): Pick<WalkAnswer, "asked" | "walk"> {
  const found: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => void found.push(diagnostic);
  const written = parseTraceText({ name: QUESTION, text: question }, report);
  const asked = (walk?: WalkLines): Pick<WalkAnswer, "asked" | "walk"> => ({
    asked: found.map(diagnosticToJson),
    walk,
  });
  if (written === undefined) return asked();
  const { layout, input, walker, known } = describeNetwork(resolved, new Map(), addressesAsked(written));
  const meant = resolveAsked(written, { ...input, layout }, report);
  if (meant === undefined) return asked();
  const { flow } = meant;
  const walk = walker.walk(flow);
  const { network } = layout;
  const names = new WalkNames(input.specs, network);
  const context = { names, protocol: flow.protocol, hosts: network.hosts, isVerbose: false };
  const findings = [...findWalkFaults(known, walk), ...findRequestFaults(known, walk)];
  const groups = groupsOf(walk, network.hosts);
  return asked({
    isAnswered: isAnswered(walk),
    text: renderAsked(walk, meant, context, false),
    findings: findings.map(diagnosticToJson),
    branches: groups.flatMap(({ probability, branches }) => {
      const [first] = branches;
      return first === undefined ? [] : [shownBranch(probability, first, context, branches.length - 1)];
    }),
  });
}

function shownBranch(probability: number, branch: WalkBranch, context: TellingContext, likewise: number): BranchLines {
  const { there, back, notice } = branch;
  const told = rowsOf(there, context, endText(there.end, context, back === undefined ? notice : undefined));
  const answer = back === undefined ? [] : replyRows(branch, back, told, context);
  return {
    chance: chance(probability),
    end: there.end.kind === "delivered" ? there.end.host : `${there.end.kind} on ${there.end.host}`,
    isDelivered: there.end.kind === "delivered" && back?.end.kind === "delivered",
    likewise,
    steps: [...told.map((row) => shownStep(row, "request")), ...answer.map((row) => shownStep(row, "reply"))],
  };
}

function shownStep({ number, host, text, why, place, ...row }: WalkRow, direction: StepLine["direction"]): StepLine {
  const found = place === undefined ? undefined : placeIn(place);
  return {
    ...(number === undefined ? {} : { number }),
    direction,
    host,
    interface: row.interface,
    text,
    why,
    ...(found === undefined ? {} : { place: found }),
  };
}

/** `FILE:LINE:COLUMN`, as printed; undefined for `(inferred)`. */
function placeIn(text: string): LinePlace | undefined {
  const [, file, line] = /^(.+?):(\d+):\d+/.exec(text) ?? [];
  return file === undefined ? undefined : { file, line: Number(line) };
}
