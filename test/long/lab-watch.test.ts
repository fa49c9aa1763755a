/** In a large network a lab hears all hosts that a packet may pass, and tells how many of the others it does not hear. */
import { describe, expect, test } from "vitest";
import { labFlowToData, resultOfFlow } from "../../compiler/cli/lab-results.ts";
import { renderMade } from "../../compiler/cli/lab-text.ts";
import { required } from "../../compiler/invariant.ts";
import { parsePacket } from "../../compiler/trace/parse.ts";
import { WalkNames } from "../../compiler/trace/walk/walk-names.ts";
import { PacketWalker } from "../../compiler/walk/walk.ts";
import { makeFlow } from "../../runtime/lab/run.ts";
import { LabSession } from "../../runtime/lab/session.ts";
import { describeGrid, serviceAddress } from "../support/grid-cluster.ts";
import { withoutRoute } from "../support/host-changes.ts";
import { kernelMissing } from "../support/kernel.ts";
import { flowOf } from "../support/walks.ts";

const SIZE = { nodes: 25, pods: 48, services: 1, network: "routed" } as const;

describe.skipIf(kernelMissing !== undefined)("a network of more than 64 hosts", () => {
  test("is heard where packets may pass", async () => {
    const { layout, walker, programOf, input } = describeGrid(SIZE);
    const { network } = layout;
    const session = await LabSession.open({ network, walker, programOf });
    try {
      // Each pod may answer: more hosts than are heard otherwise.
      const ask = { protocol: 6, from: "pod/d/p0", source: undefined, sourcePort: 0, destinationPort: 80 };
      const wide = await session.attempt({ ...ask, destination: serviceAddress(0) });
      const passed = new Set(wide.walk.branches.flatMap(({ there }) => there.hops.map(({ host }) => host)));
      expect(passed.size).toBeGreaterThan(64);
      expect(wide.comparison?.isEqual).toBe(true);
      expect(wide.unwatched.filter((host) => passed.has(host))).toEqual([]);

      // Afterwards fewer again: the hosts of the walk, and those beside them.
      const narrow = await session.attempt(flowOf("pod/d/p0 > 10.244.1.10:8080"));
      expect(narrow.comparison?.isEqual).toBe(true);
      expect(network.hosts.size - narrow.unwatched.length).toBe(64);
      expect(narrow.unwatched.every((host) => host.startsWith("pod/"))).toBe(true);

      // A prediction that is wrong: what was not heard is told.
      const change = withoutRoute("node/n1", "10.244.1.10/32");
      const other = { ...network, hosts: new Map([...network.hosts].map(([name, host]) => [name, change(host)])) };
      session.description = { network: other, walker: new PacketWalker(other, () => undefined), programOf };
      const made = await makeFlow(session, flowOf("pod/d/p0 > 10.244.1.10:8080"), 1);
      const telling = { names: new WalkNames(input.specs, network), hosts: network.hosts, isAll: false };
      const unwatched = network.hosts.size - 64;
      expect(renderMade(made, telling)).toContain(
        `  not watched: ${unwatched} of ${network.hosts.size} hosts, none of which is on the predicted walk`,
      );
      const text = "tcp p0 > 10.244.1.10:8080";
      const packet = required(
        parsePacket({ name: "flow", text }, () => undefined),
        "it is a packet",
      );
      const result = resultOfFlow(text, packet.to.origin, "nftables", made);
      const data = labFlowToData({ result, made, difference: undefined, telling });
      expect(data).toMatchObject({ asPredicted: false, attempts: [{ unwatchedHosts: unwatched }] });
    } finally {
      session.close();
    }
  });
});
