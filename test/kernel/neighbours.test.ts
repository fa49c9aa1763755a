import { expect, test } from "vitest";
import type { Address } from "../../compiler/net/address.ts";
import type { Prober } from "../../runtime/kernel/prober.ts";
import { openNode } from "../../runtime/kernel/world.ts";
import { kernelMissing } from "../support/kernel.ts";

/** Entries that the kernel has made in the prober's namespace because packets were sent. */
async function learned(prober: Prober): Promise<string[]> {
  const listings = await Promise.all(["ip neigh", "ip -6 neigh"].map((tool) => prober.run(`${tool} show nud all`)));
  // Multicast and broadcast destinations of the interfaces themselves are there in every namespace.
  return listings.flatMap((text) =>
    text.split("\n").filter((line) => line !== "" && !/PERMANENT|^ff02:|^224\.| lo /.test(line)),
  );
}

test.skipIf(kernelMissing !== undefined)(
  "packets to many addresses leave no entries in the neighbour table",
  async () => {
    const prober = await openNode({
      interfaces: ["eth0", "eth1"],
      addresses: [0xc0000201 as Address, 0x20010db8n << 96n] as Address[],
    });
    try {
      const flow = { protocol: 17, destinationPort: 53 };
      const probes = Array.from({ length: 300 }, (_, i) => [
        {
          inInterface: "eth1",
          times: 1,
          flow: { ...flow, source: 0x0a000001 as Address, destination: (0xcb007100 + i) as Address },
        },
        {
          inInterface: "eth1",
          times: 1,
          flow: {
            ...flow,
            source: ((0x20010db8n << 96n) + 77n) as Address,
            destination: ((0x20010db8n << 96n) + 1000n + BigInt(i)) as Address,
          },
        },
      ]).flat();
      const answers = await prober.send(probes);
      expect(answers.flat().filter(({ events }) => events.some(({ kind }) => kind === "out"))).toHaveLength(
        probes.length,
      );
      expect(await learned(prober)).toEqual([]);
    } finally {
      await prober.close();
    }
  },
);
