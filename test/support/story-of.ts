/** What pictures of walks through the small cluster say. */
import { findWalkFaults } from "../../compiler/findings/walk-findings.ts";
import { findWalkNotes } from "../../compiler/findings/walk-notes.ts";
import type { Story } from "../../compiler/pictures/walk/story.ts";
import { tellWalk } from "../../compiler/pictures/walk/tell.ts";
import { parsePacket } from "../../compiler/trace/parse.ts";
import { resolveFlow } from "../../compiler/trace/walk/flow.ts";
import { WalkNames } from "../../compiler/trace/walk/walk-names.ts";
import type { Manifest } from "./arbitraries.ts";
import { type ClusterKind, describeShop, SHOP } from "./walks.ts";

export function storyOf(kind: ClusterKind, asked: string, more: readonly Manifest[] = [], branch?: number): Story {
  const fail = ({ message }: { readonly message: string }): never => {
    throw new Error(message);
  };
  const { input, layout, walker, known } = describeShop(kind, [...SHOP, ...more]);
  const packet = parsePacket({ name: "packet", text: asked }, fail);
  const flow = packet && resolveFlow(packet, input.specs, layout, fail);
  if (flow === undefined) throw new Error(`${asked} is no packet`);
  const { network } = layout;
  const names = new WalkNames(input.specs, network);
  const context = { names, protocol: flow.protocol, hosts: network.hosts, isVerbose: false };
  const walk = walker.walk(flow);
  const findings = [...findWalkFaults(known, walk), ...findWalkNotes(known, walk)];
  const story = tellWalk(walk, context, { asked, findings, branch });
  if (story === undefined) throw new Error(`${asked} has no branch ${branch}`);
  return story;
}
