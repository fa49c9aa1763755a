/** The stories of a cluster's traffic as text. `vitest -u` writes the files. */
import { describe, expect, test } from "vitest";
import { parsePacket } from "../../compiler/trace/parse.ts";
import { resolveFlow } from "../../compiler/trace/walk/flow.ts";
import { renderWalk } from "../../compiler/trace/walk/text.ts";
import { WalkNames } from "../../compiler/trace/walk/walk-names.ts";
import { type ClusterKind, describeShop } from "../support/walks.ts";

function tell(kind: ClusterKind, text: string): string {
  const fail = ({ message }: { readonly message: string }): never => {
    throw new Error(message);
  };
  const { input, layout, walker } = describeShop(kind);
  const packet = parsePacket({ name: "packet", text }, fail);
  const flow = packet && resolveFlow(packet, input.specs, layout, fail);
  if (flow === undefined) throw new Error(`${text} is no packet`);
  const { network } = layout;
  const names = new WalkNames(input.specs, network);
  const context = { names, protocol: flow.protocol, hosts: network.hosts, isVerbose: false };
  return renderWalk(walker.walk(flow), context, false);
}

const STORIES = {
  containers: "tcp pod/client > localhost:9000",
  "same-node": "tcp pod/client > web-1:8080",
  "other-node": "tcp pod/client > web-2:8080",
  "other-node-ipv6": "tcp [fd00:244:0:1::10] > [fd00:244:0:2::10]:8080",
  service: "tcp pod/client > svc/web",
  internet: "tcp pod/client > internet:443",
  "node-port": "tcp internet > n1:30123",
} as const;

const LAYOUTS = { bridge: { pods: "bridge" }, routed: { pods: "routed" } } as const satisfies Record<
  string,
  ClusterKind
>;

describe.each(Object.entries(LAYOUTS))("%s", (layout, kind) => {
  test.each(Object.entries(STORIES))("%s", async (story, packet) => {
    const path = new URL(`walks/${layout}-${story}.txt`, import.meta.url).pathname;
    await expect(tell(kind, packet)).toMatchFileSnapshot(path);
  });
});
