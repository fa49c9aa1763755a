/** What a node's commands print is read as the host that was described: the description makes a network namespace, the script that
 *  users run collects its files, and the reader gives the description back. */
import { describe, expect, test } from "vitest";
import { required } from "../../compiler/invariant.ts";
import { POD_NETWORKS } from "../../compiler/specs/network-types.ts";
import { collectFiles, readHost } from "../support/host-files.ts";
import { kernelMissing } from "../support/kernel.ts";
import { factsOfHost } from "../support/network-facts.ts";
import { randomNode } from "../support/random-hosts.ts";
import { EVERYTHING } from "../support/runs.ts";
import { describeShop } from "../support/walks.ts";

/** Random hosts. */
const RANDOM = EVERYTHING ? 40 : 1;

describe.skipIf(kernelMissing !== undefined)("files give the host back that was described", () => {
  // Without IPIP, which not every kernel has.
  const networks = POD_NETWORKS.filter((each) => (EVERYTHING ? each !== "calico-ipip" : /^calico-vxlan$/.test(each)));
  test.each(networks)("the nodes and pods of a cluster with %s", async (pods) => {
    const { layout } = describeShop({ pods });
    for (const name of EVERYTHING ? ["node/n1", "pod/shop/web-1", "gateway", "switch"] : ["node/n1", "gateway"]) {
      const host = required(layout.network.hosts.get(name), name);
      const files = await collectFiles(host);
      expect([name, factsOfHost(readHost([...files.values()]))]).toEqual([name, factsOfHost(host)]);
    }
  });

  test("random nodes", async () => {
    for (let seed = 1; seed <= RANDOM; seed++) {
      const host = randomNode(seed);
      const files = await collectFiles(host);
      expect([seed, factsOfHost(readHost([...files.values()]))]).toEqual([seed, factsOfHost(host)]);
    }
  });
});
