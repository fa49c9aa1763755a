/** Pictures of a cluster and of a Service in it, byte for byte. */
import { expect, test } from "vitest";
import type { Diagnostic } from "../../compiler/diagnostics.ts";
import { required } from "../../compiler/invariant.ts";
import { drawCluster } from "../../compiler/pictures/cluster/draw.ts";
import { clusterStory } from "../../compiler/pictures/cluster/story.ts";
import { paint } from "../../compiler/pictures/paint.ts";
import { drawFanOuts } from "../../compiler/pictures/service/draw.ts";
import { fanOutOf } from "../../compiler/pictures/service/fan-out.ts";
import { describeGrid } from "../support/grid-cluster.ts";

const { input, layout } = describeGrid({ nodes: 2, pods: 5, services: 2 });

test("the cluster", async () => {
  const finding: Diagnostic = {
    severity: "error",
    code: "no-route",
    message: "no route leads to 10.244.9.0/24",
    host: "node/n1",
  };
  const story = clusterStory(input.cluster, layout.network, [finding], "d/s0");
  await expect(paint(drawCluster(story))).toMatchFileSnapshot("pictures/cluster.svg");
});

test("who reaches which endpoints of a Service", async () => {
  const port = required(input.cluster.servicePorts.IPv4[0], "the grid has Services");
  const seen = required(input.nodes[0], "the grid has nodes");
  const title = { service: "d/s0", seenFrom: "n0", mode: "nftables", left: 0 };
  const fanOut = fanOutOf(port, { ...input.cluster, ...seen });
  await expect(paint(drawFanOuts([fanOut], title))).toMatchFileSnapshot("pictures/fan-out.svg");
});
