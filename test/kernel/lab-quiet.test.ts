/** Clients of a lab that get no answer know so when no packet is under way any more, without waiting for time to pass. */
import { describe, expect, test } from "vitest";
import { PacketLab } from "../../runtime/lab/lab.ts";
import type { LabQuestion } from "../../runtime/lab/question.ts";
import { PROTOCOL } from "../../runtime/packet.ts";
import { kernelMissing } from "../support/kernel.ts";
import { addressOf, describeShop } from "../support/walks.ts";

/** Longer than a test may take. */
const PATIENCE = 600_000;

const question = (to: string, port: number, more: Partial<LabQuestion> = {}): LabQuestion => ({
  ...{ protocol: PROTOCOL.tcp, from: "pod/shop/client", source: undefined, sourcePort: 0 },
  ...{ destination: addressOf(to), destinationPort: port, patience: PATIENCE, endsWhenQuiet: true, ...more },
});

describe.skipIf(kernelMissing !== undefined)("a client that waits until nothing is under way", () => {
  test.each(["bridge", "flannel-vxlan"] as const)("%s", async (pods) => {
    const { layout, programOf } = describeShop({ pods });
    const lab = await PacketLab.up(layout.network, programOf);
    try {
      const { udp } = PROTOCOL;
      const [near, far] = ["10.244.1.11", "10.244.2.10"];
      for (const protocol of [PROTOCOL.tcp, udp])
        for (const [host, address] of [
          ["pod/shop/web-1", near],
          ["pod/shop/web-2", far],
        ] as const)
          await lab.serve(host, protocol, addressOf(address), 8080);
      // Neighbours are asked for and programs answer, which takes more than one step.
      for (const address of [near, far]) {
        expect(await lab.ask(question(address, 8080))).toMatchObject({ kind: "served" });
        expect(await lab.ask(question(address, 8080, { protocol: udp }))).toMatchObject({ kind: "served" });
      }
      await lab.run("node/n2", "nft add table ip t; nft add chain ip t c '{ type filter hook forward priority 0; }'");
      await lab.run("node/n2", "nft add rule ip t c tcp dport 8080 drop");
      await lab.watch([...layout.network.hosts.keys()]);
      await lab.sightings();
      expect(await lab.ask(question(far, 8080))).toEqual({ kind: "silence" });
      // All that comes without rules of time was seen: the first segment reached the node that drops it, and nothing is sent again yet.
      const seen = (await lab.sightings()).filter(({ packet }) => packet.role === "request");
      expect(seen.at(-1)).toMatchObject({ host: "node/n2", direction: "in" });
      expect(seen.filter(({ host }) => host === "pod/shop/client")).toHaveLength(1);
    } finally {
      lab.close();
    }
  });

  test("hears a refusal of its first segment", async () => {
    const { layout, programOf } = describeShop({ pods: "routed" });
    const lab = await PacketLab.up(layout.network, programOf);
    try {
      await lab.watch(["pod/shop/client"]);
      for (const to of ["10.96.0.31", "fd00:96::31"]) {
        expect(await lab.ask(question(to, 80))).toEqual({ kind: "error", number: 111 });
        const segments = (await lab.sightings()).filter(({ packet }) => packet.role === "request");
        expect(segments).toHaveLength(1);
      }
    } finally {
      lab.close();
    }
  });
});
