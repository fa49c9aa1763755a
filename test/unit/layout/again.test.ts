/** A network that is laid out again after a change is the one that is laid out from the changed input alone. */
import { expect, test } from "vitest";
import { resolveInput } from "../../../compiler/compile.ts";
import { describeNetwork } from "../../../compiler/described.ts";
import { required } from "../../../compiler/invariant.ts";
import type { Host } from "../../../compiler/network/network.ts";
import { resolveConfigs } from "../../../compiler/node/all-nodes.ts";
import { loadSpecs, SpecsMemory } from "../../../compiler/specs/load.ts";
import { clusterDocument } from "../../support/cluster-document.ts";
import { gridText } from "../../support/grid-cluster.ts";
import { hostText } from "../../support/host-text.ts";
import { some } from "../../support/runs.ts";

const GRID = gridText({ nodes: 2, pods: 6, services: 2 });

/** One after the other; each is another input. */
const CLUSTERS = [
  "pods: {network: bridge}",
  "pods: {network: bridge, mtu: 1400}",
  "pods: {network: bridge, hairpin: false, bridge: br9}",
  "pods: {network: routed}",
  "pods: {network: kindnet}",
  "pods: {network: flannel-vxlan}",
  "pods: {network: flannel-vxlan}\nunderlay: {mtu: 9000}",
  "nodes: [{name: n1, sysctls: {net.ipv4.conf.all.rp_filter: 1}}]",
  'nodes: [{name: n1, sysctls: {net.ipv4.conf.veth-p1.rp_filter: "2", net.ipv4.conf.veth-p3.proxy_arp: "1"}}]',
  "pods: {network: bridge}",
];

const GRIDS = [
  GRID,
  GRID.replace("10.244.1.10", "10.244.1.77"),
  GRID.replace('"nodeName":"n1"', '"nodeName":"n0"'),
  GRID.replace('"podCIDR":"10.244.1.0/24","podCIDRs":["10.244.1.0/24"]', '"podCIDRs":["10.244.0.0/20"]'),
  GRID.replaceAll("192.168.50.11", "192.168.50.99"),
  GRID.replace('"containerPort":8080', '"containerPort":9090'),
];

test("what is kept of a layout changes nothing of the next one", () => {
  const clusters = some(CLUSTERS, 4);
  const memory = new SpecsMemory();
  let kept: readonly Host[] = [];
  let reused = 0;
  for (const cluster of clusters)
    for (const grid of GRIDS) {
      const hosts = hostsOf(grid, cluster, memory);
      expect(hosts.map((host) => hostText(host))).toEqual(hostsOf(grid, cluster).map((host) => hostText(host)));
      reused += hosts.filter((host) => kept.includes(host)).length;
      kept = hosts;
    }
  expect(reused).toBeGreaterThan((clusters.length * GRIDS.length * 6) / 2);
});

function hostsOf(grid: string, cluster: string, memory?: SpecsMemory): readonly Host[] {
  const sources = [
    { name: "grid.json", text: grid },
    { name: "cluster.yaml", text: clusterDocument(cluster) },
  ];
  const { resolved } = resolveInput((report) => loadSpecs(sources, report, memory), {}, {}, resolveConfigs);
  const { layout } = describeNetwork(required(resolved, `${cluster} has no errors`));
  return [...layout.network.hosts.values()];
}
