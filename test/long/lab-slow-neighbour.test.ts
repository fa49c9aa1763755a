/** On a busy machine a neighbour answers after the client has given up. Here it answers the second question only, a second later. */
import { describe, expect, test } from "vitest";
import { LabSession } from "../../runtime/lab/session.ts";
import { kernelMissing } from "../support/kernel.ts";
import { disagreementsIn } from "../support/lab-walks.ts";
import { describeShop, flowOf } from "../support/walks.ts";

/** Drops the first solicitation, of 72 bytes, and the first question of ARP, of 28. */
const DEAF_ONCE = `table ip6 late {
  chain input { type filter hook input priority -400; icmpv6 type nd-neighbor-solicit quota until 100 bytes counter drop; }
}
table arp late {
  chain input { type filter hook input priority -400; quota until 40 bytes counter drop; }
}`;

describe.skipIf(kernelMissing !== undefined)("a neighbour that answers late", () => {
  test.each([
    "icmpv6 node/n1 > fd00:96::9999",
    "udp node/n1 > [fd00:96::9999]:80",
    "icmp node/n1 > 10.96.99.99",
    "node/n1 > 10.96.99.99:80",
  ])("%s", async (flow) => {
    const { layout, walker, programOf } = describeShop({ pods: "kindnet" });
    const session = await LabSession.open({ network: layout.network, walker, programOf });
    try {
      await session.lab.run("gateway", "nft -f -", DEAF_ONCE);
      expect(await disagreementsIn(session, [flowOf(flow)])).toEqual([]);
      expect(await session.lab.run("gateway", "nft list ruleset")).toContain("counter packets 1 ");
    } finally {
      session.close();
    }
  });
});
