/**
 * kpc's agent and the real kube-proxy: each on a node of its own, on the same real API server, in the same mode. In iptables mode both write rules of
 * iptables, by the tools that the host has: iptables-nft, since iptables-legacy tells nobody when it has changed something.
 *
 *   npm run bench:agent-beside-kube-proxy -- [--mode nftables|iptables] [--services 1000] [--endpoints 10] [--changes 50] [--pause 1200]
 *
 * - Start: one after the other, until the first full sync is done, and what each says that it took
 *   (`kubeproxy_sync_full_proxy_rules_duration_seconds`).
 * - Changes: both at once, milliseconds from the request to the API server that changes one EndpointSlice until the kernel tells the namespace of the
 *   new endpoint. Between changes there is a pause of milliseconds: kube-proxy waits a second between two syncs (minSyncPeriod).
 * - Flows: meanwhile a client on each node opens TCP connections to the Services that change. Lost are those whose first packet is not sent on to an
 *   endpoint.
 * - Memory is the resident set of all processes of each, without and with the agent's children; CPU time is theirs since the start.
 *
 * Needs root and what `sh test/support/kube/build.sh` builds.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { members } from "../runtime/api/trouble.ts";
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

const { values: flags } = parseArgs({
  options: {
    mode: { type: "string", default: "nftables" },
    services: { type: "string", default: "1000" },
    endpoints: { type: "string", default: "10" },
    changes: { type: "string", default: "50" },
    pause: { type: "string", default: "1200" },
  },
});
const [services, endpoints, changes, pause] = [flags.services, flags.endpoints, flags.changes, flags.pause].map(
  Number,
) as [number, number, number, number];

const mode = modeNamed(flags.mode);

function modeNamed(text: string): "nftables" | "iptables" {
  if (text !== "nftables" && text !== "iptables")
    throw new Error(`--mode: expected nftables or iptables, found ${text}`);
  return text;
}

const clusterIp = (i: number): string => `172.30.${2 + (i >> 7)}.${1 + (i & 127)}`;
/** The endpoint that a change brings. */
const newEndpoint = (change: number): string => `10.200.${change >> 8}.${change & 255}`;

function service(i: number): Manifest {
  const metadata = { name: `s${i}`, namespace: "shop" };
  const spec = {
    type: "ClusterIP",
    clusterIP: clusterIp(i),
    clusterIPs: [clusterIp(i)],
    ipFamilies: ["IPv4"],
    ipFamilyPolicy: "SingleStack",
    internalTrafficPolicy: "Cluster",
    sessionAffinity: "None",
    ports: portsOf(80).map((port) => ({ ...port, targetPort: 8080 })),
  };
  return { apiVersion: "v1", kind: "Service", metadata, spec };
}

