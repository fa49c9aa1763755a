/** What a node's commands print is read as the host that was described: the description makes a network namespace, the script that
 *  users run collects its files, and the reader gives the description back. */
import { describe, expect, test } from "vitest";
import { required } from "../../compiler/invariant.ts";
import { FAMILIES } from "../../compiler/net/address.ts";
import type { Host, HostInterface } from "../../compiler/network/network.ts";
import type { TableRoute } from "../../compiler/network/types.ts";
import { POD_NETWORKS } from "../../compiler/specs/network-types.ts";
import { collectFiles, readHost } from "../support/host-files.ts";
import { routeText } from "../support/host-text.ts";
import { kernelMissing } from "../support/kernel.ts";
import { randomNode } from "../support/random-hosts.ts";
import { EVERYTHING } from "../support/runs.ts";
import { describeShop } from "../support/walks.ts";

/** Random hosts. */
const RANDOM = EVERYTHING ? 40 : 4;

/** What decides about packets, in a form that can be compared. */
function factsOf({ interfaces, routing, bridgeNetfilter }: Host): unknown {
  const hasBridge = interfaces.some(({ kind }) => kind === "bridge");
  return plain({
    // A switch is described without a loopback interface.
    interfaces: interfaces
      .filter(({ kind, isUp }) => kind !== "loopback" || isUp)
      .map(factsOfInterface)
      .sort((a, b) => a.name.localeCompare(b.name)),
    routing: FAMILIES.map((family) => ({
      rules: routing[family].rules,
      tables: Object.entries(routing[family].tables)
        .flatMap(([table, routes]) => routes.filter(isSaid).map((route) => routeText(table, route)))
        .sort(),
    })),
    bridgeNetfilter: hasBridge ? bridgeNetfilter : undefined,
  });
}

/** Linux adds routes of anycast where it forwards, which descriptions leave out. */
function isSaid({ kind }: TableRoute): boolean {
  return kind !== "anycast";
}

function factsOfInterface({ sysctls, ...own }: HostInterface): HostInterface {
  const ipv6 = { ...sysctls.IPv6, sendRedirects: true };
  return { ...own, sysctls: { IPv4: sysctls.IPv4, IPv6: ipv6 } };
}

/** Without places. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, member: unknown) => {
      if (key === "provenance") return undefined;
      if (member instanceof Map) return [...member].sort();
      return typeof member === "bigint" ? `${member}n` : member;
    }),
  );
}

describe.skipIf(kernelMissing !== undefined)("files give the host back that was described", () => {
  // Without IPIP, which not every kernel has.
  const networks = POD_NETWORKS.filter((each) =>
    EVERYTHING ? each !== "calico-ipip" : /^(?:calico|flannel)-vxlan$/.test(each),
  );
  test.each(networks)("the nodes and pods of a cluster with %s", async (pods) => {
    const { layout } = describeShop({ pods });
    for (const name of EVERYTHING ? ["node/n1", "pod/shop/web-1", "gateway", "switch"] : ["node/n1", "gateway"]) {
      const host = required(layout.network.hosts.get(name), name);
      const files = await collectFiles(host);
      expect([name, factsOf(readHost([...files.values()]))]).toEqual([name, factsOf(host)]);
    }
  });

  test("random nodes", async () => {
    for (let seed = 1; seed <= RANDOM; seed++) {
      const host = randomNode(seed);
      const files = await collectFiles(host);
      expect([seed, factsOf(readHost([...files.values()]))]).toEqual([seed, factsOf(host)]);
    }
  });
});
