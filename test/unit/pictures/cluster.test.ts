import { describe, expect, test } from "vitest";
import type { Diagnostic } from "../../../compiler/diagnostics.ts";
import { drawCluster } from "../../../compiler/pictures/cluster/draw.ts";
import { clusterStory } from "../../../compiler/pictures/cluster/story.ts";
import { paint } from "../../../compiler/pictures/paint.ts";
import { drawn, type Scene } from "../../../compiler/pictures/scene.ts";
import { describeGrid, type GridSize } from "../../support/grid-cluster.ts";
import { sceneFaults, svgFaults, wordsOf } from "../../support/scene-checks.ts";

const FINDINGS: readonly Diagnostic[] = [
  {
    severity: "error",
    code: "no-route",
    message: "no route leads to 10.244.9.0/24",
    host: "node/n1",
    fix: { host: "node/n1", command: "ip route add 10.244.9.0/24 via 192.168.50.19" },
  },
];

function pictureOf(size: GridSize, service: string | undefined, findings?: readonly Diagnostic[]): Scene {
  const { input, layout } = describeGrid(size);
  return drawCluster(clusterStory(input.cluster, layout.network, findings, service));
}

function squaresOf({ shapes }: Scene): number {
  return [...drawn(shapes)].filter((shape) => shape.kind === "box" && shape.width === 9 && shape.fill === "req").length;
}

describe("drawCluster", () => {
  test.each<[string, GridSize, string | undefined, string, number]>([
    ["few pods, by name", { nodes: 2, pods: 6, services: 2 }, undefined, "The cluster: 2 nodes, 6 pods; 1 finding", 0],
    [
      "endpoints among them",
      { nodes: 2, pods: 6, services: 2 },
      "d/s1",
      "d/s1: 3 ready endpoints on 1 of 2 nodes; 1 finding",
      3,
    ],
    [
      "a tile for each node",
      { nodes: 50, pods: 1000, services: 20 },
      "d/s1",
      "d/s1: 50 ready endpoints on 5 of 50 nodes; 1 finding",
      50,
    ],
    [
      "a square for five pods",
      { nodes: 5, pods: 500, services: 1 },
      "d/s0",
      "d/s0: 500 ready endpoints on 5 of 5 nodes; 1 finding",
      100,
    ],
    [
      "a tile for each zone",
      { nodes: 101, pods: 101, services: 1 },
      "d/s0",
      "d/s0: 101 ready endpoints on 101 of 101 nodes; 1 finding",
      101,
    ],
  ])("%s", (_, size, service, title, squares) => {
    const scene = pictureOf(size, service, FINDINGS);
    expect(scene.title).toBe(title);
    expect(sceneFaults(scene)).toEqual([]);
    // The one in the key has another size.
    expect(squaresOf(scene)).toBe(squares);
    const svg = paint(scene);
    expect(svgFaults(svg)).toEqual([]);
    expect(svg.length).toBeLessThan(150_000);
  });

  test("what is wrong stands at its node, and in words below", () => {
    const scene = pictureOf({ nodes: 2, pods: 2, services: 1 }, undefined, FINDINGS);
    const words = [...drawn(scene.shapes)].flatMap((shape) => (shape.kind === "text" ? [wordsOf(shape)] : []));
    expect(words).toContain("✕ n1  no-route");
    expect(words).toContain("no route leads to 10.244.9.0/24");
    expect(words).toContain("To fix: ip route add 10.244.9.0/24 via 192.168.50.19");
    expect(scene.description).toContain("n1: no route leads to 10.244.9.0/24 (no-route).");
  });

  test("says that there are no findings only where somebody has looked", () => {
    const size = { nodes: 2, pods: 2, services: 1 };
    expect(pictureOf(size, undefined, []).title).toBe("The cluster: 2 nodes, 2 pods; no findings");
    expect(pictureOf(size, undefined).title).toBe("The cluster: 2 nodes, 2 pods");
  });
});
