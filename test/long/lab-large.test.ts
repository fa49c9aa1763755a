/** A lab whose neighbours would fill the kernel's table, which is one for all namespaces: they are permanent. */
import { describe, expect, test } from "vitest";
import { PacketLab } from "../../runtime/lab/lab.ts";
import { connectAll } from "../support/connect-all.ts";
import { describeGrid } from "../support/grid-cluster.ts";
import { kernelMissing } from "../support/kernel.ts";

const SIZE = { nodes: 10, pods: 200, services: 12 };

describe.skipIf(kernelMissing !== undefined)("10 nodes with 200 pods", () => {
  test.each(["bridge", "routed"] as const)("each pod connects to each Service (%s)", async (network) => {
    const { layout, programOf } = describeGrid({ ...SIZE, network });
    const lab = await PacketLab.up(layout.network, programOf);
    try {
      const answers = await connectAll(lab, layout.network, SIZE);
      expect(answers.length).toBe(SIZE.pods * SIZE.services);
      expect(answers.filter((isServed) => !isServed)).toEqual([]);
      // Nothing was learned that the table has to keep.
      const learned = await lab.run("node/n0", "ip neigh show nud reachable nud stale nud delay nud probe");
      expect(learned).toBe("");
    } finally {
      lab.close();
    }
  });
});
