/** What a node's commands print is read as the host that was described: the description makes a network namespace, the script that
 *  users run collects its files, and the reader gives the description back. */
import { describe, expect, test } from "vitest";
import { required } from "../../compiler/invariant.ts";
import { FAMILIES, printAddress } from "../../compiler/net/address.ts";
import { printPrefix } from "../../compiler/net/prefix.ts";
import type { Host, HostInterface } from "../../compiler/network/network.ts";
import type { TableRoute } from "../../compiler/network/types.ts";
import { POD_NETWORKS } from "../../compiler/specs/network-types.ts";
import { collectFiles, readHost } from "../support/host-files.ts";
import { kernelMissing } from "../support/kernel.ts";
import { EVERYTHING } from "../support/runs.ts";
import { describeShop } from "../support/walks.ts";

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

function routeText(
  table: string,
  { kind, prefix, metric, scope, hops, preferredSource, mtu, isAutomatic }: TableRoute,
): string {
  const ways = hops.map(({ interface: name, gateway, isOnLink, weight }) =>
    [gateway && printAddress(gateway), name, weight, isOnLink].filter((each) => each !== undefined).join(" "),
  );
  const source = preferredSource === undefined ? "" : ` src ${printAddress(preferredSource)}`;
  return `${table} ${kind} ${printPrefix(prefix)} ${metric} ${scope}${source} mtu ${mtu ?? "-"} ${isAutomatic ?? false}: ${ways.join(", ")}`;
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
      if (member instanceof Map) return [...member];
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
});