function slice(i: number, change: number): Manifest {
  const address = (j: number): string => {
    const number = i * endpoints + j;
    return j === 0 && change > 0
      ? newEndpoint(change)
      : `10.${181 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
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

/** Nodes and namespaces as a client makes them; Services and slices, of which there are thousands, straight into etcd. */
async function fill(api: RealApiServer): Promise<void> {
  const served = new ServedCluster(api);
  await served.makeNamespaces(["shop"]);
  const addresses = [{ type: "InternalIP", address: "192.168.0.2" }];
  await served.make([{ apiVersion: "v1", kind: "Node", metadata: { name: "node-a" }, status: { addresses } }]);
  const numbers = Array.from({ length: services }, (_, i) => i);
  await api.store(
    numbers.flatMap((i) => [...serviceInEtcd(i), [`/registry/endpointslices/shop/s${i}-1`, stored(slice(i, 0))]]),
  );
  // What the API server answers from is behind etcd.
  for (const path of ["/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices"])
    for (;;) {
      const { body } = await call(api.access("admin"), "GET", `${path}?resourceVersion=0`);
      const { length } = members(body)["items"] as readonly unknown[];
      if (length >= services) break;
      await sleep(100);
    }
}

/** With the address that it has, which is an object of its own. */
function serviceInEtcd(i: number): [string, object][] {
  const address = clusterIp(i);
  const reference = { resource: "services", namespace: "shop", name: `s${i}` };
  const labels = {
    "ipaddress.kubernetes.io/ip-family": "IPv4",
    "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
  };
  const ip = { apiVersion: "networking.k8s.io/v1", kind: "IPAddress", metadata: { name: address, labels } };
  return [
    [`/registry/services/specs/shop/s${i}`, stored(service(i))],
    [`/registry/ipaddresses/${address}`, stored({ ...ip, spec: { parentRef: reference } })],
  ];
}

/** An object with what the API server gives to each. */
function stored(object: Manifest): Manifest {
  const metadata = { ...members(object["metadata"]), uid: randomUUID(), creationTimestamp: CREATED, generation: 1 };
  return { ...object, metadata };
}

const CREATED = new Date().toISOString().replace(/\.\d+/, "");

/** How far it is, and what it has taken so far. */
function tell(what: string): void {
  console.error(`${(performance.now() / 1000).toFixed(1)} s: ${what}`);
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
    await fill(api);
    tell(`${services} Services are written`);
    const settings = {
      mode,
      nodeName: "node-a",
      addresses: ["192.168.0.2/24"],
      config: { clusterCIDR: "10.180.0.0/12" },
    } as const;
    const starts: Start[] = [];
    for (const proxy of PROXIES) {
      const begun = performance.now();
      const node = await KubeProxyNode.start(api, relay, settings, proxy);
      nodes.push(node);
      starts.push(await startOf(node, begun));
      tell(`${proxy} has started`);
    }
    for (const node of nodes) await node.run(CLIENT);
    const times = await measure(api, nodes);
    tell("changes are made");
    const flows = await Promise.all(nodes.map(flowsOf));
    for (const [i, proxy] of PROXIES.entries()) {
      const sorted = (times[i] ?? []).sort((a, b) => a.seenMs - b.seenMs);
      const at = (share: number): string =>
        (sorted[Math.ceil(share * sorted.length) - 1]?.seenMs ?? Number.NaN).toFixed(1);
      const processes = (await nodes[i]?.processes()) ?? [];
      const sum = (of: "kilobytes" | "seconds"): number => processes.reduce((all, each) => all + each[of], 0);
      const own = Math.max(0, ...processes.map(({ kilobytes }) => kilobytes));
      const { wallMs = Number.NaN, syncMs = Number.NaN } = starts[i] ?? {};
      const { sent = Number.NaN, lost = Number.NaN } = flows[i] ?? {};
      console.log(
        `${proxy.padEnd(10)} ${mode} ${services} x ${endpoints}: start ${Math.round(wallMs)} ms, full sync ${Math.round(syncMs)} ms; ` +
          `changes p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms, of which the API server answered after ${sorted.at(-1)?.answeredMs.toFixed(1)} ms (${sorted.length} of ${changes}); ` +
          `${lost} of ${sent} new flows lost; ${Math.round(sum("kilobytes") / 1000)} MB (the proxy alone ${Math.round(own / 1000)}), ${sum("seconds").toFixed(1)} s of CPU`,
      );
    }
    const [own, other] = starts.map(({ syncMs }) => syncMs);
    console.log(
      `full sync: kube-proxy takes ${((other ?? Number.NaN) / (own ?? Number.NaN)).toFixed(1)} times as long`,
    );
    return 0;
  } finally {
    for (const node of nodes) await node.close();
    await relay.stop();
    await api.stop();
  }
}

interface Start {
  /** Milliseconds since the process was started. */
  readonly wallMs: number;
  /** Milliseconds that the proxy itself has measured: the sum of full syncs so far. */
  readonly syncMs: number;
}

/** Resolves after the first full sync. Objects of the other family are none: what it takes there is no time. */
async function startOf(node: KubeProxyNode, begun: number): Promise<Start> {
  const seconds = Number(await node.run(FULL_SYNC));
  return { wallMs: performance.now() - begun, syncMs: seconds * 1000 };
}

/** Asks for metrics until a full sync is told of, ten times a second: to ask is to take time from who is measured. */
const FULL_SYNC = `perl -MSocket -e '
  my $name = "kubeproxy_sync_full_proxy_rules_duration_seconds";
  while (1) {
    select(undef, undef, undef, 0.1);
    socket(my $s, AF_INET, SOCK_STREAM, 6) or next;
    connect($s, pack_sockaddr_in(10249, inet_aton("127.0.0.1"))) or next;
    syswrite $s, "GET /metrics HTTP/1.0\\r\\n\\r\\n";
    my @lines = grep { /^$name/ && !/IPv6/ } split /\\n/, join "", <$s>;
    my ($count) = map { / (\\S+)$/ } grep { /^\${name}_count/ } @lines or next;
    my ($sum) = map { / (\\S+)$/ } grep { /^\${name}_sum/ } @lines;
    if ($count > 0) { print $sum; exit }
  }'`;

/** Opens connections, and counts first packets before their destination is translated, and those to an endpoint after it. Entries of conntrack do not
 *  stay: the machine has one table for all namespaces. */
const CLIENT = `ip route add 172.30.0.0/16 dev node0
ip route add 10.0.0.0/8 dev node0
sysctl -q -w net.netfilter.nf_conntrack_tcp_timeout_syn_sent=2
nft -f - << 'END'
table ip flows {
  counter sent { }
  counter served { }
  chain before { type filter hook output priority -300; ip daddr 172.30.0.0/16 tcp flags syn counter name sent; }
  chain after { type filter hook postrouting priority -300; ip daddr 10.0.0.0/8 tcp flags syn tcp dport 8080 counter name served; }
}
END
cat > /tmp/kpc-flows-$$.pl << 'END'
use Socket; use Fcntl;
while (1) {
  my $i = (37 * (1 + int rand CHANGES)) % SERVICES;
  socket(my $s, AF_INET, SOCK_STREAM, 6) or next;
  fcntl($s, F_SETFL, O_NONBLOCK);
  connect($s, pack_sockaddr_in(80, inet_aton("172.30." . (2 + ($i >> 7)) . "." . (1 + ($i & 127)))));
  close $s;
  select(undef, undef, undef, 0.0005);
}
END
perl /tmp/kpc-flows-$$.pl > /dev/null 2>&1 &`
  .replace("CHANGES", String(changes))
  .replace("SERVICES", String(services));

async function flowsOf(node: KubeProxyNode): Promise<{ readonly sent: number; readonly lost: number }> {
  await node.run("kill $!; wait $! 2> /dev/null; rm -f /tmp/kpc-flows-$$.pl");
  const [sent = Number.NaN, served = Number.NaN] = [
    ...(await node.run("nft list counters table ip flows")).matchAll(/packets (\d+)/g),
  ].map(([, packets]) => Number(packets));
  return { sent, lost: sent - served };
}

/** Milliseconds of a change until the kernel told of it, and until the API server had answered who asked for it. */
interface ChangeTimes {
  readonly seenMs: number;
  readonly answeredMs: number;
}

/** Those of each change, of each node. */
async function measure(api: RealApiServer, nodes: readonly KubeProxyNode[]): Promise<ChangeTimes[][]> {
  const monitors = await Promise.all(nodes.map((node) => node.monitor()));
  tell("changes begin");
  const times = nodes.map((): ChangeTimes[] => []);
  for (let change = 1; change <= changes; change++) {
    const i = (change * 37) % services;
    for (const monitor of monitors) monitor.forget();
    const open = new Set(monitors.keys());
    const start = performance.now();
    const path = `/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/s${i}-1`;
    const seenAt = new Map<number, number>();
    let answeredMs = Number.NaN;
    const sent = call(api.access("admin"), "PUT", path, { body: slice(i, change) }).finally(() => {
      answeredMs = performance.now() - start;
    });
    while (open.size > 0 && performance.now() - start < LOST_MS) {
      for (const each of open) {
        if (monitors[each]?.saw(newEndpoint(change)) !== true) continue;
        seenAt.set(each, performance.now() - start);
        open.delete(each);
      }
      await sleep(1);
    }
    const { status, body } = await sent;
    if (status !== 200) throw new Error(`${status}: ${body?.["message"]}`);
    for (const [each, seenMs] of seenAt) times[each]?.push({ seenMs, answeredMs });
    await sleep(pause);
  }
  for (const monitor of monitors) monitor.close();
  return times;
}

process.exitCode = await main();
