/** The stories of a cluster's traffic as text. `vitest -u` writes the files. */
import { describe, expect, test } from "vitest";
import { parsePacket } from "../../compiler/trace/parse.ts";
import { resolveFlow } from "../../compiler/trace/walk/flow.ts";
import { renderWalk } from "../../compiler/trace/walk/text.ts";
import { WalkNames } from "../../compiler/trace/walk/walk-names.ts";
import type { Manifest } from "../support/arbitraries.ts";
import { type ClusterKind, describeShop, SHOP, service } from "../support/walks.ts";

function tell(kind: ClusterKind, text: string, more: readonly Manifest[] = []): string {
  const fail = ({ message }: { readonly message: string }): never => {
    throw new Error(message);
  };
  const { input, layout, walker } = describeShop(kind, [...SHOP, ...more]);
  const packet = parsePacket({ name: "packet", text }, fail);
  const flow = packet && resolveFlow(packet, input.specs, layout, fail);
  if (flow === undefined) throw new Error(`${text} is no packet`);
  const { network } = layout;
  const names = new WalkNames(input.specs, network);
  const context = { names, protocol: flow.protocol, hosts: network.hosts, isVerbose: false };
  return renderWalk(walker.walk(flow), context, false);
}

const STORIES = {
  containers: "tcp pod/client > localhost:9000",
  "same-node": "tcp pod/client > web-1:8080",
  "other-node": "tcp pod/client > web-2:8080",
  "other-node-ipv6": "tcp [fd00:244:0:1::10] > [fd00:244:0:2::10]:8080",
  service: "tcp pod/client > svc/web",
  internet: "tcp pod/client > internet:443",
  "node-port": "tcp internet > n1:30123",
} as const;

const LAYOUTS = { bridge: { pods: "bridge" }, routed: { pods: "routed" } } as const satisfies Record<
  string,
  ClusterKind
>;

describe.each(Object.entries(LAYOUTS))("%s", (layout, kind) => {
  test.each(Object.entries(STORIES))("%s", async (story, packet) => {
    const path = new URL(`walks/${layout}-${story}.txt`, import.meta.url).pathname;
    await expect(tell(kind, packet)).toMatchFileSnapshot(path);
  });
});

/** Services besides those of the shop. */
const MORE: readonly Manifest[] = [
  service("dns", 53, "web", { ports: [{ port: 53, protocol: "UDP", targetPort: 5353 }] }),
  service("signal", 36, "web", { ports: [{ port: 3868, protocol: "SCTP" }] }),
  service("sticky", 33, "web", {
    sessionAffinity: "ClientIP",
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } },
    ports: [{ port: 80, targetPort: 8080 }],
  }),
];

/** By the name of the file: the cluster, and the packet. */
const OTHERS: Readonly<Record<string, readonly [ClusterKind, string]>> = {
  "gateway-forward": [{ pods: "bridge" }, "tcp internet > gateway:8080"],
  "balancer-routed": [{ pods: "bridge", balancer: "routed" }, "tcp internet > lb/shop/pub"],
  "balancer-nat": [{ pods: "bridge", balancer: "nat" }, "tcp internet > lb/shop/pub"],
  "balancer-proxy": [{ pods: "bridge", balancer: "proxy" }, "tcp internet > lb/shop/pub"],
  "balancer-local": [{ pods: "bridge", balancer: "nat", keepsClient: true }, "tcp internet > lb/shop/publocal"],
  "echo-same-node": [{ pods: "bridge" }, "icmp pod/client > web-1"],
  "echo-internet": [{ pods: "routed" }, "icmp pod/client > internet"],
  "vxlan-other-node": [{ pods: "flannel-vxlan" }, "tcp pod/client > web-2:8080"],
  "vxlan-service": [{ pods: "flannel-vxlan" }, "tcp pod/client > svc/api"],
  "iptables-service": [{ pods: "bridge", mode: "iptables" }, "tcp pod/client > svc/web"],
  "iptables-localhost-node-port": [{ pods: "bridge", mode: "iptables" }, "tcp node/n1 > localhost:30123"],
  "udp-service": [{ pods: "bridge" }, "udp pod/client > svc/dns"],
  "sctp-service": [{ pods: "routed" }, "sctp pod/client > svc/signal"],
  "service-ipv6": [{ pods: "bridge" }, "tcp pod/client > [fd00:96::30]:80"],
  "node-service": [{ pods: "bridge" }, "tcp node/n1 > svc/web"],
  "hairpin-bridge": [{ pods: "bridge" }, "tcp pod/web-1 > svc/web"],
  "hairpin-routed": [{ pods: "routed" }, "tcp pod/web-1 > svc/web"],
  "no-endpoints": [{ pods: "bridge" }, "tcp pod/client > svc/none"],
  affinity: [{ pods: "bridge" }, "tcp pod/client > svc/sticky"],
  "affinity-iptables": [{ pods: "bridge", mode: "iptables" }, "tcp pod/client > svc/sticky"],
  "lost-on-bridge": [
    { pods: "bridge", sysctls: { n1: { "net.bridge.bridge-nf-call-iptables": "0" } } },
    "tcp pod/client > svc/web",
  ],
};

test.each(Object.entries(OTHERS))("%s", async (story, [kind, packet]) => {
  const path = new URL(`walks/${story}.txt`, import.meta.url).pathname;
  await expect(tell(kind, packet, MORE)).toMatchFileSnapshot(path);
});
