/**
 * How soon a change of one EndpointSlice is in the kernel, by kpc's agent and by the real kube-proxy (nftables mode): each on a node of its
 * own, on the same real API server, at the same time.
 *
 *   npm run bench:agent-beside-kube-proxy -- [--services 1000] [--endpoints 10] [--changes 50] [--pause 1200]
 *
 * Milliseconds from the request to the API server until the kernel tells the namespace of the new endpoint (`nft monitor`), which both have
 * in common. Between changes there is a pause of milliseconds: kube-proxy waits a second between two syncs (minSyncPeriod). Memory is the resident
 * set of all processes of each. Needs root and what `sh test/support/kube/build.sh` builds.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { call } from "../test/support/api-server/raw-request.ts";
import type { Manifest } from "../test/support/arbitraries.ts";
import { ApiRelay } from "../test/support/kube/api-relay.ts";
import { kubeMissing } from "../test/support/kube/binaries.ts";
import { ServedCluster } from "../test/support/kube/cluster-on-server.ts";
import { KubeProxyNode, type NodeProxy } from "../test/support/kube/kube-proxy-node.ts";
import { RealApiServer } from "../test/support/kube/real-api-server.ts";

const PROXIES: readonly NodeProxy[] = ["kpc agent", "kube-proxy"];
/** Milliseconds after which a change counts as lost. */
const LOST_MS = 30_000;
/** Services that are made at the same time. */
const AT_ONCE = 20;

const { values: flags } = parseArgs({
  options: {
    services: { type: "string", default: "1000" },
    endpoints: { type: "string", default: "10" },
    changes: { type: "string", default: "50" },
    pause: { type: "string", default: "1200" },
  },
});
const [services, endpoints, changes, pause] = [flags.services, flags.endpoints, flags.changes, flags.pause].map(
  Number,
) as [number, number, number, number];

const clusterIp = (i: number): string => `172.30.${2 + (i >> 7)}.${1 + (i & 127)}`;
/** The endpoint that a change brings. */
const newEndpoint = (change: number): string => `10.200.${change >> 8}.${change & 255}`;

function service(i: number): Manifest {
  const metadata = { name: `s${i}`, namespace: "shop" };
  return { apiVersion: "v1", kind: "Service", metadata, spec: { clusterIP: clusterIp(i), ports: portsOf(80) } };
}

function slice(i: number, change: number): Manifest {
  const address = (j: number): string => {
    const number = i * endpoints + j;
    return j === 0 ? newEndpoint(change) : `10.${181 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
  };
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `s${i}-1`, namespace: "shop", labels: { "kubernetes.io/service-name": `s${i}` } },
    addressType: "IPv4",
    ports: portsOf(8080),
    endpoints: Array.from({ length: endpoints }, (_, j) => ({ addresses: [address(j)], conditions: { ready: true } })),
  };
}

function portsOf(port: number): readonly Manifest[] {
  return [{ name: "p", port, protocol: "TCP" }];
}

async function fill(served: ServedCluster): Promise<void> {
  await served.makeNamespaces(["shop"]);
  const addresses = [{ type: "InternalIP", address: "192.168.0.2" }];
  await served.make([{ apiVersion: "v1", kind: "Node", metadata: { name: "node-a" }, status: { addresses } }]);
  for (let first = 0; first < services; first += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, services - first) }, (_, i) => first + i);
    const refused = await Promise.all(numbers.map((i) => served.make([service(i), slice(i, 0)])));
    for (const { message } of refused.flat()) throw new Error(message);
  }
}

async function main(): Promise<number> {
  const missing = kubeMissing(["etcd", "kube-apiserver", "kube-proxy"]);
  if (missing !== undefined) {
    console.log(`kube-proxy is not asked: ${missing}`);
    return 0;
  }
  const api = await RealApiServer.start();
  const relay = await ApiRelay.start(api);
  const nodes: KubeProxyNode[] = [];
  try {
    await fill(new ServedCluster(api));
    const settings = {
      mode: "nftables",
      nodeName: "node-a",
      addresses: ["192.168.0.2/24"],
      config: { clusterCIDR: "10.180.0.0/12" },
    } as const;
    for (const proxy of PROXIES) nodes.push(await KubeProxyNode.start(api, relay, settings, proxy));
    for (const node of nodes) await node.rules([clusterIp(0), clusterIp(services - 1)]);
    const times = await measure(api, nodes);
    for (const [i, proxy] of PROXIES.entries()) {
      const sorted = (times[i] ?? []).sort((a, b) => a - b);
      const at = (share: number): string => (sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN).toFixed(1);
      const processes = (await nodes[i]?.processes()) ?? [];
      const sum = (of: "kilobytes" | "seconds"): number => processes.reduce((all, each) => all + each[of], 0);
      console.log(
        `${proxy.padEnd(10)} ${services} x ${endpoints}: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, most ${at(1)} ms (${sorted.length} of ${changes} changes); ` +
          `${Math.round(sum("kilobytes") / 1000)} MB, ${sum("seconds")} s of CPU`,
      );
    }
    return 0;
  } finally {
    for (const node of nodes) await node.close();
    await relay.stop();
    await api.stop();
  }
}

/** Milliseconds of each change, of each node. */
async function measure(api: RealApiServer, nodes: readonly KubeProxyNode[]): Promise<number[][]> {
  const monitors = await Promise.all(nodes.map((node) => node.monitor()));
  // The monitors read what there is first.
  await sleep(2000);
  const times = nodes.map((): number[] => []);
  for (let change = 1; change <= changes; change++) {
    const i = (change * 37) % services;
    for (const monitor of monitors) monitor.forget();
    const open = new Set(monitors.keys());
    const start = performance.now();
    const path = `/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/s${i}-1`;
    const sent = call(api.access("admin"), "PUT", path, { body: slice(i, change) });
    while (open.size > 0 && performance.now() - start < LOST_MS) {
      for (const each of open) {
        if (monitors[each]?.saw(`${newEndpoint(change)} `) !== true) continue;
        times[each]?.push(performance.now() - start);
        open.delete(each);
      }
      await sleep(1);
    }
    const { status, body } = await sent;
    if (status !== 200) throw new Error(`${status}: ${body?.["message"]}`);
    await sleep(pause);
  }
  for (const monitor of monitors) monitor.close();
  return times;
}

process.exitCode = await main();
