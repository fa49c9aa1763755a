/** What pictures of walks through the small cluster say. */
import { findWalkFaults } from "../../compiler/findings/walk-findings.ts";
import { findWalkNotes } from "../../compiler/findings/walk-notes.ts";
import type { Story } from "../../compiler/pictures/walk/story.ts";
import { tellWalk } from "../../compiler/pictures/walk/tell.ts";
import { parsePacket } from "../../compiler/trace/parse.ts";
import { resolveFlow } from "../../compiler/trace/walk/flow.ts";
import { WalkNames } from "../../compiler/trace/walk/walk-names.ts";
import type { Manifest } from "./arbitraries.ts";
import { type ClusterKind, describeShop, node, pod, SHOP, service } from "./walks.ts";

/** Two more nodes, and a Service behind a load balancer that is a proxy: packets pass up to five hosts. */
export const FAR: readonly Manifest[] = [
  node("n3", 3),
  node("n4", 4),
  pod("db-1", "n3", "10.244.3.10", "db", 5432),
  pod("db-2", "n4", "10.244.4.10", "db", 5432),
  service(
    "far",
    50,
    "db",
    { type: "LoadBalancer", ports: [{ port: 80, targetPort: 5432, nodePort: 30126 }] },
    { loadBalancer: { ingress: [{ ip: "198.51.100.50", ipMode: "Proxy" }] } },
  ),
];

/** `rules`: what `nft -f` reads, by node, besides the node's own. */
export function storyOf(
  kind: ClusterKind,
  asked: string,
  more: readonly Manifest[] = [],
  branch?: number,
  rules: Readonly<Record<string, string>> = {},
): Story {
  const fail = ({ message }: { readonly message: string }): never => {
    throw new Error(message);
  };
  const { input, layout, walker, known } = describeShop(kind, [...SHOP, ...more], rules);
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
