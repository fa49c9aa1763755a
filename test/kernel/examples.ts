/** Clusters about which the reference and the kernel once disagreed, with what was wrong. */
import { type ClusterInput, NODE_NAME, PROXY } from "../support/arbitraries.ts";

/** Connection tracking does not call a packet translated that is sent where it was going: masquerading was left out for
 *  frontends that are endpoints of their own (host network Pods behind a node port of the same number, external IPs). */
const OWN_ENDPOINTS: ClusterInput["objects"] = [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "own", namespace: "shop" },
    spec: {
      type: "NodePort",
      clusterIP: "172.30.0.41",
      clusterIPs: ["172.30.0.41"],
      ipFamilies: ["IPv4"],
      externalIPs: ["10.180.0.1"],
      ports: [{ port: 30001, protocol: "TCP", nodePort: 30001 }],
    },
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "own-1", namespace: "shop", labels: { "kubernetes.io/service-name": "own" } },
    addressType: "IPv4",
    endpoints: ["192.168.0.2", "10.180.0.1", "10.180.0.2"].map((address) => ({
      addresses: [address],
      nodeName: NODE_NAME,
    })),
    ports: [{ name: "", port: 30001, protocol: "TCP" }],
  },
];

/** A connection of the node's to itself, by way of a Service, comes back by loopback with the address that masquerading gave
 *  it: source ranges were held against the one before. */
const MASQUERADED_HERE: ClusterInput["objects"] = (
  [
    ["IPv4", "172.30.0.41", "192.168.0.2", "1.2.3.4/32"],
    ["IPv4", "172.30.0.42", "192.168.1.2", "192.168.1.2/32"],
    ["IPv4", "172.30.0.43", "192.168.1.2", "192.168.0.2/32"],
    ["IPv6", "fd00:10:96::41", "2001:db8::1", "2001:db8::1/128"],
    ["IPv6", "fd00:10:96::42", "2001:db8:1::2", "2001:db8::1/128"],
    ["IPv6", "fd00:10:96::43", "2001:db8:1::2", "2001:db8:1::2/128"],
  ] as const
).flatMap(([family, clusterIp, own, range], i): ClusterInput["objects"] => [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: `ranged-${i}`, namespace: "shop" },
    spec: {
      type: "LoadBalancer",
      clusterIP: clusterIp,
      clusterIPs: [clusterIp],
      ipFamilies: [family],
      loadBalancerSourceRanges: [range],
      ports: [{ port: 8000 + i, protocol: "TCP", nodePort: 31000 + i }],
    },
    status: { loadBalancer: { ingress: [{ ip: own, ipMode: "VIP" }] } },
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `ranged-${i}-1`, namespace: "shop", labels: { "kubernetes.io/service-name": `ranged-${i}` } },
    addressType: family,
    endpoints: [{ addresses: [own], nodeName: NODE_NAME }],
    ports: [{ name: "", port: 8000 + i, protocol: "TCP" }],
  },
]);

/** With the first packet to be asked about. */
export const EXAMPLES: readonly [cluster: ClusterInput, start: number][] = (["nftables", "iptables"] as const).flatMap(
  (mode) =>
    [OWN_ENDPOINTS, MASQUERADED_HERE].flatMap((objects) =>
      [0, 1, 2, 3, 4].map((start): [ClusterInput, number] => [{ objects, proxy: PROXY, mode }, start]),
    ),
);
