/** What packets do in a small cluster, as flows, and variants of the cluster that they go through. */
import type { ClusterKind } from "./walks.ts";

/** Flows through the small cluster: to each kind of destination, from each kind of sender, in both families. */
export const STORIES: readonly string[] = [
  "pod/shop/client > 127.0.0.1:9000",
  "pod/shop/client > 10.244.1.11:8080",
  "pod/shop/client > 10.244.2.10:8080",
  "pod/shop/client > [fd00:244:0:1::11]:8080",
  "pod/shop/client > [fd00:244:0:2::10]:8080",
  "pod/shop/client > 10.96.0.30:80",
  "pod/shop/client > [fd00:96::30]:80",
  "pod/shop/web-1 > 10.96.0.30:80",
  "pod/shop/web-1 > [fd00:96::30]:80",
  "pod/shop/api > 10.96.0.20:80",
  "pod/shop/client > 198.51.100.10:443",
  "pod/shop/client > 10.96.0.31:80",
  "outside/client > 192.168.50.11:30123",
  "outside/client > 198.51.100.1:8080",
  "outside/client > 198.51.100.40:80",
  "outside/client > 198.51.100.41:80",
  "node/n1 > 10.96.0.30:80",
  "node/n1 > 10.244.1.11:8080",
  "node/n1 > 10.244.2.10:8080",
  "node/n1 > 192.168.50.12:22",
  "node/n1 > 192.168.50.11:30123",
  "pod/shop/client > [::1]:9000",
  "pod/shop/client > [2001:db8:ffff::10]:443",
  "pod/shop/client > [fd00:96::31]:80",
  "outside/client > [fd00:50::11]:30123",
  "node/n1 > [fd00:96::30]:80",
  "node/n1 > [fd00:244:0:1::11]:8080",
  "node/n1 > [fd00:244:0:2::10]:8080",
  "node/n1 > [fd00:50::12]:22",
  "node/n1 > [fd00:50::11]:30123",
];

const off = { n1: { "net.bridge.bridge-nf-call-iptables": "0" } };

/** By what they have of their own; the first three are healthy, and differ in how pods are reached. */
export const STORY_CLUSTERS: Readonly<Record<string, ClusterKind>> = {
  "pods on a bridge": { pods: "bridge" },
  "routed pods": { pods: "routed" },
  "pods behind VXLAN": { pods: "flannel-vxlan" },
  "pods of kindnet": { pods: "kindnet" },
  "rules for iptables": { pods: "bridge", mode: "iptables" },
  "a load balancer that translates": { pods: "bridge", balancer: "nat" },
  "a load balancer that keeps the client's address": { pods: "bridge", balancer: "nat", keepsClient: true },
  "a load balancer that is a proxy": { pods: "routed", balancer: "proxy" },
  "a bridge without netfilter": { pods: "bridge", sysctls: off },
  "a bridge without hairpin mode": { pods: "bridge", hairpin: false },
  "a node that forwards nothing": { pods: "bridge", sysctls: { n1: { "net.ipv4.ip_forward": "0" } } },
  "pods that are not masqueraded": { pods: "bridge", masquerade: "none" },
};
