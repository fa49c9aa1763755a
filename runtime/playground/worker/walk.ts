/** The walk of the question, told as `kpc trace` tells it, and drawn. */
import type { ResolvedInput } from "../../../compiler/compile.ts";
import { describeNetwork } from "../../../compiler/described.ts";
import type { Diagnostic } from "../../../compiler/diagnostics.ts";
import { diagnosticToJson } from "../../../compiler/documents/render.ts";
import { findRequestFaults } from "../../../compiler/findings/request-findings.ts";
import { findWalkFaults } from "../../../compiler/findings/walk-findings.ts";
import { findWalkNotes } from "../../../compiler/findings/walk-notes.ts";
import { paint } from "../../../compiler/pictures/paint.ts";
import { layWalk } from "../../../compiler/pictures/walk/picture.ts";
import type { StoryBranch, StoryStep } from "../../../compiler/pictures/walk/story.ts";
import { tellWalk } from "../../../compiler/pictures/walk/tell.ts";
import { addressesAsked, resolveAsked } from "../../../compiler/trace/asked.ts";
import { parseTraceText } from "../../../compiler/trace/parse.ts";
import { isAnswered } from "../../../compiler/trace/walk/json.ts";
import { WalkNames } from "../../../compiler/trace/walk/walk-names.ts";
import {
  type BranchLine,
  type LinePlace,
  QUESTION,
  type StepLine,
  type WalkAnswer,
  type WalkLines,
  type Workspace,
} from "../protocol.ts";
import { contentsOf, type WorkspaceMemory } from "./contents.ts";
import { namesFor } from "./names.ts";

/** The walk of the question through what the files describe. `isBesideEditor`: the drawing is narrow, and leaves out what stands beside it. */
export function walkAnswer(
  { files, mode, question, branch }: Workspace,
  memory?: WorkspaceMemory,
  isBesideEditor = false,
): WalkAnswer {
  const { resolved, base } = contentsOf(files, mode, memory?.files);
  const names = resolved === undefined ? [] : namesFor(resolved);
  const told =
    resolved === undefined || question.trim() === ""
      ? { asked: [], walk: undefined }
      : walkOf(resolved, question, branch, isBesideEditor);
  return { view: "walk", ...base, ...told, names };
}

/** That of a drawing whose text is as large as that of the page, beside an editor. */
const LEAST_WIDTH = 880;

/** Leads the packet or request through the network that the manifests describe. `branch`: which one to tell, from 1; where the walk has no
 *  such one, and for 0, the one that tells most. */
function walkOf(
  resolved: ResolvedInput,
  question: string,
  branch: number,
  isBesideEditor: boolean,
): Pick<WalkAnswer, "asked" | "walk"> {
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
  const findings = [findWalkFaults, findRequestFaults, findWalkNotes]
    .flatMap((find) => find(known, walk))
    .filter(({ severity }) => severity !== "info");
  const chosen = branch >= 1 && branch <= walk.branches.length ? branch : undefined;
  const story = tellWalk(walk, context, { asked: question.trim(), findings, branch: chosen });
  if (story === undefined) return asked();
  const drawn = isBesideEditor ? { ...story, findings: [], foot: undefined } : story;
  const scene = layWalk(drawn, { hasTable: false, ...(isBesideEditor ? { leastWidth: LEAST_WIDTH } : {}) });
  const { title, request, reply, branches } = story;
  return asked({
    title,
    isAnswered: isAnswered(walk),
    findings: findings.map(diagnosticToJson),
    branches: branches.map(branchLine),
    steps: [...request.steps, ...(reply?.steps ?? [])].map(stepLine),
    drawing: { light: paint(scene, { scheme: "light" }), dark: paint(scene, { scheme: "dark" }) },
  });
}

/** A branch is named by the pods on its way, behind the sender, or by where it ended. */
function branchLine({ chance, stops, isTold, isLost, isReplyLost }: StoryBranch): BranchLine {
  const pods = stops.slice(1).filter(({ host }) => host.startsWith("pod/"));
  const end =
    pods.length > 1
      ? pods.map(({ host }) => host.slice(host.lastIndexOf("/") + 1)).join(" > ")
      : (stops.at(-1)?.host ?? "");
  return { chance, end, isTold, isLost: isLost || isReplyLost };
}

function stepLine({ number, direction, where, head, isLost, lines }: StoryStep): StepLine {
  return {
    number,
    direction,
    where,
    head,
    isLost,
    lines: lines.map(({ text, place }) => {
      const found = place === undefined ? undefined : placeIn(place);
      return { text, ...(found === undefined ? {} : { place: found }) };
    }),
  };
}

/** `FILE:LINE:COLUMN`, as printed; undefined for `(inferred)`. */
function placeIn(text: string): LinePlace | undefined {
  const [, file, line] = /^(.+?):(\d+):\d+/.exec(text) ?? [];
  return file === undefined ? undefined : { file, line: Number(line) };
}
